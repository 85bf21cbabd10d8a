"""A look from another process: the same as from here, whatever becomes of that process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import psutil
import pytest
from results_factory import SweepOnDisk, cell, hardware

from harness.errors import UsageError
from harness import stamps
from harness.results import ahead, inventory
from harness.results.inventory import Seen

CELLS = [cell(seed=seed) for seed in range(3)]


@pytest.fixture(autouse=True)
def _fine_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for the ticks of a FAT file system."""
    monkeypatch.setattr(stamps, "TICK_NS", 0)


@pytest.fixture
def sweeps(tmp_path: Path) -> list[SweepOnDisk]:
    """Two machines' sweeps, one with a file that is no record."""
    made = [SweepOnDisk(root=tmp_path, hardware=hardware(microarchitecture=f"zen{n}")) for n in "45"]
    for sweep in made:
        sweep.plan(CELLS)
        for each in CELLS:
            sweep.complete(each, "w", "w")
    (made[0].folder / CELLS[0].id / "notes \udcff.txt").write_text("mine")
    return made


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests may have left a thread, beside which nothing would be forked."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def _only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process cannot look."""

    def here(folder: Path) -> NoReturn:
        pytest.fail(f"{folder} was looked at here")

    monkeypatch.setattr(inventory, "seen", here)


@pytest.mark.usefixtures("alone")
def test_the_other_process_sees_the_same(
    sweeps: list[SweepOnDisk], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {sweep.folder: inventory.seen(sweep.folder) for sweep in sweeps}
    assert expected[sweeps[0].folder].foreign
    with ahead.looking(sweeps[0].root) as look:
        _only_there(monkeypatch)
        assert {folder: look(folder) for folder in expected} == expected


_HERE = os.getpid()


def _killed(folder: Path) -> NoReturn:
    assert os.getpid() != _HERE, "looked at in the process of the tests"
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _failing(folder: Path) -> NoReturn:
    raise OSError("not there")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("end", [_killed, _failing])
def test_the_other_process_may_die(
    sweeps: list[SweepOnDisk], monkeypatch: pytest.MonkeyPatch, end: Callable[[Path], Seen]
) -> None:
    seen = inventory.seen
    dying = sweeps[1].folder
    monkeypatch.setattr(inventory, "seen", lambda f: end(f) if f == dying else seen(f))
    with ahead.looking(sweeps[0].root) as look:
        monkeypatch.setattr(inventory, "seen", seen)
        assert [look(sweep.folder) for sweep in sweeps] == [seen(sweep.folder) for sweep in sweeps]


@pytest.mark.usefixtures("alone")
def test_nothing_waits_for_it_and_nothing_is_left_of_it(
    sweeps: list[SweepOnDisk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "seen", lambda folder: time.sleep(600))
    handles = len(list(Path("/proc/self/fd").iterdir()))
    children = psutil.Process().children()
    with ahead.looking(sweeps[0].root):
        assert len(psutil.Process().children()) == len(children) + 1
    assert len(list(Path("/proc/self/fd").iterdir())) == handles
    assert psutil.Process().children() == children


def test_beside_other_threads_nothing_is_forked(
    sweeps: list[SweepOnDisk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("another thread may hold a lock"))
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    with ahead.looking(sweeps[0].root) as look:
        assert look(sweeps[0].folder) == inventory.seen(sweeps[0].folder)
    done.set()
    thread.join()


def _no_more() -> NoReturn:
    raise BlockingIOError("Resource temporarily unavailable")


@pytest.mark.usefixtures("alone")
def test_where_no_process_can_be_had_it_is_done_here(
    sweeps: list[SweepOnDisk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", _no_more)
    handles = len(list(Path("/proc/self/fd").iterdir()))
    with ahead.looking(sweeps[0].root) as look:
        assert look(sweeps[0].folder) == inventory.seen(sweeps[0].folder)
    assert len(list(Path("/proc/self/fd").iterdir())) == handles


def test_no_results_are_said_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no results"), ahead.looking(tmp_path):
        pass


_INTERRUPTED = """
import sys, time
from pathlib import Path
from harness.results import ahead, inventory

inventory.seen = lambda folder: time.sleep(600)
with ahead.looking(Path(sys.argv[1])) as look:
    print("looking", flush=True)
    look(Path(sys.argv[2]))
"""


def test_an_interruption_ends_both(sweeps: list[SweepOnDisk]) -> None:
    command = (sys.executable, "-c", _INTERRUPTED, sweeps[0].root, sweeps[0].folder)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"looking\n"
    os.killpg(process.pid, signal.SIGINT)
    # Both hold standard error open: it ends only when both have.
    _, errors = process.communicate(timeout=60)
    assert errors.count(b"KeyboardInterrupt") == 1, errors.decode()
    assert b"Exception ignored" not in errors
