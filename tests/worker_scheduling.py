"""How pytest-xdist shares the tests between its workers. Imported only where it is installed."""

from __future__ import annotations

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ENGINES = {"engines", "sweep", "upkeep"}
"""The folders of tests that need the engine or every CPU."""


class EnginesTogether(LoadScopeScheduling):  # type: ignore[misc]
    """What shares the engine, or the machine's CPUs, stays in one worker: it counts what is left.

    The other workers take the rest meanwhile, file by file.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "engines" if Path(file).parts[1] in ENGINES else file
