"""Working folders that pass from one repeat of a cell to the next, for scripts that ask for it.

A folder lies in the cache between two runs, beside the number of the repeat that left it. What is
in it is a training's: it is moved as a whole, and never looked into.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import places
from harness.errors import DataError
from harness.protocol import untrusted
from harness.protocol.exchange import WORK
from harness.protocol.job import Job, Run

_AFTER = "after"
_DIGITS = 20


def root() -> Path:
    """The folder in the cache that holds all of them."""
    return places.cache("kept")


@dataclass(frozen=True, kw_only=True)
class WorkingFolder:
    """The working folder that the repeats of one cell of a sweep share."""

    path: Path

    def require(self, run: Run) -> None:
        """Refuse a run whose predecessor did not leave its folder here.

        Raises:
            DataError: that is so; the message says what to do.
        """
        if run.repeat > 1 and self._after() != run.repeat - 1:
            raise DataError(
                f"the working folder that repeat {run.repeat - 1} left is not here any more; move"
                f" the records of {run.cell} away to have its repeats done again from the first"
            )

    @contextmanager
    def lent(self, run: Run, output: Path) -> Iterator[None]:
        """Within the block a copy of it lies in a run's output folder, unless the run is the first.

        What the run made of it is kept, but where the block raises: an interrupted run is done
        again with what the one before it left.
        """
        if run.repeat > 1:
            with untrusted.folder(self.path, WORK) as left:
                shutil.copytree(left, output / WORK, symlinks=True, ignore=_special)
        yield
        if (output / WORK).is_dir() and not (output / WORK).is_symlink():
            shutil.rmtree(self.path, ignore_errors=True)
            self.path.mkdir(parents=True)
            (output / WORK).rename(self.path / WORK)
            (self.path / _AFTER).write_text(str(run.repeat))

    def _after(self) -> int:
        """The repeat that left what is here, 0 where nothing is."""
        try:
            return int(untrusted.read_regular(self.path / _AFTER, _DIGITS))
        except (OSError, ValueError):
            return 0


def _special(folder: str, names: list[str]) -> list[str]:
    """The entries that are no file, folder or link: a pipe would be read without an end."""
    kinds = {name: os.lstat(f"{folder}/{name}").st_mode for name in names}
    return [name for name, mode in kinds.items() if not _is_plain(mode)]


def _is_plain(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)


def of_run(folder: Path, job: Job, run: Run) -> WorkingFolder | None:
    """The folder of a run whose records lie in `folder`; None where its script keeps none."""
    script = job.scripts.get(run.workload)
    if script is None or not script.keeps_folder:
        return None
    parts = (os.fspath(folder), run.cell, job.lock_sha256, script.sha256)
    name = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return WorkingFolder(path=root() / name)
