"""`seed`: the number that the generators get. The axis `seeding` applies it."""

from __future__ import annotations

from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """The seed, if any generator had it."""
    if run.seeded is None:
        return None, "the run ended before seeding"
    how = "the generators' states after seeding: %s" % ("+".join(run.seeded) or "none has it")
    return run.asked["seed"] if run.seeded else None, how
