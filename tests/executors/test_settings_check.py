"""What the host asks of a process beyond the axes, and what only the host can compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.environments.lock import Lock, Package
from harness.executors.settings_check import asked_versions, mismatches
from harness.matrix.environment import Environment
from harness.matrix.legacy_keras import VARIABLE
from harness.results.record import Found

PACKAGES = {"tensorflow-cpu": "2.16.2", "keras": "3.3.3", "tf-keras": "2.16.0", "numpy": "1.26.4"}


def lock(*names: str) -> Lock:
    return Lock(
        environment=Environment(python="3.11", tensorflow="2.16.2", device="cpu"),
        packages=tuple(
            Package(name=name, version=PACKAGES[name], file=f"{name}.whl", sha256="0" * 64)
            for name in names
        ),
        platform="manylinux_2_17_x86_64",
        sha256="0" * 64,
        path=Path("made"),
    )


def test_a_process_must_find_the_versions_of_its_lock() -> None:
    assert asked_versions(lock(*PACKAGES), {}) == {
        "python": "3.11",
        "tensorflow": "2.16.2",
        "numpy": "1.26.4",
        "keras": "3.3.3",
    }


def test_the_older_keras_is_asked_for_where_a_variable_chooses_it() -> None:
    assert asked_versions(lock(*PACKAGES), {VARIABLE: "1"})["keras"] == "2.16.0"


def test_what_is_not_locked_is_left_open() -> None:
    assert asked_versions(lock("tensorflow-cpu", "numpy"), {})["keras"] == "default"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, []), (None, []), (1, ["cpus: asked 2, found 1 (sched_getaffinity)"])],
    ids=["as given", "not read", "fewer"],
)
def test_the_cpus_a_run_was_given_are_compared_with_those_it_found(
    value: int | None, expected: list[str]
) -> None:
    found = {"cpus": Found(value=value, how="sched_getaffinity")}
    assert mismatches(found, (0, 1)) == expected


def test_a_reply_that_says_nothing_of_cpus_contradicts_nothing() -> None:
    assert mismatches({}, (0, 1)) == []
