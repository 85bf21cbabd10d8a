"""Starting the guard, asking it how things went, and making sure that nothing outlives it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness.engines import limits
from harness.engines.local import guard as guard_script
from harness.protocol import untrusted

END_SECONDS = 10.0
"""How long the guard may take to end its tree before that is done for it."""


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What the guard gets: see `guard`."""

    command: Sequence[str]
    cwd: str
    cpus: tuple[int, ...]
    isolation: str
    read_only: tuple[str, ...]
    variables: Mapping[str, str]
    log: Path | None


class Guard:
    """A guard that was started, and the pipe on which it reports."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int) -> None:
        self.process = process
        self._pipe = pipe
        self._seen: set[psutil.Process] = set()
        self.count = 0
        """How many living descendants `below` found last."""

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after so many seconds at most."""
        # At its end there is something in the pipe; `Popen.wait` alone would ask again and again.
        if select.select([self._pipe], [], [], seconds)[0]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        return self.process.poll() is not None

    def report(self) -> dict[str, Any]:
        """What it said when it ended: `code` or `error`; empty where it was killed itself."""
        with open(self._pipe, "rb", closefd=False) as file:
            said = file.readline()
        found: dict[str, Any] = json.loads(said) if said else {}
        return found

    def below(self) -> list[psutil.Process]:
        """All its living descendants."""
        found = _below(psutil.Process(self.process.pid)) if self.process.poll() is None else []
        self._seen.update(found)
        self.count = len(found)
        return found

    def end(self) -> None:
        """End the whole tree, whatever state it is in."""
        # A stopped guard would not get the first signal.
        for signum in (signal.SIGTERM, signal.SIGCONT):
            self.process.send_signal(signum)
        try:
            if self.process.wait(END_SECONDS) == 0:
                return
        except subprocess.TimeoutExpired:
            self.below()
            self.process.kill()
            self.process.wait()
        # The guard did not do its work, as somebody killed it: what was seen of its tree goes.
        _kill([*self._seen, *(child for one in self._seen for child in _below(one))])


@contextlib.contextmanager
def started(tree: Tree) -> Iterator[Guard]:
    """A guard with its tree; both are gone when the `with` block ends."""
    reading, writing = os.pipe()
    try:
        guard = Guard(_start(tree, writing), reading)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        yield guard
    finally:
        guard.end()
        os.close(reading)


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(found: Sequence[psutil.Process]) -> None:
    # Those that are gone are what was wanted.
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _start(tree: Tree, report: int) -> subprocess.Popen[bytes]:
    order = {
        "command": list(tree.command),
        "cwd": tree.cwd,
        "cpus": tree.cpus,
        "isolation": tree.isolation,
        "read_only": tree.read_only,
        "file_bytes": limits.FILE_BYTES,
        "processes": limits.PROCESSES,
        "parent": os.getpid(),
        "report": report,
    }
    script = str(Path(str(guard_script.__file__)))
    nowhere = contextlib.nullcontext(subprocess.DEVNULL)
    with untrusted.open_log(tree.log) if tree.log else nowhere as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", script, json.dumps(order)],
            env=dict(tree.variables),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            pass_fds=(report,),
            start_new_session=True,
        )
