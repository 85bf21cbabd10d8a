"""Every column of every table: its name, dtype and meaning, said once.

The frames are built to these, the README's tables are generated from them, and tests hold both
to it. The dtypes are pandas' nullable ones, which pandas 2 and 3 read alike: `string` and `Int64`
have `<NA>` where nothing is known, `float64` has NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness.protocol.axes import CATALOGUE
from harness.results.statuses import STATUSES

Dtype = Literal["string", "Int64", "float64", "bool", "object"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of a table and what it says."""

    name: str
    dtype: Dtype
    sentence: str


def _column(name: str, dtype: Dtype, sentence: str) -> Column:
    return Column(name=name, dtype=dtype, sentence=sentence)


_MATRIX = _column("matrix", "string", "The name of the matrix.")
_MACHINE = _column("machine", "string", "The fingerprint of the machine.")
_CELL = _column("cell", "string", "The id of the cell, within its matrix.")
_WORKLOAD = _column("workload", "string", "The reference training.")
_WEIGHTS = "The hash of all final weights"
_LOSS = "The training loss of the last epoch, exact"

_EMULATED = _column(
    "emulated", "bool", "True where `isa` or `cpus` imitates a smaller CPU than the machine has."
)

AXIS_NAMES: tuple[str, ...] = tuple(
    axis.name for axis in CATALOGUE if axis.name not in ("device", "workload")
)
"""The axes that have a column of their own after `device`."""

SETTING_COLUMNS: tuple[Column, ...] = (
    _column("engine", "string", "What ran it: docker or local."),
    _WORKLOAD,
    _column("python", "string", "The minor version of Python."),
    _column("tensorflow", "string", "TensorFlow as installed, or as asked where nothing ran."),
    _column("keras", "string", "Keras as installed, or as asked where nothing ran."),
    _column("numpy", "string", "NumPy as installed, or as asked where nothing ran."),
    _column("device", "string", "cpu or gpu."),
    *(_column(axis.name, "string", axis.sentence) for axis in CATALOGUE if axis.name in AXIS_NAMES),
)
"""What distinguishes one cell from another, apart from the machine; values as in the matrix."""

FOUND_COLUMNS: tuple[Column, ...] = tuple(
    _column(
        f"found_{axis.name}",
        "string",
        f"`{axis.name}` as read back in the process; missing if it could not be.",
    )
    for axis in CATALOGUE
    if axis.name != "workload"
)
"""The axes as they were in force, whatever was asked."""

RUN_COLUMNS: tuple[Column, ...] = (
    _MATRIX,
    _MACHINE,
    _CELL,
    _column("repeat", "Int64", "Which run of the cell, from 1."),
    _column("status", "string", "How the run ended, or why there is none."),
    _column("reason", "string", "Why it did not complete; empty if it did."),
    *SETTING_COLUMNS,
    _column("data_sha256", "string", "The hash of the prepared data."),
    _column("init_sha256", "string", "The hash of the weights before the training."),
    _column("weights_sha256", "string", f"{_WEIGHTS}: equal hashes are equal bits."),
    _column("predictions_sha256", "string", "The hash of the predictions on the test part."),
    _column("loss", "float64", f"{_LOSS}."),
    _column("metric", "string", "The name of the metric."),
    _column("value", "float64", "The metric on the test part, exact."),
    _column("import_s", "float64", "Seconds to import TensorFlow; missing for a forked run."),
    _column("fit_s", "float64", "Seconds to train."),
    _column("total_s", "float64", "Seconds for the whole run."),
    _column("image", "string", "The id of the image or virtual environment."),
    _column("lock_sha256", "string", "The hash of the environment's lock."),
    _column("code_sha256", "string", "The hash of the meaning of the code that the run used."),
    _column("vouched_by", "string", "The run that left equal bits with newer code, if one did."),
    _column("planned", "bool", "False if the matrix no longer asks for it."),
    _EMULATED,
    *FOUND_COLUMNS,
    _column("prediction_unit", "string", "The unit of forecasts; missing for classes."),
    _column("prediction_scale", "float64", "How much of it one step of a stored prediction is."),
    _column("isolation", "string", "fresh (a process of its own) or forked (from a warm one)."),
    _column("audit", "string", "Whether forked runs leave a cold run's bits there, in words."),
    _column("audit_state", "string", "The same: passed, failed or undecided; missing if unsaid."),
)

CELL_COLUMNS: tuple[Column, ...] = (
    _MATRIX,
    _MACHINE,
    _CELL,
    _column("status", "string", "The runs' status; with counts where they differ."),
    _column("reason", "string", "The first reason why a run did not complete."),
    _column("runs", "Int64", "Completed runs."),
    _column("distinct", "Int64", "Different final weights among them."),
    _column("verdict", "string", "stable, unstable, or untested (fewer than two completed runs)."),
    _column("class", "string", "The letter of its class; `unstable` if it has none."),
    *SETTING_COLUMNS,
    _column("data_sha256", "string", "The data of the first completed run."),
    _column("init_sha256", "string", "The initial weights of the first completed run."),
    _column("weights_sha256", "string", "The final weights of the first completed run."),
    _column("predictions_sha256", "string", "The predictions of the first completed run."),
    _column("loss", "float64", f"{_LOSS}; of the first completed run."),
    _column("metric", "string", "The name of the metric."),
    _column("value", "float64", "The metric of the first completed run."),
    _column("distinct_init", "Int64", "Different initial weights among the completed runs."),
    _column("distinct_predictions", "Int64", "Different predictions among the completed runs."),
    _EMULATED,
    _column("lock_sha256", "string", "The lock of the first completed run's environment."),
    _column("code_sha256", "string", "That of the first completed run."),
    *FOUND_COLUMNS,
    _column("prediction_unit", "string", "The unit of its forecasts; missing for classes."),
    _column("prediction_scale", "float64", "How much of it one step of a stored prediction is."),
    _column("repeats", "Int64", "Planned runs: the sum of the counts that follow."),
    *(_column(status, "Int64", f"Runs that are {status}.") for status in STATUSES),
)

CLASS_COLUMNS: tuple[Column, ...] = (
    _WORKLOAD,
    _column("class", "string", "A, B, C… for equal final weights; `unstable` for cells with more."),
    _column("weights_sha256", "string", f"{_WEIGHTS}; missing for unstable cells."),
    _column("init", "string", "a, b, c… for equal initial weights: another letter, other stream."),
    _column("cells", "Int64", "Cells in the class."),
    _column("emulated", "Int64", "Those of them that imitate a smaller CPU."),
    _column("untested", "Int64", "Those of them with a single completed run."),
    _column("runs", "Int64", "Completed runs of these cells."),
    _column("distinct", "Int64", "Different final weights: 1, or more for unstable cells."),
    _column("where", "string", "The settings that these cells have and no other that ran."),
    _column(
        "same_for",
        "string",
        "Axes in which cells of the class differ alone, with equal bits all the same.",
    ),
    _column("every_cell", "string", "What all cells of the workload share, defaults left out."),
    _column("metric", "string", "The name of the metric."),
    _column("loss_min", "float64", "The smallest training loss of its cells."),
    _column("loss_max", "float64", "The largest training loss of its cells."),
    _column("value_min", "float64", "The smallest value of the metric."),
    _column("value_max", "float64", "The largest value of the metric."),
    _column("cell_ids", "object", "Its cells, each as matrix/machine/cell."),
)

EXPLAINED_COLUMNS: tuple[Column, ...] = (
    *CLASS_COLUMNS,
    _column("machines", "string", "The machines its cells ran on."),
    _column(
        "explained_by",
        "string",
        "The smallest set of attributes that tells the workload's classes apart in these cells: "
        "observed, not proven. (= …) names what divides the cells in the same way.",
    ),
    _column("smallest", "bool", "True if all smaller sets were tried."),
    _column("unexplained", "Int64", "Cells of the workload that no attribute tells apart."),
)

SETTING_ROW_COLUMNS: tuple[Column, ...] = (
    _MATRIX,
    _MACHINE,
    _CELL,
    _column("setting", "string", "An axis, or a version of the environment."),
    _column("asked", "string", "The value asked for."),
    _column("found", "string", "The value read back in the process; missing if it could not be."),
    _column("state", "string", "as asked, differs, unknown, or free (any value would do)."),
    _column("how", "string", "How the value was read back, or why it could not be."),
    _column("runs", "Int64", "Runs of the cell with this finding."),
)

EFFECT_COLUMNS: tuple[Column, ...] = (
    _WORKLOAD,
    _column("axis", "string", "An axis for which different values were asked."),
    _column("follows", "string", "What else is found to change whenever this axis does."),
    _column("values", "string", "Its values as found; as asked where none could be read back."),
    _column("pairs", "Int64", "Pairs of cells that are found to differ in this axis only."),
    _column("differ", "Int64", "Pairs with different final weights."),
    _column("differ_init", "Int64", "Pairs whose initial weights differ already."),
    _column("same", "Int64", "Pairs with equal final weights."),
    _column("unstable", "Int64", "Pairs with an unstable cell, which cannot be compared."),
    _column("divided", "Int64", "Those of them whose other cell is stable."),
    _column(
        "unstable_at",
        "string",
        "Its values at which cells are unstable that, all else equal, are stable at `stable_at`; "
        "empty where the axis does not divide the one from the other.",
    ),
    _column("stable_at", "string", "Its values at which these are stable."),
    _column(
        "changes_bits",
        "string",
        "never, sometimes, always, few (fewer than five pairs to compare), no effect (asked "
        "differently, found equal) or unknown (nothing to compare).",
    ),
    _column("no_effect", "string", "Values that were asked, and the one they were found to be."),
)


_SIZES: tuple[Column, ...] = (
    _column("max_abs", "float64", "The largest absolute difference of two weights."),
    _column("max_ulp", "Int64", "The most floats that lie between two weights; large across zero."),
    _column("relative_l2", "float64", "The norm of the difference over that of the baseline."),
    _column("differing", "Int64", "Weights with other bits."),
    _column("elements", "Int64", "Weights that were compared."),
    _column("sign_changes", "Int64", "Weights whose sign differs."),
    _column(
        "not_finite", "Int64", "Differing weights that are NaN or infinite on a side; no size."
    ),
)

COMPARISON_COLUMNS: tuple[Column, ...] = (
    _WORKLOAD,
    _column(
        "verdict",
        "string",
        "identical, different, unstable here (a side's own runs differ), or where it is alone: "
        "only here, only in baseline, nowhere.",
    ),
    _MATRIX,
    _MACHINE,
    _CELL,
    _column("baseline_matrix", "string", "The matrix of the cell it is compared with."),
    _column("baseline_machine", "string", "The machine of the cell it is compared with."),
    _column("baseline", "string", "The id of the cell it is compared with."),
    *SETTING_COLUMNS[:1],
    *SETTING_COLUMNS[2:],
    _EMULATED,
    _column("unlike", "string", "What was not equal, as `name baseline → here`; hashes by name."),
    _column("unstable_on", "string", "The machines on which its own runs differ."),
    _column(
        "origin",
        "string",
        "another random stream (initial weights differ already), another arithmetic (only trained "
        "ones do) or other data.",
    ),
    *_SIZES,
    _column("matched_by", "string", "How tensors found their partners: name, order or both."),
    _column("unmatched", "Int64", "Tensors without a partner, which have no part in the sizes."),
    _column("churn", "float64", "Of a classifier: the share of test rows whose class differs."),
    _column("largest", "float64", "Of a forecast: the largest difference of two predictions."),
    _column("unit", "string", "The unit of `largest`."),
    _column("metric", "string", "The name of the metric."),
    _column("baseline_value", "float64", "The metric of the baseline's first completed run."),
    _column("value", "float64", "The metric of the first completed run here."),
    _column("value_difference", "float64", "The metric here minus that of the baseline."),
    _column("baseline_runs", "Int64", "Completed runs of the baseline."),
    _column("runs", "Int64", "Completed runs here."),
    _column("baseline_weights_sha256", "string", "The final weights of the baseline."),
    _column("weights_sha256", "string", "The final weights here."),
    _column("reason", "string", "Why a side has nothing to compare, or sizes are missing."),
)
"""Sizes are those of the two cells' first completed runs."""

TENSOR_COLUMNS: tuple[Column, ...] = (
    _WORKLOAD,
    _MACHINE,
    _CELL,
    _column("baseline_machine", "string", "The machine of the cell it is compared with."),
    _column("baseline", "string", "The id of the cell it is compared with."),
    _column("tensor", "string", "The name of the tensor, in the baseline."),
    _column("tensor_here", "string", "Its name here; missing where it has no partner."),
    _column("matched_by", "string", "name, or order (of tensors with that shape); else missing."),
    _column("shape", "string", "Its shape."),
    _column(
        "tensor_dtype", "string", "Its dtype in little-endian NumPy text; with → if it differs."
    ),
    *_SIZES,
)

MACHINE_COLUMNS: tuple[Column, ...] = (
    _MACHINE,
    _column("baseline_machine", "string", "The machine it is compared with."),
    _column("unlike", "string", "What hardware it has other than the baseline."),
    _WORKLOAD,
    _column("cells", "Int64", "Cells of either: the sum of the six counts that follow."),
    _column("identical", "Int64", "Cells with equal final weights on both."),
    _column("different", "Int64", "Cells with different final weights, each stable in itself."),
    _column("unstable", "Int64", "Cells whose own runs differ on one of them, or both."),
    _column("only_here", "Int64", "Cells with weights on this machine only."),
    _column("only_in_baseline", "Int64", "Cells with weights on the baseline only."),
    _column("nowhere", "Int64", "Cells with weights on neither."),
    _column(
        "other_stream", "Int64", "Of the different: those whose initial weights differ already."
    ),
    _column("max_abs", "float64", "The largest absolute difference of two weights."),
    _column("max_ulp", "Int64", "The most floats between two weights."),
    _column("relative_l2", "float64", "The largest relative difference of a cell's weights."),
    _column("churn", "float64", "The largest share of test rows whose class differs."),
    _column("largest", "float64", "The largest difference of two predictions of a forecast."),
    _column("unit", "string", "The unit of `largest`."),
    _column("value_difference", "float64", "The difference of the metric furthest from zero."),
)

SPREAD_COLUMNS: tuple[Column, ...] = (
    _WORKLOAD,
    _MATRIX,
    _MACHINE,
    _column("cells", "Int64", "Cells of the group: equal in everything but the seed."),
    _column("group", "string", "The id of its cells, without the seed."),
    *SETTING_COLUMNS[:1],
    *(column for column in SETTING_COLUMNS[2:] if column.name != "seed"),
    _EMULATED,
    _column("metric", "string", "The name of the metric."),
    _column("runs", "Int64", "Completed runs."),
    _column("seeds", "Int64", "Different seeds among them."),
    _column("distinct", "Int64", "Different final weights among them."),
    _column("of", "string", "What an observation is: a seed (the mean of its runs), or a run."),
    _column("observations", "Int64", "Observations; equal runs of one seed are one."),
    _column("mean", "float64", "The mean of the observations."),
    _column("sd", "float64", "Their standard deviation (n - 1); missing for a single one."),
    _column("smallest", "float64", "The smallest value of a run."),
    _column("largest", "float64", "The largest value of a run."),
    _column("range", "float64", "The largest minus the smallest."),
    _column("baseline", "string", "The group it is tested against, as machine/group."),
    _column("difference", "float64", "Its mean minus that of the baseline."),
    _column("low", "float64", "The lower end of the 95 % interval of the difference."),
    _column("high", "float64", "The upper end."),
    _column("p", "float64", "Two-sided p of the t test: paired by seed, else Welch's."),
    _column("p_permutation", "float64", "Two-sided p of the permutation test: no normality asked."),
    _column("p_adjusted", "float64", "p by Holm, for all tests of this table."),
    _column("test", "string", "The test, or why there is none."),
)


def names(columns: Sequence[Column]) -> list[str]:
    """The names of the columns, in order."""
    return [column.name for column in columns]


def _stored(dtype: Dtype) -> Any:
    """Texts as Python's own: pandas would take pyarrow's where that is installed, and then some
    operations on empty columns fail."""
    return pd.StringDtype("python") if dtype == "string" else dtype


def frame_of(data: Mapping[str, Any] | pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """A frame with exactly these columns, in this order and with their dtypes."""
    frame = pd.DataFrame({column.name: data[column.name] for column in columns})
    typed: pd.DataFrame = frame.astype({column.name: _stored(column.dtype) for column in columns})
    typed.index = pd.RangeIndex(len(typed))
    return typed
