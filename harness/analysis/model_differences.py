"""Two trained models as results name them, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis import array_differences, origins
from harness.analysis.array_differences import PredictionsDifference, WeightsDifference
from harness.analysis.metric_units import UNSCALED, Scale, scale_of
from harness.analysis.origins import Origin
from harness.results import blobs
from harness.results.blobs import Arrays

REGIME = ("epochs", "batch_size", "samples")
"""Axes that make it another training by intention."""

CLASSIFIER_METRIC = "accuracy"


@dataclass(frozen=True, kw_only=True)
class Model:
    """What one completed run left: digests, metric, and the folder that holds its arrays.

    `blobs` is `DIR/<matrix>/blobs`. `metric` is "" where there is none, and so is the digest of
    predictions; `value` is NaN then. `init_sha256` is "" where it is not known, `trace_sha256`
    where there is no trace. `regime` has what was asked, or found, of `REGIME`.
    """

    blobs: Path
    data_sha256: str
    init_sha256: str
    weights_sha256: str
    predictions_sha256: str
    metric: str
    value: float
    scale: Scale = UNSCALED
    trace_sha256: str = ""
    regime: tuple[str, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """What names all that it left."""
        arrays = (self.weights_sha256, self.predictions_sha256, self.trace_sha256)
        return (self.init_sha256, *arrays)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far the second model is from the first.

    `origin` says where other weights come from. `weights` and `predictions` are None where they
    could not be compared, and `missing` says why. `value` is the second model's
    metric minus the first's, None where they have no metric in common.
    """

    origin: Origin
    weights: WeightsDifference | None
    predictions: PredictionsDifference | None
    metric: str | None
    value: float | None
    missing: str


def model_of(row: Mapping[str, Any] | pd.Series[Any], sweep: Path) -> Model:
    """The model of a row of the run or cell table with results; `sweep` is `DIR/matrix/machine`."""
    return Model(
        blobs=blobs.folder_of(sweep),
        data_sha256=str(row["data_sha256"]),
        init_sha256=_text(row["init_sha256"]),
        weights_sha256=str(row["weights_sha256"]),
        predictions_sha256=_text(row["predictions_sha256"]),
        metric=_text(row["metric"]),
        value=float(row["value"]),
        scale=scale_of(row["prediction_unit"], row["prediction_scale"]),
        trace_sha256=_text(row["trace_sha256"]),
        regime=tuple(_found_or_asked(row, name) for name in REGIME),
    )


def _found_or_asked(row: Mapping[str, Any] | pd.Series[Any], name: str) -> str:
    return _text(row[f"found_{name}"]) or _text(row[name])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def difference(first: Model, second: Model) -> Difference:
    """How far the second model is from the first, from the arrays stored with them.

    What has the same hash is equal; missing arrays are no fault then.

    Raises:
        RecordError: stored arrays are damaged.
    """
    weights = blobs.read_weights(first.blobs, first.weights_sha256)
    other = blobs.read_weights(second.blobs, second.weights_sha256)
    absent = [
        f"no weights of it in {model.blobs}"
        for model, arrays in ((first, weights), (second, other))
        if arrays is None and first.weights_sha256 != second.weights_sha256
    ]
    sized = (
        None if weights is None or other is None else array_differences.of_weights(weights, other)
    )
    predictions, why = _of_predictions(first, second)
    same_metric = first.metric == second.metric != ""
    return Difference(
        origin=origin_of(first, second),
        weights=sized,
        predictions=predictions,
        metric=first.metric if same_metric else None,
        value=_subtracted(second.value, first.value) if same_metric else None,
        missing="; ".join([*dict.fromkeys(absent), *why]),
    )


def origin_of(first: Model, second: Model) -> Origin:
    """Where the weights of two models parted, as far as their traces show it.

    Raises:
        RecordError: a stored trace is damaged.
    """
    if first.weights_sha256 == second.weights_sha256:
        return origins.NONE
    if first.data_sha256 != second.data_sha256:
        return Origin(kind="other data")
    ours, theirs = _trace(first), _trace(second)
    regime = _changed(first.regime, second.regime)
    if ours is None or theirs is None:
        return origins.undecided(f"{regime or _start(first, second)}, no trace")
    found = origins.of_traces(ours, theirs)
    if regime and found.kind in ("", "other data order"):
        return replace(found, kind="other regime", reason=regime)
    return found if found.kind else origins.of_unequal(ours, theirs)


def _trace(model: Model) -> Arrays | None:
    return blobs.read_trace(model.blobs, model.trace_sha256) if model.trace_sha256 else None


def _changed(first: tuple[str, ...], second: tuple[str, ...]) -> str:
    # Of models whose regime is not told apart it is empty.
    named = zip(REGIME, first, second, strict=False)
    return ", ".join(f"{name} {one} → {other}" for name, one, other in named if one != other)


def _start(first: Model, second: Model) -> str:
    """What digests say of the start; they name more than versions have in common."""
    if not first.init_sha256 or not second.init_sha256:
        return "unknown start"
    return "same start" if first.init_sha256 == second.init_sha256 else "other initial weights"


def _of_predictions(first: Model, second: Model) -> tuple[PredictionsDifference | None, list[str]]:
    if first.data_sha256 != second.data_sha256:
        return None, ["the predictions are for other data"]
    if not first.predictions_sha256 and not second.predictions_sha256:
        return None, []
    if not first.predictions_sha256 or not second.predictions_sha256:
        return None, ["one of them has no predictions"]
    ours = blobs.read_predictions(first.blobs, first.predictions_sha256)
    theirs = blobs.read_predictions(second.blobs, second.predictions_sha256)
    absent = [
        f"no predictions of it in {model.blobs}"
        for model, arrays in ((first, ours), (second, theirs))
        if arrays is None and first.predictions_sha256 != second.predictions_sha256
    ]
    if ours is None or theirs is None:
        return None, list(dict.fromkeys(absent))
    sizes = array_differences.of_predictions(
        ours, theirs, classes=first.metric == CLASSIFIER_METRIC, scale=first.scale
    )
    return sizes, [] if sizes else [f"predictions of shape {ours.shape} and {theirs.shape}"]


def _subtracted(second: float, first: float) -> float:
    """The difference; 0 between equal values, also where both are infinite."""
    return 0.0 if second == first else second - first
