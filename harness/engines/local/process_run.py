"""One order in one guarded process tree, watched for time and memory."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Literal

import psutil

from harness import scratch
from harness.engines import filling, limits, outcomes
from harness.engines.filling import Filling
from harness.engines.local import guarding, isolation, virtual_environments
from harness.engines.local.guarding import Guard, Tree
from harness.engines.protocol import Order, Outcome
from harness.engines.variables import variables
from harness.environments import bytecode
from harness.errors import EngineError

WATCH_SECONDS = 0.2
WATCH_SHARE = 0.01
"""The most of a CPU that watching may take: it shares the machine with what it watches."""
HOME = "home"
"""The kind of temporary folder that is a process's home."""
PATH = "/usr/local/bin:/usr/bin:/bin"

Ended = Literal["itself", "timeout", "out_of_memory", "cancelled", "limited"]


def run(order: Order, cancelled: threading.Event, *, gpu: str) -> Outcome:
    """Run to its end, or until `cancelled` is set. Nothing of the tree is left afterwards.

    Raises:
        EngineError: the process could not be started.
    """
    with (
        scratch.folder(HOME) as home,
        guarding.started(_tree(order, str(home), gpu)) as guard,
        filling.watched([order.output, home], lambda: None) as filled,
    ):
        began = time.monotonic()
        ended = _watch(guard, order, began, cancelled, filled)
        guard.end()
        outcome = _outcome(guard, order, ended, time.monotonic() - began)
        return outcomes.limited(outcome, _limit(filled)) if ended == "limited" else outcome


def _tree(order: Order, home: str, gpu: str) -> Tree:
    folder = Path(order.image.reference)
    # The environment's links lead to its bytecode, which others share.
    protected = (order.root, order.data, order.control, folder, bytecode.root())
    path = f"{folder / 'bin'}:{PATH}"
    folders = (str(one.resolve()) for one in (order.control, order.output, order.data))
    arguments = ("-m", "harness.runner", *folders)
    return Tree(
        command=[str(virtual_environments.python_of(folder)), *arguments],
        cwd=str(order.root.resolve()),
        cpus=order.cpus,
        isolation=isolation.best(),
        read_only=tuple(str(one.resolve()) for one in protected),
        variables=variables(order, temporary=home, path=path, gpu=gpu),
        log=order.log,
    )


def _limit(filled: Filling) -> str:
    return filled.reason or f"started more than {limits.PROCESSES} processes"


def _watch(
    guard: Guard, order: Order, began: float, cancelled: threading.Event, filled: Filling
) -> Ended:
    pause = WATCH_SECONDS
    while not guard.wait(pause):
        looked = time.monotonic()
        if cancelled.is_set():
            return "cancelled"
        if looked - began > order.timeout:
            return "timeout"
        if used_bytes(guard, order.memory) > order.memory:
            return "out_of_memory"
        if filled.reason or guard.count > limits.PROCESSES:
            return "limited"
        pause = max(WATCH_SECONDS, (time.monotonic() - looked) / WATCH_SHARE)
    return "itself"


def used_bytes(guard: Guard, enough: int) -> int:
    """The memory of the tree in bytes; exact only above `enough`.

    Resident memory counts pages that forked processes share once per process. Only where that
    upper bound passes `enough` is the proportional size read, which costs milliseconds.
    """
    below = guard.below()
    resident = sum(_resident(process) for process in below)
    return sum(_proportional(process) for process in below) if resident > enough else resident


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def _outcome(guard: Guard, order: Order, ended: Ended, seconds: float) -> Outcome:
    report = guard.report()
    if "error" in report:
        raise EngineError(f"{order.image.reference}: {report['error']}; see {order.log}")
    # Without a report the guard was killed from elsewhere, and its tree with it.
    code = int(report.get("code", -9))
    if ended in ("timeout", "out_of_memory"):
        return Outcome(cause=ended, exit_code=code, seconds=seconds)
    cause = "killed" if ended == "cancelled" else outcomes.cause(code)
    return Outcome(cause=cause, exit_code=code, seconds=seconds)
