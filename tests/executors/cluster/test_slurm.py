"""Workers as jobs of a real SLURM: the same bits as here, nothing lost, no job left behind."""

from __future__ import annotations

import re
import signal
import stat
from pathlib import Path

import pytest
from commands import harness, start
from real_trainings import bits, matrix_in, run_here
from simulated_cluster import records, until_recorded
from slurm_node import Node

import harness as program
from harness.cli import wiring
from harness.executors.cluster import certificates

MATRIX = """
schema: 1
name: real
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  workload: mnist-mlp
  samples: 256
  epochs: 1
  threads: 1
  seed: [1, 2]
repeats: 3
"""
COMPLETING_SECONDS = 60
"""A job that was cancelled is in the queue until its last process is gone."""


def options(folder: Path, more: str = "", workers: int = 2) -> Path:
    """A file of cluster options."""
    path = folder / "slurm.yaml"
    path.write_text(
        f"schema: 1\nworkers: {workers}\ncpus: 1\nmemory: 1G\nwalltime: 00:10:00\n"
        f"shared_directory: {folder}/shared\n{more}"
    )
    return path


def arguments(matrix: Path, results: Path, more: str = "") -> tuple[str | Path, ...]:
    cluster = options(matrix.parent, more)
    return ("run", matrix, "--on", "slurm", "--cluster", cluster, "--results", results)


@pytest.mark.tensorflow
def test_whatever_becomes_of_jobs_every_run_is_once_with_the_bits_that_it_has_here(
    slurm: Node, tmp_path: Path
) -> None:
    matrix = matrix_in(tmp_path, MATRIX)
    run_here(matrix, tmp_path / "here")
    results, shared = tmp_path / "there", tmp_path / "shared"

    interrupted = start(*arguments(matrix, results), variables=slurm.variables)
    until_recorded(results, 1, interrupted)
    (folder,) = shared.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    key = folder / "tls" / certificates.KEY
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    interrupted.send_signal(signal.SIGINT)
    _, err = interrupted.communicate(timeout=120)
    assert interrupted.returncode == 130 and "Traceback" not in err, err
    assert slurm.until_empty(COMPLETING_SECONDS) == [] and not list(shared.iterdir())
    kept = records(results)
    assert 1 <= len(kept) < 6

    process = start(*arguments(matrix, results), variables=slurm.variables)
    until_recorded(results, len(kept) + 1, process)
    cancelled, _ = slurm.jobs()
    slurm.cancel(cancelled)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0 and "Traceback" not in err, err
    assert slurm.until_empty(COMPLETING_SECONDS) == [] and not list(shared.iterdir())
    assert f"{len(kept)} done before" in err

    after = records(results)
    assert len(after) == 6 and {path: after[path] for path in kept} == kept
    assert not list(results.rglob("*superseded*"))
    assert bits(results) == bits(tmp_path / "here")
    assert len({values[:3] for values in bits(results).values()}) == 2, "two cells that differ"
    assert set(program.load(results)["machine"]) == {wiring.this_machine().id}
    assert harness("check", results).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("partition: short\n", "will never start job [0-9]+: PartitionTimeLimit"),
        ("partition: nowhere\n", "does not take the job: .*Invalid partition"),
        ("prologue: [echo no such module >&2; exit 3]\n", "worker came: no such module"),
        ("interface: none0\n", "'none0' is not a valid network interface"),
    ],
)
def test_where_no_worker_can_come_it_is_said_and_nobody_waits(
    slurm: Node, tmp_path: Path, more: str, said: str
) -> None:
    matrix = matrix_in(tmp_path, MATRIX)
    results = tmp_path / "results"
    ended = harness(*arguments(matrix, results, more), variables=slurm.variables)
    assert ended.code == 5 and "Traceback" not in ended.err, ended.err
    assert re.search(said, ended.err), ended.err
    assert slurm.until_empty(COMPLETING_SECONDS) == [] and not results.exists()
    assert not list((tmp_path / "shared").iterdir())


@pytest.mark.slow
def test_a_long_queue_is_waited_for_and_ctrl_c_takes_the_jobs_out_of_it(
    slurm: Node, tmp_path: Path
) -> None:
    matrix = matrix_in(tmp_path, MATRIX)
    command = arguments(matrix, tmp_path / "results", "directives: [--begin=now+1hour]\n")
    process = start(*command, variables=slurm.variables)
    assert process.stderr is not None
    err = ""
    while "pending (BeginTime)" not in err:
        err += process.stderr.readline()
    assert len(slurm.jobs()) == 2
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in err + rest, err + rest
    assert slurm.until_empty(COMPLETING_SECONDS) == []
