"""The drawings: what is in them, and what is said where they cannot be drawn."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from results_factory import SweepOnDisk, cell
from two_machines import HERE, sweep, train

from harness import plots
from harness.errors import SelectionError, UsageError
from harness.notebook import colours

pytestmark = pytest.mark.slow

FIGURES = (plots.class_grid, plots.distances, plots.learning_curves)


@pytest.fixture
def swept(tmp_path: Path) -> Path:
    """Three cells: two stable ones with other weights, and an unstable one."""
    on = sweep(tmp_path / "results", HERE)
    cells = [cell(threads=threads) for threads in (1, 2, 3)]
    on.plan(cells)
    train(on, cells[0], (1.0, 2.0), (1.0, 2.0), trained=(5, 6))
    train(on, cells[1], (1.0, 3.0), (1.0, 3.0), init="other", trained=(4, 7))
    train(on, cells[2], (1.0, 5.0), (1.0, 6.0), trained=(5, 8))
    return on.root


def texts(axes: Axes) -> list[str]:
    """Everything that is written in a panel."""
    return [one.get_text() for one in axes.texts]


def ticks(axes: Axes) -> list[Text]:
    """What is written at the axes: their names, and the numbers of ticks that can be seen."""
    found = [axes.xaxis.label, axes.yaxis.label]
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        seen = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        found += [
            text for tick in seen for text in (tick.label1, tick.label2) if text.get_visible()
        ]
    return found


def cut(figure: Figure) -> list[str]:
    """The texts that reach over the edge of the picture."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer: Any = figure._get_renderer()  # type: ignore[attr-defined]
    width, height = figure.bbox.width, figure.bbox.height
    over = []
    for axes in (one for one in figure.findobj(Axes) if isinstance(one, Axes)):
        titles = [axes.title, *(axes._left_title, axes._right_title)]  # type: ignore[attr-defined]
        for text in [*axes.texts, *titles, *(ticks(axes) if axes.axison else [])]:
            if not text.get_text():
                continue
            box = text.get_window_extent(renderer)
            if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
                over.append(text.get_text())
    return over


@pytest.mark.parametrize("draw", FIGURES)
def test_equal_results_give_equal_pictures_in_no_window(draw: Any, swept: Path) -> None:
    pictures = []
    for _ in range(2):
        file = io.BytesIO()
        draw(swept).savefig(file, format="svg")
        pictures.append(file.getvalue())
    assert pictures[0] == pictures[1] and b"<dc:date>" not in pictures[0]
    assert draw(swept)._repr_png_().startswith(b"\x89PNG")
    assert isinstance(draw(swept), Figure)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("draw", FIGURES)
def test_no_text_is_cut(draw: Any, swept: Path) -> None:
    assert cut(draw(swept)) == []
    shipped = Path(__file__).parents[2] / "results" / "gpu-check"
    assert cut(draw(shipped)) == []


@pytest.mark.parametrize("draw", FIGURES)
def test_wrong_calls_are_said(draw: Any, swept: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        draw(tmp_path / "missing")
    with pytest.raises(SelectionError, match="no workload 'mnist'"):
        draw(swept, workload="mnist")
    with pytest.raises(SelectionError, match="no cell matches"):
        draw(swept, only="x*")


@pytest.mark.parametrize("draw", FIGURES)
def test_a_missing_matplotlib_is_named_with_its_extra(
    draw: Any, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("curves", "grids", "pairs", "picture"):
        monkeypatch.delitem(sys.modules, f"harness.plots.{name}", raising=False)
        monkeypatch.delattr(plots, name, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"matplotlib: pip install .*\[plots\]"):
        draw(swept)


def test_the_grid_has_letters_on_the_colours_of_the_page(swept: Path) -> None:
    (axes,) = plots.class_grid(swept).axes
    written = texts(axes)
    assert [written.count(letter) for letter in ("A", "B", "≠")] == [1, 1, 1]
    fills = {to_hex(patch.get_facecolor()) for patch in axes.patches}
    expected = (colours.CLASSES[0], colours.CLASSES[1], colours.NOT_STABLE)
    assert fills == {look.fill for look in expected}


def test_distances_are_those_of_the_weights(swept: Path) -> None:
    figure = plots.distances(swept, measure="max_abs")
    written = texts(figure.axes[0])
    assert written.count("1°") == 2 and written.count("3") == 2 and written.count("2°") == 2
    assert "largest absolute difference of the weights; °: other initial weights" in written
    assert {"A", "B", "≠3"} <= set(written)


def test_distances_that_are_unknown_are_said_to_be(swept: Path) -> None:
    for file in swept.rglob("blobs/weights/*"):
        file.unlink()
    (axes,) = plots.distances(swept).axes
    assert texts(axes) == ["unknown: what is measured was not stored beside the records"]


def test_one_class_is_not_apart_from_anything(swept: Path) -> None:
    (axes,) = plots.distances(swept, only="*threads=1*").axes
    assert texts(axes) == ["fewer than two classes: nothing is apart"]


def test_another_measure_or_metric_is_refused(swept: Path) -> None:
    with pytest.raises(UsageError, match="measure='l2' is not known; choose one of relative_l2"):
        plots.distances(swept, measure="l2")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"metric='los' is in no history.*they report loss"):
        plots.learning_curves(swept, metric="los")


def test_without_a_completed_run_there_are_no_curves(tmp_path: Path) -> None:
    SweepOnDisk(root=tmp_path).plan([cell()])
    with pytest.raises(UsageError, match="no run reported a history"):
        plots.learning_curves(tmp_path)
    assert "…" in texts(plots.class_grid(tmp_path).axes[0])


def test_curves_are_lines_over_epochs_and_dots_after_one() -> None:
    shipped = Path(__file__).parents[2] / "results" / "reference"
    several, _ = plots.learning_curves(shipped, workload="co2-lstm", only="*tf2.21*").axes
    assert several.get_xlabel() == "epoch"
    assert {np.size(line.get_xdata()) for line in several.lines} == {3}
    single, apart = plots.learning_curves(shipped, workload="mnist-mlp", only="*tf2.2*").axes
    assert single.get_xlabel() == "class, after the only epoch"
    assert {np.size(line.get_xdata()) for line in single.lines} == {1}
    assert apart.get_yticklabels()[0].get_text() == "equal"
