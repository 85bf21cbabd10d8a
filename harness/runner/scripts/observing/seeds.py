"""Seeds that the matrix asks for, given before the script can draw a number."""

from __future__ import annotations

import importlib
import random
from typing import List

from harness.protocol.open_values import DEFAULT
from harness.runner.scripts.observing.notes import Notes

USUAL_SEED = 42


def wanted(notes: Notes) -> List[str]:
    """The generators that get the seed: `python`, `numpy`, `tf`."""
    value = str(notes.settings["asked"]["seeding"])
    return ["python", "numpy", "tf"] if value == "all" else value.split("+")


def number(notes: Notes) -> int:
    """The seed."""
    asked = notes.settings["asked"]["seed"]
    return USUAL_SEED if asked == DEFAULT else int(asked)


def seed_python(notes: Notes) -> None:
    """Seed Python's generator, if that is asked for."""
    if "python" in wanted(notes):
        random.Random.seed(random._inst, number(notes))
        notes.seeded.append("python")


def seed_numpy(notes: Notes) -> None:
    """Seed NumPy's global generator, if that is asked for; NumPy was imported just now."""
    if "numpy" in wanted(notes):
        # NumPy 2 imports it when it is first used.
        importlib.import_module("numpy.random.mtrand")._rand.seed(number(notes))
        notes.seeded.append("numpy")
