"""Spread over seeds and runs, and tests of means, against answers from outside this program."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from results_factory import cell
from two_machines import HERE, THERE, sweep, train

from harness.analysis import cell_comparison, merging
from harness.analysis.columns import names
from harness.analysis.comparison_columns import SPREAD_COLUMNS
from harness.analysis.metric_dispersion import metric_dispersion
from harness.analysis.significance import Observations, holm, two_sided


def seeds(*values: float) -> Observations:
    return Observations(of="seed", values={str(i): value for i, value in enumerate(values)})


def runs(*values: float) -> Observations:
    return Observations(of="run", values={str(i): value for i, value in enumerate(values)})


@pytest.mark.slow
def test_students_sleep_data_have_the_p_that_is_in_every_textbook() -> None:
    # Student 1908; in R: t.test(extra ~ group, data = sleep, paired = TRUE) and without pairing.
    first = (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0)
    second = (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4)
    paired = two_sided(seeds(*first), seeds(*second))
    assert paired.difference == pytest.approx(-1.58)
    assert paired.p == pytest.approx(0.002832890, rel=1e-6)
    assert (paired.low, paired.high) == pytest.approx((-2.4598858, -0.7001142), rel=1e-6)
    welch = two_sided(runs(*first), runs(*second))
    assert welch.p == pytest.approx(0.07939414, rel=1e-6)
    assert (welch.low, welch.high) == pytest.approx((-3.3654832, 0.2054832), rel=1e-6)


@pytest.mark.slow
def test_all_permutations_are_counted_by_hand() -> None:
    # Of the 2^3 signs of (1, 2, 3) only + + + and - - - are as far from 0: p = 2/8.
    assert two_sided(seeds(1, 2, 3), seeds(0, 0, 0)).p_permutation == pytest.approx(0.25)
    # Of the 4 over 2 = 6 ways to choose two of (1, 2, 5, 7) two are as far apart: p = 2/6.
    found = two_sided(runs(1, 2), runs(5, 7))
    assert found.p_permutation == pytest.approx(1 / 3)
    assert found.sentence == "Welch's t, 2 + 2; permutation p ≥ 0.33"


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        (seeds(1, 2), seeds(1, 2), "no difference at any seed"),
        (seeds(1, 2), seeds(2, 3), "the same difference at every seed"),
        (runs(1), runs(1, 2), "add seeds"),
        (runs(1, 1), runs(2, 2), "neither side varies"),
        (runs(1, math.nan), runs(2, 3), "NaN or infinite"),
    ],
)
def test_where_there_can_be_no_test_the_reason_is_said(
    here: Observations, there: Observations, why: str
) -> None:
    found = two_sided(here, there)
    assert math.isnan(found.p) and math.isnan(found.p_permutation)
    assert found.sentence.startswith("no test: ") and why in found.sentence


def test_holms_p_are_those_of_his_paper_rules() -> None:
    # In R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert math.isnan(holm([math.nan, 0.02])[0]) and holm([math.nan, 0.02])[1] == 0.02


@pytest.fixture
def two_groups(tmp_path: Path) -> Path:
    """Three seeds on either number of threads, each run twice with equal bits."""
    one = sweep(tmp_path)
    cells = [cell(threads=threads, seed=seed) for threads in (1, 2) for seed in (1, 2, 3)]
    one.plan(cells)
    for each, value in zip(cells, (0.1, 0.2, 0.3, 0.2, 0.4, 0.6), strict=True):
        train(one, each, [value], [value], value=value)
    return tmp_path


@pytest.mark.slow
def test_equal_repeats_are_one_observation(two_groups: Path) -> None:
    frame = metric_dispersion(merging.merge([two_groups]).runs, None)
    assert list(frame.columns) == names(SPREAD_COLUMNS)
    first = frame.iloc[0]
    assert (first["runs"], first["seeds"], first["observations"], first["of"]) == (6, 3, 3, "seed")
    assert first["mean"] == pytest.approx(0.2) and first["sd"] == pytest.approx(0.1)
    assert first["range"] == pytest.approx(0.2)
    assert frame["p"].isna().all()


def test_groups_of_the_same_seeds_are_tested_in_pairs(two_groups: Path) -> None:
    merged = merging.merge([two_groups])
    baseline = cell_comparison.baseline_of(merged, cell(threads=1, seed=2).id)
    none, tested = metric_dispersion(merged.runs, baseline).to_dict("records")
    assert math.isnan(none["p"])
    # Differences 0.1, 0.2, 0.3: t = 0.2 / (0.1 / sqrt 3) = sqrt 12, two degrees of freedom, for
    # which the two-sided p of t is 1 - t / sqrt(2 + t^2).
    assert tested["difference"] == pytest.approx(0.2)
    assert tested["p"] == pytest.approx(1 - math.sqrt(12 / 14))
    assert tested["p_adjusted"] == tested["p"]
    assert tested["test"] == "paired t, 3 seeds; permutation p ≥ 0.25"


def test_runs_of_one_seed_count_where_their_bits_differ(tmp_path: Path) -> None:
    one = sweep(tmp_path)
    one.plan([cell()])
    train(one, cell(), [1], [2])
    (row,) = metric_dispersion(merging.merge([tmp_path]).runs, None).to_dict("records")
    assert (row["of"], row["observations"], row["sd"]) == ("run", 2, 0.0)


@pytest.mark.slow
def test_a_group_is_tested_against_its_like_on_the_other_machine(tmp_path: Path) -> None:
    for machine, shift in ((HERE, 0.0), (THERE, 0.5)):
        one = sweep(tmp_path, machine)
        cells = [cell(seed=seed) for seed in (1, 2, 3)]
        one.plan(cells)
        for number, each in enumerate(cells):
            value = number / 8 + shift * (1 + number / 4)
            train(one, each, [value], [value], value=value)
    merged = merging.merge([tmp_path])
    frame = metric_dispersion(merged.runs, cell_comparison.baseline_of(merged, HERE)).set_index(
        "machine"
    )
    assert frame.loc[THERE, "difference"] == pytest.approx(0.625)
    assert 0 < frame.loc[THERE, "p"] < 0.05
    assert str(frame.loc[THERE, "baseline"]).startswith(f"{HERE}/")
