"""A publication: the same records, the same bytes; tables, records and a badge."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import published_sweep
import pytest
from commands import harness as program
from two_machines import THERE

import harness
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.errors import UsageError
from harness.publish.page_rendering import safe_json
from harness.publish.report import publish
from harness.results import checking, vouchers
from harness.results.vouchers import Voucher

pytestmark = pytest.mark.slow

PDFLATEX = shutil.which("pdflatex")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("published") / "results"
    published_sweep.write(root)
    published_sweep.write(root, machine=THERE)
    return root


@pytest.fixture(scope="module")
def published(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "site"
    publish([results], out)
    return out


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_records_give_the_same_bytes_whatever_the_folders(
    results: Path, published: Path, tmp_path: Path
) -> None:
    folders = []
    for machine in sorted((results / "versions").iterdir(), reverse=True):
        if machine.name != "blobs":
            copy = tmp_path / f"from {machine.name}" / "versions"
            shutil.copytree(machine, copy / machine.name)
            shutil.copytree(results / "versions" / "blobs", copy / "blobs")
            folders.append(copy.parent)
    publish(folders, tmp_path / "one")
    publish([*folders[::-1], folders[0]], tmp_path / "other")
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "other") == _bytes(published)


def test_every_table_is_there_in_every_format(results: Path, published: Path) -> None:
    runs = harness.load(results)
    expected = {
        "runs": runs,
        "cells": by_cell(runs),
        "classes": by_class(runs),
        "axes": by_axis(runs),
    }
    for name, frame in expected.items():
        parquet = pd.read_parquet(published / "tables" / f"{name}.parquet")
        assert list(parquet.columns) == list(frame.columns)
        assert len(parquet) == len(frame)
        with (published / "tables" / f"{name}.csv").open(encoding="utf-8") as file:
            assert len(list(csv.reader(file))) == len(frame) + 1
        lines = (published / "tables" / f"{name}.md").read_text("utf-8").splitlines()
        assert sum(line.startswith("|") for line in lines) == len(frame) + 2
        assert "\\begin{tabular}" in (published / "tables" / f"{name}.tex").read_text("utf-8")
    assert parquet["differ"].tolist() == expected["axes"]["differ"].tolist()


def test_the_latex_compiles(published: Path, tmp_path: Path) -> None:
    if PDFLATEX is None:
        reason = "no pdflatex (Debian: texlive-latex-recommended)"
        if os.environ.get("HARNESS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = shutil.copytree(published / "tables", tmp_path / "tables")
    done = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "document.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "document.pdf").stat().st_size > 10_000
    assert "too high" not in done.stdout


def test_the_records_are_published_as_they_are_and_say_the_same(
    results: Path, published: Path
) -> None:
    copied = _bytes(published / "results")
    assert copied
    assert all((results / name).read_bytes() == data for name, data in copied.items())
    pd.testing.assert_frame_equal(harness.load(published / "results"), harness.load(results))


def test_published_records_name_the_runs_that_vouch_for_them(results: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(results, tmp_path / "results")
    runs = harness.load(copy)
    row = runs[runs["status"] == "completed"].iloc[0]
    made = {"lock_sha256": row["lock_sha256"], "workload": row["workload"], "new": "n"}
    voucher = Voucher(**made, old=row["code_sha256"], cell=row["cell"], repeat=1, equal=True)
    vouchers.add(copy / row["matrix"] / row["machine"], [voucher])
    publish([copy], tmp_path / "out")
    expected = harness.load(copy)["vouched_by"]
    assert expected.notna().any()
    pd.testing.assert_series_equal(harness.load(tmp_path / "out")["vouched_by"], expected)


def test_a_publication_is_read_and_checked_like_results(published: Path) -> None:
    found = checking.check(published)
    assert found.findings == [] and found.counts["records"]
    assert len(harness.load(published)) == len(harness.load(published / "results"))


def test_the_badge_is_an_image_that_counts(published: Path) -> None:
    root = ET.fromstring((published / "badge.svg").read_text("utf-8"))
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    # Per machine seven and three stable cells; three classes and one, the same on both.
    assert title.text == "reproducibility: 20 of 34 cells stable · 4 classes"


def test_json_for_the_page_cannot_end_its_script() -> None:
    text = safe_json({"x": "</script><!--\u2028\u2029&"})
    assert not set("<>&\u2028\u2029") & set(text)


def test_an_earlier_publication_is_replaced_and_nothing_else(results: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    publish([results], out, title="First")
    (out / "data" / "cells-99.js").write_text("old")
    publish([results], out, title="Second")
    assert "Second" in (out / "index.html").read_text("utf-8")
    assert not (out / "data" / "cells-99.js").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("results", "name another folder"),
        (".", "name another folder"),
        ("mine", "holds 'thesis.txt'"),
        ("file", "is a file"),
        ("file/below", "cannot be made"),
    ],
)
def test_nothing_of_anybodys_is_overwritten(
    out: str, expected: str, results: Path, tmp_path: Path
) -> None:
    (tmp_path / "results").symlink_to(results)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=re.escape(expected)):
        publish([tmp_path / "results"], tmp_path / out)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine", "results"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["missing", "-o", "out"], "missing: no such folder"),
        (["."], "name the folder to write with -o OUT"),
    ],
)
def test_a_mistake_is_said_in_words(arguments: list[str], expected: str, tmp_path: Path) -> None:
    ended = program("publish", *arguments, cwd=tmp_path)
    assert (ended.code, expected in ended.err, "Traceback" in ended.err) == (2, True, False), ended
    assert not (tmp_path / "out").exists()
