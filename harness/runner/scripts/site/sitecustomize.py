"""Python imports this before a user's script: its folder is on PYTHONPATH of the script's process.

It lets the script be observed, and leaves nothing of itself on the script's import path. What the
script starts (a child, itself again) inherits the variables and is observed as well.
"""

from __future__ import annotations

import os
import sys


def _import_the_one_of_the_environment() -> None:
    """An environment may have a module of this name, which would have been imported instead."""
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        sitecustomize = own
    sys.modules["sitecustomize"] = sitecustomize


def _start() -> None:
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    place = os.environ.get("HARNESS_OBSERVATION")
    if place:
        root = folder
        for _ in range(4):
            root = os.path.dirname(root)
        sys.path.insert(0, root)
        try:
            from harness.runner.scripts.observing import start

            start.observe(place, root)
        finally:
            sys.path.remove(root)
    _import_the_one_of_the_environment()


_start()
