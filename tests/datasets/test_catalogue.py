"""The data set of a workload, by the workload's name."""

from __future__ import annotations

from harness.datasets import catalogue


def test_a_script_has_no_data_set_of_the_catalogue() -> None:
    assert catalogue.for_workload("mnist-mlp") == "mnist"
    assert catalogue.for_workload("churn") is None
    assert (catalogue.rows_of("mnist-mlp"), catalogue.rows_of("churn")) == (60_000, None)
