"""`contraction_kernel`: TensorFlow's kernel for matrix products. The host sets the variable."""

from __future__ import annotations

from harness.runner import variables
from harness.runner.backends.tensorflow.probing import KERNEL_VARIABLE, SAYS_NOTHING
from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """Whether the kernel was called, else what its variable says."""
    variable = variables.before_and_now(KERNEL_VARIABLE, run.imported.variables)
    called = run.imported.probed.contracts
    setting = " is not set" if variable is None else "=" + variable
    if called is None:
        return _from_variable(variable), "%s%s; %s" % (KERNEL_VARIABLE, setting, SAYS_NOTHING)
    message = "it called oneDNN" if called else "it did not call oneDNN, and does so when turned on"
    return ("on" if called else "off"), "%s%s; %s" % (KERNEL_VARIABLE, setting, message)


def _from_variable(variable: str | None) -> str:
    if variable is None:
        return "default"
    return "off" if variable.lower() in ("false", "0") else "on"
