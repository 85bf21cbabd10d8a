"""The environments between two, release by release, and package by package."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from harness import compatibility
from harness.matrix.environment import Environment
from harness.studies import version_search
from harness.studies.version_search import Bits, Step

PACKAGES = {"numpy": "NumPy", "keras": "Keras", "python": "Python"}
"""What an environment can name beside TensorFlow, and how it is written."""

_OF_A_RELEASE = ("tensorflow", "tensorboard")
"""Packages whose names begin so belong to one release of TensorFlow."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Packages taken from another environment, all else left.

    `words` say which: `NumPy 1.23.5 → 1.26.4 alone`; `label` names what was taken: `NumPy 1.26.4`.
    """

    words: str
    label: str
    environment: Environment


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package that two environments have in different versions."""

    name: str
    before: str
    after: str


def default(tensorflow: str, like: Environment) -> Environment:
    """A release with what goes with it by default, on the same device."""
    python = compatibility.resolve_python(tensorflow, None, None) or like.python
    return Environment(
        tensorflow=tensorflow,
        python=python,
        device=like.device,
        requirements=like.requirements,
    )


def between(first: Environment, last: Environment, *, patches: bool) -> list[Environment]:
    """From the first to the last, both included, with the known releases between them.

    Without `patches` only the last release of each minor version.
    """
    low, high = sorted((Version(first.tensorflow), Version(last.tensorflow)))
    inside = [each for each in compatibility.releases() if low < Version(each) < high]
    if not patches:
        inside = list({Version(each).release[:2]: each for each in inside}.values())
        inside = [each for each in inside if Version(each).release[:2] != high.release[:2]]
    if Version(first.tensorflow) > Version(last.tensorflow):
        inside.reverse()
    return [first, *(default(each, first) for each in inside), last]


def search(
    first: Environment,
    last: Environment,
    bits: Callable[[Environment], str | None],
    is_ready: Callable[[Environment], bool],
) -> tuple[Environment, Environment, Step]:
    """The two neighbouring releases between which the bits changed, by minor versions first."""
    before, after = first, last
    for patches in (False, True):
        points = between(before, after, patches=patches)
        named = {environment.id: environment for environment in points}
        left: Bits = lambda name, named=named: bits(named[name])  # type: ignore[misc] # noqa: E731
        ready: Callable[[str], bool] = lambda name, named=named: is_ready(named[name])  # type: ignore[misc] # noqa: E731
        step = version_search.first_step(list(named), left, is_ready=ready)
        before, after = named[step.before], named[step.after]
    is_last = bits(after) == bits(last)
    return before, after, replace(step, is_last=is_last)


def exchanges(
    before: Environment,
    installed_before: Mapping[str, str],
    installed_after: Mapping[str, str],
) -> list[Exchange]:
    """`before` with NumPy, Keras or Python alone as another environment has it, where they differ.

    `installed_before` and `installed_after` are the versions that were found.
    """
    found = []
    for name, written in PACKAGES.items():
        old, new = installed_before.get(name), installed_after.get(name)
        if old and new and old != new:
            words, label = f"{written} {old} → {new} alone", f"{written} {new}"
            taken = _with(before, name, new)
            found.append(Exchange(words=words, label=label, environment=taken))
    return found


def _with(environment: Environment, name: str, version: str) -> Environment:
    if name == "numpy":
        return replace(environment, numpy=version)
    if name == "keras":
        return replace(environment, keras=version)
    return replace(environment, python=version)


def other_packages(
    installed_before: Mapping[str, str], installed_after: Mapping[str, str]
) -> list[Package]:
    """What differs beyond `PACKAGES` and what belongs to a release of TensorFlow, by name."""
    return [
        Package(name=name, before=old, after=installed_after[name])
        for name, old in sorted(installed_before.items())
        if installed_after.get(name, old) != old
        and name not in PACKAGES
        and not name.startswith(_OF_A_RELEASE)
    ]


def that_fit(
    environment: Environment,
    packages: Sequence[Package],
    resolves: Callable[[Environment], bool],
) -> list[Package]:
    """Those of the packages that the environment can have together in their later versions."""
    fitting: list[Package] = []

    def add(group: Sequence[Package]) -> None:
        if resolves(with_packages(environment, [*fitting, *group]).environment):
            fitting.extend(group)
        elif len(group) > 1:
            middle = len(group) // 2
            add(group[:middle])
            add(group[middle:])

    if packages:
        add(packages)
    return fitting


def with_packages(environment: Environment, packages: Sequence[Package]) -> Exchange:
    """The environment with these packages in their later versions."""
    pins = {each.partition("==")[0]: each for each in environment.requirements}
    pins |= {each.name: f"{each.name}=={each.after}" for each in packages}
    taken = replace(environment, requirements=tuple(pins[name] for name in sorted(pins)))
    if len(packages) == 1:
        (only,) = packages
        words = f"{only.name} {only.before} → {only.after} alone"
        return Exchange(words=words, label=f"{only.name} {only.after}", environment=taken)
    listed = ", ".join(f"{each.name} {each.after}" for each in packages)
    words = f"{len(packages)} other packages together ({listed})"
    return Exchange(words=words, label=f"{len(packages)} other packages", environment=taken)


def as_locked(
    environment: Environment, one: Mapping[str, str], other: Mapping[str, str]
) -> tuple[Environment, Environment]:
    """One environment as two locks of it have it: what differs is asked for by its version.

    `one` and `other` are the packages of the locks, by name.
    """
    ends = []
    for of, beside in ((one, other), (other, one)):
        end = environment
        for name in ("numpy", "keras"):
            if name in of and of[name] != beside.get(name):
                end = _with(end, name, of[name])
        ends.append(with_packages(end, other_packages(beside, of)).environment)
    return ends[0], ends[1]


def most_environments(
    first: Environment,
    last: Environment,
    is_ready: Callable[[Environment], bool],
    differing: Sequence[str],
) -> int:
    """How many environments may have to be made to go into a difference of versions."""
    minors = between(first, last, patches=False)
    missing = sum(not is_ready(environment) for environment in minors[1:-1])
    pairs = itertools.pairwise(minors)
    patches = (len(between(one, other, patches=True)) for one, other in pairs)
    return (
        min(missing, version_search.most_trials(len(minors)))
        + max(version_search.most_trials(each) for each in patches)
        + len(differing)
    )
