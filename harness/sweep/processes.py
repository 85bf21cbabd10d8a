"""The two ways a run gets its process: one of its own, or a child of one that imported already."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.engines.protocol import Engine, Image, Order, Outcome
from harness.errors import EngineError
from harness.processes import tail_of
from harness.protocol import exchange, wakeup
from harness.sweep import exchanges, replies
from harness.sweep.replies import Reply
from harness.sweep.staging import StagedRunner

Isolation = Literal["fresh", "forked"]

_POLL_SECONDS = 0.01
_LOOK_SECONDS = 0.1
"""How often it is looked for the end of a run when no bell rings."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may take: `timeout` in seconds, `memory` in bytes."""

    timeout: float
    memory: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the processes of one group share: an image and what is set before the process starts.

    `data` is the folder that holds the prepared data sets.
    """

    engine: Engine
    image: Image
    runner: StagedRunner
    data: Path
    variables: Mapping[str, str]
    gpu: bool


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended, and what it left in `folder`: a reply perhaps, weights, predictions.

    `log` is the end of what it printed; `cpus` are those it ran on. `reply` is None where there is
    no valid one, `complaint` says what is wrong with it.
    """

    outcome: Outcome
    folder: Path
    log: str
    isolation: Isolation
    cpus: tuple[int, ...]
    reply: Reply | None
    complaint: str


def _ending(
    outcome: Outcome, folder: Path, log: str, isolation: Isolation, cpus: tuple[int, ...]
) -> Ending:
    reply, complaint = replies.read(folder)
    return Ending(
        outcome=outcome,
        folder=folder,
        log=log,
        isolation=isolation,
        cpus=cpus,
        reply=reply,
        complaint=complaint,
    )


@contextmanager
def fresh(
    place: Place, request: Mapping[str, Any], cpus: tuple[int, ...], limits: Limits
) -> Iterator[Ending]:
    """The run in a process of its own. Its files are there within the `with` block."""
    with exchanges.opened() as folder:
        exchanges.put(folder / exchange.REQUEST, request)
        log = folder / exchange.LOG
        outcome = place.engine.run(_order(place, folder, log, cpus, limits))
        yield _ending(outcome, folder, tail_of(log), "fresh", cpus)


def _order(place: Place, folder: Path, log: Path, cpus: tuple[int, ...], limits: Limits) -> Order:
    return Order(
        image=place.image,
        root=place.runner.root,
        data=place.data,
        exchange=folder,
        log=log,
        cpus=cpus,
        memory=limits.memory,
        timeout=limits.timeout,
        variables=place.variables,
        gpu=place.gpu,
    )


@contextmanager
def _heard(path: Path) -> Iterator[wakeup.Waiter]:
    """A new bell and who listens to it, for the time of the `with` block."""
    wakeup.create(str(path))
    bell = wakeup.Waiter(str(path))
    try:
        yield bell
    finally:
        bell.close()


class AbandonedError(Exception):
    """The sweep is being interrupted; the run that raises this leaves no record."""


class WarmProcess:
    """A process that imports TensorFlow once and forks a child per run, also side by side.

    It may be asked for `runs` runs, at most `holders` at the same time. `close` ends it and
    whatever still runs in it.
    """

    def __init__(
        self, place: Place, cpus: tuple[int, ...], limits: Limits, *, runs: int, holders: int
    ) -> None:
        self._limits = limits
        self._numbers = iter(range(1, 10**9))
        self._failure: Exception | None = None
        self._outcome: Outcome | None = None
        self._ended = threading.Event()
        self._cleanup = ExitStack()
        self._folder = self._cleanup.enter_context(exchanges.opened())
        (self._folder / exchange.INBOX).mkdir()
        (self._folder / exchange.INBOX).chmod(0o777)
        self._bell = str(self._folder / exchange.BELL)
        wakeup.create(self._bell)
        # The children's limits are the runner's to keep; these hold even if it fails to.
        whole = Limits(timeout=limits.timeout * (runs + 1), memory=limits.memory * (holders + 1))
        self._log = self._folder / exchange.LOG
        order = _order(place, self._folder, self._log, cpus, whole)
        self._thread = threading.Thread(target=self._live, args=(place.engine, order), daemon=True)
        self._thread.start()

    def _live(self, engine: Engine, order: Order) -> None:
        try:
            self._outcome = engine.run(order)
        except Exception as error:
            self._failure = error
        finally:
            self._ended.set()

    def close(self) -> None:
        """End the process and remove its exchange folder."""
        (self._folder / exchange.STOP).touch()
        wakeup.notify(self._bell)
        self._thread.join()
        self._cleanup.close()

    @property
    def alive(self) -> bool:
        """Whether it can take another run."""
        return not self._ended.is_set()

    def wait_ready(self) -> None:
        """Wait until the import is over, or the process has ended without it."""
        while self.alive and not (self._folder / exchange.READY).exists():
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def forked(self, request: Mapping[str, Any], cpus: tuple[int, ...]) -> Iterator[Ending]:
        """The run in a child of this process. Its files are there within the `with` block.

        Raises:
            EngineError: the engine failed while the run was under way.
        """
        name = f"{next(self._numbers):06d}"
        folder = self._folder / name
        folder.mkdir()
        folder.chmod(0o777)
        exchanges.put(folder / exchange.REQUEST, request)
        errand = {
            "cpus": list(cpus),
            "timeout_s": self._limits.timeout,
            "memory_bytes": self._limits.memory,
        }
        with _heard(folder / exchange.BELL) as bell:
            exchanges.put(self._folder / exchange.INBOX / name, errand)
            wakeup.notify(self._bell)
            outcome = self._wait(folder, bell)
        log = tail_of(folder / exchange.LOG) or tail_of(self._log)
        yield _ending(outcome, folder, log, "forked", cpus)

    def _wait(self, folder: Path, bell: wakeup.Waiter) -> Outcome:
        started = time.monotonic()
        ended = folder / exchange.ENDED
        while not ended.exists():
            if not self.alive and not ended.exists():
                return self._ended_early(time.monotonic() - started)
            bell.wait(_LOOK_SECONDS)
        found = json.loads(ended.read_bytes())
        return Outcome(cause=found["cause"], exit_code=found["exit_code"], seconds=found["seconds"])

    def _ended_early(self, seconds: float) -> Outcome:
        """The whole process is gone, and the run with it."""
        if isinstance(self._failure, EngineError):
            raise self._failure
        if self._outcome is None:
            raise EngineError(f"the engine failed: {self._failure!r}") from self._failure
        if self._outcome.exit_code == 0:
            # It believed its host gone, or was told to stop, while a run was under way.
            return Outcome(cause="killed", exit_code=0, seconds=seconds)
        return dataclasses.replace(self._outcome, seconds=seconds)
