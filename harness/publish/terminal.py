"""Tables for a terminal: one per workload, what is constant said once, reasons said once."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness import console
from harness.analysis.class_letters import UNSTABLE
from harness.analysis.varied_axes import assignments, shared
from harness.publish import axis_view, claim_view, column_widths, comparison_view
from harness.publish.escaping import visible
from harness.publish.layout import NOT_RUN, layout
from harness.publish.shown import Shown
from harness.publish.table_kinds import kind_of
from harness.wording import counted

UNLIMITED = 5_000
"""The width where there is no terminal to fit into: nothing is folded or left out."""

MOST_ROWS = 500
"""More than a person reads; the other formats have all rows."""

MOST_CLASSES = 100
"""Of more classes each workload shows the largest, `LEAST_CLASSES` or its share of these."""

LEAST_CLASSES = 20


@dataclass(frozen=True, kw_only=True)
class Look:
    """How many characters a line may have, and whether cells are named by their ids."""

    width: int
    ids: bool


_STYLES = {
    "stable": "green",
    UNSTABLE: "bold red",
    "untested": "yellow",
    "never": "green",
    "always": "red",
    "sometimes": "yellow",
    "failed": "red",
    "timeout": "red",
    "out_of_memory": "red",
    "killed": "red",
    "invalid": "red",
    "unsupported": "yellow",
    "different": "red",
    "identical": "green",
    "supported": "green",
    "refuted": "red",
    "mixed": "yellow",
    "emulated": "yellow",
}
_CLASS_STYLES = ("cyan", "yellow", "magenta", "blue", "green")
_DIM = {"init", "weights", "predictions"}


def render(
    frame: pd.DataFrame,
    chosen: Sequence[Shown] | None,
    *,
    width: int | None = None,
    colour: bool | None = None,
    ids: bool = False,
) -> str:
    """The frame for a terminal `width` characters wide; `chosen` replaces the usual columns.

    Ids are never broken, whatever the width; with `ids` they stand in place of the settings.
    """
    look = Look(width=width or _width_here(), ids=ids)
    if frame.empty:
        return "No rows.\n"
    kind = kind_of(frame)
    # A comparison and classes choose their rows themselves: their counts are those of the whole.
    whole = 0 if kind in ("comparison", "classes") and chosen is None else len(frame)
    if chosen is not None or kind not in _VIEWS:
        columns = list(chosen or layout(frame))
        parts: list[RenderableType] = [_table(columns, look.width)]
    else:
        parts = list(_VIEWS[kind](frame.head(MOST_ROWS) if whole else frame, look))
    if whole > MOST_ROWS and chosen is None:
        parts.append(Text(f"… and {whole - MOST_ROWS:,} more rows; --format csv has them all"))
    return _printed([_folded(part, look.width) for part in parts], colour)


def _width_here() -> int:
    """The width of the terminal, or what the variable COLUMNS asks for; a pipe has none."""
    asked = os.environ.get("COLUMNS", "")
    if console.results.is_terminal or (asked.isdecimal() and int(asked) > 0):
        return console.results.width
    return UNLIMITED


def _folded(part: RenderableType, width: int, indent: int = 0) -> RenderableType:
    """Text on lines of this width, broken between words only: an id stays whole."""
    if not isinstance(part, Text):
        return part
    room, places, start = width - indent, [], 0
    for word in re.finditer(r"\S+|\n", part.plain):
        if word.group() == "\n":
            start = word.end()
        elif cell_len(part.plain[start : word.end()]) > room and word.start() > start:
            places.append(word.start())
            start = word.start()
    lines = Text("\n").join(part.divide(places)) if places else part
    lines.no_wrap, lines.overflow = True, "ignore"
    return Padding(lines, (0, 0, 0, indent), expand=False) if indent else lines


def _printed(parts: Sequence[RenderableType], colour: bool | None) -> str:
    """The text, the same on every machine: nothing is read from the environment."""
    coloured = console.results.is_terminal and not console.results.no_color
    paint = coloured if colour is None else colour
    file = io.StringIO()
    printer = Console(
        file=file,
        width=UNLIMITED,
        force_terminal=paint,
        color_system="standard" if paint else None,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    printer.print(Group(*parts))
    lines = (line.rstrip() for line in file.getvalue().splitlines())
    return "\n".join(lines).strip("\n") + "\n"


def _of_classes(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    shared_settings = frame["every_cell"].unique()
    if len(shared_settings) == 1 and shared_settings[0]:
        yield from _every_cell(str(shared_settings[0]))
    most = _most_classes(frame)
    for workload, part in frame.groupby("workload", sort=False):
        facts = _facts(part) + (
            [str(part["every_cell"].iloc[0])] if len(shared_settings) > 1 else []
        )
        yield from _section(str(workload), facts, layout(part.head(most), ids=look.ids), look)
        if len(part) > most:
            more = f"… and {len(part) - most:,} more classes; --format csv has them all"
            yield _folded(Text(f"{more}\n"), look.width, column_widths.GAP)
        yield from _explanation(part, look)


def _most_classes(frame: pd.DataFrame) -> int:
    """How many classes of each workload are shown."""
    if len(frame) <= MOST_CLASSES:
        return len(frame)
    return max(LEAST_CLASSES, MOST_CLASSES // frame["workload"].nunique())


def _explanation(classes: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    """What tells a workload's classes apart, where that was asked for."""
    if "explained_by" not in classes or not classes["explained_by"].iloc[0]:
        return
    first = classes.iloc[0]
    size = "the smallest set" if first["smallest"] else "a small set"
    left = f", but for {counted(first['unexplained'], 'cell')}" if first["unexplained"] else ""
    line = Text("explained by ", style="bold")
    line.append(visible(str(first["explained_by"])), style="cyan")
    line.append(f": {size} that tells these cells' classes apart{left}.", style="not bold default")
    line.append(" Observed, not proven.", style="dim")
    line.append("\n")
    yield _folded(line, look.width, column_widths.GAP)


def _facts(classes: pd.DataFrame) -> list[str]:
    """What the heading of a workload's classes says."""
    cells, untested = int(classes["cells"].sum()), int(classes["untested"].sum())
    unstable = int(classes.loc[classes["class"] == UNSTABLE, "cells"].sum())
    lettered = int((classes["class"] != UNSTABLE).sum())
    same = lettered == 1 < cells and not unstable
    facts = [counted(cells, "cell")]
    if lettered:
        facts += ["the same bits everywhere" if same else counted(lettered, "class", "classes")]
    facts += [f"{unstable} unstable"] if unstable else []
    once = "each ran only once" if untested == cells else f"{untested} ran only once"
    return facts + ([once] if untested else [])


def _of_axes(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    for columns in axis_view.pivots(frame, look.width):
        yield _table(columns, look.width)
        yield Text()
    yield from (Text(line, style="dim") for line in axis_view.legend(frame))


def _of_claims(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    for section, _ in claim_view.sections(frame):
        yield from _section(section.title, section.facts, section.columns, look)


def _of_rows(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    """Runs or cells: those that ran in tables, the others by reason below."""
    ran = frame[~frame["status"].isin(NOT_RUN)]
    always = shared(frame if ran.empty else ran)
    yield from _every_cell(assignments(always))
    several = [name for name in ("matrix", "machine") if frame[name].nunique() > 1]
    for key, part in ran.groupby([*several, "workload"], sort=False):
        *place, workload = (str(name) for name in key)
        only_here = {k: v for k, v in shared(part).items() if k not in always and k not in several}
        facts = [*place, *([assignments(only_here)] if only_here else [])]
        yield from _section(workload, facts, layout(part, ids=look.ids), look)
    yield from _reasons(frame)


def _of_models(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    for workload, part in frame.groupby("workload", sort=False):
        yield from _section(
            str(workload), [assignments(shared(part))], layout(part, ids=look.ids), look
        )


def _of_comparison(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    for line in comparison_view.summary(frame):
        inner = line.startswith(" ")
        yield Text(f"{'  ' if inner else ''}{visible(line)}", style="" if inner else "bold")
    for section in comparison_view.sections(frame):
        columns = section.columns or []
        yield from _section(section.title, section.facts, columns, look)
        if section.below:
            below = "\n".join(map(visible, section.below))
            yield _folded(Text(f"{below}\n"), look.width, column_widths.GAP)
    yield from (Text(line, style="dim") for line in comparison_view.legend(frame))


def _of_machines(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    for (machine, baseline), part in frame.groupby(["machine", "baseline_machine"], sort=False):
        unlike = str(part["unlike"].iloc[0])
        facts = [f"against {baseline}", unlike or "the same hardware, as far as is known"]
        yield from _section(str(machine), facts, layout(part, ids=look.ids), look)


def _of_tensors(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    pairs = ["workload", "baseline_machine", "baseline", "machine", "cell"]
    for key, part in frame.groupby(pairs, sort=False):
        _, baseline_machine, baseline, machine, cell = (str(name) for name in key)
        here = cell if machine == baseline_machine else f"{machine}/{cell}"
        there = baseline if machine == baseline_machine else f"{baseline_machine}/{baseline}"
        yield from _section(here, [f"against {there}"], layout(part, ids=look.ids), look)


def _of_spread(frame: pd.DataFrame, look: Look) -> Iterator[RenderableType]:
    several = frame["machine"].nunique() > 1
    for (workload, machine), part in frame.groupby(["workload", "machine"], sort=False):
        baselines = part["baseline"].dropna().unique()
        facts = [str(machine)] if several else []
        facts += [f"against {baselines[0]}"] if len(baselines) == 1 else []
        yield from _section(str(workload), facts, layout(part, ids=look.ids), look)
    yield from (Text(line, style="dim") for line in comparison_view.spread_legend(frame))


def _every_cell(shared_settings: str) -> Iterator[RenderableType]:
    if shared_settings:
        yield Text.assemble(("Every cell: ", "bold"), visible(shared_settings))
        yield Text()


def _section(
    title: str, facts: Sequence[str], columns: Sequence[Shown], look: Look
) -> Iterator[RenderableType]:
    heading = Text(visible(title), style="bold")
    for fact in facts:
        heading.append(f" · {visible(fact)}", style="not bold")
    yield heading
    if not columns:
        return
    yield Padding(
        _table(columns, look.width - column_widths.GAP), (0, 0, 1, column_widths.GAP), expand=False
    )


def _reasons(frame: pd.DataFrame) -> Iterator[RenderableType]:
    """Each reason once, with the number of cells and the first of them."""
    missing = frame[frame["status"] != "completed"]
    tried = ~missing["status"].isin(NOT_RUN)
    what = "run" if kind_of(frame) == "runs" else "cell"
    for part in (missing[tried], missing[~tried]):
        for (status, reason), rows in part.groupby(["status", "reason"], sort=False, dropna=False):
            line = Text(visible(str(status)), style=_STYLES.get(str(status), "bold"))
            line.append(f" · {counted(len(rows), what)}", style="not bold default")
            line.append(f" · {visible(str(reason))}" if reason else "", style="not bold default")
            yield line
            more = f" … and {len(rows) - 1:,} more" if len(rows) > 1 else ""
            yield Text(f"  {visible(str(rows['cell'].iloc[0]))}{more}", style="dim")


def _table(columns: Sequence[Shown], width: int) -> Table:
    shared_settings = [column for column in columns if any(column.values)]
    shown, dropped = column_widths.fitting(shared_settings, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column, room in zip(shown, column_widths.widths(shown, width), strict=True):
        table.add_column(
            Text(column_widths.header(column), style="bold"),
            justify="right" if column.numeric else "left",
            vertical="top",
            overflow="fold",
            width=room,
        )
    for row in zip(*(column.values for column in shown), strict=True):
        styled = zip(shown, row, strict=True)
        table.add_row(
            *(
                Text(column_widths.lines(column, value), _style(column, value))
                for column, value in styled
            )
        )
    if dropped:
        table.caption = f"left out for width: {', '.join(column.header for column in dropped)}"
        table.caption_justify = "left"
    return table


def _style(column: Shown, value: str) -> str:
    if column.name == "class" and value != UNSTABLE:
        return f"bold {_CLASS_STYLES[(ord(value[-1]) - ord('A')) % 5]}" if value else ""
    if column.header in _DIM:
        return "dim"
    return _STYLES.get(value.split(" ", maxsplit=1)[0], "")


_VIEWS: dict[str, Callable[[pd.DataFrame, Look], Iterator[RenderableType]]] = {
    "classes": _of_classes,
    "axes": _of_axes,
    "claims": _of_claims,
    "runs": _of_rows,
    "cells": _of_rows,
    "models": _of_models,
    "comparison": _of_comparison,
    "machines": _of_machines,
    "tensors": _of_tensors,
    "spread": _of_spread,
}
