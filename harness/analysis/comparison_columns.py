"""The columns of the tables that compare cells, machines and groups of cells."""

from __future__ import annotations

from harness.analysis.columns import (
    CELL,
    EMULATED,
    MACHINE,
    MATRIX,
    REQUIREMENTS,
    SETTING_COLUMNS,
    WORKLOAD,
    Column,
    column,
)

_SIZES: tuple[Column, ...] = (
    column("max_abs", "float64", "The largest absolute difference of two weights."),
    column("max_ulp", "Int64", "The most floats that lie between two weights; large across zero."),
    column("relative_l2", "float64", "The norm of the difference over that of the baseline."),
    column("differing", "Int64", "Weights with other bits."),
    column("elements", "Int64", "Weights that were compared."),
    column("sign_changes", "Int64", "Weights whose sign differs."),
    column("not_finite", "Int64", "Differing weights that are NaN or infinite on a side; no size."),
)

COMPARISON_COLUMNS: tuple[Column, ...] = (
    WORKLOAD,
    column(
        "verdict",
        "string",
        "identical, different, unstable here (a side's own runs differ), or where it is alone: "
        "only here, only in baseline, nowhere.",
    ),
    MATRIX,
    MACHINE,
    CELL,
    column("baseline_matrix", "string", "The matrix of the cell it is compared with."),
    column("baseline_machine", "string", "The machine of the cell it is compared with."),
    column("baseline", "string", "The id of the cell it is compared with."),
    *SETTING_COLUMNS[:1],
    *SETTING_COLUMNS[2:],
    REQUIREMENTS,
    EMULATED,
    column("unlike", "string", "What was not equal, as `name baseline → here`; hashes by name."),
    column(
        "beside",
        "string",
        "Of cells with equal weights: what differs all the same, such as `history, outputs`.",
    ),
    column("unstable_on", "string", "The machines on which its own runs differ."),
    column(
        "origin",
        "string",
        "Where the difference began, by the traces of the first completed runs: other data, other "
        "regime (epochs, batch size, samples), other start (initial weights), other data order, "
        "other random numbers (dropout, augmentation), other arithmetic (all inputs of a step "
        "equal, its outcome not), or undecided, where no trace shows it.",
    ),
    column(
        "origin_at",
        "string",
        "Why it is undecided, or what of the regime differs; and the first step that differs.",
    ),
    *_SIZES,
    column(
        "nudges",
        "float64",
        "How many times as far apart, in relative L2, as one weight moved by one ULP leads from "
        "the baseline; missing where no cell is the baseline with nudge=one-ulp.",
    ),
    column("matched_by", "string", "How tensors found their partners: name, order or both."),
    column("unmatched", "Int64", "Tensors without a partner, which have no part in the sizes."),
    column("churn", "float64", "Of a classifier: the share of test rows whose class differs."),
    column("largest", "float64", "Of a forecast: the largest difference of two predictions."),
    column("unit", "string", "The unit of `largest`."),
    column("metric", "string", "The name of the metric."),
    column("baseline_value", "float64", "The metric of the baseline's first completed run."),
    column("value", "float64", "The metric of the first completed run here."),
    column("value_difference", "float64", "The metric here minus that of the baseline."),
    column("baseline_runs", "Int64", "Completed runs of the baseline."),
    column("runs", "Int64", "Completed runs here."),
    column("baseline_weights_sha256", "string", "The final weights of the baseline."),
    column("weights_sha256", "string", "The final weights here."),
    column("reason", "string", "Why a side has nothing to compare, or sizes are missing."),
)
"""Sizes are those of the two cells' first completed runs."""

TENSOR_COLUMNS: tuple[Column, ...] = (
    WORKLOAD,
    MACHINE,
    CELL,
    column("baseline_machine", "string", "The machine of the cell it is compared with."),
    column("baseline", "string", "The id of the cell it is compared with."),
    column("tensor", "string", "The name of the tensor, in the baseline."),
    column("tensor_here", "string", "Its name here; missing where it has no partner."),
    column("matched_by", "string", "name, or order (of tensors with that shape); else missing."),
    column("shape", "string", "Its shape."),
    column(
        "tensor_dtype", "string", "Its dtype in little-endian NumPy text; with → if it differs."
    ),
    *_SIZES,
)

MACHINE_COLUMNS: tuple[Column, ...] = (
    MACHINE,
    column("baseline_machine", "string", "The machine it is compared with."),
    column("unlike", "string", "What hardware it has other than the baseline."),
    WORKLOAD,
    column("cells", "Int64", "Cells of either: the sum of the six counts that follow."),
    column("identical", "Int64", "Cells with equal final weights on both."),
    column("different", "Int64", "Cells with different final weights, each stable in itself."),
    column("unstable", "Int64", "Cells whose own runs differ on one of them, or both."),
    column("only_here", "Int64", "Cells with weights on this machine only."),
    column("only_in_baseline", "Int64", "Cells with weights on the baseline only."),
    column("nowhere", "Int64", "Cells with weights on neither."),
    column(
        "other_start", "Int64", "Of the different: those that a trace shows to start otherwise."
    ),
    column("max_abs", "float64", "The largest absolute difference of two weights."),
    column("max_ulp", "Int64", "The most floats between two weights."),
    column("relative_l2", "float64", "The largest relative difference of a cell's weights."),
    column("churn", "float64", "The largest share of test rows whose class differs."),
    column("largest", "float64", "The largest difference of two predictions of a forecast."),
    column("unit", "string", "The unit of `largest`."),
    column("value_difference", "float64", "The difference of the metric furthest from zero."),
)

SPREAD_COLUMNS: tuple[Column, ...] = (
    WORKLOAD,
    MATRIX,
    MACHINE,
    column("cells", "Int64", "Cells of the group: equal in everything but the seed."),
    column("group", "string", "The id of its cells, without the seed."),
    *SETTING_COLUMNS[:1],
    *(column for column in SETTING_COLUMNS[2:] if column.name != "seed"),
    REQUIREMENTS,
    EMULATED,
    column("metric", "string", "The name of the metric."),
    column("runs", "Int64", "Completed runs."),
    column("seeds", "Int64", "Different seeds among them."),
    column("distinct", "Int64", "Different final weights among them."),
    column("of", "string", "What an observation is: a seed (the mean of its runs), or a run."),
    column("observations", "Int64", "Observations; equal runs of one seed are one."),
    column("mean", "float64", "The mean of the observations."),
    column("sd", "float64", "Their standard deviation (n - 1); missing for a single one."),
    column("smallest", "float64", "The smallest value of a run."),
    column("largest", "float64", "The largest value of a run."),
    column("range", "float64", "The largest minus the smallest."),
    column("baseline", "string", "The group it is tested against, as machine/group."),
    column("difference", "float64", "Its mean minus that of the baseline."),
    column("low", "float64", "The lower end of the 95 % interval of the difference."),
    column("high", "float64", "The upper end."),
    column("p", "float64", "Two-sided p of the t test: paired by seed, else Welch's."),
    column("p_permutation", "float64", "Two-sided p of the permutation test: no normality asked."),
    column("p_adjusted", "float64", "p by Holm, for all tests of this table."),
    column("test", "string", "The test, or why there is none."),
)
