"""Which table a frame is: told by its columns, so that a part of it is still the same table."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from harness.analysis.varied_axes import SETTINGS

Kind = Literal[
    "runs",
    "cells",
    "classes",
    "models",
    "axes",
    "claims",
    "prices",
    "comparison",
    "tensors",
    "machines",
    "spread",
    "plain",
]


def kind_of(frame: pd.DataFrame) -> Kind:
    """Which table this is, told by its columns."""
    names = set(frame.columns)
    for kind, telling in _TELLING.items():
        if telling in names:
            return kind
    if {"class", "where"} <= names:
        return "classes"
    if {"verdict", *SETTINGS} <= names:
        return "cells"
    if {"repeat", "weights_sha256", *SETTINGS} <= names:
        return "runs"
    return "plain"


_TELLING: dict[Kind, str] = {
    "models": "model_name",
    "axes": "changes_bits",
    "claims": "counterexample",
    "prices": "fit_ratio",
    "comparison": "unstable_on",
    "tensors": "tensor_here",
    "machines": "only_in_baseline",
    "spread": "p_permutation",
}
"""The column that only this table has."""
