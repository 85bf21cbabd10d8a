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

from harness.protocol import exchange, wakeup
from harness.runner import confining
from harness.sweep import staging

PROGRAM = """
import errno, json, os, signal, subprocess, sys, time
from harness.runner import serving

def attempt(what):
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def train(folder, confined):
    with open(os.path.join(folder, "request.json")) as file:
        what = json.load(file)["what"]
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
        found = {"confined": confined, "own": open(os.path.join(folder, "request.json")).read()}
        shared = os.path.dirname(folder)
        for path in (shared, os.path.join(shared, "inbox"), os.path.join(shared, "000001")):
            found[path[len(shared):]] = attempt(lambda: os.listdir(path))
        found["read"] = attempt(lambda: open(os.path.join(shared, "000001", "request.json")))
        found["move"] = attempt(lambda: os.rename(folder, folder + "x"))
        found["elsewhere"] = attempt(lambda: open(os.path.join(os.getcwd(), "new"), "w"))
        found["temporary"] = attempt(lambda: open(os.environ["TMPDIR"] + "/new", "w"))
        serving.put(os.path.join(folder, "reply.json"), found)
        return
    serving.put(os.path.join(folder, "reply.json"), {"cpus": sorted(os.sched_getaffinity(0))})

serving.serve(sys.argv[1], train, 1.5)
"""

WHATS = (
    *("hang", "good", "crash", "die", "raise", "eat", "eat in parts", "fill", "fill all"),
    "good too",
)


class Host:
    """The host's side: makes the folders, sends errands, holds the lock."""

    def __init__(self, folder: Path, python: Path, *, bells_hang: bool = True) -> None:
        self.hang = wakeup.create if bells_hang else str
        self.folder = folder / "exchange"
        (self.folder / exchange.INBOX).mkdir(parents=True)
        self.hang(str(self.folder / exchange.BELL))
        root = folder / "root"
        (folder / "temporary").mkdir()
        staging.write(root)
        self.held = (self.folder / exchange.ALIVE).open("w")
        fcntl.flock(self.held, fcntl.LOCK_EX)
        self.process = subprocess.Popen(
            [str(python), "-c", PROGRAM, str(self.folder)],
            cwd=root,
            env={**os.environ, "TMPDIR": str(folder / "temporary")},
            stderr=subprocess.PIPE,
        )

    def send(self, name: str, what: str, *, timeout: float = 60, memory: int = 2**30) -> Path:
        run = self.folder / name
        run.mkdir()
        self.hang(str(run / exchange.BELL))
        (run / exchange.REQUEST).write_text(json.dumps({"what": what}))
        errand = {"cpus": [0], "timeout_s": timeout, "memory_bytes": memory}
        draft = self.folder / exchange.INBOX / f".{name}"
        draft.write_text(json.dumps(errand))
        draft.rename(self.folder / exchange.INBOX / name)
        wakeup.notify(str(self.folder / exchange.BELL))
        return run

    def ended(self, run: Path) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while not (run / exchange.ENDED).exists():
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)
        found: dict[str, Any] = json.loads((run / exchange.ENDED).read_text())
        return found

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.held.close()


@pytest.fixture
def host(tmp_path: Path, any_python: Path) -> Iterator[Host]:
    host = Host(tmp_path, any_python)
    yield host
    host.close()


def test_each_ending_is_told_and_costs_only_its_own_run(host: Host) -> None:
    runs = {
        what: host.send(f"{number:06d}", what, timeout=2 if what == "hang" else 60, memory=2**28)
        for number, what in enumerate(WHATS)
    }
    endings = {what: host.ended(run) for what, run in runs.items()}
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
    assert json.loads((host.folder / exchange.READY).read_text()) == {"import": 1.5}


def test_without_bells_news_is_looked_for(tmp_path: Path) -> None:
    host = Host(tmp_path, Path(sys.executable), bells_hang=False)
    try:
        assert host.ended(host.send("000001", "good"))["cause"] == "exited"
    finally:
        host.close()


def test_what_a_run_started_ends_with_it(host: Host) -> None:
    run = host.send("000001", "hang", timeout=1)
    seen: set[int] = set()
    while not (run / exchange.ENDED).exists():
        with_children = psutil.Process(host.process.pid).children(recursive=True)
        seen.update(process.pid for process in with_children)
        time.sleep(0.02)
    assert len(seen) >= 2
    _wait_until(lambda: not [pid for pid in seen if _lives(pid)])


def test_a_run_sees_and_changes_nothing_but_its_own_folder(host: Host) -> None:
    host.ended(host.send("000001", "good"))
    run = host.send("000002", "peek")
    host.ended(run)
    found = json.loads((run / exchange.REPLY).read_text())
    if found["confined"] != confining.CONFINED:
        pytest.skip(f"this kernel cannot confine a run, and the reply says so: {found['confined']}")
    assert json.loads(found["own"]) == {"what": "peek"}
    refused = ("", "/inbox", "/000001", "read", "move", "elsewhere")
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, "EACCES")
    assert found["temporary"] == "done"


def test_stop_ends_it_and_what_still_runs(host: Host) -> None:
    run = host.send("000001", "hang")
    _wait_for(run / exchange.LOG)
    children = psutil.Process(host.process.pid).children()
    (host.folder / exchange.STOP).touch()
    assert host.process.wait(timeout=10) == 0
    assert not [child for child in children if _lives(child.pid)]


def test_it_ends_when_its_host_is_gone(host: Host) -> None:
    run = host.send("000001", "hang")
    _wait_for(run / exchange.LOG)
    fcntl.flock(host.held, fcntl.LOCK_UN)
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
