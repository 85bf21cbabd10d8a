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
import shutil
import signal
import sys
import tempfile
import time
import traceback
from typing import Any, Callable, Dict, List, NoReturn, Set, Tuple

from harness.protocol import exchange, untrusted, wakeup
from harness.protocol.files import write_json
from harness.runner import confining, disk, memory, supervising

Train = Callable[[Dict[str, Any], str, str], None]
"""(request, the run's folder, how the process is confined to it): leaves the reply there."""

_POLL_SECONDS = 0.05
"""How often requests, and the limits of the children, are looked at when nobody wakes us."""
_COUNT_SECONDS = 0.5
"""How often the processes of each child are counted: that reads all of /proc."""


class _Child:
    """A run under way: the process that supervises it, its name, its limits."""

    def __init__(self, pid: int, name: str, temporary: str, limits: Dict[str, Any]) -> None:
        self.pid = pid
        self.name = name
        self.temporary = temporary
        self.started = time.monotonic()
        self.timeout = float(limits["timeout_s"])
        self.memory = int(limits["memory_bytes"])
        self.cause = "exited"
        self.others: List[int] = []
        self.oom_kills = memory.oom_kills()

    def seconds(self) -> float:
        return time.monotonic() - self.started


class _Folders:
    """The two folders of the exchange, and the paths in them by run."""

    def __init__(self, control: str, output: str) -> None:
        self.control = control
        self.output = output
        self.temporary = tempfile.gettempdir()
        self.runs = os.path.join(output, exchange.RUNS)
        self.requests = os.path.join(control, exchange.REQUESTS)

    def make(self) -> None:
        for name in (exchange.RUNS, exchange.ENDINGS):
            os.mkdir(os.path.join(self.output, name))

    def new_requests(self, taken: Set[str]) -> List[str]:
        names = {name[: -len(".json")] for name in os.listdir(self.requests) if name[0] != "."}
        return sorted(names - taken)

    def request(self, name: str) -> Dict[str, Any]:
        with open(os.path.join(self.requests, name + ".json"), encoding="utf-8") as file:
            found: Dict[str, Any] = json.load(file)
        return found

    def is_over(self) -> bool:
        """Whether the host says so, or is gone."""
        if os.path.exists(os.path.join(self.control, exchange.STOP)):
            return True
        try:
            with open(os.path.join(self.control, exchange.ALIVE), encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def report_ending(self, child: _Child, code: int) -> None:
        ending = {
            "schema": exchange.SCHEMA,
            "cause": child.cause,
            "exit_code": code,
            "seconds": child.seconds(),
        }
        write_json(os.path.join(self.output, exchange.ENDINGS, child.name + ".json"), ending)
        wakeup.notify(os.path.join(self.control, exchange.WAKEUPS, child.name))


def serve(control: str, output: str, train: Train, import_seconds: float) -> None:
    """Take requests until told to stop or left alone; a child calls `train` for each."""
    folders = _Folders(control, output)
    folders.make()
    # The objects there are stay: a child's collector need not walk them, nor touch their pages.
    gc.freeze()
    supervising.adopt_orphans()
    waiter = wakeup.Waiter(os.path.join(control, exchange.WAKEUP))
    ready = {"import": import_seconds, "confines": _confines(folders)}
    _wake_when_a_child_ends(waiter)
    write_json(os.path.join(output, exchange.READY), ready)
    try:
        _attend(folders, train, waiter)
    finally:
        supervising.kill_descendants(os.getpid())


def _confines(folders: _Folders) -> bool:
    """Whether a child can be kept from the files of the others; tried, as it cannot be undone."""
    pid = os.fork()
    if pid == 0:
        own = (folders.runs, folders.temporary)
        shared = (folders.output, folders.temporary)
        try:
            os._exit(0 if confining.confine(own, shared) == confining.CONFINED else 1)
        finally:
            # Whatever else happens, the child never goes on as the server.
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _attend(folders: _Folders, train: Train, waiter: wakeup.Waiter) -> None:
    children: List[_Child] = []
    taken: Set[str] = set()
    counted = 0.0
    while not folders.is_over():
        for name in folders.new_requests(taken):
            taken.add(name)
            children.append(_start(folders, name, train, waiter))
        if children and time.monotonic() - counted > _COUNT_SECONDS:
            _count_others(children)
            counted = time.monotonic()
        for child in children:
            _enforce_limits(child)
        children = [child for child in children if not _has_ended(folders, child, children)]
        waiter.wait(_POLL_SECONDS)


def _wake_when_a_child_ends(waiter: wakeup.Waiter) -> None:
    if waiter.descriptor is not None:
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(waiter.descriptor, warn_on_full_buffer=False)


def _wake_no_more(waiter: wakeup.Waiter) -> None:
    """In a child: all about signals is again as in a process of its own."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    waiter.close()


def _start(folders: _Folders, name: str, train: Train, waiter: wakeup.Waiter) -> _Child:
    request = folders.request(name)
    folder = os.path.join(folders.runs, name)
    os.mkdir(folder)
    temporary = tempfile.mkdtemp(prefix=name + "-", dir=folders.temporary)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _wake_no_more(waiter)
            supervising.supervise(lambda: _train(folders, (folder, temporary), request, train))
        finally:
            # Not sys.exit: the parent's cleanup must not run a second time in the child.
            os._exit(1)
    return _Child(pid, name, temporary, request["limits"])


def _train(
    folders: _Folders, own: Tuple[str, str], request: Dict[str, Any], train: Train
) -> NoReturn:
    """Train and end this process with the status that says how it went.

    `own` are the run's folder and its temporary folder.
    """
    code = 1
    folder, temporary = own
    try:
        with untrusted.open_log(os.path.join(folder, exchange.LOG)) as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.sched_setaffinity(0, request["limits"]["cpus"])
        os.environ.update(HOME=temporary, TMPDIR=temporary)
        tempfile.tempdir = None
        train(request, folder, confining.confine(own, (folders.output, folders.temporary)))
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
    table = memory.parents()
    for child in children:
        child.others = memory.descendants(child.pid, table)


def _enforce_limits(child: _Child) -> None:
    if child.cause != "exited":
        return
    if child.seconds() > child.timeout:
        child.cause = "timeout"
        _kill(child)
    elif memory.used_bytes(child.pid, child.others, child.memory) > child.memory:
        child.cause = "out_of_memory"
        _kill(child)


def _kill(child: _Child) -> None:
    for pid in [*memory.descendants(child.pid), child.pid]:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _has_ended(folders: _Folders, child: _Child, children: List[_Child]) -> bool:
    """Whether the run is over; then nothing of it is left running, and its ending is reported."""
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    if pid == 0:
        return False
    _kill_orphans({each.pid for each in children})
    shutil.rmtree(child.temporary, ignore_errors=True)
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    if child.cause == "exited" and code == -signal.SIGKILL and _was_short_of_memory(child):
        child.cause = "out_of_memory"
    folders.report_ending(child, code)
    return True


def _kill_orphans(supervisors: Set[int]) -> None:
    """Kill what was adopted from a run whose supervising process did not end by itself."""
    while True:
        table = memory.parents()
        own = os.getpid()
        orphans = [pid for pid, each in table.items() if each == own and pid not in supervisors]
        if not orphans:
            return
        for orphan in orphans:
            for pid in [*memory.descendants(orphan, table), orphan]:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan, 0)


def _was_short_of_memory(child: _Child) -> bool:
    """Whether the kernel's OOM killer struck here since the child was started."""
    return memory.oom_kills() > child.oom_kills
