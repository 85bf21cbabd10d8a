"""Settings for people: numbers as numbers, versions and words in their natural order."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from harness.analysis.columns import TEXT
from harness.notebook.natural_order import in_natural_order


def changed(name: str, *values: str | None, beside: str = "tensorflow") -> pd.Series[Any]:
    """A column of a table of cells as people get it."""
    frame = pd.DataFrame({beside: ["2.10.0"] * len(values), name: values}).astype(TEXT)
    return in_natural_order(frame)[name]


@pytest.mark.parametrize(
    ("name", "values", "categories"),
    [
        ("python", ["3.10", "3.9", "3.8"], ["3.8", "3.9", "3.10"]),
        ("tensorflow", ["2.10.1", "2.9.3", "2.9.3"], ["2.9.3", "2.10.1"]),
        ("keras", ["3.0.0", "2.2.4-tf", "2.2.5"], ["2.2.4-tf", "2.2.5", "3.0.0"]),
        ("threads", ["10", "default", "2"], ["default", "2", "10"]),
        ("found_threads", ["10", "default", "2"], ["default", "2", "10"]),
        ("determinism", ["on", "off"], ["off", "on"]),
        # Parameters of scripts.
        ("rate", ["none", "0.5", "0.25", "1e-3"], ["none", "1e-3", "0.25", "0.5"]),
        ("library", ["2.10", "2.9", "2.11"], ["2.9", "2.10", "2.11"]),
        ("optimizer", ["sgd", "adam"], ["adam", "sgd"]),
    ],
)
def test_versions_and_words_are_ordered_categories(
    name: str, values: list[str], categories: list[str]
) -> None:
    column = changed(name, *values, None)
    assert list(column.cat.categories) == categories and column.cat.ordered
    assert column.astype(object).tolist()[:-1] == values and pd.isna(column.iloc[-1])
    assert column.sort_values().astype(object).dropna().unique().tolist() == categories


@pytest.mark.parametrize("name", ["seed", "threads", "found_cpus", "width"])
def test_whole_numbers_are_whole_numbers_to_the_last_digit(name: str) -> None:
    column = changed(name, "9007199254740993", None, "-1")
    assert column.dtype == "Int64"
    assert column.iloc[0] == 9007199254740993 and column.iloc[2] == -1
    assert column.isna().tolist() == [False, True, False]


def test_decimals_are_numbers_unless_they_would_become_others() -> None:
    rates = changed("rate", "0.1", "1e-3", "5", None)
    assert rates.dtype == "Float64" and rates.dropna().tolist() == [0.1, 0.001, 5.0]
    assert changed("rate", "2.10", "2.5").dtype == "category"
    assert changed("rate", "007", "1").dtype == "category"


@pytest.mark.parametrize("name", ["env", "cell", "reason", "weights_sha256", "machine", "metric"])
def test_other_columns_stay_as_they_are(name: str) -> None:
    pd.testing.assert_series_equal(
        changed(name, "1", "2"), pd.Series(["1", "2"], dtype=TEXT, name=name)
    )


def test_without_settings_and_without_values_nothing_changes() -> None:
    frame = pd.DataFrame({"axis": ["threads"], "values": ["2"], "note": ["1"]}).astype(TEXT)
    pd.testing.assert_frame_equal(in_natural_order(frame), frame)
    assert changed("found_load", None, None).dtype == TEXT
