"""Cells of several machines compared: verdicts, sizes, sides, copies and names."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from results_factory import cell, hardware
from two_machines import HERE, OLDER, THERE, sweep, train

from harness.analysis import cell_comparison, comparison_table, merging
from harness.analysis.columns import names
from harness.analysis.comparison_columns import (
    COMPARISON_COLUMNS,
    MACHINE_COLUMNS,
    TENSOR_COLUMNS,
)
from harness.analysis.merging import MergedResults
from harness.errors import RecordError, SelectionError, UsageError

ONE, TWO = cell(threads=1), cell(threads=2)


def compared(folders: Sequence[Path], baseline: str | None = None) -> pd.DataFrame:
    merged = merging.merge(folders)
    found = cell_comparison.pairs(merged, cell_comparison.baseline_of(merged, baseline))
    return comparison_table.comparison(found, comparison_table.Sizes(merged))


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two machines: one cell identical, one different, one unstable, one on each side only."""
    cells = [cell(threads=number) for number in (1, 2, 3, 4)]
    here, there = sweep(tmp_path / "a"), sweep(tmp_path / "b", THERE)
    for one in (here, there):
        one.plan(cells[:3] + ([cells[3]] if one is there else []))
    train(here, cells[0], [3, 4], [3, 4])
    train(there, cells[0], [3, 4], [3, 4], seconds=9)
    train(here, cells[1], [3, 4], [3, 4])
    train(there, cells[1], [3, 4.5], [3, 4.5], predictions=((0.4, 0.6), (0.2, 0.8)), value=0.5)
    train(here, cells[2], [1], [2])
    train(there, cells[2], [1], [1])
    train(there, cells[3], [1], [1])
    return [tmp_path / "a", tmp_path / "b"]


def test_each_common_cell_has_a_verdict_and_the_counts_add_up(folders: list[Path]) -> None:
    frame = compared(folders)
    assert rows(frame, "threads", "verdict") == [
        ("2", "different"),
        ("3", "unstable here"),
        ("1", "identical"),
        ("4", "only here"),
    ]
    assert list(frame.columns) == names(COMPARISON_COLUMNS)
    merged = merging.merge(folders)
    (row,) = cell_comparison.by_machine(frame, merged).to_dict("records")
    counts = ("identical", "different", "unstable", "only_here", "only_in_baseline", "nowhere")
    assert [row[name] for name in counts] == [1, 1, 1, 1, 0, 0]
    assert row["cells"] == sum(row[name] for name in counts)
    assert "microarchitecture zen4 → haswell" in row["unlike"]
    assert "visible CPUs 2 → 4" in row["unlike"]


@pytest.mark.slow
def test_what_was_found_equal_is_named_beside_what_was_asked(tmp_path: Path) -> None:
    one = sweep(tmp_path)
    cells = [cell(jit="auto"), cell(jit="off")]
    one.plan(cells)
    for each in cells:
        one.complete(each, "w", "w", found={"jit": "off"})
    assert compared([tmp_path], cells[0].id)["unlike"].tolist() == ["jit auto → off (both off)"]


@pytest.mark.slow
def test_what_was_found_to_differ_unasked_is_named(tmp_path: Path) -> None:
    for machine, threads in ((HERE, 2), (THERE, 4)):
        one = sweep(tmp_path, machine)
        one.plan([cell()])
        one.complete(cell(), "w", "w", found={"threads": threads})
    assert compared([tmp_path], HERE)["unlike"].tolist() == ["found threads 2 → 4"]


@pytest.mark.slow
def test_a_difference_has_its_known_sizes(folders: list[Path]) -> None:
    row = compared(folders).iloc[0]
    assert (row["origin"], row["origin_at"]) == ("undecided", "same start, no trace")
    assert (row["max_abs"], row["max_ulp"]) == (0.5, 1 << 20)
    assert row["relative_l2"] == pytest.approx(0.1, rel=1e-15)
    assert (row["churn"], row["value_difference"]) == (0.5, 0.5 - 0.9375)


@pytest.mark.slow
def test_differences_are_measured_by_what_one_flipped_bit_leads_to(tmp_path: Path) -> None:
    one = sweep(tmp_path)
    nudged = cell(threads=1, nudge="one-ulp")
    one.plan([ONE, TWO, nudged])
    train(one, ONE, [3, 4], [3, 4])
    train(one, TWO, [3, 4.5], [3, 4.5])
    train(one, nudged, [3, 4.25], [3, 4.25])
    frame = compared([tmp_path], ONE.id).set_index("cell")
    assert frame.loc[TWO.id, "nudges"] == pytest.approx(2.0)
    assert frame.loc[nudged.id, "nudges"] == pytest.approx(1.0)
    # Control: nothing is nudged from the other cell.
    assert compared([tmp_path], TWO.id)["nudges"].isna().all()


def test_the_side_that_is_unstable_is_named(folders: list[Path]) -> None:
    frame = compared(folders)
    assert frame.loc[frame["verdict"] == "unstable here", "unstable_on"].tolist() == [HERE]


@pytest.mark.slow
def test_a_cell_on_one_side_says_why(folders: list[Path]) -> None:
    frame = compared(folders)
    assert frame["reason"].tolist()[-1] == f"not asked for on {HERE}"
    turned = compared(folders, THERE)
    assert rows(turned, "verdict", "reason")[-1] == ("only in baseline", f"not asked for on {HERE}")


@pytest.mark.slow
def test_several_machines_may_lie_in_one_folder(folders: list[Path]) -> None:
    shutil.copytree(folders[1], folders[0], dirs_exist_ok=True)
    assert len(compared([folders[0]], HERE)) == 4


@pytest.mark.slow
def test_half_of_the_cells_leave_the_others_on_one_side(folders: list[Path]) -> None:
    shutil.rmtree(folders[1] / "quickstart" / THERE / cell(threads=2).id)
    frame = compared(folders)
    alone = frame[frame["verdict"] == "only in baseline"]
    assert rows(alone, "threads", "reason") == [("2", f"pending on {THERE}")]


@pytest.mark.slow
def test_other_initial_weights_without_a_trace_are_no_origin(tmp_path: Path) -> None:
    for machine, init, weights in ((HERE, "x", [1]), (THERE, "y", [2])):
        one = sweep(tmp_path, machine)
        one.plan([ONE])
        train(one, ONE, weights, weights, init=init)
    (row,) = compared([tmp_path]).to_dict("records")
    assert (row["origin"], row["origin_at"]) == ("undecided", "other initial weights, no trace")


@pytest.mark.slow
def test_forecasts_differ_in_the_unit_of_the_prepared_data(tmp_path: Path) -> None:
    co2 = cell(workload="co2-lstm")
    for machine, forecast in ((HERE, ((0.0,), (1.0,))), (THERE, ((0.5,), (1.0,)))):
        one = sweep(tmp_path, machine)
        one.plan([co2])
        train(one, co2, [1], [1], predictions=forecast, metric="mean_absolute_error_ppm")
    (row,) = compared([tmp_path]).to_dict("records")
    # The records do not say what one step of a prediction is in ppm.
    assert (row["largest"], row["unit"]) == (0.5, "prepared units")
    assert pd.isna(row["churn"])


@pytest.mark.slow
def test_tensors_with_other_names_are_paired_and_others_named(tmp_path: Path) -> None:
    for machine, labels, weights in ((HERE, ("a", "b"), [1, 2]), (THERE, ("a", "c"), [1, 3])):
        one = sweep(tmp_path, machine)
        one.plan([ONE])
        train(one, ONE, weights, weights, names=labels)
    merged = merging.merge([tmp_path])
    found = cell_comparison.pairs(merged, cell_comparison.baseline_of(merged, HERE))
    frame = comparison_table.by_tensor(found, comparison_table.Sizes(merged))
    assert rows(frame, "tensor", "tensor_here", "matched_by", "max_abs") == [
        ("a", "a", "name", 1.0),
        ("b", "c", "order", 1.0),
    ]
    assert list(frame.columns) == names(TENSOR_COLUMNS)


@pytest.mark.slow
def test_other_shapes_have_no_size_and_are_counted(tmp_path: Path) -> None:
    for machine, weights in ((HERE, [1, 2]), (THERE, [1, 2, 3])):
        one = sweep(tmp_path, machine)
        one.plan([ONE])
        train(one, ONE, weights, weights)
    (row,) = compared([tmp_path]).to_dict("records")
    assert (row["verdict"], row["unmatched"], row["elements"]) == ("different", 2, 0)


@pytest.mark.slow
def test_missing_arrays_leave_the_verdict_and_say_so(folders: list[Path]) -> None:
    shutil.rmtree(folders[1] / "quickstart" / "blobs")
    frame = compared(folders).iloc[:3]
    assert frame["verdict"].tolist() == ["different", "unstable here", "identical"]
    assert frame["max_abs"].isna().all()
    told = frame["reason"].fillna("").str.contains("no weights")
    # The first runs of the other two are equal, by hash: there is nothing to size.
    assert told.tolist() == [True, False, False]


@pytest.mark.slow
def test_damaged_arrays_are_refused(folders: list[Path]) -> None:
    for path in (folders[1] / "quickstart" / "blobs" / "weights").iterdir():
        path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RecordError, match=r"\.npz"):
        compared(folders)


@pytest.mark.slow
def test_a_cell_is_compared_with_all_others_of_its_workload(folders: list[Path]) -> None:
    frame = compared(folders, f"{HERE}/{cell(threads=1).id}")
    assert set(rows(frame, "machine", "threads", "verdict")) == {
        (HERE, "2", "identical"),
        (HERE, "3", "unstable here"),
        (THERE, "1", "identical"),
        (THERE, "2", "different"),
        (THERE, "3", "different"),
        (THERE, "4", "different"),
    }
    changed = dict(rows(frame[frame["machine"] == HERE], "threads", "unlike"))
    assert changed["2"] == "threads 1 → 2"


@pytest.mark.slow
def test_a_baseline_that_is_nothing_or_many_things_is_refused(folders: list[Path]) -> None:
    with pytest.raises(SelectionError, match="no machine and no cell"):
        compared(folders, "nothing")
    with pytest.raises(SelectionError, match="fits 4 cells"):
        compared(folders, "mnist*")
    assert len(compared(folders, "haswell*")) == 4


@pytest.mark.slow
def test_one_machine_alone_needs_a_cell(folders: list[Path]) -> None:
    with pytest.raises(UsageError, match="only one machine"):
        compared(folders[:1])
    assert len(compared(folders[:1], "*threads=2")) == 2


@pytest.mark.slow
def test_a_baseline_without_weights_says_why(tmp_path: Path) -> None:
    one = sweep(tmp_path)
    one.plan([ONE, TWO])
    train(one, TWO, [1], [1])
    with pytest.raises(SelectionError, match="no weights: pending"):
        compared([tmp_path], ONE.id)


def _machines(merged: MergedResults) -> list[str]:
    return list(merged.machines)


def test_a_folder_given_twice_counts_once(folders: list[Path]) -> None:
    merged = merging.merge([*folders, folders[0], folders[0] / "quickstart"])
    assert _machines(merged) == [HERE, THERE]
    assert len(merged.notes) == 2 and "given twice" in merged.notes[0]


@pytest.mark.slow
def test_a_copy_counts_once_whatever_it_is_called(folders: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "c" / "quickstart" / "laptop"
    shutil.copytree(folders[0] / "quickstart" / HERE, copy)
    shutil.rmtree(copy / cell(threads=2).id)
    merged = merging.merge([tmp_path / "c", *folders])
    assert _machines(merged) == [HERE, THERE]
    assert "a copy of" in merged.notes[0] and "4 of 6 runs" in merged.notes[0]


def test_one_name_for_two_machines_is_told_apart_by_hardware(tmp_path: Path) -> None:
    for folder, described in (("a", hardware()), ("b", OLDER)):
        one = sweep(tmp_path / folder, hardware=described)
        one.plan([ONE])
        train(one, ONE, [1], [1])
        one.folder.rename(one.folder.with_name("laptop"))
    merged = merging.merge([tmp_path / "a", tmp_path / "b"])
    assert len(set(_machines(merged))) == 2
    assert all(name.startswith("laptop#") for name in _machines(merged))
    assert "one name, other hardware" in merged.notes[0]
    assert "without avx2, fma" in merged.notes[0]


@pytest.mark.parametrize(
    ("caches", "names"),
    [
        ({"L1d": 49152}, {f"{HERE}#L1d=32KiB", f"{HERE}#L1d=48KiB"}),
        ({"L1d": 32768}, {HERE}),
        ({}, {HERE}),
    ],
)
def test_one_fingerprint_is_two_machines_where_known_caches_differ(
    tmp_path: Path, caches: dict[str, int], names: set[str]
) -> None:
    cells = {"a": cell(threads=1), "b": cell(threads=2)}
    for folder, sizes in (("a", {"L1d": 32768}), ("b", caches)):
        one = sweep(tmp_path / folder, hardware=hardware(caches=sizes))
        one.plan([cells[folder]])
        train(one, cells[folder], [1], [1])
    merged = merging.merge([tmp_path / "a", tmp_path / "b"])
    assert set(_machines(merged)) == names
    assert ("L1d cache 32 KiB → 48 KiB" in " ".join(merged.notes)) == (len(names) == 2)


@pytest.mark.slow
def test_a_machine_that_ran_twice_is_compared_with_itself(tmp_path: Path) -> None:
    for folder, seconds in (("monday", 1.0), ("tuesday", 2.0)):
        one = sweep(tmp_path / folder)
        one.plan([ONE])
        train(one, ONE, [1], [1], seconds=seconds)
    frame = compared([tmp_path / "monday", tmp_path / "tuesday"])
    told = rows(frame, "baseline_machine", "machine", "verdict")
    assert told == [(f"{HERE}@monday", f"{HERE}@tuesday", "identical")]


@pytest.mark.slow
def test_parts_of_a_sweep_are_one_sweep(tmp_path: Path) -> None:
    for folder, part in (("a", ONE), ("b", TWO)):
        one = sweep(tmp_path / folder)
        one.plan([ONE, TWO])
        train(one, part, [1], [1])
    merged = merging.merge([tmp_path / "a", tmp_path / "b"])
    assert _machines(merged) == [HERE]
    assert merged.runs["status"].tolist() == ["completed"] * 4
    chosen = cell_comparison.baseline_of(merged, ONE.id)
    found = comparison_table.comparison(
        cell_comparison.pairs(merged, chosen), comparison_table.Sizes(merged)
    )
    assert rows(found, "verdict", "max_abs") == [("identical", 0.0)]


@pytest.mark.slow
def test_a_wrong_clock_changes_nothing(folders: list[Path]) -> None:
    before = compared(folders)
    one = sweep(folders[1], THERE)
    for word in (1, 2):
        record = one.record(cell(seed=word), 1, "failed")
        one.write(record.model_copy(update={"started": f"19{word}0-01-01T00:00:00Z"}))
    assert compared(folders).equals(before)


def test_a_machine_description_that_is_none_names_the_file(folders: list[Path]) -> None:
    (folders[0] / "quickstart" / HERE / "machine.json").write_text("{}")
    with pytest.raises(RecordError, match=r"machine\.json"):
        merging.merge(folders)


@pytest.mark.slow
def test_cells_with_fewer_cpus_than_the_machine_are_emulated(tmp_path: Path) -> None:
    cells = [cell(cpus=1), cell(cpus=2), cell(isa="avx2"), cell()]
    one = sweep(tmp_path)
    one.plan(cells)
    for each in cells[:3]:
        train(one, each, [1], [1])
    merged = merging.merge([tmp_path])
    told = merged.runs.drop_duplicates("cell")["emulated"].tolist()
    assert told == [True, False, True, False]
    (one.folder / "machine.json").unlink()
    unknown = merging.merge([tmp_path]).runs.drop_duplicates("cell")["emulated"].tolist()
    assert unknown == [True, True, True, False]


@pytest.mark.slow
def test_the_machine_table_has_its_columns(folders: list[Path]) -> None:
    frame = cell_comparison.by_machine(compared(folders), merging.merge(folders))
    assert list(frame.columns) == names(MACHINE_COLUMNS)
