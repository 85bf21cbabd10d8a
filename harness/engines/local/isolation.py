"""How far a process on this host can be kept from network and files: found out once, by trying."""

from __future__ import annotations

import os
import sys
from functools import cache

from harness import scratch
from harness.engines.local import guarding
from harness.engines.local.guard import ISOLATIONS
from harness.errors import EngineError
from harness.results.machine import visible_cpus


@cache
def best() -> str:
    """The strongest of `guard.ISOLATIONS` that works here.

    Namespaces may be switched off (unprivileged ones in particular) or forbidden by the container
    this runs in.

    Raises:
        EngineError: none works.
    """
    candidates = ISOLATIONS if os.getuid() == 0 else ISOLATIONS[1:]
    working = next((isolation for isolation in candidates if _works(isolation)), None)
    if working is None:
        raise EngineError(
            "the local engine cannot start a process here, not even one without isolation",
            remedy="look at the limits on this shell (ulimit -a), or use --engine docker",
        )
    return working


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
            log=None,
        )
        with guarding.started(tree) as guard:
            guard.process.wait()
            return guard.report().get("code") == 0
