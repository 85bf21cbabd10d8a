"""What a publication is made from: the sweeps of several folders, put side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.analysis import frames
from harness.analysis.columns import RUN_COLUMNS, frame_of
from harness.errors import UsageError
from harness.results.scan import MACHINE, PLAN, SweepFolder, sweeps

_KEY = ["matrix", "machine", "cell", "repeat", "planned"]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The run table of everything, and the sweeps it comes from, sorted by matrix and machine."""

    runs: pd.DataFrame
    sweeps: tuple[SweepFolder, ...]


def gather(folders: Sequence[Path]) -> Sources:
    """Everything in these folders; neither their order nor a folder given twice matters.

    Parts of one sweep (the same matrix on the same machine) are put together.

    Raises:
        UsageError: there are no results in a folder, or two of them say different things about
            the same run.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    found = {sweep.folder.resolve(): sweep for folder in folders for sweep in sweeps(folder)}
    ordered = sorted(found.values(), key=lambda sweep: (sweep.matrix, sweep.machine, _state(sweep)))
    _check_agreement(ordered)
    runs = pd.concat([frames.runs(sweep.folder) for sweep in ordered], ignore_index=True)
    waiting = (runs["status"] == "pending").rename("waiting")
    kept = runs.assign(waiting=waiting).sort_values("waiting", kind="stable")
    once = kept.drop_duplicates(_KEY).sort_index().drop(columns="waiting")
    return Sources(runs=frame_of(once.reset_index(drop=True), RUN_COLUMNS), sweeps=tuple(ordered))


def files(sweep: SweepFolder) -> Iterator[Path]:
    """The plan, the machine and every record of a sweep, sorted."""
    yield from (sweep.folder / name for name in (MACHINE, PLAN) if (sweep.folder / name).exists())
    for record in sweep.records():
        yield sweep.folder / record.cell / f"{record.repeat}.json"


def _state(sweep: SweepFolder) -> list[str]:
    """What tells parts of one sweep apart, wherever they lie."""
    return sorted(str(path.relative_to(sweep.folder)) for path in sweep.folder.glob("*/*.json"))


def _check_agreement(ordered: Sequence[SweepFolder]) -> None:
    seen: dict[tuple[str, str, str], Path] = {}
    parts = [(sweep.matrix, sweep.machine) for sweep in ordered]
    for sweep in ordered:
        if parts.count((sweep.matrix, sweep.machine)) == 1:
            continue
        for path in files(sweep):
            key = (sweep.matrix, sweep.machine, str(path.relative_to(sweep.folder)))
            other = seen.setdefault(key, path)
            if path.name != MACHINE and other.read_bytes() != path.read_bytes():
                raise UsageError(
                    f"{other} and {path} are about the same thing and differ; publish one of the "
                    "two folders, or give one of the machines another folder name"
                )
