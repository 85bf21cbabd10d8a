"""`isa`: the highest instruction set oneDNN may use. The host sets the variables."""

from __future__ import annotations

from harness.protocol import processor
from harness.runner import variables
from harness.runner.backends.tensorflow.probing import SAYS_NOTHING
from harness.runner.findings import Finding
from harness.runner.run import Run

VARIABLE = "ONEDNN_MAX_CPU_ISA"
"""The oneDNN in TensorFlow before 2.8 listens to DNNL_MAX_CPU_ISA only; the host sets both."""

_INSTRUCTION_SETS = {
    "Intel SSE4.1": "sse41",
    "Intel AVX2": "avx2",
    "Intel AVX-512 with AVX512BW, AVX512VL, and AVX512DQ extensions": "avx512_core",
}
"""oneDNN's names for the instruction sets that can be asked for."""


def read(run: Run) -> Finding:
    """The instruction set oneDNN chose where it was capped, else that it was not."""
    cap = variables.before_and_now(VARIABLE, run.imported.variables)
    chosen = run.imported.probed.instruction_set
    message = SAYS_NOTHING if chosen is None else "oneDNN's message: isa:%s" % chosen
    if cap is None:
        return "native", "%s is not set; %s" % (VARIABLE, message)
    how = "%s=%s; %s" % (VARIABLE, cap, message)
    if chosen is not None:
        return _INSTRUCTION_SETS.get(chosen, chosen), how
    return _from_cpu(cap.lower(), how)


def _from_cpu(cap: str, how: str) -> Finding:
    """What a cap comes to where oneDNN does not say."""
    flags = processor.cpu_flags()
    if cap not in processor.INSTRUCTION_SETS:
        return cap, how
    if not processor.supports(cap, flags):
        return processor.best_of(flags), "%s, and this CPU lacks it" % how
    return None, how
