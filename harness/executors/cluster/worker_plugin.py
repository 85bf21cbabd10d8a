"""The worker's side: asks for work, carries it out in a process, and says what happens.

An assignment, jobs that nobody else has, is carried out by `harness job` in a process of its own,
which is started with what the worker was started with, and ends with the worker, however that ends.
The arrays that its runs leave stay here until the client has fetched them.
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

from harness import scratch
from harness.executors import job_events
from harness.executors.cluster.identity import PLUGIN
from harness.protocol import untrusted
from harness.results.store import Store
from harness.subjects import packed_snapshots

ASKS, ENDED = "asks", "ended"
"""Events beside those of `job_events`."""

CHUNK = 8 << 20
KILLED = "killed"
RELEASED = "released"

_LOOK_SECONDS = 0.3
_GRACE_SECONDS = 20
_ORDER_SECONDS = 2.0
"""SLURM and others end all of a job's processes at once; which learns of it first is chance."""


class HarnessPlugin(WorkerPlugin):  # type: ignore[misc] # Dask is typed in part only
    """Carries out assignments with `command`, to which options and a file with jobs are added.

    `description` is what a `WorkerInfo` has beside its id, address and name; `folder` is for what
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
        """The name of the machine: the resource that tasks for its workers ask for."""
        return str(self._description["machine"])

    @property
    def is_busy(self) -> bool:
        """Whether an assignment is under way."""
        return bool(self._boxes)

    def describe(self) -> dict[str, Any]:
        """What the worker is, as a JSON object."""
        worker = self._worker
        own = {"id": worker.id, "address": worker.address, "name": str(worker.name)}
        return {**self._description, **own}

    def take(self, task: str, topic: str) -> None:
        """Ask for work, and carry out what is given, if anything; events go to `topic`."""
        box = self._boxes[task] = queue.SimpleQueue()
        try:
            self._post(topic, task, event=ASKS, by=self.describe())
            work = self._next(box, task, until=self.closing)
            if isinstance(work, dict):
                self._carry_out(topic, task, work, box)
        finally:
            self._boxes.pop(task, None)

    def give(self, task: str, what: object) -> None:
        """Answer a task: an assignment (JSON), None if there is none, `RELEASED` at its end."""
        if task in self._boxes:
            self._boxes[task].put(what)

    def missing(self, names: list[str]) -> list[str]:
        """Which of these snapshots of scripts are not here."""
        found = [
            name
            for name in names
            if name not in self._verified and not packed_snapshots.is_here(name)
        ]
        self._verified.update(set(names) - set(found))
        return found

    def put(self, task: str, name: str, chunk: bytes, is_last: bool) -> None:
        """Take the next bytes of a snapshot; after the last it is where processes find it.

        Raises:
            DataError: it is not what its name says, or cannot be written.
        """
        path = self._folder / f"{task}-{name.replace('/', '-')}"
        with path.open("ab") as file:
            file.write(chunk)
        if is_last:
            packed_snapshots.unpack(name, path)
            path.unlink()

    def read(self, task: str, kind: str, sha256: str, offset: int) -> bytes:
        """At most `CHUNK` bytes of an array file that a run of this assignment left."""
        folder = self._folders[task]
        (sweep,) = {path.parent for path in folder.glob("results/*/blobs")}
        path = Store(folder / "results", sweep.name, "any").blob_path(kind, sha256)
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(CHUNK)

    def _carry_out(
        self, topic: str, task: str, work: dict[str, Any], box: queue.SimpleQueue[Any]
    ) -> None:
        with scratch.folder("assignment") as folder:
            self._folders[task] = folder
            try:
                ended = self._run(topic, task, work, folder)
                self._post(topic, task, event=ENDED, **ended)
                # The arrays go with the folder, so it stays until the client has them.
                self._next(box, task)
            finally:
                self._folders.pop(task, None)

    def _run(self, topic: str, task: str, work: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Run the jobs; with which status that ended, and what was last said."""
        file, log = folder / "jobs.json", folder / "log.txt"
        file.write_text(json.dumps(work["jobs"]), encoding="utf-8")
        options = ("--isolation", work["isolation"], "--results", str(folder / "results"))
        with untrusted.open_log(log) as errors:
            process = subprocess.Popen(
                [*self._command, *options, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                # What interrupts the worker is the worker's to hand on.
                start_new_session=True,
            )
        with process:
            watcher = threading.Thread(target=self._watch, args=(process, task), daemon=True)
            watcher.start()
            self._forward(topic, task, process)
            code = process.wait()
            watcher.join()
        return {"code": code, "said": untrusted.tail(log), "closing": self._is_leaving(code)}

    def _forward(self, topic: str, task: str, process: subprocess.Popen[bytes]) -> None:
        """Post what the process says; it goes on with a run once the scheduler knows of it."""
        for line in process.stdout or ():
            event = json.loads(line)
            if event["event"] != job_events.STARTED:
                if not self._is_end_of_leaving(event):
                    self._post(topic, task, **event)
                continue
            with suppress(OSError, ValueError):
                self._post_and_wait(topic, task, **event)
                if process.stdin is not None:
                    process.stdin.write(b"\n")
                    process.stdin.flush()

    def _is_end_of_leaving(self, event: Mapping[str, Any]) -> bool:
        """Whether a run was killed because this worker leaves: then others begin it anew."""
        if event["event"] != job_events.FINISHED or json.loads(event["record"])["status"] != KILLED:
            return False
        return self.closing.wait(_ORDER_SECONDS)

    def _is_leaving(self, code: int) -> bool:
        """Whether this worker leaves, which is why the process ended with this status."""
        return self.closing.wait(_ORDER_SECONDS if code else 0)

    def _watch(self, process: subprocess.Popen[bytes], task: str) -> None:
        """End the process once nobody wants its results any more."""
        while process.poll() is None and self._is_wanted(task) and not self.closing.is_set():
            time.sleep(_LOOK_SECONDS)
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    def _next(
        self, box: queue.SimpleQueue[Any], task: str, until: threading.Event | None = None
    ) -> object:
        """What the client says next; None once it is gone, or `until` is set."""
        while self._is_wanted(task) and not (until and until.is_set()):
            with suppress(queue.Empty):
                return box.get(timeout=_LOOK_SECONDS)
        return None

    def _is_wanted(self, task: str) -> bool:
        """Whether Dask still has this worker carry out the task; not after its client is gone."""
        found = self._worker.state.tasks.get(task)
        connected = self._worker.status in (Status.running, Status.paused)
        return connected and found is not None and found.state == "executing"

    def _post(self, topic: str, task: str, **event: Any) -> None:
        self._worker.log_event(topic, {"task": task, **event})

    def _post_and_wait(self, topic: str, task: str, **event: Any) -> None:
        """Post an event, and stay until the scheduler has it.

        Raises:
            OSError: the scheduler is gone.
        """
        worker, message = self._worker, {"task": task, **event}
        sync(worker.loop, worker.scheduler.log_event, topic=topic, msg=message)


def plugin_of(worker: Worker) -> HarnessPlugin:
    """Our plugin in a Dask worker.

    Raises:
        KeyError: `harness worker` did not start it.
    """
    plugin = worker.plugins[PLUGIN]
    assert isinstance(plugin, HarnessPlugin)
    return plugin


# What clients call by name, in the worker's process.


def take(topic: str) -> None:
    """The task that asks for work, once."""
    worker = get_worker()
    plugin_of(worker).take(str(worker.get_current_task()), topic)


def describe(dask_worker: Worker) -> dict[str, Any]:
    """What a worker is; where it is none of ours, only its program."""
    if PLUGIN not in dask_worker.plugins:
        return {}
    return plugin_of(dask_worker).describe()


def give(task: str, what: object, dask_worker: Worker) -> None:
    """See `HarnessPlugin.give`."""
    plugin_of(dask_worker).give(task, what)


def missing(names: list[str], dask_worker: Worker) -> list[str]:
    """See `HarnessPlugin.missing`."""
    return plugin_of(dask_worker).missing(names)


def put(task: str, name: str, chunk: bytes, is_last: bool, dask_worker: Worker) -> None:
    """See `HarnessPlugin.put`."""
    plugin_of(dask_worker).put(task, name, chunk, is_last)


def read(task: str, kind: str, sha256: str, offset: int, dask_worker: Worker) -> bytes:
    """See `HarnessPlugin.read`."""
    return plugin_of(dask_worker).read(task, kind, sha256, offset)
