"""Controls of equality: one bit turned over is seen, and where it cannot be, that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bundled
import numpy as np
import pytest
from results_factory import SweepOnDisk, cell

from harness.results.blobs import Arrays
from harness.runner.trace import Trace
from harness.studies import one_bit, step_difference

KINDS = ("<f2", "<f4", "<f8", "<i4", "<i8", "|u1", "|b1", "<c8")


@pytest.mark.parametrize("kind", KINDS)
def test_one_bit_of_one_element_is_turned(kind: str) -> None:
    before = np.zeros((2, 3), kind)
    after = one_bit.turned(before, 4)
    changed = np.frombuffer(before.tobytes(), "u1") ^ np.frombuffer(after.tobytes(), "u1")
    assert [int(each).bit_count() for each in changed if each] == [1]
    assert (before != after).reshape(-1).tolist() == [False] * 4 + [True] + [False]
    assert one_bit.turned(np.array(0, kind)).shape == ()


def test_weights_are_told_apart_and_without_them_nothing_is_verified(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path)
    bundled.train(on, cell(), bundled.KERNEL)
    (path,) = on.folder.parent.glob("blobs/weights/*.npz")
    assert one_bit.of_weights([tmp_path / "x" / "y", on.folder], path.stem) == ""
    path.unlink()
    assert "not stored" in one_bit.of_weights([on.folder], path.stem)


def trace(*trained: int) -> Arrays:
    made = Trace()
    for step, digest in enumerate(trained):
        made.add((1, 1, min(step, 1), step), {"trained": digest, "inputs": 1, "targets": 1})
    columns: dict[str, Any] = dict(made.columns())
    return columns


@pytest.mark.parametrize("equal", [0, 1, 3])
def test_rows_that_are_equal_would_have_been_seen_to_differ(equal: int) -> None:
    assert one_bit.of_rows(trace(2, 4, 6), trace(2, 4, 6), equal) == ""


def test_rows_that_are_not_what_was_claimed_are_not_verified() -> None:
    assert one_bit.of_rows(trace(2, 4, 6), trace(2, 5, 6), 3) == one_bit.UNSEEN


def test_every_equal_part_of_a_step_is_turned_over(monkeypatch: pytest.MonkeyPatch) -> None:
    one: Arrays = {name: np.ones(3, "<f4") for name in ("batch/inputs/0", "output/a", "loss")}
    other = {**one, "output/a": np.zeros(3, "<f4"), "slots before/m/k": np.zeros(2, "<f4")}
    parts = step_difference.compare(one, other)
    assert one_bit.of_parts(one, other, parts) == ""
    assert one_bit.of_parts(other, one, step_difference.compare(other, one)) == ""
    # A comparison that sees nothing: its control does not fail, and that is said.
    monkeypatch.setattr(step_difference, "compare", lambda one, other: parts)
    assert one_bit.of_parts(one, other, parts).startswith(one_bit.UNSEEN)
