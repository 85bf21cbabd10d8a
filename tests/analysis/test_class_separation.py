"""The smallest set of attributes that tells classes apart."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from results_factory import SweepOnDisk, cell, hardware
from two_machines import HERE, OLDER, THERE, sweep, train

from harness.analysis import merging
from harness.analysis.class_separation import Attribute, by_class_explained, explain
from harness.analysis.columns import EXPLAINED_COLUMNS, names
from harness.results import fingerprint


def attribute(name: str, *codes: int) -> Attribute:
    return Attribute(name=name, codes=np.array(codes, dtype=np.int64))


def test_one_class_needs_no_explanation() -> None:
    found = explain([attribute("threads", 0, 1)], ["A", "A"])
    assert (str(found), found.smallest, found.unexplained) == ("", True, 0)


def test_the_smallest_sets_are_found_and_all_of_them_told() -> None:
    one, two = attribute("one", 0, 0, 1, 1), attribute("two", 0, 1, 0, 1)
    both = attribute("both", 0, 1, 2, 3)
    assert str(explain([one, two], ["A", "B", "C", "D"])) == "one + two"
    assert str(explain([one, two, both], ["A", "B", "C", "D"])) == "both"
    assert str(explain([one, both], ["A", "A", "B", "B"])) == "one; or both"


def test_a_class_that_two_settings_make_together_needs_both() -> None:
    columns = zip(*itertools.product((0, 1), repeat=3), strict=True)
    one, two, three = (attribute(name, *codes) for name, codes in zip("xyz", columns, strict=True))
    classes = ["A" if x != y else "B" for x, y, _ in itertools.product((0, 1), repeat=3)]
    assert str(explain([one, two, three], classes)) == "x + y"


def test_cells_that_nothing_tells_apart_are_counted() -> None:
    found = explain([attribute("x", 0, 0, 0, 1)], ["A", "A", "B", "C"])
    assert (str(found), found.unexplained) == ("x", 1)


@pytest.mark.slow
def test_many_attributes_get_a_small_set_that_explains() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 2, (400, 40))
    given = [attribute(f"a{i}", *codes[:, i]) for i in range(40)]
    classes = ["".join(map(str, row)) for row in codes[:, [3, 17, 21, 30, 35, 39]]]
    found = explain(given, classes)
    assert not found.smallest
    assert {"a3", "a17", "a21"} <= {one.name for one in found.sets[0]}
    assert found.unexplained == 0 and len(found.sets[0]) <= 8


@pytest.mark.slow
def test_machines_are_told_apart_by_what_they_are(tmp_path: Path) -> None:
    for machine, weights in ((HERE, [1]), (THERE, [2])):
        one = sweep(tmp_path, machine)
        cells = [cell(threads=1), cell(threads=2), cell(threads=1, contraction_kernel="off")]
        one.plan(cells)
        train(one, cells[0], weights, weights)
        train(one, cells[1], weights, weights)
        train(one, cells[2], [3], [3])
    frame = by_class_explained(merging.merge([tmp_path]))
    assert list(frame.columns) == names(EXPLAINED_COLUMNS)
    assert frame["explained_by"].unique().tolist() == [
        "contraction_kernel + microarchitecture (= CPU flags avx2 fma, CPU, visible CPUs, machine)"
    ]
    assert frame["smallest"].all() and not frame["unexplained"].any()
    told = dict(zip(frame["where"], frame["machines"], strict=True))
    assert told["contraction_kernel=off"] == f"{THERE}, {HERE}"


CACHES = {"L1d": 32768, "L1i": 32768, "L2": 1 << 20}
ZEN = {"vendor": "AuthenticAMD", "family": 25, "model": 1, "stepping": 1}


def two_machines(root: Path, here: dict[str, Any], there: dict[str, Any]) -> str:
    """What explains the classes of two machines that differ, with these further descriptions."""
    for described, weights in ((hardware(**here), [1]), ({**OLDER, **there}, [2])):
        name = fingerprint.identify(described)
        one = SweepOnDisk(root=root, hardware=described)
        assert one.folder.name == name
        one.plan([cell(threads=1)])
        train(one, cell(threads=1), weights, weights)
    return str(by_class_explained(merging.merge([root]))["explained_by"].unique()[0])


@pytest.mark.slow
def test_caches_are_attributes_where_they_differ(tmp_path: Path) -> None:
    said = two_machines(
        tmp_path,
        {"caches": CACHES, "cpuid": ZEN},
        {"caches": {**CACHES, "L1d": 49152}, "cpuid": ZEN},
    )
    assert "L1d cache" in said
    assert "L1i cache" not in said and "L2 cache" not in said and "CPUID" not in said


@pytest.mark.slow
@pytest.mark.parametrize("silent", [{}, {"caches": {}, "cpuid": None}])
def test_what_a_machine_does_not_say_explains_nothing(
    tmp_path: Path, silent: dict[str, Any]
) -> None:
    said = two_machines(tmp_path, {"caches": CACHES, "cpuid": ZEN}, silent)
    assert "microarchitecture" in said
    assert "cache" not in said and "CPUID" not in said


@pytest.mark.slow
def test_of_three_machines_the_silent_one_is_named(tmp_path: Path) -> None:
    silent = hardware(microarchitecture="zen2")
    one = SweepOnDisk(root=tmp_path, hardware=silent)
    one.plan([cell(threads=1)])
    train(one, cell(threads=1), [3], [3])
    said = two_machines(
        tmp_path, {"caches": CACHES}, {"caches": {"L1d": 49152, "L1i": 32768, "L2": 1 << 20}}
    )
    assert f"L1d cache (unknown of {fingerprint.identify(silent)})" in said
