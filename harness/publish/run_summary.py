"""How many runs there are and how they ended, in a line that always adds up."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from harness.results.statuses import STATUSES


def summary(runs: pd.DataFrame) -> str:
    """`40 cells × 2 repeats = 80 runs: 72 completed, 8 unavailable`.

    Rows whose status this harness does not know are counted by that status, too. Runs that the
    matrix no longer asks for stand in a clause of their own; so does what makes planned runs
    hard to compare (another version of the runner) or slow (forking that changes bits).
    """
    planned, rest = runs[runs["planned"]], runs[~runs["planned"]]
    parts = [f"{_size(planned)}: {_statuses(planned)}" if len(planned) else "nothing planned"]
    if len(rest):
        parts.append(f"{_counted(len(rest), 'run')} no longer planned: {_statuses(rest)}")
    done = planned[planned["status"] == "completed"]
    return "; ".join([*parts, *_other_code(done), *_not_forked(done)])


def _size(planned: pd.DataFrame) -> str:
    """`40 cells × 2 repeats = 80 runs`, or without the product where repeats differ."""
    repeats = planned.groupby(["matrix", "machine", "cell"], sort=False).size()
    cells, runs = _counted(len(repeats), "cell"), _counted(len(planned), "run")
    if repeats.nunique() > 1:
        return f"{cells}, {runs}"
    return f"{cells} × {_counted(int(repeats.iloc[0]), 'repeat')} = {runs}"


def _statuses(runs: pd.DataFrame) -> str:
    counts = {str(status): int(number) for status, number in runs["status"].value_counts().items()}
    ordered = [status for status in STATUSES if status in counts]
    names = [*ordered, *sorted(set(counts) - set(ordered))]
    return ", ".join(f"{counts[name]:,} {name}" for name in names)


def _other_code(done: pd.DataFrame) -> Iterator[str]:
    """How many runs used other code than most of the same matrix, machine and workload."""
    keys = ["matrix", "machine", "workload"]
    codes = done.groupby([*keys, "code_sha256"], sort=False).size()
    others = sum(int(group.sum() - group.max()) for _, group in codes.groupby(level=keys))
    if others:
        yield f"{_counted(others, 'run')} used other code than the rest"


def _not_forked(done: pd.DataFrame) -> Iterator[str]:
    """In how many environments an audit found that forked runs leave other bits than cold ones."""
    failed = (done["audit_state"] == "failed").fillna(False).astype(bool)
    environments = int(done.loc[failed, "lock_sha256"].nunique())
    if environments:
        yield f"forking is off for {_counted(environments, 'environment')}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
