"""Results of several folders side by side: which machine is which, and what is there twice.

Nothing is rewritten. A folder given twice and a copy of a folder count once; machines that share a
name and nothing else get names that differ.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from harness import selection
from harness.analysis import hardware, parameters, run_table
from harness.analysis.columns import RUN_COLUMNS, frame_of
from harness.analysis.hardware import Hardware
from harness.results.scan import SweepFolder, sweeps

NOTHING_PLANNED = (
    "nothing is planned in these folders: there is no plan.jsonl in them; copy it along with the "
    "records, or let harness run write it again"
)

Run = tuple[str, int]
Signature = Mapping[Run, tuple[object, ...]]
Relation = Literal["copy", "part", "other"]

_MEASURED = ["status", "weights_sha256", "import_s", "fit_s", "total_s"]
_KEY = ["matrix", "machine", "cell", "repeat", "planned"]


@dataclass(frozen=True, kw_only=True)
class MergedResults:
    """The run table of all folders, where its sweeps lie, and what the machines are.

    The column `machine` of `runs` has the names of `machines`: the fingerprint, with `#HARDWARE`
    or `@FOLDER` behind it where one fingerprint stands for several. `folders` leads from (matrix,
    machine) to the sweep folders, more than one where parts of a sweep were put together. `notes`
    says what was given twice or distinguished.
    """

    runs: pd.DataFrame
    folders: Mapping[tuple[str, str], tuple[Path, ...]]
    machines: Mapping[str, Hardware | None]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """One sweep folder, read; `top` is the folder that was given."""

    top: Path
    sweep: SweepFolder
    hardware: Hardware | None
    runs: pd.DataFrame
    signature: Signature
    name: str


def merge(folders: Sequence[Path]) -> MergedResults:
    """Everything in these folders, machines in the order given.

    Raises:
        UsageError: there are no results in a folder.
        RecordError: a record, plan or machine description is unreadable or of another schema.
    """
    notes: list[str] = []
    sources = _distinguished(_without_copies(list(_sources(folders, notes)), notes), notes)
    runs = pd.concat(
        [source.runs.assign(machine=source.name) for source in sources], ignore_index=True
    )
    places: dict[tuple[str, str], tuple[Path, ...]] = {}
    for source in sources:
        key = (source.sweep.matrix, source.name)
        places[key] = (*places.get(key, ()), source.sweep.folder)
    return MergedResults(
        runs=_once(runs),
        folders=places,
        machines={source.name: source.hardware for source in sources},
        notes=tuple(notes),
    )


def _sources(folders: Sequence[Path], notes: list[str]) -> Iterator[_Source]:
    seen: dict[Path, Path] = {}
    for top in folders:
        for sweep in sweeps(top):
            real = sweep.folder.resolve()
            if real in seen:
                notes.append(f"{sweep.folder}: given twice; it counts once")
                continue
            seen[real] = sweep.folder
            runs = run_table.runs(sweep.folder)
            yield _Source(
                top=Path(top),
                sweep=sweep,
                hardware=hardware.read(sweep.folder),
                runs=runs,
                signature=_signature(runs),
                name=sweep.machine,
            )


def _signature(runs: pd.DataFrame) -> Signature:
    """What each run measured, to the last digit of its seconds: only a copy has the same."""
    ended = runs[runs["total_s"].notna()]
    rows = ended[_MEASURED].astype(object).where(ended[_MEASURED].notna(), None)
    keys = zip(ended["cell"], ended["repeat"], strict=True)
    return dict(zip(keys, rows.itertuples(index=False, name=None), strict=True))


def _relation(source: _Source, earlier: _Source) -> Relation:
    """Whether a folder repeats another one, completes it, or says something else."""
    ours, theirs = source.signature, earlier.signature
    shared = ours.keys() & theirs.keys()
    if any(ours[run] != theirs[run] for run in shared):
        return "other"
    alike = _is_alike(source, earlier)
    if shared and alike and len(shared) in (len(ours), len(theirs)):
        return "copy"
    same_place = _place(source) == _place(earlier)
    return "part" if same_place and alike else "other"


def _without_copies(sources: Sequence[_Source], notes: list[str]) -> list[_Source]:
    """The sources, of a folder and its copies the one with most runs."""
    distinct: list[_Source] = []
    for source in sources:
        twin = next((one for one in distinct if _relation(source, one) == "copy"), None)
        if twin is None:
            distinct.append(source)
            continue
        larger, smaller = (twin, source)
        if len(source.signature) > len(twin.signature):
            larger, smaller = source, twin
            distinct[distinct.index(twin)] = source
        notes.append(
            f"{smaller.sweep.folder}: a copy of {larger.sweep.folder} "
            f"({len(smaller.signature)} of {len(larger.signature)} runs); it counts once"
        )
    return distinct


def _distinguished(sources: Sequence[_Source], notes: list[str]) -> list[_Source]:
    """The sources with names that stand for one machine, and one sweep of a matrix, each."""
    by_hardware = [_named_by_hardware(source, sources, notes) for source in sources]
    return [_named_by_folder(source, by_hardware, notes) for source in by_hardware]


def _named_by_hardware(source: _Source, sources: Sequence[_Source], notes: list[str]) -> _Source:
    others = [one for one in sources if one.name == source.name]
    other = next((one for one in others if not _is_alike(one, source)), None)
    if other is None or source.hardware is None:
        return source
    if others.index(source):
        notes.append(
            f"{others[0].sweep.folder} and {source.sweep.folder}: one name, other hardware "
            f"({hardware.unlike(others[0].hardware, source.hardware)}); distinguished by #…"
        )
    word = source.hardware.digest
    if other.hardware is not None:
        word = hardware.distinction(source.hardware, other.hardware)
    return replace(source, name=f"{source.name}#{word}")


def _named_by_folder(source: _Source, sources: Sequence[_Source], notes: list[str]) -> _Source:
    rivals = [one for one in sources if _place(one) == _place(source)]
    if not any(_relation(one, source) == "other" for one in rivals if one is not source):
        return source
    if rivals.index(source):
        notes.append(
            f"{rivals[0].sweep.folder} and {source.sweep.folder}: the same machine at two times; "
            "distinguished by @…"
        )
    return replace(source, name=f"{source.name}@{_shortest(source, rivals)}")


def _shortest(source: _Source, rivals: Sequence[_Source]) -> str:
    """The last parts of the folder given, as many as no rival shares."""
    parts = source.top.resolve().parts
    for count in range(1, len(parts)):
        tail = parts[-count:]
        if sum(one.top.resolve().parts[-count:] == tail for one in rivals) == 1:
            return "/".join(tail)
    return str(source.top)


def _place(source: _Source) -> tuple[str, str]:
    return source.sweep.matrix, source.name


def _is_alike(one: _Source, other: _Source) -> bool:
    if one.hardware is not None and other.hardware is not None:
        return hardware.is_alike(one.hardware, other.hardware)
    return _hardware_of(one) == _hardware_of(other)


def _hardware_of(source: _Source) -> str:
    """The hardware; where it is not described, the name must do."""
    return source.hardware.fingerprint if source.hardware else source.name


def _once(runs: pd.DataFrame) -> pd.DataFrame:
    """Every run once, where parts of a sweep lie in several folders: what ran before what waits."""
    waiting = (runs["status"] == "pending").rename("waiting")
    ordered = runs.assign(waiting=waiting).sort_values("waiting", kind="stable")
    once = ordered.drop_duplicates(_KEY).sort_index()
    return frame_of(once.reset_index(drop=True), RUN_COLUMNS, parameters.names_in(runs))


def selected(
    merged: MergedResults, only: Sequence[str], keep: Container[str] = ()
) -> MergedResults:
    """The results of the cells whose id matches a glob (all, without one), and of those to keep.

    Raises:
        SelectionError: no cell matches.
    """
    return replace(merged, runs=selected_rows(merged.runs, only, keep))


def selected_rows(
    runs: pd.DataFrame, only: Sequence[str], keep: Container[str] = ()
) -> pd.DataFrame:
    """The runs of the cells whose id matches a glob (all, without one), and of those to keep.

    Raises:
        SelectionError: no cell matches.
    """
    if not only:
        return runs
    chosen = set(selection.select(runs["cell"].unique().tolist(), only, name=str))
    rows = [cell in chosen or cell in keep for cell in runs["cell"]]
    own = parameters.names_in(runs)
    return frame_of(runs[rows].reset_index(drop=True), RUN_COLUMNS, own)
