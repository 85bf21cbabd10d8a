"""What killed sweeps left on this host: processes, mounts, and temporary folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from harness import places, processes, scratch
from harness.engines.local.process_run import HOME
from harness.executors import exchange_folders
from harness.executors.cluster import slurm_options
from harness.processes import ProcessFailedError
from harness.upkeep import items
from harness.upkeep.contained import LEFT
from harness.upkeep.items import Item

END_SECONDS = 10.0


def of_killed_sweeps() -> Iterator[Item]:
    """In the order in which they must go: processes hold mounts, and mounts hold folders."""
    folders = [
        *scratch.abandoned(),
        *scratch.abandoned(places.cache(slurm_options.CACHED)),
        *exchange_folders.abandoned(),
    ]
    for process in _processes():
        yield Item(
            kind="process",
            name=f"{process.pid} ({process.name()})",
            size=0,
            why=LEFT,
            remove=_killing(process),
        )
    for point in items.mounts_below(folders):
        yield Item(kind="mount", name=str(point), size=0, why=LEFT, remove=_unmounting(point))
    for folder in folders:
        yield items.of_folder("folder", folder, LEFT)


def _processes() -> Iterator[psutil.Process]:
    """This user's runs whose home was made by a harness process that lives no more."""
    homes = f"{tempfile.gettempdir()}/harness-{HOME}-"
    for process in psutil.process_iter():
        try:
            own = process.uids().real == os.getuid()
            home = process.environ().get("HOME", "") if own else ""
        except psutil.Error:
            continue
        if home.startswith(homes) and scratch.is_abandoned(Path(home)):
            yield process


def _killing(process: psutil.Process) -> Callable[[], str | None]:
    def kill() -> str | None:
        try:
            process.kill()
            process.wait(END_SECONDS)
        except psutil.NoSuchProcess:
            return None
        except (psutil.AccessDenied, psutil.TimeoutExpired) as error:
            return f"it does not end: {error}"
        return None

    return kill


def _unmounting(point: Path) -> Callable[[], str | None]:
    def unmount() -> str | None:
        try:
            processes.run(["umount", str(point)])
        except ProcessFailedError as error:
            return str(error)
        return None

    return unmount
