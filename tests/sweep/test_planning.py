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
from harness.protocol.axes import process_variables, to_json
from harness.results.record import Record
from harness.results.vouchers import Voucher, Vouchers
from harness.sweep import machine_limits, planning
from harness.sweep.machine_limits import Machine
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
        "code": lambda workload, axes: "a" * 64,
        "vouchers": Vouchers([]),
        "scripts": {},
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
        "unit": "",
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
        "code_sha256": "a" * 64,
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
        ({"lock": lambda e: lock_of(e, "f" * 64)}, "the lock changed (cccccccc → ffffffff)"),
        ({"data_sha256": lambda workload: "e" * 64}, "the data changed (dddddddd → eeeeeeee)"),
        ({"engine": "docker"}, "recorded with the engine local, now asked for docker"),
    ],
)
def test_a_changed_input_makes_it_run_again_and_says_which(
    changes: dict[str, Any], expected: str
) -> None:
    assert why(record(), **changes) == ("run", expected)


def test_a_setting_that_is_now_applied_by_other_variables_runs_again() -> None:
    process = {"timeout_s": 60.0, "memory_bytes": 2**30}
    variables = process_variables(cells_of("")[0].settings)
    assert why(record(process={**process, "variables": variables}))[0] == "done"
    found = record(process={**process, "variables": {**variables, "TF_CUDNN_DETERMINISTIC": "1"}})
    assert why(found) == ("run", "the variables that apply its settings are others")


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


def test_what_is_asked_for_again_runs_whatever_it_has() -> None:
    first, second = (
        planning.Step(cell=cell, repeat=1, action="done", why="recorded")
        for cell in cells_of("threads: [1, 2]")
    )
    excluded = planning.Step(cell=first.cell, repeat=2, action="excluded", why="no")
    steps = [first, second, excluded]
    assert list(planning.done_again(steps, [])) == steps
    again = list(planning.done_again(steps, ["*threads=1"]))
    assert [(step.action, step.why) for step in again] == [
        ("run", "asked for again"),
        ("done", "recorded"),
        ("excluded", "no"),
    ]


def test_one_run_of_a_cell_is_asked_for_again_by_its_number() -> None:
    (cell,) = cells_of("threads: 1")
    steps = [planning.Step(cell=cell, repeat=n, action="done", why="recorded") for n in (1, 2)]
    again = planning.done_again(steps, ["*threads=1#2"])
    assert [step.action for step in again] == ["done", "run"]


def test_no_record_means_run_and_every_repeat_is_a_step() -> None:
    steps = list(planning.steps(cells_of("seed: [1, 2]"), 3, wanted(), lambda cell, repeat: None))
    assert [(s.repeat, s.action) for s in steps] == [(r, "run") for r in (1, 2, 3)] * 2


def test_what_this_machine_cannot_run_is_unavailable_with_the_reason() -> None:
    settle = machine_limits.settled(
        Machine(cpus=2, flags=frozenset({"sse4_1", "avx2"})), lambda device: None
    )
    found = {
        (str(c.settings["cpus"]), str(c.settings["isa"])): settle(c).reason
        for c in cells_of("cpus: [1, 4], isa: [native, avx2, avx512_core]")
    }
    assert found["1", "native"] == found["1", "avx2"] == ""
    assert found["4", "native"] == "cpus=4 asked for, and this machine shows 2"
    assert "lacks avx512f" in found["1", "avx512_core"]


def test_more_samples_than_the_data_has_are_unavailable() -> None:
    settle = machine_limits.settled(Machine(cpus=2, flags=frozenset()), lambda device: None)
    text = "samples: [default, 1707, 1708], workload: co2-conv"
    found = {str(c.settings["samples"]): settle(c) for c in cells_of(text)}
    assert [cell.status for cell in found.values()] == [None, None, "unavailable"]
    reason = "samples=1708 asked for, and the data of co2-conv has 1707 training rows"
    assert found["1708"].reason == reason


NEW = {"code": lambda workload, axes: "b" * 64}
CHANGED = "the code changed (aaaaaaaa → bbbbbbbb)"


def stepped(
    found: dict[int, Record], repeats: int, cells_text: str = "", **changes: Any
) -> list[tuple[str, str]]:
    """Action and reason of each step; the records are the same for every cell, by repeat."""
    vouching = changes.pop("vouching", True)
    steps = planning.steps(
        cells_of(cells_text),
        repeats,
        wanted(**{**NEW, **changes}),
        lambda cell, repeat: found.get(repeat),
        vouching=vouching,
    )
    return [(step.action, step.why) for step in steps]


def voucher(**changes: Any) -> Voucher:
    given = {"old": "a" * 64, "new": "b" * 64, "cell": "x", "repeat": 1, "equal": True}
    return Voucher(**{"lock_sha256": "c" * 64, "workload": "mnist-mlp", **given, **changes})


def test_where_only_the_code_changed_one_stable_run_is_repeated_first() -> None:
    found = {1: record(), 2: record(repeat=2)}
    (first, *others) = stepped(found, 2)
    assert first == ("run", f"{CHANGED}; repeated to vouch for the others")
    assert [action for action, _ in others] == ["waits"]
    assert others[0][1].startswith(CHANGED) and others[0][1].endswith("#1 is repeated first")


def test_a_cell_that_is_not_stable_vouches_for_nothing() -> None:
    other = record(repeat=2)
    assert other.measured is not None
    varied = other.model_copy(
        update={"measured": other.measured.model_copy(update={"weights_sha256": "v"})}
    )
    found = {1: record(), 2: varied}
    assert {action for action, _ in stepped(found, 2)} == {"waits"}
    assert {action for action, _ in stepped(found, 2, vouching=False)} == {"run"}


@pytest.mark.parametrize("status", ["failed", "invalid", "unsupported", "timeout"])
def test_what_did_not_complete_is_tried_again_with_other_code(status: str) -> None:
    vouched = Vouchers([voucher()])
    assert stepped({1: record(status)}, 1, vouchers=vouched) == [
        ("run", f"last time {status}; {CHANGED}")
    ]


def test_equal_bits_vouch_and_other_bits_do_not() -> None:
    found = {1: record()}
    assert stepped(found, 1, vouchers=Vouchers([voucher()])) == [
        ("done", f"recorded; {CHANGED}, and x #1 left equal bits")
    ]
    refuted = Vouchers([voucher(equal=False)])
    assert stepped(found, 1, vouchers=refuted) == [("run", f"{CHANGED}, and x #1 left other bits")]
    for change in ({"lock_sha256": "d"}, {"workload": "co2-lstm"}, {"old": "e"}, {"new": "e"}):
        [(action, why)] = stepped(found, 1, vouchers=Vouchers([voucher(**change)]))
        assert (action, why) == ("run", f"{CHANGED}; repeated to vouch for the others")


def test_vouchers_reach_from_one_code_to_the_next() -> None:
    chain = [voucher(new="m"), voucher(old="m", new="n", cell="y"), voucher(old="n", cell="z")]
    [(action, why)] = stepped({1: record()}, 1, vouchers=Vouchers(chain))
    assert (action, why) == ("done", f"recorded; {CHANGED}, and z #1 left equal bits")
    broken = [chain[0], chain[1].model_copy(update={"equal": False}), chain[2]]
    assert stepped({1: record()}, 1, vouchers=Vouchers(broken))[0][0] == "run"


def test_anything_else_that_changed_is_not_vouched_for() -> None:
    other = lambda e: lock_of(e, "f" * 64)  # noqa: E731
    vouchers = Vouchers([voucher()])
    assert stepped({1: record()}, 1, lock=other, vouchers=vouchers) == [
        ("run", "the lock changed (cccccccc → ffffffff)")
    ]
