"""The comparison table: each cell against its like on another machine, or against one cell."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness import selection
from harness.analysis import hardware, parameters, unequal_results
from harness.analysis.axis_values import shown
from harness.analysis.cell_table import by_cell
from harness.analysis.columns import frame_of, names
from harness.analysis.comparison_columns import COMPARISON_COLUMNS, MACHINE_COLUMNS
from harness.analysis.comparison_verdicts import COMPARABLE, FAILING, NOT_ASKED, VERDICTS
from harness.analysis.merging import NOTHING_PLANNED, MergedResults
from harness.analysis.varied_axes import SETTINGS
from harness.errors import SelectionError, UsageError

Row = dict[str, object]
Cell = Mapping[str, Any]
Key = tuple[str, ...]

_HASHED = {"data_sha256": "data", "lock_sha256": "lock", "code_sha256": "code"}
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two cells to compare, as rows of the cell table; one of them may be missing.

    `machine` and `baseline_machine` are known all the same.
    """

    baseline: Cell | None
    compared: Cell | None
    baseline_machine: str
    machine: str


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What everything is compared with: a machine, or one cell on a machine."""

    machine: str
    cell: Cell | None = None


def pairs(merged: MergedResults, baseline: Baseline) -> list[Pair]:
    """What is to be compared, machine by machine and in the order of the matrix.

    With a baseline machine each cell is compared with its like there; with a baseline cell all
    others of its workload with it.
    """
    cells = by_cell(merged.runs)
    if baseline.cell is not None:
        return list(_with_cell(cells, baseline.cell))
    return list(_with_machine(cells, baseline.machine, list(merged.machines)))


def baseline_of(merged: MergedResults, name: str | None) -> Baseline:
    """What `name` means: a machine, or a cell by id or MACHINE/CELL.

    Without a name it is the first machine of the two that have most cells in common.

    A glob that fits one thing will do.

    Raises:
        UsageError: there is only one machine and no cell is named, or nothing is planned.
        SelectionError: nothing, or more than one thing, has that name.
    """
    if not merged.runs["planned"].any():
        raise UsageError(NOTHING_PLANNED)
    return _baseline(merged, by_cell(merged.runs), name)


def _baseline(merged: MergedResults, cells: pd.DataFrame, name: str | None) -> Baseline:
    machines = list(merged.machines)
    if name is None or name in machines:
        if len(machines) > 1:
            return Baseline(machine=name or _most_in_common(cells, machines))
        raise UsageError(
            f"only one machine, {machines[0]}, is in these results: give a folder with another "
            "one, or a cell to compare the others with (harness compare DIR CELL)"
        )
    matches = selection.matcher([name])
    fitting = [machine for machine in machines if matches(machine)]
    if len(fitting) == 1:
        return _baseline(merged, cells, fitting[0])
    return Baseline(machine="", cell=_named_cell(cells, name, machines))


def _most_in_common(cells: pd.DataFrame, machines: Sequence[str]) -> str:
    """The first machine of the pair with the most cells that have weights on both."""
    ran = cells[cells["distinct"] > 0]
    own = {name: set(ran.loc[ran["machine"] == name, "cell"]) for name in machines}
    pairs = itertools.combinations(machines, 2)
    return max(pairs, key=lambda pair: len(own[pair[0]] & own[pair[1]]))[0]


def _named_cell(cells: pd.DataFrame, name: str, machines: Sequence[str]) -> Cell:
    """The one cell of this name that has weights; on the first machine, if it ran on several."""
    full = cells["machine"] + "/" + cells["cell"]
    matches = selection.matcher([name])
    exact = cells[(cells["cell"] == name) | (full == name)]
    fits = [
        matches(cell) or matches(whole) for cell, whole in zip(cells["cell"], full, strict=True)
    ]
    chosen = exact if len(exact) else cells[fits]
    ids = list(dict.fromkeys(chosen["cell"]))
    if len(ids) != 1:
        raise SelectionError(_which(name, ids, machines, cells))
    ran = chosen[chosen["distinct"] > 0]
    if ran.empty:
        status, reason = chosen["status"].iloc[0], chosen["reason"].iloc[0]
        raise SelectionError(f"{ids[0]}: has no weights: {status} {reason}".rstrip())
    first: Cell = ran.iloc[0].to_dict()
    return first


def _which(name: str, ids: Sequence[str], machines: Sequence[str], cells: pd.DataFrame) -> str:
    if ids:
        more = f"\n  … and {len(ids) - _EXAMPLES} more" if len(ids) > _EXAMPLES else ""
        listed = "\n  ".join(ids[:_EXAMPLES])
        return f"{name!r} fits {len(ids)} cells; name one of\n  {listed}{more}"
    examples = "\n  ".join([*machines, *cells["cell"].head(3)])
    return f"{name!r} is no folder, no machine and no cell here; there are\n  {examples}"


def _rows(cells: pd.DataFrame) -> Iterator[Cell]:
    columns = [cells[name].tolist() for name in cells.columns]
    for values in zip(*columns, strict=True):
        yield dict(zip(cells.columns, values, strict=True))


def _with_cell(cells: pd.DataFrame, baseline: Cell) -> Iterator[Pair]:
    same = cells[cells["workload"] == baseline["workload"]]
    for compared in _rows(same):
        if _key(compared) != _key(baseline) or compared["machine"] != baseline["machine"]:
            yield _pair(baseline, compared, str(baseline["machine"]), str(compared["machine"]))


def _with_machine(cells: pd.DataFrame, baseline: str, machines: Sequence[str]) -> Iterator[Pair]:
    rows: dict[str, list[Cell]] = {machine: [] for machine in machines}
    for row in _rows(cells):
        rows[row["machine"]].append(row)
    for machine in machines:
        if machine != baseline:
            for ours, compared in _partners(rows[baseline], rows[machine]):
                yield _pair(ours, compared, baseline, machine)


def _pair(ours: Cell | None, compared: Cell | None, baseline_machine: str, machine: str) -> Pair:
    return Pair(
        baseline=ours, compared=compared, baseline_machine=baseline_machine, machine=machine
    )


def _partners(
    ours: Sequence[Cell], theirs: Sequence[Cell]
) -> Iterator[tuple[Cell | None, Cell | None]]:
    """Cells of one id together, of the same matrix if there is one; each cell once."""
    exact = {_key(cell): cell for cell in theirs}
    paired = {_key(cell): exact.pop(_key(cell)) for cell in ours if _key(cell) in exact}
    loose = {key[1]: key for key in reversed(exact)}
    for cell in ours:
        compared = paired.get(_key(cell))
        if compared is None and cell["cell"] in loose:
            compared = exact.pop(loose.pop(cell["cell"]))
        yield cell, compared
    for cell in exact.values():
        yield None, cell


def _key(cell: Cell) -> Key:
    return str(cell["matrix"]), str(cell["cell"])


def verdict(pair: Pair) -> str:
    """One of `VERDICTS`."""
    ours, compared = _ran(pair.baseline), _ran(pair.compared)
    if ours is None or compared is None:
        if ours is compared:
            return "nowhere"
        return "only here" if ours is None else "only in baseline"
    if max(ours["distinct"], compared["distinct"]) > 1:
        return "unstable here"
    return "identical" if ours["weights_sha256"] == compared["weights_sha256"] else "different"


def _ran(cell: Cell | None) -> Cell | None:
    return cell if cell is not None and cell["distinct"] > 0 else None


def described(pair: Pair) -> Row:
    """What a pair says without its arrays: the columns of `COMPARISON_COLUMNS` but the sizes."""
    ours, compared = pair.baseline, pair.compared
    row: Row = dict.fromkeys(names(COMPARISON_COLUMNS))
    some = compared if compared is not None else ours
    assert some is not None
    own = parameters.of_names(some)
    row.update({name: some[name] for name in (*SETTINGS, *own, "workload", "cell", "emulated")})
    row.update(
        verdict=verdict(pair),
        machine=pair.machine,
        matrix=compared["matrix"] if compared else None,
        baseline_machine=pair.baseline_machine,
        baseline_matrix=ours["matrix"] if ours else None,
        baseline=ours["cell"] if ours else None,
        emulated=any(cell["emulated"] for cell in (ours, compared) if cell),
        unstable_on=_unstable_on(pair),
        unlike=_unlike(ours, compared) if ours and compared else "",
        beside=_beside(pair),
        reason=_reason(pair),
    )
    for cell, prefix in ((ours, "baseline_"), (compared, "")):
        if _ran(cell) is not None and cell is not None:
            values = {name: cell[name] for name in ("value", "runs", "weights_sha256")}
            row.update({f"{prefix}{name}": value for name, value in values.items()})
            row["metric"] = cell["metric"]
    return row


def _unstable_on(pair: Pair) -> str:
    sides = ((pair.baseline, pair.baseline_machine), (pair.compared, pair.machine))
    on = [machine for cell, machine in sides if cell is not None and cell["distinct"] > 1]
    return ", ".join(dict.fromkeys(on))


def _beside(pair: Pair) -> str:
    """What differs although the weights are equal, and each side repeats it: `history, outputs`."""
    ours, compared = pair.baseline, pair.compared
    if ours is None or compared is None or verdict(pair) != "identical":
        return ""
    return ", ".join(
        name
        for name in unequal_results.RESULTS
        if ours[f"distinct_{name}"] == compared[f"distinct_{name}"] == 1
        and ours[f"{name}_sha256"] != compared[f"{name}_sha256"]
    )


def _unlike(ours: Cell, compared: Cell) -> str:
    """What was asked, or found, to be something else: `threads 1 → 2, lock`."""
    settings = (*SETTINGS, *parameters.of_names(ours))
    names = (name for name in settings if name != "machine")
    parts = [part for name in names if (part := _setting(name, ours, compared))]
    same_environment = ours["tensorflow"] == compared["tensorflow"]
    parts += [
        word
        for name, word in _HASHED.items()
        if _differ(ours[name], compared[name]) and (word != "lock" or same_environment)
    ]
    return ", ".join(parts)


def _setting(name: str, ours: Cell, compared: Cell) -> str:
    """How a setting differs, empty where it does not; what was found says if it took effect."""
    first, second = (cell.get(f"found_{name}") for cell in (ours, compared))
    if _differ(ours[name], compared[name]):
        change = f"{name} {shown(str(ours[name]))} → {shown(str(compared[name]))}"
        both_read = not _missing(first) and not _missing(second)
        return f"{change} (both {shown(str(first))})" if both_read and first == second else change
    return f"found {name} {first} → {second}" if _differ(first, second) else ""


def _differ(ours: object, compared: object) -> bool:
    """Whether both are known and not equal."""
    return not _missing(ours) and not _missing(compared) and ours != compared


def _missing(value: object) -> bool:
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def _reason(pair: Pair) -> str:
    sides = ((pair.baseline, pair.baseline_machine), (pair.compared, pair.machine))
    return "; ".join(
        f"{_why_not(cell)} on {machine}" for cell, machine in sides if _ran(cell) is None
    )


def _why_not(cell: Cell | None) -> str:
    if cell is None:
        return NOT_ASKED
    reason = str(cell["reason"])
    return f"{cell['status']} ({reason})" if reason else str(cell["status"])


def by_machine(comparison: pd.DataFrame, merged: MergedResults) -> pd.DataFrame:
    """One row per workload and machine, against the baseline; see `MACHINE_COLUMNS`.

    `cells` is the sum of the counts by verdict.
    """
    keys = ["baseline_machine", "machine", "workload"]
    rows = [
        _together(dict(zip(keys, key, strict=True)), part, merged)
        for key, part in comparison.groupby(keys, sort=False)
    ]
    return frame_of(pd.DataFrame(rows, columns=names(MACHINE_COLUMNS)), MACHINE_COLUMNS)


def _together(key: dict[str, Any], part: pd.DataFrame, merged: MergedResults) -> Row:
    counts = part["verdict"].value_counts()
    different = part[part["verdict"] == "different"]
    sizes = ("max_abs", "max_ulp", "relative_l2", "churn", "largest")
    changes = part["value_difference"].dropna().tolist()
    return {
        **key,
        **{_count_of(name): int(counts.get(name, 0)) for name in VERDICTS},
        **{name: part[name].max() for name in sizes},
        "cells": len(part),
        "other_start": int((different["origin"] == "other start").sum()),
        "unit": next(iter(part["unit"].dropna()), None),
        "value_difference": max(changes, key=abs, default=None),
        "unlike": hardware.unlike(
            merged.machines[key["baseline_machine"]], merged.machines[key["machine"]]
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
