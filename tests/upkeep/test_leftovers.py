"""What killed sweeps and runs left behind is found and removed, and nothing else."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from engines.engine_bench import SIX, Bench, make_lock
from results_factory import SweepOnDisk, cell
from upkeep.cleaning import cleaned, running

from harness import places, processes, scratch
from harness.cli.upkeep_commands import KindChoice
from harness.engines.local.engine import LocalEngine
from harness.processes import ProcessFailedError
from harness.upkeep import items, state_checks
from harness.upkeep.checks import Need

RUN = """
import subprocess, sys, time
from harness import scratch
with scratch.folder("home") as home:
    child = subprocess.Popen(["sleep", "600"], env={"HOME": str(home)}, start_new_session=True)
    print(home, child.pid, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_sweep_left_half_written_goes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = SweepOnDisk(root=home / "results", matrix="m")
    sweep.plan([cell()])
    left = sweep.folder / ".partial" / "x"
    left.parent.mkdir(exist_ok=True)
    left.write_text("half")
    assert [row["kind"] for row in cleaned(capsys)] == ["folder"]
    assert left.exists()
    cleaned(capsys, yes=True)
    assert not left.exists() and (sweep.folder / "plan.jsonl").exists()


@pytest.mark.slow
def test_processes_and_folders_of_a_killed_run_are_found_and_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(RUN) as living, running(RUN) as killed:
        assert living.stdout is not None and killed.stdout is not None
        kept, kept_pid = living.stdout.readline().split()
        left, pid = killed.stdout.readline().split()
        killed.kill()
        killed.wait()
        while not scratch.is_abandoned(Path(left)):
            time.sleep(0.1)
        kinds = [row["kind"] for row in cleaned(capsys)]
        assert kinds == ["process", "folder"]
        assert psutil.pid_exists(int(pid)) and Path(left).exists()
        assert {row["outcome"] for row in cleaned(capsys, yes=True)} == {"removed"}
        assert not Path(left).exists()
        assert _has_ended(int(pid))
        assert psutil.pid_exists(int(kept_pid)) and Path(kept).exists()
        psutil.Process(int(kept_pid)).kill()


SENDER = """
import time
from harness import places, scratch
from harness.executors.cluster import slurm_options
with scratch.folder("slurm", places.cache(slurm_options.CACHED)) as folder:
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_what_a_killed_sender_of_jobs_left_in_the_cache_is_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(SENDER) as living, running(SENDER) as killed:
        assert living.stdout is not None and killed.stdout is not None
        kept = Path(living.stdout.readline().strip())
        left = Path(killed.stdout.readline().strip())
        killed.kill()
        killed.wait()
        while not scratch.is_abandoned(left):
            time.sleep(0.1)
        [found] = cleaned(capsys, yes=True)
        assert (found["name"], found["outcome"]) == (str(left), "removed")
        assert kept.exists() and not left.exists()
        living.kill()


# Detaches twice, so that nobody but the guard knows it.
DETACHED = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(output + "/pid", "w") as file: file.write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""
ORDERED = (
    "import pickle, sys; from harness.engines import choice;"
    " order = pickle.loads(sys.stdin.buffer.read()); choice.choose('local')[0].run(order)"
)


def test_what_outlives_a_killed_guard_is_found_by_doctor_and_removed(
    home: Path, local_engine: LocalEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    image = local_engine.assemble(make_lock(SIX), home / "log")
    order = Bench(local_engine, image, home).order(DETACHED)
    with subprocess.Popen([sys.executable, "-c", ORDERED], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(order))
        process.stdin.close()
        said = order.output / "pid"
        while not (said.exists() and said.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        (guard,) = psutil.Process(process.pid).children()
        # The guard is stopped first: it would end everything when the harness dies.
        guard.suspend()
        process.kill()
        guard.kill()
    left = int(said.read_text())
    assert not _has_ended(left)
    need = Need(engine="local", results=home, memory=1)
    while not scratch.abandoned():
        time.sleep(0.1)
    found = next(state_checks.leftovers(need))
    assert "1 folder, 1 process" in found.found
    kinds = [KindChoice.folder, KindChoice.process]
    assert {row["outcome"] for row in cleaned(capsys, yes=True, kind=kinds)} == {"removed"}
    assert _has_ended(left) and next(state_checks.leftovers(need)).state == "ok"


def _has_ended(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_mount_goes_before_the_folder_and_never_what_is_mounted(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = places.cache("exchange") / "left"
    (left / "point").mkdir(parents=True)
    (home / "precious").mkdir()
    (home / "precious" / "file").touch()
    try:
        processes.run(["mount", "--bind", str(home / "precious"), str(left / "point")])
    except (OSError, ProcessFailedError) as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    try:
        os.utime(left, (0, 0))
        assert "mounted" in (items.remove_tree(left) or "")
        assert (home / "precious" / "file").exists()
        rows = cleaned(capsys, yes=True, kind=[KindChoice.mount, KindChoice.folder])
        assert [(row["kind"], row["outcome"]) for row in rows] == [
            ("mount", "removed"),
            ("folder", "removed"),
        ]
    finally:
        if items.mounts_below([left]):
            processes.run(["umount", str(left / "point")])
    assert (home / "precious" / "file").exists() and not left.exists()
