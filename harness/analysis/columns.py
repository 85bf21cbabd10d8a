"""Every column of every table: its name, dtype and meaning, said once.

The frames are built to these, the documents' tables are generated from them, and tests hold both
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


def column(name: str, dtype: Dtype, sentence: str) -> Column:
    """The column of this name."""
    return Column(name=name, dtype=dtype, sentence=sentence)


MATRIX = column("matrix", "string", "The name of the matrix.")
MACHINE = column("machine", "string", "The fingerprint of the machine.")
CELL = column("cell", "string", "The id of the cell, within its matrix.")
WORKLOAD = column(
    "workload", "string", "The reference training, or what the matrix calls a user's script."
)
_REPEAT = column("repeat", "Int64", "Which run of the cell, from 1.")
_WEIGHTS = "The hash of all final weights"
_LOSS = "The training loss of the last epoch, exact"

REQUIREMENTS = column(
    "requirements", "string", "Further packages as asked for; empty if none were."
)
EMULATED = column(
    "emulated", "bool", "True where `isa` or `cpus` imitates a smaller CPU than the machine has."
)

AXIS_NAMES: tuple[str, ...] = tuple(
    axis.name for axis in CATALOGUE if axis.name not in ("device", "workload", "parameters")
)
"""The axes that have a column of their own after `device`."""

SETTING_COLUMNS: tuple[Column, ...] = (
    column("engine", "string", "What ran it: docker or local."),
    WORKLOAD,
    column("python", "string", "The minor version of Python."),
    column("tensorflow", "string", "TensorFlow as installed, or as asked where nothing ran."),
    column("keras", "string", "Keras as installed, or as asked where nothing ran."),
    column("numpy", "string", "NumPy as installed, or as asked where nothing ran."),
    column("device", "string", "cpu or gpu."),
    *(column(axis.name, "string", axis.sentence) for axis in CATALOGUE if axis.name in AXIS_NAMES),
)
"""What distinguishes one cell from another, apart from the machine; values as in the matrix.

The parameters of users' scripts follow them, each in a column of its own; see `parameters`."""

BESIDE_WEIGHTS = ("history", "outputs", "files", "printed")
"""What a run leaves beside its weights and a verdict is given on; `NAME_sha256` is its digest."""

FOUND_COLUMNS: tuple[Column, ...] = tuple(
    column(
        f"found_{axis.name}",
        "string",
        f"`{axis.name}` as read back in the process; missing if it could not be.",
    )
    for axis in CATALOGUE
    if axis.name not in ("workload", "parameters")
)
"""The axes as they were in force, whatever was asked."""

_SCRIPT = (
    column("script", "string", "The path or module of a user's script; missing for others."),
    column("script_sha256", "string", "The hash of the script, its folder, arguments and data."),
    column(
        "set_by_script",
        "string",
        "What the script set itself, and where: `threads=3 (train.py:4)`; `held` is without "
        "effect, `late` without its full one.",
    ),
    column(
        "working_folder",
        "string",
        "`fresh` for each run of a script, or `kept`: its repeats follow one another in one.",
    ),
)

RUN_COLUMNS: tuple[Column, ...] = (
    MATRIX,
    MACHINE,
    CELL,
    _REPEAT,
    column("status", "string", "How the run ended, or why there is none."),
    column("reason", "string", "Why it did not complete; empty if it did."),
    *SETTING_COLUMNS,
    column("data_sha256", "string", "The hash of the prepared data."),
    column("init_sha256", "string", "The hash of the weights before the training, if known."),
    column("weights_sha256", "string", f"{_WEIGHTS}: equal hashes are equal bits."),
    column("predictions_sha256", "string", "The hash of the predictions on the test part."),
    column("loss", "float64", f"{_LOSS}."),
    column("metric", "string", "The name of the metric; missing for a script."),
    column("value", "float64", "The metric on the test part, exact."),
    column("import_s", "float64", "Seconds to import TensorFlow; missing for a forked run."),
    column("fit_s", "float64", "Seconds to train."),
    column("total_s", "float64", "Seconds for the whole run."),
    column("image", "string", "The id of the image or virtual environment."),
    column("lock_sha256", "string", "The hash of the environment's lock."),
    column("code_sha256", "string", "The hash of the meaning of the code that the run used."),
    column("vouched_by", "string", "The run that left equal bits with newer code, if one did."),
    column("planned", "bool", "False if the matrix no longer asks for it."),
    EMULATED,
    *FOUND_COLUMNS,
    column("prediction_unit", "string", "The unit of forecasts; missing for classes."),
    column("prediction_scale", "float64", "How much of it one step of a stored prediction is."),
    column("isolation", "string", "fresh (a process of its own) or forked (from a warm one)."),
    column("audit", "string", "Whether forked runs leave a cold run's bits there, in words."),
    column("audit_state", "string", "The same: passed, failed or undecided; missing if unsaid."),
    column("history_sha256", "string", "The hash of the history; of a script, of all its fits'."),
    column(
        "outputs_sha256",
        "string",
        "The hash of the predictions; of a script, of all that predict and evaluate returned.",
    ),
    column("files_sha256", "string", "The hash of the files that count as a script's results."),
    column("printed_sha256", "string", "The hash of what a script printed, without times, paths."),
    *_SCRIPT,
    REQUIREMENTS,
    column("trace_sha256", "string", "The hash of the trace: a row per step."),
    column("started", "string", "When the run began, in UTC, to the second."),
    column("fit_cpu_s", "float64", "Seconds that CPUs worked to train; missing for a script."),
)

CELL_COLUMNS: tuple[Column, ...] = (
    MATRIX,
    MACHINE,
    CELL,
    column("status", "string", "The runs' status; with counts where they differ."),
    column("reason", "string", "The first reason why a run did not complete."),
    column("runs", "Int64", "Completed runs."),
    column("distinct", "Int64", "Different final weights among them; 0 where some are not known."),
    column(
        "verdict",
        "string",
        "stable, unstable, or untested (fewer than two completed runs, or weights not known).",
    ),
    *(
        column(f"verdict_{name}", "string", f"The same for the {name}; missing where none are.")
        for name in BESIDE_WEIGHTS
    ),
    column("class", "string", "The letter of its class; `unstable` if it has none."),
    *SETTING_COLUMNS,
    column("data_sha256", "string", "The data of the first completed run."),
    column("init_sha256", "string", "The initial weights of the first completed run."),
    column("weights_sha256", "string", "The final weights of the first completed run."),
    column("predictions_sha256", "string", "The predictions of the first completed run."),
    *(
        column(f"{name}_sha256", "string", f"The {name} of the first completed run.")
        for name in BESIDE_WEIGHTS
    ),
    column("loss", "float64", f"{_LOSS}; of the first completed run."),
    column("metric", "string", "The name of the metric."),
    column("value", "float64", "The metric of the first completed run."),
    column("distinct_init", "Int64", "Different initial weights among the completed runs."),
    column("distinct_predictions", "Int64", "Different predictions among the completed runs."),
    *(
        column(f"distinct_{name}", "Int64", f"Different {name} among the completed runs.")
        for name in BESIDE_WEIGHTS
    ),
    EMULATED,
    column("lock_sha256", "string", "The lock of the first completed run's environment."),
    column("code_sha256", "string", "That of the first completed run."),
    *_SCRIPT,
    REQUIREMENTS,
    *FOUND_COLUMNS,
    column("prediction_unit", "string", "The unit of its forecasts; missing for classes."),
    column("prediction_scale", "float64", "How much of it one step of a stored prediction is."),
    column("trace_sha256", "string", "The trace of the first completed run."),
    column("repeats", "Int64", "Planned runs: the sum of the counts that follow."),
    *(column(status, "Int64", f"Runs that are {status}.") for status in STATUSES),
)

CLASS_COLUMNS: tuple[Column, ...] = (
    WORKLOAD,
    column("class", "string", "A, B, C… for equal final weights; `unstable` for cells with more."),
    column("weights_sha256", "string", f"{_WEIGHTS}; missing for unstable cells."),
    column("init", "string", "a, b, c… for equal initial weights: another letter, another start."),
    column("cells", "Int64", "Cells in the class."),
    column("emulated", "Int64", "Those of them that imitate a smaller CPU."),
    column("untested", "Int64", "Those of them with a single completed run."),
    column("runs", "Int64", "Completed runs of these cells."),
    column("distinct", "Int64", "Different final weights: 1, or more for unstable cells."),
    column("where", "string", "The settings that these cells have and no other that ran."),
    column(
        "same_for",
        "string",
        "Axes in which cells of the class differ alone, with equal bits all the same.",
    ),
    column("every_cell", "string", "What all cells of the workload share, defaults left out."),
    column("metric", "string", "The name of the metric."),
    column("loss_min", "float64", "The smallest training loss of its cells."),
    column("loss_max", "float64", "The largest training loss of its cells."),
    column("value_min", "float64", "The smallest value of the metric."),
    column("value_max", "float64", "The largest value of the metric."),
    column("cell_ids", "object", "Its cells, each as matrix/machine/cell."),
)

EXPLAINED_COLUMNS: tuple[Column, ...] = (
    *CLASS_COLUMNS,
    column("machines", "string", "The machines its cells ran on."),
    column(
        "explained_by",
        "string",
        "The smallest set of attributes that tells the workload's classes apart in these cells: "
        "observed, not proven. (= …) names what divides the cells in the same way.",
    ),
    column("smallest", "bool", "True if all smaller sets were tried."),
    column("unexplained", "Int64", "Cells of the workload that no attribute tells apart."),
)

SETTING_ROW_COLUMNS: tuple[Column, ...] = (
    MATRIX,
    MACHINE,
    CELL,
    column("setting", "string", "An axis, or a version of the environment."),
    column("asked", "string", "The value asked for."),
    column("found", "string", "The value read back in the process; missing if it could not be."),
    column("state", "string", "as asked, differs, unknown, or free (any value would do)."),
    column("how", "string", "How the value was read back, or why it could not be."),
    column("runs", "Int64", "Runs of the cell with this finding."),
)

_FIT_COLUMNS: tuple[Column, ...] = (
    MATRIX,
    MACHINE,
    CELL,
    _REPEAT,
    *SETTING_COLUMNS,
    REQUIREMENTS,
    column("model", "Int64", "Which model of the run, from 1, in the order of first training."),
    column("fit", "Int64", "Which fit of the model, from 1."),
)
"""What says which fit of which model of which run a row is about."""

MODEL_COLUMNS: tuple[Column, ...] = (
    *_FIT_COLUMNS,
    column("model_name", "string", "What the script calls the model; missing if it does not."),
    column("process", "string", "The process that the script started for it; else empty."),
    column("steps", "Int64", "Training steps of the fit; missing for a reference training."),
    column("init_sha256", "string", "The hash of the model's weights before the fit."),
    column("weights_sha256", "string", "The hash of the model's weights after the fit."),
    column("history_sha256", "string", "The hash of the fit's history."),
)
"""A reference training is one model with one fit."""

HISTORY_COLUMNS: tuple[Column, ...] = (
    *_FIT_COLUMNS,
    column("process", "string", "The process that the script started for it; else empty."),
    column("epoch", "Int64", "The epoch that ended, from 1."),
    column("metric", "string", "What is measured: loss, accuracy, …"),
    column("value", "float64", "It after the epoch, exact, as Keras reported it."),
    column("planned", "bool", "False if the matrix no longer asks for it."),
)

EFFECT_COLUMNS: tuple[Column, ...] = (
    WORKLOAD,
    column("axis", "string", "An axis for which different values were asked."),
    column("follows", "string", "What else is found to change whenever this axis does."),
    column("values", "string", "Its values as found; as asked where none could be read back."),
    column("pairs", "Int64", "Pairs of cells that are found to differ in this axis only."),
    column("differ", "Int64", "Pairs with different final weights."),
    column("differ_init", "Int64", "Pairs whose initial weights differ already."),
    column("same", "Int64", "Pairs with equal final weights."),
    column("unstable", "Int64", "Pairs with an unstable cell, which cannot be compared."),
    column("divided", "Int64", "Those of them whose other cell is stable."),
    column(
        "unstable_at",
        "string",
        "Its values at which cells are unstable that, all else equal, are stable at `stable_at`; "
        "empty where the axis does not divide the one from the other.",
    ),
    column("stable_at", "string", "Its values at which these are stable."),
    column(
        "changes_bits",
        "string",
        "never, sometimes, always, few pairs (fewer than five pairs to compare), no effect (asked "
        "differently, found equal) or unknown (nothing to compare).",
    ),
    column("no_effect", "string", "Values that were asked, and the one they were found to be."),
)

CLAIM_COLUMNS: tuple[Column, ...] = (
    column("claim", "string", "The id of the claim, within its matrix."),
    column("says", "string", "The sentence that is put to the test."),
    column("source", "string", "Who says so; empty if the matrix does not say."),
    column("expect", "string", "What is expected of the cells, or pairs of cells."),
    WORKLOAD,
    column("held", "Int64", "Those of `tried` that are as expected."),
    column(
        "tried",
        "Int64",
        "Cells with two completed runs or more, or pairs of such that can be compared.",
    ),
    column("verdict", "string", "supported (all held), refuted (none did), mixed or not tried."),
    column(
        "counterexample",
        "object",
        "The cell, or pair of cells, that shows most clearly what is not as expected, as "
        "matrix/machine/cell.",
    ),
    column("reason", "string", "What the runs of it say, and why others were not tried."),
    column(
        "example",
        "object",
        "The same for what is as expected; of claims not tried what they are about.",
    ),
    column("unit", "string", "What it is tried on: cell or pair."),
    column("cells", "Int64", "Planned cells that it is about."),
    column("machines", "Int64", "Machines on which they are."),
    MATRIX,
)


def names(columns: Sequence[Column]) -> list[str]:
    """The names of the columns, in order."""
    return [column.name for column in columns]


TEXT = pd.StringDtype("python")
"""Python's own: pandas would take pyarrow's where that is installed, and then some operations on
empty columns fail."""


def _stored(dtype: Dtype) -> Any:
    return TEXT if dtype == "string" else dtype


def with_parameters(columns: Sequence[Column], parameters: Sequence[str]) -> list[Column]:
    """The columns of a table with these parameters of scripts behind its last axis."""
    places = [place for place, one in enumerate(columns) if one.name in AXIS_NAMES]
    end = places[-1] + 1 if places else len(columns)
    own = [column(name, "string", "A parameter of a user's script.") for name in parameters]
    return [*columns[:end], *own, *columns[end:]]


def frame_of(
    data: Mapping[str, Any] | pd.DataFrame,
    columns: Sequence[Column],
    parameters: Sequence[str] = (),
) -> pd.DataFrame:
    """A frame with exactly these columns, in this order and with their dtypes.

    The columns of `parameters` follow those of the axes.
    """
    every = with_parameters(columns, parameters)
    frame = pd.DataFrame({one.name: data[one.name] for one in every})
    typed: pd.DataFrame = frame.astype({one.name: _stored(one.dtype) for one in every})
    typed.index = pd.RangeIndex(len(typed))
    return typed
