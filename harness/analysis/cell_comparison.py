"""The comparison table: each cell against its like on another machine, or against one cell."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness.analysis import hardware
from harness.analysis.cell_table import by_cell
from harness.analysis.columns import (
    COMPARISON_COLUMNS,
    MACHINE_COLUMNS,
    frame_of,
    names,
)
from harness.analysis.comparison_verdicts import COMPARABLE, FAILING, VERDICTS
from harness.analysis.merging import Gathered
from harness.analysis.varied_axes import SETTINGS, shown
from harness.errors import SelectionError, UsageError

Row = dict[str, object]
Cell = Mapping[str, Any]
Key = tuple[str, ...]

_HASHED = {"data_sha256": "data", "lock_sha256": "lock", "runner_sha256": "runner"}
_FOUND = ("found_threads", "found_onednn")
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two cells to compare, as rows of the cell table; one of them may be missing.

    `machine` and `baseline_machine` are known all the same.
    """

    baseline: Cell | None
    here: Cell | None
    baseline_machine: str
    machine: str


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What everything is compared with: a machine, or one cell on a machine."""

    machine: str
    cell: Cell | None = None


def pairs(gathered: Gathered, baseline: Baseline) -> list[Pair]:
    """What is to be compared, machine by machine and in the order of the matrix.

    With a baseline machine each cell is compared with its like there; with a baseline cell all
    others of its workload with it.
    """
    cells = by_cell(gathered.runs)
    if baseline.cell is not None:
        return list(_with_cell(cells, baseline.cell))
    return list(_with_machine(cells, baseline.machine, list(gathered.machines)))


def baseline_of(gathered: Gathered, name: str | None) -> Baseline:
    """What `name` means: a machine (the first one, if None), or a cell by id or MACHINE/CELL.

    A glob that fits one thing will do.

    Raises:
        UsageError: there is only one machine and no cell is named.
        SelectionError: nothing, or more than one thing, has that name.
    """
    return _baseline(gathered, by_cell(gathered.runs), name)


def _baseline(gathered: Gathered, cells: pd.DataFrame, name: str | None) -> Baseline:
    machines = list(gathered.machines)
    if name is None or name in machines:
        if len(machines) > 1:
            return Baseline(machine=name or machines[0])
        raise UsageError(
            f"only one machine, {machines[0]}, is in these results: give a folder with another "
            "one, or --baseline CELL to compare its cells with one of them"
        )
    found = [machine for machine in machines if fnmatch.fnmatchcase(machine, name)]
    if len(found) == 1:
        return _baseline(gathered, cells, found[0])
    return Baseline(machine="", cell=_named_cell(cells, name, machines))


def _named_cell(cells: pd.DataFrame, name: str, machines: Sequence[str]) -> Cell:
    """The one cell of this name that has weights; on the first machine, if it ran on several."""
    full = cells["machine"] + "/" + cells["cell"]
    exact = cells[(cells["cell"] == name) | (full == name)]
    fits = [
        fnmatch.fnmatchcase(cell, name) or fnmatch.fnmatchcase(whole, name)
        for cell, whole in zip(cells["cell"], full, strict=True)
    ]
    found = exact if len(exact) else cells[fits]
    ids = list(dict.fromkeys(found["cell"]))
    if len(ids) != 1:
        raise SelectionError(_which(name, ids, machines, cells))
    ran = found[found["distinct"] > 0]
    if ran.empty:
        status, reason = found["status"].iloc[0], found["reason"].iloc[0]
        raise SelectionError(f"--baseline {ids[0]}: has no weights: {status} {reason}".rstrip())
    first: Cell = ran.iloc[0].to_dict()
    return first


def _which(name: str, ids: Sequence[str], machines: Sequence[str], cells: pd.DataFrame) -> str:
    if ids:
        more = f"\n  … and {len(ids) - _EXAMPLES} more" if len(ids) > _EXAMPLES else ""
        listed = "\n  ".join(ids[:_EXAMPLES])
        return f"--baseline {name!r} fits {len(ids)} cells; name one of\n  {listed}{more}"
    examples = "\n  ".join([*machines, *cells["cell"].head(3)])
    return f"--baseline {name!r} is no machine and no cell here; there are\n  {examples}"


def _rows(cells: pd.DataFrame) -> Iterator[Cell]:
    columns = [cells[name].tolist() for name in cells.columns]
    for values in zip(*columns, strict=True):
        yield dict(zip(cells.columns, values, strict=True))


def _with_cell(cells: pd.DataFrame, baseline: Cell) -> Iterator[Pair]:
    same = cells[cells["workload"] == baseline["workload"]]
    for here in _rows(same):
        if _key(here) != _key(baseline) or here["machine"] != baseline["machine"]:
            yield _pair(baseline, here, str(baseline["machine"]), str(here["machine"]))


def _with_machine(cells: pd.DataFrame, baseline: str, machines: Sequence[str]) -> Iterator[Pair]:
    rows: dict[str, list[Cell]] = {machine: [] for machine in machines}
    for row in _rows(cells):
        rows[row["machine"]].append(row)
    for machine in machines:
        if machine != baseline:
            for ours, here in _partners(rows[baseline], rows[machine]):
                yield _pair(ours, here, baseline, machine)


def _pair(ours: Cell | None, here: Cell | None, baseline_machine: str, machine: str) -> Pair:
    return Pair(baseline=ours, here=here, baseline_machine=baseline_machine, machine=machine)


def _partners(
    ours: Sequence[Cell], theirs: Sequence[Cell]
) -> Iterator[tuple[Cell | None, Cell | None]]:
    """Cells of one id together, of the same matrix if there is one; each cell once."""
    exact = {_key(cell): cell for cell in theirs}
    paired = {_key(cell): exact.pop(_key(cell)) for cell in ours if _key(cell) in exact}
    loose = {key[1]: key for key in reversed(exact)}
    for cell in ours:
        here = paired.get(_key(cell))
        if here is None and cell["cell"] in loose:
            here = exact.pop(loose.pop(cell["cell"]))
        yield cell, here
    for cell in exact.values():
        yield None, cell


def _key(cell: Cell) -> Key:
    return str(cell["matrix"]), str(cell["cell"])


def verdict(pair: Pair) -> str:
    """One of `VERDICTS`."""
    ours, here = _ran(pair.baseline), _ran(pair.here)
    if ours is None or here is None:
        if ours is here:
            return "nowhere"
        return "only here" if ours is None else "only in baseline"
    if max(ours["distinct"], here["distinct"]) > 1:
        return "unstable here"
    return "identical" if ours["weights_sha256"] == here["weights_sha256"] else "different"


def _ran(cell: Cell | None) -> Cell | None:
    return cell if cell is not None and cell["distinct"] > 0 else None


def described(pair: Pair) -> Row:
    """What a pair says without its arrays: the columns of `COMPARISON_COLUMNS` but the sizes."""
    ours, here = pair.baseline, pair.here
    told: Row = dict.fromkeys(names(COMPARISON_COLUMNS))
    some = here if here is not None else ours
    assert some is not None
    told.update({name: some[name] for name in (*SETTINGS, "workload", "cell", "emulated")})
    told.update(
        verdict=verdict(pair),
        machine=pair.machine,
        matrix=here["matrix"] if here else None,
        baseline_machine=pair.baseline_machine,
        baseline_matrix=ours["matrix"] if ours else None,
        baseline=ours["cell"] if ours else None,
        emulated=any(cell["emulated"] for cell in (ours, here) if cell),
        unstable_on=_unstable_on(pair),
        unlike=_unlike(ours, here) if ours and here else "",
        reason=_reason(pair),
    )
    for cell, prefix in ((ours, "baseline_"), (here, "")):
        if _ran(cell) is not None and cell is not None:
            values = {name: cell[name] for name in ("value", "runs", "weights_sha256")}
            told.update({f"{prefix}{name}": value for name, value in values.items()})
            told["metric"] = cell["metric"]
    return told


def _unstable_on(pair: Pair) -> str:
    sides = ((pair.baseline, pair.baseline_machine), (pair.here, pair.machine))
    on = [machine for cell, machine in sides if cell is not None and cell["distinct"] > 1]
    return ", ".join(dict.fromkeys(on))


def _unlike(ours: Cell, here: Cell) -> str:
    """What was asked, or found, to be something else here: `threads 1 → 2, lock`."""
    told = [
        f"{name} {shown(str(ours[name]))} → {shown(str(here[name]))}"
        for name in SETTINGS
        if name != "machine" and _known_and_other(ours[name], here[name])
    ]
    told += [
        f"{name.replace('_', ' ')} {ours[name]} → {here[name]}"
        for name in _FOUND
        if ours[name.removeprefix("found_")] == here[name.removeprefix("found_")]
        and _known_and_other(ours[name], here[name])
    ]
    same_environment = ours["tensorflow"] == here["tensorflow"]
    told += [
        word
        for name, word in _HASHED.items()
        if _known_and_other(ours[name], here[name]) and (word != "lock" or same_environment)
    ]
    return ", ".join(told)


def _known_and_other(ours: object, here: object) -> bool:
    known = not (pd.isna(ours) or pd.isna(here))  # type: ignore[call-overload]
    return bool(known and ours != here)


def _reason(pair: Pair) -> str:
    sides = ((pair.baseline, pair.baseline_machine), (pair.here, pair.machine))
    return "; ".join(
        f"{_why_not(cell)} on {machine}" for cell, machine in sides if _ran(cell) is None
    )


def _why_not(cell: Cell | None) -> str:
    if cell is None:
        return "not asked for"
    reason = str(cell["reason"])
    return f"{cell['status']} ({reason})" if reason else str(cell["status"])


def by_machine(comparison: pd.DataFrame, gathered: Gathered) -> pd.DataFrame:
    """One row per workload and machine, against the baseline; see `MACHINE_COLUMNS`.

    `cells` is the sum of the counts by verdict.
    """
    keys = ["baseline_machine", "machine", "workload"]
    rows = [
        _together(dict(zip(keys, key, strict=True)), part, gathered)
        for key, part in comparison.groupby(keys, sort=False)
    ]
    return frame_of(pd.DataFrame(rows, columns=names(MACHINE_COLUMNS)), MACHINE_COLUMNS)


def _together(key: dict[str, Any], part: pd.DataFrame, gathered: Gathered) -> Row:
    counts = part["verdict"].value_counts()
    different = part[part["verdict"] == "different"]
    sizes = ("max_abs", "max_ulp", "relative_l2", "churn", "largest")
    changes = part["value_difference"].dropna().tolist()
    return {
        **key,
        **{_count_of(name): int(counts.get(name, 0)) for name in VERDICTS},
        **{name: part[name].max() for name in sizes},
        "cells": len(part),
        "other_stream": int((different["origin"] == "another random stream").sum()),
        "unit": next(iter(part["unit"].dropna()), None),
        "value_difference": max(changes, key=abs, default=None),
        "unlike": hardware.unlike(
            gathered.machines[key["baseline_machine"]], gathered.machines[key["machine"]]
        ),
    }


def _count_of(name: str) -> str:
    return {"unstable here": "unstable"}.get(name, name.replace(" ", "_"))


Standing = Literal["reproducible", "not reproducible", "nothing compared"]


def standing(comparison: pd.DataFrame) -> Standing:
    """What `--check` says: cells that should agree do, do not, or there are none."""
    verdicts = set(comparison["verdict"])
    if verdicts & set(FAILING):
        return "not reproducible"
    return "reproducible" if verdicts & set(COMPARABLE) else "nothing compared"
