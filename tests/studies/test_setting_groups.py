"""In what two cells differ that can be asked for, and the cells between them."""

from __future__ import annotations

from pathlib import Path

from results_factory import SweepOnDisk, cell, hardware, script_cell

from harness.matrix.cells import Cell
from harness.results.record import Found, Record
from harness.studies.setting_groups import (
    VERSIONS,
    followers,
    groups,
    hybrid,
    surroundings,
)


def record(of: Cell, *, on: SweepOnDisk | None = None, **found: object) -> Record:
    made = (on or SweepOnDisk(root=Path())).record(of, 1, "completed")
    read = {name: Found(value=value, how="read") for name, value in found.items()}
    return made.model_copy(update={"found": {**made.found, **read}})


A = cell(threads=1, hash_seed=0, numpy="1.22.4")
B = cell(threads=2, hash_seed=1, numpy="1.23.5")


def test_what_is_asked_for_differently_is_a_group_and_run_settings_come_first() -> None:
    found = groups(A, B, record(A), record(B))
    assert [(each.name, each.scope) for each in found] == [
        ("threads", "run"),
        ("hash_seed", "process"),
        (VERSIONS, "environment"),
    ]
    assert found[0].words == "threads 1 → 2"
    assert (found[0].of("A"), found[0].of("B")) == ("threads=1", "threads=2")
    assert found[2].of("B") == "versions of B"


def test_versions_are_named_as_found_and_as_asked_where_nothing_was_read() -> None:
    one = record(A, numpy="1.22.4", tensorflow="2.10.0", keras="2.10.0")
    other = record(B, numpy="1.23.5", tensorflow="2.10.0", keras="2.10.0")
    assert groups(A, B, one, other)[2].words == "versions (numpy 1.22.4 → 1.23.5)"
    assert groups(A, B, record(A), record(B))[2].words == "versions (numpy 1.22.4 → 1.23.5)"


def test_what_was_found_is_said_where_it_is_not_what_was_asked() -> None:
    default = cell(threads="default", hash_seed=1, numpy="1.23.5")
    (both,) = groups(default, B, record(default, threads=2), record(B))
    assert both.words == "threads default → 2 (both 2)"
    (read,) = groups(default, B, record(default, threads=4), record(B))
    assert read.words == "threads default → 2 (found 4 → 2)"


def test_what_only_follows_is_no_group() -> None:
    one, other = cell(threads=1), cell(threads=2)
    read = record(one, cpus=1, jit="on"), record(other, cpus=2, jit="on")
    found = groups(one, other, *read)
    assert [group.name for group in found] == ["threads"]
    assert [each.words for each in followers(found, *read)] == ["cpus 1 → 2"]


def test_a_hybrid_has_of_b_what_it_takes_and_nothing_else() -> None:
    assert hybrid(A, B, ()) == A
    assert hybrid(A, B, ("threads", "hash_seed", VERSIONS)) == B
    assert hybrid(A, B, ("threads",)).id == cell(threads=2, hash_seed=0, numpy="1.22.4").id
    assert hybrid(A, B, (VERSIONS,)).id == cell(threads=1, hash_seed=0, numpy="1.23.5").id


def test_the_device_is_no_version() -> None:
    gpu = cell(device="gpu", tensorflow="2.15.1", numpy=None)
    found = groups(cell(), gpu, record(cell()), record(gpu))
    assert [group.name for group in found] == ["device", VERSIONS]
    assert hybrid(cell(), gpu, (VERSIONS,)).environment.device == "cpu"
    assert hybrid(cell(), gpu, ("device",)).environment.tensorflow == "2.10.0"


def test_a_hybrid_that_cannot_exist_says_why() -> None:
    new = cell(tensorflow="2.15.1", python="3.11", numpy=None, jit="on")
    old = cell(tensorflow="2.4.4", python="3.8", numpy=None)
    between = hybrid(old, new, ("jit",))
    assert between.status == "unavailable"
    assert "jit=on needs TensorFlow 2.8, this is 2.4.4" in between.reason


def test_what_no_cell_asks_for_is_named_apart() -> None:
    there = SweepOnDisk(root=Path(), hardware=hardware(microarchitecture="icelake"), runner="old")
    one, other = record(A), record(A, on=there)
    said = surroundings(one, other)
    assert said[0] == f"machine {one.machine} → {other.machine}"
    assert said[1].startswith("code ") and len(said) == 2
    assert surroundings(one, one) == ()


def test_each_parameter_of_a_script_is_a_group_and_is_taken_alone() -> None:
    one = script_cell(parameters={"rate": "0.1", "workers": "4", "versions": "1", "same": "x"})
    other = script_cell(parameters={"rate": "0.2", "workers": "8", "versions": "2", "same": "x"})
    found = groups(one, other, record(one), record(other))
    assert [each.words for each in found] == [
        "rate 0.1 → 0.2",
        "parameter_versions 1 → 2",
        "workers 4 → 8",
    ]
    assert {each.scope for each in found} == {"run"}
    mixed = hybrid(one, other, {"rate", "parameter_versions"})
    assert mixed.parameters == {"rate": "0.2", "workers": "4", "versions": "2", "same": "x"}
    assert hybrid(one, other, {each.name for each in found}) == other
    assert hybrid(one, other, set()) == one
