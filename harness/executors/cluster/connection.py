"""The client's side of Dask: who is there, tasks that ask for work, work given, arrays fetched."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Future, Scheduler, Security

from harness.errors import EngineError, HarnessError, UsageError
from harness.executors.cluster import identity, quiet, worker_plugin
from harness.executors.cluster.addresses import Address, is_loopback
from harness.executors.cluster.identity import Program, WorkerInfo
from harness.subjects import packed_snapshots

_CONNECT_SECONDS = 10.0

OVER = "over"
"""The event of a task that is over, beside those of workers: `{"task", "error"}`."""


class Connection:
    """A client of a cluster. `events` has what workers say, and which tasks are over."""

    def __init__(self, address: Address, client: Client) -> None:
        self.events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._address = address
        self._client = client
        self._topic = f"harness-{uuid.uuid4().hex}"
        self._futures: dict[str, Future] = {}
        client.subscribe_topic(self._topic, lambda event: self.events.put(event[1]))

    def workers(self) -> dict[str, WorkerInfo]:
        """The workers that are there now, by address.

        Raises:
            UsageError: one is another version of this program.
            EngineError: the scheduler is gone.
        """
        said = self._asked(self._client.run, worker_plugin.describe, on_error="return")
        found = [one for one in said.values() if isinstance(one, Mapping) and one]
        own = identity.this_program()
        workers = {}
        for one in found:
            _require_same(own, one, f"the worker at {one.get('address')}")
            worker = identity.from_json(one)
            workers[worker.address] = worker
        return workers

    def require(self) -> None:
        """Make sure that the scheduler is there.

        Raises:
            EngineError: it is gone.
        """
        if self._client.status != "running":
            raise _gone(self._address)

    def present(self) -> frozenset[str]:
        """The addresses of the workers that are there now, whatever they are."""
        # Not `scheduler_info`: every now and then the client replaces what that gives by an account
        # without any workers, and a thread that asks just then takes them all for lost.
        return frozenset(self._asked(self._client.run_on_scheduler, workers_of))

    def submit(self, machine: str) -> str:
        """Let some worker on a machine ask for work, once; the key of the task that does it."""
        task = f"harness-task-{uuid.uuid4().hex}"
        future = self._client.submit(
            worker_plugin.take,
            self._topic,
            key=task,
            resources={machine: 1},
            retries=0,
            pure=False,
        )
        self._futures[task] = future
        future.add_done_callback(lambda done: self.events.put(_over(task, done)))
        return task

    def forget(self, task: str) -> None:
        """Cancel a task, if there is one of this key."""
        future = self._futures.pop(task, None)
        if future is not None:
            future.cancel()

    def give(self, address: str, task: str, what: object) -> None:
        """Answer a task that asks for work with an assignment, None where there is none."""
        self._call(address, worker_plugin.give, task, what)

    def bring(self, address: str, task: str, names: Sequence[str]) -> None:
        """Send a worker those of these snapshots of scripts that it does not have.

        Raises:
            DataError: it cannot take one.
            LookupError: it is gone.
        """
        for name in self._call(address, worker_plugin.missing, list(names)) if names else ():
            with packed_snapshots.packed(name) as path, path.open("rb") as file:
                left = path.stat().st_size
                while True:
                    chunk = file.read(worker_plugin.CHUNK)
                    left -= len(chunk)
                    self._call(address, worker_plugin.put, task, name, chunk, left <= 0)
                    if left <= 0:
                        break

    def fetch(self, address: str, task: str, kind: str, sha256: str) -> Iterator[bytes]:
        """The file of an array that a run left on a worker.

        Raises:
            LookupError: the worker has it no more, or is gone.
        """
        offset = 0
        while chunk := self._call(address, worker_plugin.read, task, kind, sha256, offset):
            yield chunk
            offset += len(chunk)
            if len(chunk) < worker_plugin.CHUNK:
                return

    def _call(self, address: str, function: Callable[..., Any], *arguments: Any) -> Any:
        said = self._asked(
            self._client.run, function, *arguments, workers=[address], on_error="return"
        )
        answer = said.get(address)
        if isinstance(answer, HarnessError):
            raise answer
        if isinstance(answer, BaseException) or address not in said:
            raise LookupError(f"the worker at {address} is gone: {answer!r}")
        return answer

    def _asked(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self.require()
        try:
            return function(*arguments, **options)
        except (OSError, TimeoutError) as error:
            raise _gone(self._address) from error


def _over(task: str, future: Future) -> dict[str, Any]:
    failed = future.status == "error"
    return {"event": OVER, "task": task, "error": repr(future.exception()) if failed else ""}


def _gone(address: Address) -> EngineError:
    return EngineError(
        f"{address}: the scheduler is gone; finished runs are recorded, the same command goes on "
        "from there once it is back"
    )


@contextmanager
def opened(address: Address, security: Security) -> Iterator[Connection]:
    """The cluster at this address, for the time of the `with` block.

    Raises:
        EngineError: no scheduler answers, or it does not take this client.
        UsageError: it is another version of this program, or can be reached by anybody.
    """
    quiet.quieten()
    timeouts = {"distributed.comm.timeouts.connect": f"{_CONNECT_SECONDS:g}s"}
    with dask.config.set(timeouts):
        client = _client(address, security)
        try:
            _check_scheduler(address, client)
            yield Connection(address, client)
        finally:
            client.close(timeout=2)


def _client(address: Address, security: Security) -> Client:
    try:
        return Client(
            str(address),
            security=security,
            set_as_default=False,
            timeout=_CONNECT_SECONDS,
            direct_to_workers=False,
        )
    except (OSError, TimeoutError) as error:
        raise EngineError(
            f"{address}: no scheduler answers, or it is not of the same authority: "
            f"{_cause(error)}; start one with dask scheduler"
        ) from error


def _cause(error: BaseException) -> str:
    """What the innermost exception says."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def _check_scheduler(address: Address, client: Client) -> None:
    try:
        said = client.run_on_scheduler(prepare)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{address}: the scheduler's Python has no {error.name}; start it where this harness "
            "is installed"
        ) from error
    _require_same(identity.this_program(), said, f"the scheduler at {address}")
    for listener in said["listens"]:
        scheme, _, place = listener.partition("://")
        if scheme != "tls" and not is_loopback(place.rpartition(":")[0]):
            raise UsageError(
                f"{address}: this scheduler listens on {listener} without TLS, where anybody could "
                "have its workers run anything; start it with --host localhost, or with TLS"
            )


def prepare(dask_scheduler: Scheduler) -> dict[str, Any]:
    """In the scheduler's process: what it is. Workers are not dropped for being busy any more."""
    ttl = dask_scheduler.periodic_callbacks.pop("worker-ttl", None)
    if ttl is not None:
        ttl.stop()
    listens = [listener.listen_address for listener in dask_scheduler.listeners]
    return {"program": identity.program_to_json(), "listens": listens}


def workers_of(dask_scheduler: Scheduler) -> list[str]:
    """In the scheduler's process: the addresses of its workers."""
    return list(dask_scheduler.workers)


def _require_same(own: Program, said: Mapping[str, Any], whose: str) -> None:
    try:
        theirs: object = Program(**said["program"])
    except TypeError:
        theirs = said["program"]
    if theirs != own:
        raise UsageError(f"{whose} is {theirs}, and this is {own}; install the same on both")
