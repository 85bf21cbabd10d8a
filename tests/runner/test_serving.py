"""A warm process: each child costs only its own run, whatever it does; under every Python."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.executors import staging
from harness.protocol import exchange, wakeup
from harness.protocol.files import write_json
from harness.runner import confining

PROGRAM = """
import errno, json, os, signal, subprocess, sys, time
from harness.protocol.files import write_json
from harness.runner import serving

def attempt(what):
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def train(request, folder, confined):
    what = request["what"]
    print("doing", what, flush=True)
    if what == "crash":
        os.abort()
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        raise ValueError("on purpose")
    if what == "hang":
        subprocess.Popen(["sleep", "300"])
        time.sleep(300)
    if what == "detach":
        # A session of its own, and a parent that is gone: nothing ties it to the run any more.
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(300)
            os._exit(0)
        time.sleep(0.2)
    if what == "kill the supervisor":
        if os.fork() == 0:
            os.setsid()
            time.sleep(300)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(300)
    if what == "eat":
        hoard = []
        while True:
            hoard.append(bytearray(b"x" * 10000000))
    if what == "eat in parts":
        # Each process stays below the limit, and one has left the process group.
        for detached in (False, True):
            if os.fork() == 0:
                if detached:
                    os.setsid()
                hoard = bytearray(b"x" * (150 << 20))
                time.sleep(300)
        time.sleep(300)
    if what == "fill":
        raise RuntimeError("while writing") from OSError(errno.ENOSPC, "no space left")
    if what == "fill all":
        sys.stdout = sys.stderr = open("/dev/full", "w")
        print("not to be flushed")
        raise OSError(errno.EDQUOT, "over quota")
    if what == "peek":
        own, shared = os.path.join(folder, "own"), sys.argv[2]
        open(own, "w").close()
        found = {"confined": confined}
        for path in (".", "runs", "endings", "runs/000001"):
            found[path] = attempt(lambda: os.listdir(os.path.join(shared, path)))
        found["read"] = attempt(lambda: open(os.path.join(shared, "runs", "000001", "reply.json")))
        forged = os.path.join(shared, "endings", "000002.json")
        found["forge"] = attempt(lambda: open(forged, "w"))
        found["move"] = attempt(lambda: os.rename(folder, folder + "x"))
        found["elsewhere"] = attempt(lambda: open(os.path.join(os.getcwd(), "new"), "w"))
        temporary = os.environ["TMPDIR"]
        found["temporary"] = attempt(lambda: open(temporary + "/new", "w"))
        above = os.path.dirname(temporary)
        found["all temporary"] = attempt(lambda: os.listdir(above))
        found["new temporary"] = attempt(lambda: open(above + "/new", "w"))
        found["write own"] = attempt(lambda: open(own, "a"))
        write_json(os.path.join(folder, "reply.json"), found)
        return
    write_json(os.path.join(folder, "reply.json"), {"cpus": sorted(os.sched_getaffinity(0))})

serving.serve(sys.argv[1], sys.argv[2], train, 1.5)
"""

WHATS = (
    *("hang", "good", "crash", "die", "raise", "eat", "eat in parts", "fill", "fill all"),
    "good too",
)


class Host:
    """The host's side: makes the folders, sends requests, holds the lock."""

    def __init__(self, folder: Path, python: Path, *, pipes: bool = True) -> None:
        self.create = wakeup.create if pipes else str
        self.control, self.output = folder / "control", folder / "output"
        for path in (exchange.REQUESTS, exchange.WAKEUPS):
            (self.control / path).mkdir(parents=True)
        self.output.mkdir()
        self.create(str(self.control / exchange.WAKEUP))
        root = folder / "root"
        (folder / "temporary").mkdir()
        staging.write(root)
        self.lock = (self.control / exchange.ALIVE).open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.process = subprocess.Popen(
            [str(python), "-c", PROGRAM, str(self.control), str(self.output)],
            cwd=root,
            env={**os.environ, "TMPDIR": str(folder / "temporary")},
            stderr=subprocess.PIPE,
        )

    def ready(self) -> dict[str, Any]:
        """What the process said when it took requests."""
        found: dict[str, Any] = json.loads((self.output / exchange.READY).read_text())
        return found

    def send(self, name: str, what: str, *, timeout: float = 60, memory: int = 2**30) -> Path:
        """Ask for a run; returns the folder it will have."""
        self.create(str(self.control / exchange.WAKEUPS / name))
        limits = {"cpus": [0], "timeout_s": timeout, "memory_bytes": memory}
        write_json(
            self.control / exchange.REQUESTS / f"{name}.json", {"what": what, "limits": limits}
        )
        wakeup.notify(str(self.control / exchange.WAKEUP))
        return self.output / exchange.RUNS / name

    def has_ended(self, run: Path) -> bool:
        return self._ending(run).exists()

    def ending(self, run: Path) -> dict[str, Any]:
        """How a run ended; waits for it."""
        deadline = time.monotonic() + 60
        while not self.has_ended(run):
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)
        found: dict[str, Any] = json.loads(self._ending(run).read_text())
        return found

    def _ending(self, run: Path) -> Path:
        return self.output / exchange.ENDINGS / f"{run.name}.json"

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.lock.close()


@pytest.fixture
def host(tmp_path: Path, any_python: Path) -> Iterator[Host]:
    host = Host(tmp_path, any_python)
    yield host
    host.close()


@pytest.mark.slow
def test_each_ending_is_reported_and_costs_only_its_own_run(host: Host) -> None:
    runs = {
        what: host.send(f"{number:06d}", what, timeout=2 if what == "hang" else 60, memory=2**28)
        for number, what in enumerate(WHATS)
    }
    endings = {what: host.ending(run) for what, run in runs.items()}
    causes = {what: (end["cause"], end["exit_code"]) for what, end in endings.items()}
    assert causes == {
        "hang": ("timeout", -9),
        "good": ("exited", 0),
        "crash": ("exited", -6),
        "die": ("exited", -9),
        "raise": ("exited", 1),
        "eat": ("out_of_memory", -9),
        "eat in parts": ("out_of_memory", -9),
        "fill": ("exited", exchange.DISK_FULL),
        "fill all": ("exited", exchange.DISK_FULL),
        "good too": ("exited", 0),
    }
    for what in ("good", "good too"):
        assert json.loads((runs[what] / exchange.REPLY).read_text()) == {"cpus": [0]}
    assert "ValueError: on purpose" in (runs["raise"] / exchange.LOG).read_text()
    assert (runs["good"] / exchange.LOG).read_text() == "doing good\n"
    assert host.ready().keys() == {"import", "confines"} and host.ready()["import"] == 1.5


def test_without_pipes_the_folders_are_polled(tmp_path: Path) -> None:
    host = Host(tmp_path, Path(sys.executable), pipes=False)
    try:
        assert host.ending(host.send("000001", "good"))["cause"] == "exited"
    finally:
        host.close()


@pytest.mark.slow
def test_what_a_run_started_ends_with_it(host: Host) -> None:
    run = host.send("000001", "hang", timeout=1)
    seen: set[int] = set()
    while not host.has_ended(run):
        with_children = psutil.Process(host.process.pid).children(recursive=True)
        seen.update(process.pid for process in with_children)
        time.sleep(0.02)
    assert len(seen) >= 2
    _wait_until(lambda: not [pid for pid in seen if _lives(pid)])


@pytest.mark.parametrize(
    ("what", "code"), [("detach", 0), ("kill the supervisor", -9)], ids=["detached", "unsupervised"]
)
def test_what_left_its_session_ends_with_the_run(host: Host, what: str, code: int) -> None:
    ending = host.ending(host.send("000001", what))
    assert (ending["cause"], ending["exit_code"]) == ("exited", code)
    # At once: nothing computes beside the next run.
    assert not [each for each in psutil.process_iter() if _belongs(each, host)]


def _belongs(process: psutil.Process, host: Host) -> bool:
    try:
        lives = process.status() != psutil.STATUS_ZOMBIE and process.pid != host.process.pid
        return lives and str(host.output) in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def test_a_run_sees_and_changes_nothing_but_its_own_folder(host: Host) -> None:
    host.ending(host.send("000001", "good"))
    run = host.send("000002", "peek")
    host.ending(run)
    found = json.loads((run / exchange.REPLY).read_text())
    assert host.ready()["confines"] == (found["confined"] == confining.CONFINED)
    if found["confined"] != confining.CONFINED:
        pytest.skip(f"this kernel cannot confine a run, and the reply says so: {found['confined']}")
    refused = (
        *(".", "runs", "endings", "runs/000001", "read", "forge", "move", "elsewhere"),
        *("all temporary", "new temporary"),
    )
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, "EACCES")
    assert (found["temporary"], found["write own"]) == ("done", "done")
    assert not list((host.output.parent / "temporary").iterdir())


def test_stop_ends_it_and_what_still_runs(host: Host) -> None:
    run = host.send("000001", "hang")
    _wait_for(run / exchange.LOG)
    children = psutil.Process(host.process.pid).children()
    (host.control / exchange.STOP).touch()
    assert host.process.wait(timeout=10) == 0
    assert not [child for child in children if _lives(child.pid)]


def test_it_ends_when_its_host_is_gone(host: Host) -> None:
    run = host.send("000001", "hang")
    _wait_for(run / exchange.LOG)
    fcntl.flock(host.lock, fcntl.LOCK_UN)
    assert host.process.wait(timeout=10) == 0


def _wait_for(path: Path) -> None:
    _wait_until(path.exists)


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
