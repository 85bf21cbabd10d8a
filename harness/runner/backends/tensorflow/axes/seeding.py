"""`seeding`: which generators get the seed."""

from __future__ import annotations

from harness.runner.backends.tensorflow import generators, stages
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.SEED


def apply(value: str, run: Run) -> None:
    """Seed those generators, and give fresh entropy to the others."""
    generators.seed(value, run.asked["seed"])


def read(run: Run) -> Finding:
    """Which generators had the state that the seed gives."""
    if run.seeded is None:
        return None, "the run ended before seeding"
    return generators.name_of(run.seeded), "the generators' states"
