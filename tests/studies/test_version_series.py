"""The environments between two; which versions there are stands in the compatibility data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from packaging.version import Version

from harness import compatibility
from harness.matrix.environment import Environment
from harness.studies import version_series
from harness.studies.version_series import (
    as_locked,
    between,
    default,
    exchanges,
    most_environments,
    other_packages,
    search,
    that_fit,
    with_packages,
)

OLD = Environment(tensorflow="2.10.0", python="3.10", numpy="1.23.5")
NEW = Environment(tensorflow="2.15.1", python="3.11")
WITHIN = [
    each
    for each in compatibility.releases()
    if Version(OLD.tensorflow) < Version(each) <= Version(NEW.tensorflow)
]


def changed_at(version: str) -> Callable[[Environment], str]:
    return lambda environment: f"{Version(environment.tensorflow) >= Version(version)}"


def never(environment: Environment) -> bool:
    return False


@pytest.mark.parametrize(("first", "last"), [(OLD, NEW), (NEW, OLD)])
@pytest.mark.parametrize("patches", [False, True])
def test_between_two_stand_the_known_releases_in_order_each_with_what_goes_with_it(
    first: Environment, last: Environment, patches: bool
) -> None:
    points = between(first, last, patches=patches)
    assert (points[0], points[-1]) == (first, last)
    versions = [Version(each.tensorflow) for each in points]
    assert versions == sorted(versions, reverse=first == NEW)
    assert len(set(versions)) == len(versions)
    for inner in points[1:-1]:
        assert inner == default(inner.tensorflow, OLD)
        assert inner.numpy is None and not compatibility.refusal(
            python=inner.python,
            tensorflow=inner.tensorflow,
            numpy=None,
            keras=None,
            device="cpu",
        )
    minors = [version.release[:2] for version in versions[1:-1]]
    assert patches or len(set(minors)) == len(minors)


@pytest.mark.parametrize("release", WITHIN)
def test_every_release_that_changed_something_is_found(release: str) -> None:
    before, after, step = search(OLD, NEW, changed_at(release), never)
    assert after.tensorflow == release and step.is_last
    known = compatibility.releases()
    assert known.index(before.tensorflow) + 1 == known.index(after.tensorflow)


def test_one_release_with_other_packages_has_nothing_between() -> None:
    other = Environment(tensorflow="2.10.0", python="3.10", numpy="1.24.4")
    bits = {OLD: "a", other: "b"}
    before, after, _ = search(OLD, other, bits.__getitem__, never)
    assert (before, after) == (OLD, other)
    assert most_environments(OLD, other, never, ["numpy"]) == 1


def test_packages_are_exchanged_one_at_a_time() -> None:
    old = {"numpy": "1.23.5", "keras": "2.10.0", "python": "3.10"}
    new = {"numpy": "1.26.4", "keras": "2.10.0", "python": "3.11"}
    found = exchanges(OLD, old, new)
    assert [each.words for each in found] == [
        "NumPy 1.23.5 → 1.26.4 alone",
        "Python 3.10 → 3.11 alone",
    ]
    assert [each.environment.id for each in found] == [
        "tf2.10.0,py3.10,np1.26.4,cpu",
        "tf2.10.0,py3.11,np1.23.5,cpu",
    ]
    assert set(version_series.PACKAGES) == {"numpy", "keras", "python"}


OLD_PACKAGES = {
    **{"h5py": "3.7.0", "numpy": "1.23.5", "protobuf": "3.19.6", "scipy": "1.9.3", "six": "1.16.0"},
    "tensorboard": "2.10.1",
}
NEW_PACKAGES = {
    **{"h5py": "3.10.0", "numpy": "1.26.4", "protobuf": "4.25.3", "scipy": "1.11.4"},
    **{"six": "1.16.0", "tensorboard": "2.15.2", "ml-dtypes": "0.2.0"},
}


def test_other_packages_are_those_in_both_that_no_release_of_tensorflow_has_of_its_own() -> None:
    found = other_packages(OLD_PACKAGES, NEW_PACKAGES)
    assert [(each.name, each.before, each.after) for each in found] == [
        ("h5py", "3.7.0", "3.10.0"),
        ("protobuf", "3.19.6", "4.25.3"),
        ("scipy", "1.9.3", "1.11.4"),
    ]


def test_packages_that_do_not_fit_beside_the_others_are_left_out() -> None:
    asked: list[tuple[str, ...]] = []

    def resolves(environment: Environment) -> bool:
        asked.append(environment.requirements)
        return not any(each.startswith("protobuf") for each in environment.requirements)

    packages = other_packages(OLD_PACKAGES, NEW_PACKAGES)
    fitting = that_fit(OLD, packages, resolves)
    assert [each.name for each in fitting] == ["h5py", "scipy"]
    assert asked[0] == ("h5py==3.10.0", "protobuf==4.25.3", "scipy==1.11.4")
    assert that_fit(OLD, packages, lambda environment: True) == packages
    assert that_fit(OLD, packages, lambda environment: False) == []


def test_packages_taken_over_are_pinned_beside_those_asked_for() -> None:
    environment = replace(OLD, requirements=("pandas", "scipy==1.9.3"))
    packages = other_packages(OLD_PACKAGES, NEW_PACKAGES)
    one = with_packages(environment, packages[2:])
    assert one.environment.requirements == ("pandas", "scipy==1.11.4")
    assert (one.words, one.label) == ("scipy 1.9.3 → 1.11.4 alone", "scipy 1.11.4")
    more = with_packages(environment, packages)
    assert more.label == "3 other packages"


def test_two_locks_of_one_environment_are_told_apart_by_what_differs_in_them() -> None:
    environment = Environment(tensorflow="2.10.0", python="3.10")
    later = {**OLD_PACKAGES, "numpy": "1.24.4", "scipy": "1.11.4"}
    one, other = as_locked(environment, OLD_PACKAGES, later)
    assert (one.numpy, one.requirements) == ("1.23.5", ("scipy==1.9.3",))
    assert (other.numpy, other.requirements) == ("1.24.4", ("scipy==1.11.4",))
    same = as_locked(environment, OLD_PACKAGES, OLD_PACKAGES)
    assert same == (environment, environment)


def test_the_environments_that_may_have_to_be_made_are_never_more_than_were_said() -> None:
    most = most_environments(OLD, NEW, never, [])
    for release in WITHIN:
        asked: list[Environment] = []
        search(OLD, NEW, _noting(asked, changed_at(release)), never)
        assert len({*asked} - {OLD, NEW}) <= most


def _noting(
    asked: list[Environment], bits: Callable[[Environment], str]
) -> Callable[[Environment], str]:
    def noted(environment: Environment) -> str:
        asked.append(environment)
        return bits(environment)

    return noted
