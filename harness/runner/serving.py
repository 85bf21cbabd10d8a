"""A warm process: TensorFlow is imported once, then a forked child serves each run.

After the import the process has one thread and has not touched a GPU, so a child starts from the
state a cold process would have. The process itself never trains: a child that hangs, crashes or
eats its memory costs only its own run.

Python 3.7 and the standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import signal
import sys
import time
import traceback
from typing import Any, Callable, Dict, List

from harness.protocol import exchange, wakeup
from harness.runner import confining, disk, memory

Train = Callable[[str, str], None]

_LOOK_SECONDS = 0.05
"""How often it looks for news when no bell rings, and at the limits of its children."""
_COUNT_SECONDS = 0.5
"""How often it is looked which processes belong to which child: that reads all of /proc."""


class _Child:
    """A child under way: its process id (also of its process group), run folder and limits."""

    def __init__(self, pid: int, folder: str, errand: Dict[str, Any]) -> None:
        self.pid = pid
        self.folder = folder
        self.started = time.monotonic()
        self.timeout = float(errand["timeout_s"])
        self.memory = int(errand["memory_bytes"])
        self.cause = "exited"
        self.others: List[int] = []
        self.oom_kills = memory.oom_kills()

    def seconds(self) -> float:
        return time.monotonic() - self.started


def serve(folder: str, train: Train, import_seconds: float) -> None:
    """Take runs from the inbox of the exchange `folder` until told to stop or left alone.

    `train` is called in the child with the run's folder and how the child is confined to it
    (`confining.confine`); it leaves the reply there.
    """
    children: List[_Child] = []
    counted = 0.0
    # What is there stays: a child's collector need not walk it, nor touch its pages.
    gc.freeze()
    bell = wakeup.Waiter(os.path.join(folder, exchange.BELL))
    _ring_when_a_child_ends(bell)
    put(os.path.join(folder, exchange.READY), {"import": import_seconds})
    try:
        while not _is_over(folder):
            children += [_start(folder, name, train, bell) for name in _new_errands(folder)]
            if children and time.monotonic() - counted > _COUNT_SECONDS:
                _count_others(children)
                counted = time.monotonic()
            for child in children:
                _keep_limits(child)
            children = [child for child in children if not _has_ended(child)]
            bell.wait(_LOOK_SECONDS)
    finally:
        for child in children:
            _kill(child)
        for child in children:
            os.waitpid(child.pid, 0)


def _ring_when_a_child_ends(bell: wakeup.Waiter) -> None:
    if bell.descriptor is not None:
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(bell.descriptor, warn_on_full_buffer=False)


def _ring_no_more(bell: wakeup.Waiter) -> None:
    """In a child: all about signals is again as in a process of its own."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    bell.close()


def put(path: str, content: Dict[str, Any]) -> None:
    """Write JSON so that a reader sees the whole file or none, also after a power cut."""
    draft = path + ".draft"
    with open(draft, "w", encoding="utf-8") as file:
        json.dump(content, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def _is_over(folder: str) -> bool:
    if os.path.exists(os.path.join(folder, exchange.STOP)):
        return True
    try:
        with open(os.path.join(folder, exchange.ALIVE), "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _new_errands(folder: str) -> List[str]:
    names = os.listdir(os.path.join(folder, exchange.INBOX))
    return sorted(name for name in names if not name.startswith("."))


def _start(folder: str, name: str, train: Train, bell: wakeup.Waiter) -> _Child:
    path = os.path.join(folder, exchange.INBOX, name)
    with open(path, encoding="utf-8") as file:
        errand = json.load(file)
    os.unlink(path)
    run_folder = os.path.join(folder, name)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _ring_no_more(bell)
            _be_child(run_folder, errand, train)
        finally:
            # Not sys.exit: the parent's cleanup must not run a second time in the child.
            os._exit(1)
    return _Child(pid, run_folder, errand)


def _be_child(folder: str, errand: Dict[str, Any], train: Train) -> None:
    """Train and end this process with the status that says how it went."""
    code = 1
    try:
        os.setpgid(0, 0)
        log = os.open(
            os.path.join(folder, exchange.LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
        )
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.sched_setaffinity(0, errand["cpus"])
        train(folder, confining.confine(folder, os.path.dirname(folder)))
        code = 0
    except BaseException as error:
        code = exchange.DISK_FULL if disk.is_full(error) else 1
        with contextlib.suppress(OSError):
            traceback.print_exc()
    finally:
        # A full disk may take no log either.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _count_others(children: List[_Child]) -> None:
    belonging = memory.belonging_to([child.pid for child in children])
    for child in children:
        child.others = belonging[child.pid]


def _keep_limits(child: _Child) -> None:
    if child.cause != "exited":
        return
    if child.seconds() > child.timeout:
        child.cause = "timeout"
        _kill(child)
    elif memory.used_bytes(child.pid, child.others, child.memory) > child.memory:
        child.cause = "out_of_memory"
        _kill(child)


def _kill(child: _Child) -> None:
    for kill in (os.killpg, os.kill):
        try:
            kill(child.pid, signal.SIGKILL)
        except OSError:
            pass


def _has_ended(child: _Child) -> bool:
    """Whether the child is gone; then `ended.json` is written and its process group killed."""
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    if pid == 0:
        return False
    seconds = child.seconds()
    try:
        # What the run started and left behind ends with it.
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    if child.cause == "exited" and code == -signal.SIGKILL and _was_short_of_memory(child):
        child.cause = "out_of_memory"
    ended = {"cause": child.cause, "exit_code": code, "seconds": seconds}
    put(os.path.join(child.folder, exchange.ENDED), ended)
    wakeup.notify(os.path.join(child.folder, exchange.BELL))
    return True


def _was_short_of_memory(child: _Child) -> bool:
    """Whether the kernel's OOM killer struck here since the child was started."""
    return memory.oom_kills() > child.oom_kills
