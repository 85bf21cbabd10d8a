"""Comparing what was had again here with what results claim: one verdict per cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from harness.analysis import model_differences
from harness.analysis.columns import Column, frame_of, names
from harness.analysis.model_differences import Difference, Model
from harness.results import digests
from harness.results.record import Measured, Record
from harness.studies.reference import Reference, model_of
from harness.studies.trying import Trial

Verdict = Literal[
    "MATCH",
    "SAME INIT, OTHER WEIGHTS",
    "DIFFERENT",
    "UNSTABLE HERE",
    "NOT COMPLETED HERE",
    "NOT TRIED",
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""Every verdict, in the order in which they are counted."""

CONTRARY: frozenset[Verdict] = frozenset(VERDICTS) - {"MATCH", "NOT TRIED"}
"""Verdicts that say: it was tried, and did not come out the same."""

COLUMNS: tuple[Column, ...] = (
    Column(name="matrix", dtype="string", sentence="The name of the matrix."),
    Column(name="machine", dtype="string", sentence="The machine that made the results."),
    Column(name="cell", dtype="string", sentence="The id of the cell."),
    Column(name="verdict", dtype="string", sentence=f"One of {', '.join(VERDICTS)}."),
    Column(name="runs", dtype="Int64", sentence="Completed runs here."),
    Column(name="max_abs", dtype="float64", sentence="The largest difference of a weight."),
    Column(name="max_ulp", dtype="Int64", sentence="The same in floating-point steps."),
    Column(name="relative_l2", dtype="float64", sentence="Norm of the difference over norm."),
    Column(name="churn", dtype="float64", sentence="Share of predicted classes that differ."),
    Column(name="forecast", dtype="float64", sentence="The largest difference of a forecast."),
    Column(name="unit", dtype="string", sentence="The unit of `forecast`."),
    Column(name="metric", dtype="string", sentence="The name of the metric."),
    Column(name="value_there", dtype="float64", sentence="The metric in the results."),
    Column(name="value_here", dtype="float64", sentence="The metric here."),
    Column(name="weights_there", dtype="string", sentence="The hash of the weights there."),
    Column(name="weights_here", dtype="string", sentence="The hash of the weights here."),
    Column(name="why", dtype="string", sentence="Why it was not tried, or what else differs."),
)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One cell of the results, what became of it here, and the difference where weights differ."""

    reference: Reference
    verdict: Verdict
    why: str = ""
    runs: int = 0
    here: Model | None = None
    difference: Difference | None = None


def check(trial: Trial, records: Sequence[Record], sweep: Path) -> Check:
    """The verdict on a trial from its records here, which lie in the folder `sweep`.

    Raises:
        RecordError: stored arrays, there or here, are damaged.
    """
    there = trial.reference.model
    if trial.lock is None or there is None:
        return Check(reference=trial.reference, verdict="NOT TRIED", why=trial.obstacle)
    completed = [r.measured for r in records if _is_completed(r) and r.measured]
    if not completed:
        return _without_model(trial, records)
    if not all(each.weights_sha256 for each in completed):
        why = "its weights here are not known: it was not observed"
        return Check(reference=trial.reference, verdict="NOT TRIED", why=why, runs=len(completed))
    if len({each.weights_sha256 for each in completed}) > 1:
        count = len({each.weights_sha256 for each in completed})
        why = f"{count} different weights in {len(completed)} runs"
        return Check(
            reference=trial.reference, verdict="UNSTABLE HERE", why=why, runs=len(completed)
        )
    beside = _differing(trial.reference.measured, completed[0])
    return _compared(trial.reference, there, model_of(completed[0], sweep), len(completed), beside)


def _is_completed(record: Record) -> bool:
    return record.status == "completed"


def _without_model(trial: Trial, records: Sequence[Record]) -> Check:
    if not records:
        return Check(reference=trial.reference, verdict="NOT TRIED", why="not run")
    first = records[0]
    ran = first.status != "unavailable"
    why = f"{first.status} here: {first.reason.partition(chr(10))[0]}"
    verdict: Verdict = "NOT COMPLETED HERE" if ran else "NOT TRIED"
    return Check(reference=trial.reference, verdict=verdict, why=why)


def _differing(there: Measured | None, here: Measured) -> str:
    """`predictions`, or of scripts `histories, outputs`: what runs with equal weights differ in."""
    if there is None:
        return ""
    if not there.fits:
        return "" if there.predictions_sha256 == here.predictions_sha256 else "predictions"
    return ", ".join(what for what, of in _BESIDE.items() if of(there) != of(here))


_BESIDE: dict[str, Callable[[Measured], str | None]] = {
    "histories": digests.history_sha256,
    "outputs": digests.outputs_sha256,
    "files": digests.files_sha256,
    "printed lines": lambda measured: measured.printed_sha256,
}


def _compared(reference: Reference, there: Model, here: Model, runs: int, beside: str) -> Check:
    if there.weights_sha256 == here.weights_sha256:
        why = f"{beside} differ, from the same weights" if beside else ""
        return Check(reference=reference, verdict="MATCH", why=why, runs=runs, here=here)
    same_init = there.init_sha256 == here.init_sha256 != ""
    difference = model_differences.difference(there, here)
    return Check(
        reference=reference,
        verdict="SAME INIT, OTHER WEIGHTS" if same_init else "DIFFERENT",
        why=_reason(difference),
        runs=runs,
        here=here,
        difference=difference,
    )


def _reason(difference: Difference) -> str:
    return (
        f"size unknown: {difference.missing}" if difference.weights is None else difference.missing
    )


def frame(checks: Iterable[Check]) -> pd.DataFrame:
    """A row per cell and machine of the results; see `COLUMNS`."""
    rows = [_row(each) for each in checks]
    columns = {name: [row.get(name) for row in rows] for name in names(COLUMNS)}
    return frame_of(columns, COLUMNS)


def _row(check: Check) -> dict[str, object]:
    reference, there, here = check.reference, check.reference.model, check.here
    return {
        "matrix": reference.matrix,
        "machine": reference.machine,
        "cell": reference.id,
        "verdict": check.verdict,
        "runs": check.runs,
        "metric": there.metric if there else None,
        "value_there": there.value if there else None,
        "value_here": here.value if here else None,
        "weights_there": there.weights_sha256 if there else None,
        "weights_here": here.weights_sha256 if here else None,
        "why": check.why,
        **(_sizes(check.difference) if check.difference else {}),
    }


def _sizes(difference: Difference) -> dict[str, object]:
    weights, predictions = difference.weights, difference.predictions
    return {
        "max_abs": weights.max_abs if weights else None,
        "max_ulp": weights.max_ulp if weights else None,
        "relative_l2": weights.relative_l2 if weights else None,
        "churn": predictions.churn if predictions else None,
        "forecast": predictions.largest if predictions else None,
        "unit": predictions.unit if predictions else None,
    }


def summary(checks: Sequence[Check]) -> str:
    """One line with the number of every verdict; they add up."""
    counts = {verdict: sum(each.verdict == verdict for each in checks) for verdict in VERDICTS}
    parts = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
    return f"{len(checks)} cell{'s' if len(checks) != 1 else ''}: {parts}"


def short_table(checks: Sequence[Check]) -> pd.DataFrame:
    """The same for people: the cell, its verdict, and what there is to say about it."""
    rows = [_row(each) for each in checks]
    place = [name for name in ("matrix", "machine") if len({row[name] for row in rows}) > 1]
    data = {name: [row[name] for row in rows] for name in (*place, "cell", "verdict")}
    whys = ["; ".join(filter(None, [", ".join(_apart(each)), each.why])) for each in checks]
    frame: pd.DataFrame = pd.DataFrame({**data, "why": whys} if any(whys) else data)
    return frame


def _apart(check: Check) -> Iterator[str]:
    """How far apart the models are, in words."""
    there, size = check.reference.model, check.difference
    if size is None or there is None:
        return
    if size.weights is not None:
        weights = size.weights
        steps = "" if weights.max_ulp is None else f" ({weights.max_ulp:,} ULP)"
        yield f"weights up to {weights.max_abs:.3g}{steps} apart"
        yield f"relative {weights.relative_l2:.3g}"
        if weights.unmatched:
            yield f"{len(weights.unmatched)} tensors of other names or shapes"
    if size.predictions is not None:
        predictions = size.predictions
        if predictions.churn is not None:
            yield f"churn {predictions.churn:.3g}"
        if predictions.largest is not None:
            yield f"forecasts up to {predictions.largest:.3g} {predictions.unit} apart"
    if size.value:
        yield f"{size.metric} {there.value:.6g} there, {size.value:+.3g} here"
