"""Cells are chosen by globs on their ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SelectionError
from harness.selection import matcher, select, split_repeat, with_again

IDS = ["mnist-mlp,tf2.10.0,threads=1", "mnist-mlp,tf2.10.0,threads=2", "co2-lstm,tf2.9.3", "x"]


def _chosen(*only: str) -> list[str]:
    return list(select(IDS, only, name=str))


def test_without_a_glob_everything_is_chosen() -> None:
    assert _chosen() == IDS


def test_what_matches_one_of_the_globs_is_chosen_in_order() -> None:
    assert _chosen("co2*", "*threads=2") == IDS[1:3]


def test_a_glob_is_about_the_whole_id_and_its_case() -> None:
    assert not matcher(["mnist"])(IDS[0])
    assert not matcher(["MNIST*"])(IDS[0])
    assert matcher(["mnist-*,threads=[12]"])(IDS[0])


def test_nothing_matching_names_the_first_ids() -> None:
    with pytest.raises(SelectionError, match="no cell matches 'gpu'") as raised:
        _chosen("gpu")
    assert IDS[2] in str(raised.value) and "\n  x" not in str(raised.value)


def test_a_glob_that_matches_nothing_is_an_error_although_another_matches() -> None:
    with pytest.raises(SelectionError, match="no cell matches 'co2-lstmm'; ids look like\n  co2-"):
        _chosen("mnist-mlp", "co2-lstmm")


def test_a_folder_in_the_place_of_a_glob_is_told(tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="is a folder: name results with --results"):
        _chosen(str(tmp_path), "x")


def test_the_number_of_a_run_stands_behind_a_glob() -> None:
    assert split_repeat("co2*#12") == ("co2*", 12)
    assert split_repeat("co2*#0") == ("co2*#0", None)
    assert with_again(["x"], ["co2*#2"]) == ("x", "co2*")


def test_the_name_of_a_workload_stands_for_its_cells() -> None:
    assert _chosen("mnist-mlp") == IDS[:2]
    assert _chosen("co2-lstm", "x") == IDS[2:]
