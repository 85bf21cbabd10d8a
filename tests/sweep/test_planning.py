"""Planning: a run is done only if its record answers for exactly what would run now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.environments.lock import Lock
from harness.errors import LockError
from harness.matrix import cells, reading
from harness.matrix.cells import DEFAULTS, Cell
from harness.matrix.environment import Environment
from harness.matrix.text import Problems
from harness.protocol.axes import to_json
from harness.results.record import Record
from harness.sweep import here, planning
from harness.sweep.here import Machine
from harness.sweep.planning import Wanted


def cells_of(axes: str) -> list[Cell]:
    problems = Problems()
    matrix = reading.parse(
        f"schema: 1\nname: x\nenvironments: {{tensorflow: 2.15.1}}\naxes: {{{axes}}}\n", problems
    )
    assert matrix is not None, problems.found
    return list(cells.cells(matrix))


def lock_of(environment: Environment, sha256: str) -> Lock:
    return Lock(
        environment=environment, packages=(), platform="linux", sha256=sha256, path=Path("x.txt")
    )


def wanted(**changes: Any) -> Wanted:
    given: dict[str, Any] = {
        "runner_sha256": "a" * 64,
        "lock": lambda environment: lock_of(environment, "c" * 64),
        "base": lambda environment, engine: None,
        "data_sha256": lambda workload: "d" * 64,
        "engine": None,
        "distrusted": lambda lock_sha256, engine: None,
        "timeout": 60.0,
        "memory": 2**30,
    }
    return Wanted(**{**given, **changes})


def record(status: str = "completed", **changes: Any) -> Record:
    measured = {
        "data_sha256": "d" * 64,
        "init_sha256": "i",
        "weights_sha256": "w",
        "predictions_sha256": "p",
        "tensors": [],
        "history": {},
        "loss": "0x1p+0",
        "metric": "accuracy",
        "value": "0x1p-1",
        "parameters": 1,
    }
    given: dict[str, Any] = {
        "schema": 1,
        "matrix": "x",
        "machine": "m",
        "cell": "c",
        "repeat": 1,
        "status": status,
        "reason": "" if status == "completed" else "because",
        "engine": {"name": "local"},
        "environment": {
            "id": "e",
            "python": "3.11",
            "tensorflow": "2.15.1",
            "numpy": None,
            "keras": None,
            "device": "cpu",
            "lock_sha256": "c" * 64,
            "image": "i",
            "base": "b",
        },
        "settings": {name: to_json(value) for name, value in DEFAULTS.items()},
        "process": {"timeout_s": 60.0, "memory_bytes": 2**30},
        "runner_sha256": "a" * 64,
        "measured": measured if status == "completed" else None,
        "started": "2026-01-01T00:00:00+00:00",
    }
    return Record.model_validate({**given, **changes})


def why(found: Record | None, **changes: Any) -> tuple[str, str]:
    (step,) = planning.steps(cells_of(""), 1, wanted(**changes), lambda cell, repeat: found)
    return step.action, step.why


def test_a_run_with_its_record_is_done() -> None:
    assert why(record()) == ("done", "recorded")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"runner_sha256": "b" * 64}, "the runner changed (aaaaaaaa → bbbbbbbb)"),
        ({"lock": lambda e: lock_of(e, "f" * 64)}, "the lock changed (cccccccc → ffffffff)"),
        ({"data_sha256": lambda workload: "e" * 64}, "the data changed (dddddddd → eeeeeeee)"),
        ({"engine": "docker"}, "recorded with the engine local, now asked for docker"),
    ],
)
def test_a_changed_input_makes_it_run_again_and_says_which(
    changes: dict[str, Any], expected: str
) -> None:
    assert why(record(), **changes) == ("run", expected)


def test_every_changed_input_is_named() -> None:
    lock, data = lock_of(cells_of("")[0].environment, "f" * 64), "e" * 64
    action, said = why(record(), lock=lambda e: lock, data_sha256=lambda workload: data)
    assert action == "run"
    assert said == "the lock changed (cccccccc → ffffffff); the data changed (dddddddd → eeeeeeee)"


def test_what_is_not_known_yet_changes_nothing() -> None:
    assert why(record(), lock=lambda e: None)[0] == "done"
    assert why(record(), base=lambda e, engine: None)[0] == "done"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f"python:3.11@sha256:{'a' * 64}", f"sha256:{'b' * 64}", "(aaaaaaaa → bbbbbbbb)"),
        ("CPython 3.11.2 (x)", "CPython 3.11.3 (y)", "(CPython 3.11.2 (x) → CPython 3.11.3 (y))"),
    ],
)
def test_another_base_alone_makes_it_run_again(old: str, new: str, expected: str) -> None:
    found = record(environment=record().environment.model_copy(update={"base": old}).model_dump())
    assert why(found, base=lambda e, engine: old)[0] == "done"
    assert why(found, base=lambda e, engine: new) == ("run", f"the base changed {expected}")


def test_the_same_base_from_another_registry_is_the_same_base() -> None:
    base = f"sha256:{'a' * 64}"
    made = record().environment.model_copy(update={"base": f"python:3.11@{base}"})
    found = record(environment=made.model_dump())
    assert why(found, base=lambda e, engine: f"mirror:5000/python@{base}")[0] == "done"


def test_the_base_is_asked_of_the_engine_that_recorded() -> None:
    asked = []
    why(record(), base=lambda e, engine: asked.append(engine))
    assert asked == ["local"]


def test_a_stale_lock_is_the_reason() -> None:
    assert why(record(), lock=lambda e: LockError("stale\nmore")) == ("run", "stale")


def test_a_record_of_other_settings_answers_for_nothing() -> None:
    other = record(settings={"threads": 2})
    assert why(other) == ("run", "the record is of other settings")


def test_forked_runs_are_done_again_after_a_failed_audit() -> None:
    process = {"timeout_s": 60.0, "memory_bytes": 2**30, "isolation": "forked"}
    asked = {"distrusted": lambda lock_sha256, engine: f"{lock_sha256[:1]} {engine}"}
    assert why(record(process=process), **asked) == ("run", "c local")
    assert why(record(process={**process, "isolation": "fresh"}), **asked)[0] == "done"


@pytest.mark.parametrize("status", ["failed", "unsupported", "invalid"])
def test_a_failure_that_would_come_again_is_done(status: str) -> None:
    assert why(record(status))[0] == "done"


@pytest.mark.parametrize("status", ["killed", "unavailable"])
def test_a_failure_from_outside_is_tried_again(status: str) -> None:
    assert why(record(status)) == ("run", f"last time {status}: because")


def test_a_limit_raised_lets_it_try_again() -> None:
    assert why(record("timeout"))[0] == "done"
    assert why(record("timeout"), timeout=120.0)[0] == "run"
    assert why(record("out_of_memory"))[0] == "done"
    assert why(record("out_of_memory"), memory=2**31)[0] == "run"


def test_no_record_means_run_and_every_repeat_is_a_step() -> None:
    steps = list(planning.steps(cells_of("seed: [1, 2]"), 3, wanted(), lambda cell, repeat: None))
    assert [(s.repeat, s.action) for s in steps] == [(r, "run") for r in (1, 2, 3)] * 2


def test_what_this_machine_cannot_run_is_unavailable_with_the_reason() -> None:
    settle = here.settled(Machine(cpus=2, flags=frozenset({"sse4_1", "avx2"})), lambda device: None)
    found = {
        (str(c.settings["cpus"]), str(c.settings["isa"])): settle(c).reason
        for c in cells_of("cpus: [1, 4], isa: [native, avx2, avx512_core]")
    }
    assert found["1", "native"] == found["1", "avx2"] == ""
    assert found["4", "native"] == "cpus=4 asked for, and this machine shows 2"
    assert "lacks avx512f" in found["1", "avx512_core"]


def test_a_run_gets_the_cpus_it_asks_for_else_one_per_thread_else_all() -> None:
    (asked,) = cells_of("cpus: 1, threads: 4")
    (fixed,) = cells_of("threads: 2")
    (default,) = cells_of("")
    assert here.cpus_for(asked.settings, 8) == 1
    assert here.cpus_for(fixed.settings, 8) == 2
    assert here.cpus_for(fixed.settings, 1) == 1
    assert here.cpus_for(default.settings, 8) == 8
