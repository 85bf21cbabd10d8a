"""The worker's side: asks for work, carries it out in a process, and says what happens.

A piece of work is carried out by `harness job` in a process of its own, which is started with what
the worker was started with, and ends with the worker, however that ends. The arrays that its runs
leave stay here until the client has fetched them.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import Status, Worker, WorkerPlugin, get_worker
from distributed.utils import sync

from harness import processes, scratch
from harness.executors import job_events
from harness.executors.cluster.identity import PLUGIN
from harness.results.store import Store
from harness.subjects import packed_snapshots

ASKS, ENDED = "asks", "ended"
"""Events beside those of `job_events`."""

CHUNK = 8 << 20
RELEASED = "released"

_LOOK_SECONDS = 0.3
_GRACE_SECONDS = 20


class Carrier(WorkerPlugin):  # type: ignore[misc] # Dask is typed in part only
    """Carries out pieces of work with `command`, to which options and a file with jobs are added.

    `description` is what a `Member` has beside its id, address and name; `folder` is for what
    arrives in parts.
    """

    name = PLUGIN

    def __init__(
        self, command: tuple[str, ...], description: Mapping[str, Any], folder: Path
    ) -> None:
        self._command = command
        self._description = description
        self._folder = folder
        self._verified: set[str] = set()
        self._boxes: dict[str, queue.SimpleQueue[Any]] = {}
        self._folders: dict[str, Path] = {}
        self.closing = threading.Event()

    def setup(self, worker: Worker) -> None:
        """Called by Dask when the worker starts."""
        self._worker = worker

    def describe_machine(self) -> str:
        """The name of the machine: the resource that tokens for it ask for."""
        return str(self._description["machine"])

    @property
    def is_busy(self) -> bool:
        """Whether a piece of work is under way."""
        return bool(self._boxes)

    def describe(self) -> dict[str, Any]:
        """What the worker is, as a JSON object."""
        worker = self._worker
        own = {"id": worker.id, "address": worker.address, "name": str(worker.name)}
        return {**self._description, **own}

    def take(self, token: str, topic: str) -> None:
        """Ask for work, and carry out what is given, if anything; events go to `topic`."""
        box = self._boxes[token] = queue.SimpleQueue()
        try:
            self._post(topic, token, event=ASKS, member=self.describe())
            work = self._next(box, token, until=self.closing)
            if isinstance(work, dict):
                self._carry_out(topic, token, work, box)
        finally:
            self._boxes.pop(token, None)

    def give(self, token: str, what: object) -> None:
        """Work for a token, as a JSON object; None if there is none, or `RELEASED` at its end."""
        if token in self._boxes:
            self._boxes[token].put(what)

    def missing(self, names: list[str]) -> list[str]:
        """Which of these snapshots of scripts are not here."""
        found = [
            name
            for name in names
            if name not in self._verified and not packed_snapshots.is_here(name)
        ]
        self._verified.update(set(names) - set(found))
        return found

    def put(self, token: str, name: str, chunk: bytes, is_last: bool) -> None:
        """Take the next bytes of a snapshot; after the last it is where processes find it.

        Raises:
            DataError: it is not what its name says, or cannot be written.
        """
        path = self._folder / f"{token}-{name.replace('/', '-')}"
        with path.open("ab") as file:
            file.write(chunk)
        if is_last:
            packed_snapshots.unpack(name, path)
            path.unlink()

    def read(self, token: str, kind: str, sha256: str, offset: int) -> bytes:
        """At most `CHUNK` bytes of an array file that a run of this piece left."""
        folder = self._folders[token]
        (sweep,) = {path.parent for path in folder.glob("results/*/blobs")}
        path = Store(folder / "results", sweep.name, "any").blob_path(kind, sha256)
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(CHUNK)

    def _carry_out(
        self, topic: str, token: str, work: dict[str, Any], box: queue.SimpleQueue[Any]
    ) -> None:
        with scratch.folder("piece") as folder:
            self._folders[token] = folder
            try:
                ended = self._run(topic, token, work, folder)
                self._post(topic, token, event=ENDED, **ended)
                # The arrays go with the folder, so it stays until the client has them.
                self._next(box, token)
            finally:
                self._folders.pop(token, None)

    def _run(self, topic: str, token: str, work: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Run the jobs; with which status that ended, and what was last said."""
        file, log = folder / "jobs.json", folder / "log.txt"
        file.write_text(json.dumps(work["jobs"]), encoding="utf-8")
        options = ("--isolation", work["isolation"], "--results", str(folder / "results"))
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*self._command, *options, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # What interrupts the worker is the worker's to hand on.
                start_new_session=True,
            )
        with process:
            watcher = threading.Thread(target=self._watch, args=(process, token), daemon=True)
            watcher.start()
            self._forward(topic, token, process)
            code = process.wait()
            watcher.join()
        return {"code": code, "said": processes.tail_of(log), "closing": self.closing.is_set()}

    def _forward(self, topic: str, token: str, process: subprocess.Popen[bytes]) -> None:
        """Post what the process says; it goes on with a run once the scheduler knows of it."""
        for line in process.stdout or ():
            event = json.loads(line)
            if event["event"] != job_events.STARTED:
                self._post(topic, token, **event)
                continue
            with suppress(OSError, ValueError):
                self._post_and_wait(topic, token, **event)
                if process.stdin is not None:
                    process.stdin.write(b"\n")
                    process.stdin.flush()

    def _watch(self, process: subprocess.Popen[bytes], token: str) -> None:
        """End the process once nobody wants its results any more."""
        while process.poll() is None and self._is_wanted(token) and not self.closing.is_set():
            time.sleep(_LOOK_SECONDS)
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def _next(
        self, box: queue.SimpleQueue[Any], token: str, until: threading.Event | None = None
    ) -> object:
        """What the client says next; None once it is gone, or `until` is set."""
        while self._is_wanted(token) and not (until and until.is_set()):
            with suppress(queue.Empty):
                return box.get(timeout=_LOOK_SECONDS)
        return None

    def _is_wanted(self, token: str) -> bool:
        """Whether Dask still has this worker carry out the task; not after its client is gone."""
        task = self._worker.state.tasks.get(token)
        connected = self._worker.status in (Status.running, Status.paused)
        return connected and task is not None and task.state == "executing"

    def _post(self, topic: str, token: str, **event: Any) -> None:
        self._worker.log_event(topic, {"token": token, **event})

    def _post_and_wait(self, topic: str, token: str, **event: Any) -> None:
        """Post an event, and stay until the scheduler has it.

        Raises:
            OSError: the scheduler is gone.
        """
        worker, message = self._worker, {"token": token, **event}
        sync(worker.loop, worker.scheduler.log_event, topic=topic, msg=message)


def carrier_of(worker: Worker) -> Carrier:
    """Our plugin in a Dask worker.

    Raises:
        KeyError: `harness worker` did not start it.
    """
    carrier = worker.plugins[PLUGIN]
    assert isinstance(carrier, Carrier)
    return carrier


# What clients call by name, in the worker's process.


def take(topic: str) -> None:
    """The task of a token, whose key is the token."""
    worker = get_worker()
    carrier_of(worker).take(str(worker.get_current_task()), topic)


def describe(dask_worker: Worker) -> dict[str, Any]:
    """What a worker is; where it is none of ours, only its program."""
    if PLUGIN not in dask_worker.plugins:
        return {}
    return carrier_of(dask_worker).describe()


def give(token: str, what: object, dask_worker: Worker) -> None:
    """See `Carrier.give`."""
    carrier_of(dask_worker).give(token, what)


def missing(names: list[str], dask_worker: Worker) -> list[str]:
    """See `Carrier.missing`."""
    return carrier_of(dask_worker).missing(names)


def put(token: str, name: str, chunk: bytes, is_last: bool, dask_worker: Worker) -> None:
    """See `Carrier.put`."""
    carrier_of(dask_worker).put(token, name, chunk, is_last)


def read(token: str, kind: str, sha256: str, offset: int, dask_worker: Worker) -> bytes:
    """See `Carrier.read`."""
    return carrier_of(dask_worker).read(token, kind, sha256, offset)
