"""How many runs there are and how they ended, in a line that always adds up."""

from __future__ import annotations

import pandas as pd

from harness.analysis.columns import STATUSES


def summary(runs: pd.DataFrame) -> str:
    """`40 cells × 2 repeats = 80 runs: 72 completed, 8 unavailable`.

    Rows whose status this harness does not know are counted by that status, too. Runs that the
    matrix no longer asks for stand in a clause of their own.
    """
    planned = runs[runs["planned"]]
    parts = [f"{_size(planned)}: {_statuses(planned)}" if len(planned) else "nothing planned"]
    rest = runs[~runs["planned"]]
    if len(rest):
        parts.append(f"{_counted(len(rest), 'run')} no longer planned: {_statuses(rest)}")
    return "; ".join(parts)


def _size(planned: pd.DataFrame) -> str:
    """`40 cells × 2 repeats = 80 runs`, or without the product where repeats differ."""
    repeats = planned.groupby(["matrix", "machine", "cell"], sort=False).size()
    cells, runs = _counted(len(repeats), "cell"), _counted(len(planned), "run")
    if repeats.nunique() > 1:
        return f"{cells}, {runs}"
    return f"{cells} × {_counted(int(repeats.iloc[0]), 'repeat')} = {runs}"


def _statuses(rows: pd.DataFrame) -> str:
    counts = {str(status): int(number) for status, number in rows["status"].value_counts().items()}
    known = [status for status in STATUSES if status in counts]
    names = [*known, *sorted(set(counts) - set(known))]
    return ", ".join(f"{counts[name]:,} {name}" for name in names)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
