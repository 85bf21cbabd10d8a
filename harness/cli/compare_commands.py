"""`compare`: where cells agree between machines, or with one cell, and how far they are apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import console
from harness.cli import options
from harness.errors import NotReproducibleError, SelectionError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.gathering import Gathered


class By(str, Enum):
    """What one row of the comparison is."""

    cell = "cell"
    machine = "machine"
    axis = "axis"
    class_ = "class"
    tensor = "tensor"
    spread = "spread"


_ONE_SIDED = (By.axis, By.class_)
_EXAMPLES = 3


def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Results folders, put side by side.")
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="MACHINE|CELL", help="What to compare with; the first machine if not given."
        ),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What one row is.")] = By.cell,
    only: options.Only = None,
    format: options.Format = "rich",
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 9 if cells that should agree do not.")
    ] = False,
) -> None:
    """Compare results of several machines, or of one machine with one of its cells."""
    options.check_format(format)
    if by in _ONE_SIDED and (baseline is not None or check):
        raise UsageError(
            f"--by {by.value} compares all cells with each other: leave --baseline and --check out"
        )
    # pandas takes half a second to import, and most commands do not need it.
    from harness.analysis import gathering
    from harness.publish import tables

    gathered = gathering.gather(folders, only or ())
    for note in gathered.notes:
        console.note(note)
    frame, compared = _frames(gathered, baseline, by, check)
    console.result(tables.render(frame, format))
    console.note(tables.summary(gathered.runs))
    if check and compared is not None:
        _check(compared, folders)


def _frames(
    gathered: Gathered, baseline: str | None, by: By, check: bool
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The table asked for, and the comparison of cells that `--check` judges."""
    from harness.analysis import comparing, effects, explanation, sizing, spread

    if by is By.axis:
        return effects.by_axis(gathered.runs), None
    if by is By.class_:
        return explanation.by_class_explained(gathered), None
    if by is By.spread and baseline is None and len(gathered.machines) == 1 and not check:
        return spread.by_spread(gathered.runs, None), None
    pairs, sizes = comparing.pairs(gathered, baseline), sizing.Sizes(gathered)
    compared = sizing.comparison(pairs, sizes)
    tables: dict[By, Callable[[], pd.DataFrame]] = {
        By.cell: lambda: compared,
        By.machine: lambda: comparing.by_machine(compared, gathered),
        By.tensor: lambda: sizing.by_tensor(pairs, sizes),
        By.spread: lambda: spread.by_spread(
            gathered.runs, comparing.baseline_for(gathered, baseline)
        ),
    }
    return tables[by](), compared


def _check(compared: pd.DataFrame, folders: Sequence[Path]) -> None:
    """Raise what `--check` found, with the first cells and how to look further."""
    from harness.analysis import comparing

    standing = comparing.standing(compared)
    if standing == "reproducible":
        return
    where = " ".join(str(folder) for folder in folders)
    if standing == "nothing compared":
        raise SelectionError(
            f"--check: no cell has weights on both sides, so nothing was checked; "
            f"harness compare {where} says what is missing where"
        )
    failing = compared[compared["verdict"].isin(comparing.FAILING)]
    lines = [f"{row.cell} on {row.machine}: {row.verdict}" for row in failing.itertuples()]
    more = f"\n  … and {len(lines) - _EXAMPLES:,} more" if len(lines) > _EXAMPLES else ""
    listed = "\n  ".join(lines[:_EXAMPLES])
    cell = failing["cell"].iloc[0]
    raise NotReproducibleError(
        f"{len(lines):,} of {len(compared):,} cells do not agree with the baseline:\n  {listed}"
        f"{more}\nharness compare {where} --by tensor --only '{cell}' shows where they differ"
    )
