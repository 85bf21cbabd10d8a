"""What a notebook shows: tables with what is worth reading, and the grid of letters in colour."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell

import harness
from harness.errors import SelectionError, UsageError
from harness.notebook import colours

PAGE = Path(harness.__file__).parent / "publish" / "page"


class Cells(HTMLParser):
    """The rows of a page's tables, as texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    """Two versions by two numbers of threads; one cell is unstable, and one did not run."""
    on = SweepOnDisk(root=tmp_path / "results")
    cells = {
        (version, threads): cell(tensorflow=version, threads=threads)
        for version in ("2.9.3", "2.10.0")
        for threads in (1, 2)
    }
    on.plan(list(cells.values()))
    on.complete(cells["2.9.3", 1], "one", "one")
    on.complete(cells["2.10.0", 1], "one", "one")
    on.complete(cells["2.9.3", 2], "two", "three")
    on.end(cells["2.10.0", 2], 1, "failed", "<script>alert(1)</script>")
    return on.root


def html_of(shown: Any) -> str:
    """What a notebook shows of it."""
    page = shown._repr_html_()
    assert isinstance(page, str)
    return page


def test_what_every_row_shares_stands_once_above(swept: Path) -> None:
    page = html_of(harness.load(swept))
    above, _, table = page.partition("<table")
    for same in ("matrix=quickstart", "workload=mnist-mlp", "python=3.10", "device=cpu", "seed=42"):
        assert same in above and same not in table
    heads, *rows = Cells(page).rows
    assert [heads[1], *heads[-8:]] == [
        *("tensorflow", "status", "init", "weights", "loss", "accuracy", "predictions"),
        *("fit_s", "total_s"),
    ]
    assert "threads" in heads
    assert rows[0][1] == "2.9.3" and len(rows) == 8
    assert "8 rows ×" in page and "not shown: cell, reason" in page


def test_equal_tables_have_equal_bytes(swept: Path) -> None:
    for show in (harness.load, harness.cells, harness.classes, harness.axes, harness.grid):
        assert html_of(show(swept)) == html_of(show(swept))
        assert "uuid" not in html_of(show(swept))


def test_strangers_texts_are_shown_and_do_nothing(swept: Path) -> None:
    runs = harness.load(swept).assign(said="<b>&\x1b")
    assert "<b>" not in html_of(runs) and "<script" not in html_of(harness.grid(swept))
    assert "&lt;b&gt;&amp;\\x1b" in html_of(runs)
    assert "&lt;script&gt;" in html_of(harness.grid(swept))


def test_parts_of_a_table_show_themselves_as_it_does(swept: Path) -> None:
    runs = harness.load(swept)
    part = runs[runs["threads"] == 2].sort_values("tensorflow", ascending=False)
    heads, *rows = Cells(html_of(part)).rows
    assert "threads" not in heads and "threads=2" in html_of(part)
    assert [row[0] for row in rows] == [str(place) for place in part.index]
    assert [row[1] for row in rows] == ["2.10.0", "2.10.0", "2.9.3", "2.9.3"]
    added = html_of(runs.assign(gap=[0.5] * len(runs)))
    assert "gap" in Cells(added).rows[0]


def test_other_frames_show_what_they_have(swept: Path) -> None:
    runs = harness.load(swept)
    for frame in (runs[["cell", "loss"]], runs.head(0), runs.groupby("cell").first(), runs.T):
        plain = pd.DataFrame(frame)
        assert html_of(frame) == html_of(plain)


def test_of_many_rows_the_first_and_the_last_are_shown(swept: Path) -> None:
    runs = harness.load(swept)
    with pd.option_context("display.max_rows", 6, "display.min_rows", 4):
        rows = Cells(html_of(runs)).rows
    assert [row[0] for row in rows] == ["", "0", "1", "⋮", "6", "7"]


def test_the_grid_has_a_letter_for_each_cell(swept: Path) -> None:
    (grid,) = harness.grid(swept, columns=["tensorflow"])
    assert (grid.row_axes, grid.column_axes) == (("threads",), ("tensorflow",))
    assert grid.frame.to_dict("list") == {"2.9.3": ["A", "≠"], "2.10.0": ["A", "✕"]}
    assert grid.counts == {"A": 2, "unstable": 1, "failed": 1}
    assert "python=3.10" in grid.shared
    assert "mnist-mlp" in repr(harness.grid(swept)) and "≠" in repr(harness.grid(swept))
    page = html_of(harness.grid(swept, columns=["tensorflow"]))
    assert page.count(colours.CLASSES[0].fill) == 3
    table = page.partition("</table>")[0]
    assert [row[-2:] for row in Cells(table).rows[1:]] == [["A", "A"], ["≠", "✕"]]


def test_rows_and_columns_can_be_chosen(swept: Path) -> None:
    (turned,) = harness.grid(swept, rows=["tensorflow"])
    assert (turned.row_axes, turned.column_axes) == (("tensorflow",), ("threads",))
    assert turned.rows == (("2.9.3",), ("2.10.0",))
    (shared,) = harness.grid(swept, rows="threads", columns="device")
    assert shared.frame.to_dict("list") == {"cpu": ["A", "≠ ✕"]}
    (nested,) = harness.grid(swept, columns=["threads", "tensorflow"])
    assert nested.columns[1] == ("1", "2.10.0") and nested.frame.shape == (1, 4)


def test_wrong_axes_and_workloads_are_said(swept: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'thread' is no setting of mnist-mlp; what varies is"):
        harness.grid(swept, rows=["thread"])
    with pytest.raises(UsageError, match="'threads' is named twice"):
        harness.grid(swept, rows=["threads"], columns=["threads"])
    with pytest.raises(SelectionError, match=r"no workload 'mnist'.*there are mnist-mlp"):
        harness.grid(swept, workload="mnist")
    for plan in swept.rglob("plan.jsonl"):
        plan.unlink()
    with pytest.raises(SelectionError, match="nothing is planned"):
        harness.grid(swept)


def test_colours_and_marks_are_those_of_the_page() -> None:
    rule = r"\.k(\d+|more) \{ --fill: (#\w+); --line: (#\w+);(?: --on: (#\w+);?)? \}"
    expected: dict[str, colours.Look] = {}
    for name, fill, line, text in re.findall(rule, (PAGE / "page.css").read_text("utf-8")):
        # The first ones are those on a light ground.
        expected.setdefault(name, colours.Look(fill=fill, line=line, text=text or "#111"))
    assert expected.pop("more") == colours.MORE
    assert [expected[str(place)] for place in range(len(expected))] == list(colours.CLASSES)
    marks = (PAGE / "tiles.js").read_text("utf-8").partition("MARKS = {")[2].partition("}")[0]
    assert dict(re.findall(r'(\w+): "(.)"', marks)) == colours.MARKS


def test_every_letter_has_a_look() -> None:
    names = ["A", "P", "Q", "Z", "AA", "unstable", ""]
    looks = [colours.of_class(name) for name in names]
    assert looks[:2] == [colours.CLASSES[0], colours.CLASSES[15]]
    assert looks[2:5] == [colours.MORE] * 3
    assert looks[5:] == [colours.NOT_STABLE, colours.NO_WEIGHTS]
