"""`env`: free environment variables. The host sets them."""

from __future__ import annotations

from typing import Dict

from harness.runner import variables
from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """The variables asked for, and any other that can change results and that nobody set."""
    before = run.imported.variables
    values = {name: variables.before_and_now(name, before) for name in run.asked["env"]}
    present = {name: value for name, value in values.items() if value is not None}
    present.update(_uninvited(run))
    return present, "os.environ before the import, and getenv after the training"


def _uninvited(run: Run) -> Dict[str, str]:
    invited = set(run.variables) | variables.OF_THE_ENGINE
    return {
        name: value
        for name, value in sorted(run.imported.variables.items())
        if variables.GOVERNING.fullmatch(name) and name not in invited
    }
