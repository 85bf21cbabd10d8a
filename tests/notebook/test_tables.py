"""The Python interface: what each function returns, and what it says to wrong calls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bundled import bundle, results
from results_factory import SweepOnDisk, cell, fit, observed, script_cell
from two_machines import HERE, THERE, sweep, train

import harness
from harness.analysis import axis_table, cell_table, class_table, run_table
from harness.errors import HarnessError, RecordError, SelectionError, UsageError

TABLES = ("load", "cells", "classes", "axes", "prices", "claims", "history")
WEIGHTS = ((0.5, -1.0), (2.0, 0.25))
OTHERS = ((0.5, -1.0), (2.0, 0.5))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Two cells on one machine, the second with other weights."""
    return _on_a_machine(tmp_path / "here", HERE, OTHERS)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The same cells on another machine, both with the same weights."""
    return _on_a_machine(tmp_path / "there", THERE, WEIGHTS)


def _on_a_machine(root: Path, machine: str, second: Any) -> Path:
    on = sweep(root, machine)
    cells = [cell(threads=1), cell(threads=2)]
    on.plan(cells)
    train(on, cells[0], WEIGHTS, WEIGHTS)
    train(on, cells[1], second)
    return root


def called(name: str, *folders: Path | str, **options: Any) -> pd.DataFrame:
    """A table by the name of its function."""
    function: Callable[..., pd.DataFrame] = getattr(harness, name)
    return function(*folders, **options)


def test_importing_the_program_imports_no_pandas() -> None:
    check = (
        "import sys, harness; assert 'harness.load' and not {'pandas', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)


def test_the_root_names_what_it_hands_on() -> None:
    assert set(harness.__all__) <= set(dir(harness))
    for name in set(harness.__all__) - {"__version__", "plots"}:
        assert getattr(harness, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        harness.lod  # noqa: B018


def test_tables_are_those_of_the_commands(here: Path) -> None:
    runs = run_table.runs(here)
    made = {
        "load": runs,
        "cells": cell_table.by_cell(runs),
        "classes": class_table.by_class(runs),
        "axes": axis_table.by_axis(runs),
    }
    for name, frame in made.items():
        table = called(name, here)
        assert list(table.columns) == list(frame.columns) and len(table)
        for column in frame:
            values = table[column].dropna().astype(str).tolist()
            expected = frame[column].dropna().astype(str).tolist()
            assert values == expected, column
    assert harness.load(here)["threads"].tolist() == [1, 1, 2, 2]


@pytest.mark.parametrize("name", [*TABLES, "grid"])
def test_several_folders_count_together_and_twice_given_once(
    name: str, here: Path, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = called(name, here, str(there))
    assert "given twice" not in capsys.readouterr().err
    again = called(name, here, there, here)
    assert "given twice" in capsys.readouterr().err
    if name == "grid":
        assert both == again
    else:
        pd.testing.assert_frame_equal(both, again)
        assert name == "claims" or len(both) >= len(called(name, here))


@pytest.mark.parametrize("name", [*TABLES, "grid"])
def test_bundles_are_taken_as_folders_are(name: str, tmp_path: Path) -> None:
    folder = results(tmp_path / "results")
    packed = bundle(folder, tmp_path / "results.zip")
    assert repr(called(name, packed)) == repr(called(name, folder))


def test_a_selection_is_a_glob_or_several(here: Path) -> None:
    assert harness.cells(here, only="*threads=2*")["threads"].tolist() == [2]
    assert len(harness.cells(here, only=["*threads=2*", "*threads=1*"])) == 2
    assert set(harness.history(here, only="*threads=2*")["threads"]) == {2}


@pytest.mark.parametrize("name", [*TABLES, "compare", "grid"])
def test_what_is_no_result_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("not results")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    for wrong, kind, words in (
        (tmp_path / "missing", UsageError, "no such folder"),
        (tmp_path / "empty", UsageError, "no results in here"),
        (tmp_path / "text", UsageError, "neither a results folder nor a bundle"),
        (tmp_path / "broken.zip", RecordError, "is no bundle"),
        ([str(tmp_path)], UsageError, "name each by a text or path"),
        (None, UsageError, "name each by a text or path"),
    ):
        with pytest.raises(kind, match=words):
            called(name, wrong)  # type: ignore[arg-type]


def test_a_damaged_bundle_is_refused(tmp_path: Path) -> None:
    packed = bundle(results(tmp_path / "results"), tmp_path / "results.zip")
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(RecordError):
        harness.load(packed)


def test_without_a_name_it_is_the_folder_results(
    here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="results: no such folder"):
        harness.load()
    here.rename(tmp_path / "results")
    assert len(harness.load()) == 4


@pytest.mark.parametrize("name", [*TABLES, "grid"])
def test_selecting_nothing_is_an_error(name: str, here: Path) -> None:
    with pytest.raises(SelectionError, match=r"no cell matches 'x\*'"):
        called(name, here, only="x*")
    with pytest.raises(UsageError, match="only=3: name a workload, or globs over ids, as text"):
        called(name, here, only=3)


def test_results_without_completed_runs_have_tables_all_the_same(tmp_path: Path) -> None:
    SweepOnDisk(root=tmp_path).plan([cell(threads=1), cell(threads=2)])
    sizes = {name: len(called(name, tmp_path)) for name in TABLES}
    assert sizes == {**dict.fromkeys(TABLES, 0), "load": 4, "cells": 2}
    for name in TABLES:
        assert called(name, tmp_path)._repr_html_()  # type: ignore[operator]
    with pytest.raises(HarnessError, match="only one machine"):
        harness.compare(tmp_path)


def test_compare_has_the_views_of_the_command(here: Path, there: Path) -> None:
    compared = harness.compare(here, there)
    assert dict(zip(compared["threads"], compared["verdict"], strict=True)) == {
        1: "identical",
        2: "different",
    }
    sizes = {by: len(harness.compare(here, there, by=by)) for by in ("machine", "tensor", "spread")}
    assert sizes == {"machine": 1, "tensor": 1, "spread": 4}
    assert set(harness.compare(here, there, by="axis")["axis"]) == {"machine", "threads"}
    assert harness.compare(here, there, by="class")["class"].tolist() == ["A", "B"]


def test_compare_with_a_cell_or_machine(here: Path, there: Path) -> None:
    compared = harness.compare(here, baseline="*threads=1*")
    assert compared["baseline"].unique().tolist() == [cell(threads=1).id]
    assert harness.compare(here, there, baseline=THERE)["machine"].unique().tolist() == [HERE]


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"by": "run"}, UsageError, "by='run' is not known; choose one of cell, machine"),
        ({"by": "axis", "baseline": "x"}, UsageError, "leave baseline out"),
        ({"baseline": "nothing"}, SelectionError, "no machine and no cell here"),
        ({"baseline": "*py3.10*"}, SelectionError, "fits 2 cells"),
        ({"only": "x*", "baseline": "*threads=1*"}, SelectionError, "no cell matches"),
        ({}, UsageError, "only one machine"),
    ],
)
def test_compare_says_what_is_wrong(
    options: dict[str, Any], kind: type[Exception], words: str, here: Path
) -> None:
    with pytest.raises(kind, match=words):
        harness.compare(here, **options)


def test_classes_of_another_word_are_refused(here: Path) -> None:
    assert "history_sha256" in harness.classes(here, of="history")
    with pytest.raises(UsageError, match="of='loss' is not known; choose one of weights"):
        harness.classes(here, of="loss")  # type: ignore[arg-type]


def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = sweep(tmp_path)
    cells = [cell(threads=threads, seed=seed) for threads in (1, 2) for seed in (1, 2, 3)]
    on.plan(cells)
    for number, one in enumerate(cells):
        train(on, one, [number], value=0.5 + number**2 / 64)
    options = {"by": "spread", "baseline": cells[0].id}
    assert called("compare", tmp_path, **options)["p"].notna().any()
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UsageError, match=r"scipy: pip install .*\[spread\]"):
        called("compare", tmp_path, **options)


def test_history_has_the_very_numbers(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path)
    one = script_cell(parameters={"width": "8"})
    on.plan([one])
    numbers = (0.1, 1 / 3, float("inf"))
    texts = tuple(number.hex() for number in numbers)
    history = {"loss": texts, "accuracy": texts[:1]}
    fits = [fit("w1", history=history), fit("w2", number=2, history={"loss": texts[1:2]})]
    on.complete_script(one, observed(fits))
    table = harness.history(tmp_path)
    rows = table[["model", "fit", "epoch", "metric", "value"]].to_numpy(dtype=object).tolist()
    assert rows == [
        [1, 1, 1, "loss", 0.1],
        [1, 1, 1, "accuracy", 0.1],
        [1, 1, 2, "loss", 1 / 3],
        [1, 1, 3, "loss", float("inf")],
        [1, 2, 1, "loss", 1 / 3],
    ]
    assert table["width"].tolist() == [8] * 5


def test_history_has_completed_runs_only(here: Path) -> None:
    on = sweep(here)
    on.end(cell(threads=2), 2, "failed", "the training raised ValueError")
    assert harness.history(here)[["threads", "repeat"]].to_numpy().tolist() == [
        [1, 1],
        [1, 2],
        [2, 1],
    ]


def test_weights_of_a_run_however_it_is_named(here: Path) -> None:
    runs = harness.load(here)
    row = runs[runs["threads"] == 2].iloc[0]
    digest = str(row["weights_sha256"])
    (of_class,) = (one for _, one in harness.classes(here).iterrows() if one["class"] == "B")
    named = next(runs[runs["threads"] == 2].itertuples())
    for run in (
        row,
        row.to_dict(),
        digest,
        digest[:8],
        of_class,
        named,
        runs[runs.index == row.name],
    ):
        found = harness.weights(run, here)
        assert list(found) == ["dense/kernel"]
        assert found["dense/kernel"].dtype == np.float32
        assert found["dense/kernel"].tolist() == [list(line) for line in OTHERS]
    found["dense/kernel"][0, 0] = 7.0
    assert harness.weights(row, here)["dense/kernel"][0, 0] == 0.5


def test_weights_of_a_bundle_are_read_before_it_is_gone(tmp_path: Path) -> None:
    packed = bundle(results(tmp_path / "results"), tmp_path / "results.zip")
    assert harness.weights(harness.load(packed).iloc[0], packed)["dense/kernel"].shape == (2, 2)


def test_weights_say_what_is_wrong(here: Path) -> None:
    runs = harness.load(here)
    pending = runs[runs["status"] == "pending"].iloc[0]
    for run, kind, words in (
        ("abc", UsageError, "is no run: give a row of harness.load"),
        (7, UsageError, "is no run: give a row of harness.load"),
        (runs, UsageError, "4 rows given for a run: give one"),
        (runs[["cell"]].iloc[0], UsageError, "this row has no weights_sha256"),
        (pending, SelectionError, "threads=2 pending.*has no weights"),
        ("0" * 64, SelectionError, "no run of these results left such weights"),
    ):
        with pytest.raises(kind, match=words):
            harness.weights(run, here)  # type: ignore[arg-type]


def test_weights_that_are_not_there_are_said_to_be_left_out_or_missing(here: Path) -> None:
    row = harness.load(here).iloc[0]
    (folder,) = here.rglob("blobs")
    for file in (folder / "weights").iterdir():
        file.unlink()
    with pytest.raises(SelectionError, match="not there: they are not beside the records"):
        harness.weights(row, here)


def test_damaged_weights_are_refused(here: Path) -> None:
    row = harness.load(here).iloc[0]
    (file,) = here.rglob(f"{row['weights_sha256']}.npz")
    content = bytearray(file.read_bytes())
    content[-200] ^= 1
    file.write_bytes(content)
    with pytest.raises(RecordError, match=r"\.npz"):
        harness.weights(row, here)
