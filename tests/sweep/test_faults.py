"""A sweep loses nothing, whatever is killed, filled, stopped or set back while it runs."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from commands import PROGRAM, Ended, harness, start

from harness.engines.docker.engine import DockerEngine
from harness.executors import exchange_folders

pytestmark = pytest.mark.tensorflow

Hashes = dict[tuple[str, int], tuple[str, str, str]]

KILLS = int(os.environ.get("HARNESS_FAULT_KILLS", "3"))
"""How often the host process is killed; 50 and more for a thorough round."""

DATA = Path(__file__).parents[1] / "data"
ENGINE = Path(__file__).parents[2] / ".ci" / "engine"
RUNS = 8


def sweep(matrix: Path, results: Path, *more: str, engine: str = "local") -> Ended:
    return harness("run", matrix, "--engine", engine, "--results", results, *more)


def start_sweep(matrix: Path, results: Path, *more: str) -> subprocess.Popen[str]:
    return start("run", matrix, "--engine", "local", "--results", results, *more)


def records(results: Path) -> list[Path]:
    return sorted(results.glob("*/*/*/[0-9]*.json"))


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.05)


def whole(results: Path) -> None:
    """Every run is there once, nothing is damaged, missing or foreign."""
    assert len(records(results)) == RUNS
    checked = harness("check", results)
    assert checked.code == 0, checked.err


def mounts(own: Path) -> Counter[str]:
    """What is mounted now, but for what other tests mount below their temporary folders."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return Counter(line for line in lines if "/pytest-of-" not in line or str(own) in line)


def killed_at(matrix: Path, results: Path, seconds: float) -> bool:
    """Start the sweep and kill its host process after that time; False if it ended before."""
    process = start_sweep(matrix, results)
    try:
        process.wait(seconds)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
    children = [] if ended else psutil.Process(process.pid).children(recursive=True)
    process.kill()
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    assert not ended or process.returncode == 0, err
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive, "what a killed sweep leaves behind ends by itself"
    return not ended


@pytest.mark.timeout(KILLS * 120 + 600)
def test_a_host_killed_at_any_moment_loses_nothing(
    matrix: Path, tmp_path: Path, one_by_one: Hashes, hashes: Callable[[Path], Hashes]
) -> None:
    before = mounts(tmp_path)
    moments = random.Random(2026)
    sweeps = [tmp_path / "results-0"]
    kills = 0
    while kills < KILLS:
        kept = {path: path.read_bytes() for path in records(sweeps[-1])}
        if killed_at(matrix, sweeps[-1], moments.uniform(0.3, 15)):
            kills += 1
        else:
            sweeps.append(tmp_path / f"results-{len(sweeps)}")
        assert all(path.read_bytes() == content for path, content in kept.items())
    for results in sweeps:
        last = sweep(matrix, results)
        assert last.code == 0, last.err
        whole(results)
        assert hashes(results) == one_by_one
        assert not list(results.rglob("*superseded*")), "no run was made twice"
    assert mounts(tmp_path) == before
    folders = exchange_folders.abandoned()
    assert not [folder for folder in folders if time.time() - folder.stat().st_mtime > 600]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no small file system can be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_ends_the_sweep_and_loses_nothing(
    matrix: Path, small_disk: Path, one_by_one: Hashes, hashes: Callable[[Path], Hashes]
) -> None:
    results = small_disk / "results"
    stopped = sweep(matrix, results, "--isolation", "forked")
    assert stopped.code in {5, 8} and "No space left" in stopped.err, stopped.err
    assert "Traceback" not in stopped.err
    kept = {path: path.read_bytes() for path in records(results)}
    assert len(kept) < RUNS
    subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
    again = sweep(matrix, results, "--isolation", "forked")
    assert again.code == 0, again.err
    assert all(path.read_bytes() == content for path, content in kept.items())
    whole(results)
    assert hashes(results) == one_by_one


@pytest.fixture
def a_year_ago(tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose clock is set back."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here, to set the clock back for one process")
    library = tmp_path / "clock_set_back.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(DATA / "clock_set_back.c")]
    subprocess.run(command, check=True)
    environment = {**os.environ, "LD_PRELOAD": str(library)}
    asked = [sys.executable, "-c", "import time; print(time.time())"]
    told = subprocess.run(asked, env=environment, capture_output=True, check=True)
    assert time.time() - float(told.stdout) > 364 * 86400
    return environment


def test_a_clock_set_back_in_the_middle_changes_nothing(
    matrix: Path,
    tmp_path: Path,
    a_year_ago: dict[str, str],
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
) -> None:
    results = tmp_path / "results"
    process = start_sweep(matrix, results, "--isolation", "forked")
    until(lambda: len(records(results)) >= 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    kept = {path: path.read_bytes() for path in records(results)}
    command = [*PROGRAM, "run", str(matrix), "--engine", "local", "--results", str(results)]
    ended = subprocess.run(
        [*command, "--isolation", "forked"],
        env=a_year_ago,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert all(path.read_bytes() == content for path, content in kept.items())
    whole(results)
    assert hashes(results) == one_by_one


def test_two_sweeps_in_one_folder_take_turns(
    matrix: Path, tmp_path: Path, one_by_one: Hashes, hashes: Callable[[Path], Hashes]
) -> None:
    results = tmp_path / "results"
    first = start_sweep(matrix, results, "--isolation", "forked")
    until(lambda: list(results.glob("*/*/.sweep.json")))
    second = sweep(matrix, results)
    assert second.code == 2 and f"process {first.pid}" in second.err
    _, err = first.communicate(timeout=300)
    assert first.returncode == 0, err
    whole(results)
    assert hashes(results) == one_by_one


@pytest.mark.docker
def test_an_engine_stopped_in_the_middle_loses_nothing(
    matrix: Path,
    tmp_path: Path,
    docker_engine: DockerEngine,
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
) -> None:
    host = subprocess.run([ENGINE, "host"], capture_output=True, text=True, check=False)
    if not host.stdout or host.stdout.strip() != os.environ.get("DOCKER_HOST"):
        pytest.skip("only an engine that .ci/engine started is stopped by tests")
    results = tmp_path / "results"
    process = start("run", matrix, "--engine", "docker", "--results", results)
    until(lambda: len(records(results)) >= 2, 300)
    subprocess.run([ENGINE, "restart"], check=True, capture_output=True)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 5 and "Traceback" not in err, err
    kept = {path: path.read_bytes() for path in records(results)}
    assert len(kept) < RUNS
    again = sweep(matrix, results, engine="docker")
    assert again.code == 0, again.err
    assert all(path.read_bytes() == content for path, content in kept.items())
    whole(results)
    assert hashes(results) == one_by_one
