"""How far a process on this host can be kept from network and files: found out once, by trying."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from harness import scratch
from harness.engines.local import guarding
from harness.engines.local.guard import ISOLATIONS
from harness.results.machine import visible_cpus


@cache
def best() -> str:
    """The strongest of `guard.ISOLATIONS` that works here.

    Namespaces may be switched off (unprivileged ones in particular) or forbidden by the container
    this runs in.
    """
    candidates = ISOLATIONS if os.getuid() == 0 else ISOLATIONS[1:]
    return next(isolation for isolation in candidates if _works(isolation))


def _works(isolation: str) -> bool:
    with scratch.folder("probe") as folder:
        (folder / "read-only").mkdir()
        tree = guarding.Tree(
            command=[sys.executable, "-I", "-S", "-c", ""],
            cwd=str(folder),
            cpus=tuple(visible_cpus()),
            isolation=isolation,
            read_only=(str(folder / "read-only"),),
            variables={},
            log=Path(os.devnull),
        )
        with guarding.started(tree) as guard:
            guard.process.wait()
            return guard.report().get("code") == 0
