"""Prepared data are read as they lie, and never more rows than there are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from harness.runner import data
from harness.runner.refusals import Invalid


def test_the_first_rows_are_taken_and_the_test_part_is_whole(runner_data: Path) -> None:
    loaded = data.load(str(runner_data / "mnist"), 100)
    stored = np.load(runner_data / "mnist" / "train_x.npy")
    assert np.array_equal(loaded.train_x, stored[:100])
    assert loaded.train_y.shape == (100,)
    assert len(loaded.test_x) == len(loaded.test_y) == 200


def test_without_a_number_all_rows_are_taken(runner_data: Path) -> None:
    assert len(data.load(str(runner_data / "co2"), None).train_x) == 300


def test_the_data_are_named_by_the_digest_of_their_description(runner_data: Path) -> None:
    expected = hashlib.sha256((runner_data / "co2" / "dataset.json").read_bytes()).hexdigest()
    assert data.load(str(runner_data / "co2"), 10).sha256 == expected


def test_more_rows_than_there_are_make_the_run_invalid(runner_data: Path) -> None:
    with pytest.raises(Invalid, match="samples: asked 301, found 300"):
        data.load(str(runner_data / "co2"), 301)


def test_arrays_are_plain_memory(runner_data: Path) -> None:
    loaded = data.load(str(runner_data / "mnist"), 5)
    assert type(loaded.train_x) is np.ndarray
    assert loaded.train_x.flags.owndata
