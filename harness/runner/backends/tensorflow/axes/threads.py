"""`threads`: the threads inside one operation."""

from __future__ import annotations

from typing import Any

from harness.runner.backends.tensorflow import parallelism, stages
from harness.runner.backends.tensorflow.api import has_gpu
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.PROCESS


def apply(value: Any, run: Run) -> None:
    """Limit the intra-op pool."""
    parallelism.limit("threads", "intra", value)


def read(run: Run) -> Finding:
    """The size of the intra-op pool: the threads there are, less those of the inter-op pool."""
    if run.had_begun is None:
        return None, "the run ended before its settings were applied"
    getter = parallelism.getter("intra")
    intra, inter = parallelism.size("intra", run), parallelism.size("inter", run)
    if run.threads is None or run.imported.threads is None or intra is None or inter is None:
        return intra, "%s; the threads themselves were not counted" % getter
    made = run.threads - run.imported.threads
    how = "%s; %d threads made, %d of them inter-op" % (getter, made, inter)
    if has_gpu() and made >= intra + inter:
        return intra, "%s or the GPU's" % how
    return made - inter, how
