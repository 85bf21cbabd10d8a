"""Jobs: plain JSON there and back, carried out by a process that has nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import harness

import harness as program
from harness.cli import wiring
from harness.errors import LockError
from harness.executors.cpu_sets import CpuSets
from harness.executors.run_processes import Limits
from harness.matrix import cells, reading
from harness.protocol import exchange, job
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step

DATA = Path(__file__).parents[1] / "data" / "matrices"
LIMITS = Limits(timeout=600.0, memory=4 << 30)


def steps_of(matrix: Path, only: str = "*") -> list[Step]:
    found = reading.read(matrix)
    selected = cells.select(cells.cells(found), (only,))
    return [
        Step(cell=cell, repeat=repeat, action="run", why="")
        for cell in selected
        for repeat in range(1, found.repeats + 1)
    ]


def maker(matrix: Path) -> Maker:
    return Maker(
        scripts={},
        matrix="small",
        lock=wiring.lock_maker(matrix),
        data=wiring.data_reference,
        limits=LIMITS,
    )


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    return Path(shutil.copy(DATA / "small.yaml", tmp_path))


def test_runs_that_can_share_a_process_are_one_job(matrix: Path) -> None:
    text = matrix.read_text().replace("repeats: 2", "repeats: 2\ninclude: {onednn: [off]}")
    matrix.write_text(text)
    jobs, unlocked = maker(matrix).jobs(steps_of(matrix))
    assert unlocked == []
    keys = [
        (each.environment["tensorflow"], each.variables.get("TF_ENABLE_ONEDNN_OPTS"))
        for each in jobs
    ]
    assert len(set(keys)) == len(keys) == 4
    assert sum(len(each.runs) for each in jobs) == len(steps_of(matrix))


def test_json_there_and_back_is_the_same_job(matrix: Path) -> None:
    [made, *_], _ = maker(matrix).jobs(steps_of(matrix))
    text = json.dumps(job.to_json(made))
    assert job.from_json(json.loads(text)) == made
    assert (
        made.lock_sha256 == wiring.lock_maker(matrix)(steps_of(matrix)[0].cell.environment).sha256
    )


def test_an_environment_without_a_lock_is_a_job_with_the_reason(matrix: Path) -> None:
    (matrix.parent / "locks" / "tf2.12.1,py3.11,cpu.txt").write_text("no lock\n")
    jobs, [unlocked] = maker(matrix).jobs(steps_of(matrix))
    assert [each.environment["tensorflow"] for each in jobs] == ["2.15.1"]
    assert isinstance(unlocked.error, LockError) and unlocked.job.lock_sha256 == ""
    assert unlocked.job.environment["tensorflow"] == "2.12.1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"schema": exchange.SCHEMA + 1}, "schema"),
        ({"runs": []}, "without runs"),
        ({"runs": [{"cell": "x"}]}, "not a job"),
        ({"data": {}}, "does not name"),
        ({"more": 1}, "not a job"),
        ({"lock": None, "data": 3}, "not a job"),
        ({"timeout_s": None}, "not a job"),
        ({"environment": {"tensorflow": "2.15.1"}}, "environment is none"),
    ],
)
def test_what_is_no_job_is_refused_with_the_reason(
    matrix: Path, change: dict[str, Any], what: str, tmp_path: Path
) -> None:
    [made, *_], _ = maker(matrix).jobs(steps_of(matrix))
    content = {**job.to_json(made), **change}
    with pytest.raises(ValueError, match=what):
        job.from_json(content)
    (tmp_path / "job.json").write_text(json.dumps(content))
    ended = harness("job", tmp_path / "job.json", "--results", tmp_path / "results")
    assert ended.code == 2 and what in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"variables": {"LD_PRELOAD": "x.so"}}, "not those of the settings"),
        ({"consent": ["LD_PRELOAD"]}, "consents to something else"),
    ],
)
def test_a_job_sets_no_variable_that_its_runs_do_not_ask_for(
    matrix: Path, change: dict[str, Any], what: str, tmp_path: Path
) -> None:
    [made, *_], _ = maker(matrix).jobs(steps_of(matrix))
    (tmp_path / "job.json").write_text(json.dumps({**job.to_json(made), **change}))
    ended = harness("job", tmp_path / "job.json", "--results", tmp_path / "results", "--trust-job")
    assert ended.code == 2 and what in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "results").exists()


@pytest.mark.tensorflow
def test_a_process_with_nothing_but_the_job_carries_it_out(matrix: Path, tmp_path: Path) -> None:
    [made], _ = maker(matrix).jobs(steps_of(matrix, "*mnist-mlp,tf2.15.1*"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "job.json").write_text(json.dumps(job.to_json(made)))
    shutil.rmtree(matrix.parent / "locks")
    matrix.unlink()
    ended = harness(
        *("job", elsewhere / "job.json", "--engine", "local"),
        *("--results", elsewhere / "results", "--trust-job"),
    )
    assert ended.code == 0, ended.err
    frame = program.load(elsewhere / "results")
    assert len(frame) == len(made.runs) == 4 and set(frame["status"]) == {"completed"}
    assert set(frame["machine"]) == {wiring.this_machine().id}
    [lock] = (elsewhere / "results" / "small" / "locks").iterdir()
    assert lock.read_text() == made.lock
    assert frame.groupby("cell")["weights_sha256"].nunique().eq(1).all()


def test_versions_lead_out_of_no_folder(matrix: Path) -> None:
    [made, *_], _ = maker(matrix).jobs(steps_of(matrix))
    content = job.to_json(made)
    content["environment"] = {**content["environment"], "tensorflow": "x/../../y"}
    with pytest.raises(ValueError, match="a version that is none"):
        job.from_json(content)


@pytest.mark.slow
def test_without_a_container_a_job_needs_trust(matrix: Path, tmp_path: Path) -> None:
    [made, *_], _ = maker(matrix).jobs(steps_of(matrix))
    (tmp_path / "job.json").write_text(json.dumps(job.to_json(made)))
    ended = harness(
        "job", tmp_path / "job.json", "--engine", "local", "--results", tmp_path / "results"
    )
    assert ended.code == 2 and "--trust-job" in ended.err
    assert not (tmp_path / "results").exists()


@pytest.mark.docker
@pytest.mark.usefixtures("docker_client")
def test_a_container_does_not_hold_what_is_built_before_it(matrix: Path, tmp_path: Path) -> None:
    [made], _ = maker(matrix).jobs(steps_of(matrix, "*mnist-mlp,tf2.12.1*"))
    assert ".tar.gz" in made.lock
    (tmp_path / "job.json").write_text(json.dumps(job.to_json(made)))
    ended = harness(
        "job", tmp_path / "job.json", "--engine", "docker", "--results", tmp_path / "results"
    )
    assert ended.code == 2 and "build wrapt==1.14.1 from source" in ended.err
    assert not (tmp_path / "results").exists()


def test_more_cpus_than_there_are_is_no_endless_wait() -> None:
    with pytest.raises(ValueError, match="there are 2"), CpuSets((0, 1), slots=2).reserve(3):
        pass
