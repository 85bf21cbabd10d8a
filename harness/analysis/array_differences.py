"""How far apart two trained models are: in their weights, bit by bit, and in what they predict.

Everything is computed in float64 from the stored arrays. The first model is the reference: relative
sizes are relative to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.analysis.metric_units import Scale

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
MatchedBy = Literal["name", "order"]

_MOST_ULP = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class TensorDifference:
    """Two tensors of one shape, element by element.

    `differing` counts elements with other bits. `not_finite` of them are NaN or infinite on a side,
    and take no part in the sizes. `max_abs` is the largest absolute difference; `max_ulp` how many
    floating-point numbers of the dtype lie between, at most (two zeros: 0), None where the dtypes
    differ or are no floats; across zero that is a large number, so `sign_changes` counts those.
    `relative_l2` is the Euclidean norm of the difference over that of the first tensor: 0 where
    both are zero, infinite where only the first is.
    """

    name: str
    other_name: str
    matched_by: MatchedBy
    shape: tuple[int, ...]
    dtype: str
    other_dtype: str
    max_abs: float
    max_ulp: int | None
    relative_l2: float
    differing: int
    elements: int
    sign_changes: int
    not_finite: int


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """A tensor that only one model has; `only_in` says which."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    only_in: Literal["first", "second"]


@dataclass(frozen=True, kw_only=True)
class WeightsDifference:
    """All tensors that have a partner, together and one by one in the first model's order.

    The fields are those of `TensorDifference`, over all of them. `max_ulp` is None where no pair
    of tensors has one. `unmatched` tensors take no part in any size.
    """

    max_abs: float
    max_ulp: int | None
    relative_l2: float
    differing: int
    elements: int
    sign_changes: int
    not_finite: int
    tensors: tuple[TensorDifference, ...]
    unmatched: tuple[Unmatched, ...]

    @property
    def matched_by(self) -> str:
        """How tensors found their partners: `name`, `order` (of equal shapes), `name and order`."""
        ways = {tensor.matched_by for tensor in self.tensors}
        return " and ".join(way for way in ("name", "order") if way in ways)


@dataclass(frozen=True, kw_only=True)
class PredictionsDifference:
    """The predictions of two models for the same test rows.

    Of a classifier `churn` is the share of rows whose class differs, `changed` their number, and
    `largest` None. Of a forecast `largest` is the largest absolute difference in `unit`, over the
    finite values, and `churn` and `changed` are None. `not_finite` counts values that are NaN or
    infinite on a side and not the same on both.
    """

    rows: int
    churn: float | None
    changed: int | None
    largest: float | None
    unit: str | None
    not_finite: int


def of_weights(first: Mapping[str, Array], second: Mapping[str, Array]) -> WeightsDifference:
    """The difference of two models' weights, by name in the order of the model.

    Tensors of one name and shape belong together; those left over belong together in their order
    within one shape, which is how a renamed layer finds its partner; the rest is `unmatched`.
    """
    partners = _partners(first, second)
    compared = [_of_pair(first, second, *partner) for partner in partners]
    tensors = tuple(tensor for tensor, _, _ in compared)
    ulps = [tensor.max_ulp for tensor in tensors if tensor.max_ulp is not None]
    return WeightsDifference(
        max_abs=max((tensor.max_abs for tensor in tensors), default=0.0),
        max_ulp=max(ulps, default=None),
        relative_l2=_ratio(
            math.hypot(*(difference for _, difference, _ in compared)),
            math.hypot(*(norm for _, _, norm in compared)),
        ),
        differing=sum(tensor.differing for tensor in tensors),
        elements=sum(tensor.elements for tensor in tensors),
        sign_changes=sum(tensor.sign_changes for tensor in tensors),
        not_finite=sum(tensor.not_finite for tensor in tensors),
        tensors=tensors,
        unmatched=_unmatched(first, second, partners),
    )


def of_predictions(
    first: Array, second: Array, *, classes: bool, scale: Scale
) -> PredictionsDifference | None:
    """The difference of two models' predictions; None where their shapes do not fit together.

    `classes` says that a row holds the probabilities of classes: the largest decides, the first of
    equal ones; a row of a single probability decides at one half.
    """
    if first.shape != second.shape:
        return None
    finite = np.isfinite(first) & np.isfinite(second)
    not_finite = int((_bits_differ(first, second) & ~finite).sum())
    rows = len(first)
    if classes:
        changed = int((_class(first) != _class(second)).sum())
        churn = changed / rows if rows else 0.0
        return PredictionsDifference(
            rows=rows, churn=churn, changed=changed, largest=None, unit=None, not_finite=not_finite
        )
    apart = np.abs(_wide(first)[finite] - _wide(second)[finite])
    largest = float(apart.max(initial=0.0)) * scale.factor
    return PredictionsDifference(
        rows=rows, churn=None, changed=None, largest=largest, unit=scale.unit, not_finite=not_finite
    )


def ulp_distance(first: Array, second: Array) -> npt.NDArray[np.int64]:
    """How many steps from one float to the next lead from `first` to `second`, element by element.

    Both have the same dtype: float16, float32 or float64. The two zeros are one number; infinity
    is one step above the largest number. NaN has no place: leave it out before. Distances in
    float64 that no int64 holds count as the largest that one does.
    """
    near, far = np.sort(np.stack([_place(first), _place(second)]), axis=0)
    # Only places on both sides of zero can be too far apart for an int64.
    too_far = (near < 0) & (far > _MOST_ULP + np.minimum(near, 0))
    return np.where(too_far, _MOST_ULP, far - np.where(too_far, far, near))


def _place(values: Array) -> npt.NDArray[np.int64]:
    """Where a float stands in the order of all floats of its dtype, counted from zero."""
    width = values.dtype.itemsize
    bits = np.ascontiguousarray(values).view(f"i{width}").astype(np.int64)
    magnitude = bits & ((1 << (8 * width - 1)) - 1)
    return np.where(bits < 0, -magnitude, magnitude)


def _of_pair(
    first: Mapping[str, Array],
    second: Mapping[str, Array],
    name: str,
    other_name: str,
    matched_by: MatchedBy,
) -> tuple[TensorDifference, float, float]:
    """The difference of two tensors, its Euclidean norm, and that of the first."""
    a, b = _real(first[name]), _real(second[other_name])
    differ = _bits_differ(a, b)
    finite = np.isfinite(a) & np.isfinite(b)
    x, y = _wide(a)[finite], _wide(b)[finite]
    difference, norm = _norm(x - y), _norm(x)
    tensor = TensorDifference(
        name=name,
        other_name=other_name,
        matched_by=matched_by,
        shape=first[name].shape,
        dtype=first[name].dtype.str,
        other_dtype=second[other_name].dtype.str,
        max_abs=float(np.abs(x - y).max(initial=0.0)),
        max_ulp=_max_ulp(a[finite], b[finite]),
        relative_l2=_ratio(difference, norm),
        differing=int(differ.sum()),
        elements=a.size,
        sign_changes=int((x * np.sign(y) < 0).sum()),
        not_finite=int((differ & ~finite).sum()),
    )
    return tensor, difference, norm


def _bits_differ(a: Array, b: Array) -> Mask:
    """Which elements have other bits; of another dtype, those with another value."""
    if a.dtype != b.dtype:
        return np.asarray(~((a == b) | (np.isnan(_wide(a)) & np.isnan(_wide(b)))))
    rows = [np.ascontiguousarray(one).reshape(-1).view(np.uint8) for one in (a, b)]
    bits = [row.reshape(*a.shape, a.dtype.itemsize) for row in rows]
    return np.asarray((bits[0] != bits[1]).any(axis=-1))


def _max_ulp(a: Array, b: Array) -> int | None:
    if a.dtype != b.dtype or a.dtype.kind != "f":
        return None
    return int(ulp_distance(a, b).max(initial=0))


def _wide(array: Array) -> Array:
    """The values in float64, which holds every float16, float32 and whole number of 53 bits."""
    return array.astype(np.float64)


def _real(array: Array) -> Array:
    """Complex numbers as two real ones each; everything else as it is."""
    if array.dtype.kind != "c":
        return array
    parts = np.ascontiguousarray(array).view(f"f{array.dtype.itemsize // 2}")
    return parts.reshape(*array.shape, 2)


def _norm(values: Array) -> float:
    """The Euclidean norm, whatever the size of the numbers: no square leaves the range."""
    largest = float(np.abs(values).max(initial=0.0))
    return largest * float(np.linalg.norm(values / largest)) if largest else 0.0


def _ratio(difference: float, norm: float) -> float:
    if difference == 0.0:
        return 0.0
    return difference / norm if norm else math.inf


def _class(predictions: Array) -> npt.NDArray[np.int64]:
    rows = predictions.reshape(len(predictions), -1)
    if rows.shape[1] == 1:
        return np.asarray(rows[:, 0] > 0.5, dtype=np.int64)
    return np.asarray(np.argmax(rows, axis=1), dtype=np.int64)


def _partners(
    first: Mapping[str, Array], second: Mapping[str, Array]
) -> list[tuple[str, str, MatchedBy]]:
    """Which tensors belong together, in the order of the first model."""
    named = {name for name in first if name in second and first[name].shape == second[name].shape}
    left = [name for name in first if name not in named]
    right = [name for name in second if name not in named]
    ordered = dict(_by_shape(first, left, second, right))
    partners: list[tuple[str, str, MatchedBy]] = []
    for name in first:
        if name in named:
            partners.append((name, name, "name"))
        elif name in ordered:
            partners.append((name, ordered[name], "order"))
    return partners


def _by_shape(
    first: Mapping[str, Array],
    left: Sequence[str],
    second: Mapping[str, Array],
    right: Sequence[str],
) -> list[tuple[str, str]]:
    """Tensors of equal shape as pairs, in order; a shape must occur equally often on both sides."""
    pairs: list[tuple[str, str]] = []
    for shape in dict.fromkeys(first[name].shape for name in left):
        ours = [name for name in left if first[name].shape == shape]
        theirs = [name for name in right if second[name].shape == shape]
        if len(ours) == len(theirs):
            pairs.extend(zip(ours, theirs, strict=True))
    return pairs


def _unmatched(
    first: Mapping[str, Array],
    second: Mapping[str, Array],
    partners: Sequence[tuple[str, str, MatchedBy]],
) -> tuple[Unmatched, ...]:
    ours, theirs = {partner[0] for partner in partners}, {partner[1] for partner in partners}
    alone = [
        Unmatched(name=name, shape=array.shape, dtype=array.dtype.str, only_in="first")
        for name, array in first.items()
        if name not in ours
    ]
    return (
        *alone,
        *(
            Unmatched(name=name, shape=array.shape, dtype=array.dtype.str, only_in="second")
            for name, array in second.items()
            if name not in theirs
        ),
    )
