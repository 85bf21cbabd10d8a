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


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One package taken from another environment, all else left: `NumPy 1.23.5 → 1.26.4`."""

    name: str
    before: str
    after: str
    environment: Environment

    @property
    def words(self) -> str:
        """The package and its versions."""
        return f"{PACKAGES[self.name]} {self.before} → {self.after}"


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
    after: Environment,
    installed_before: Mapping[str, str],
    installed_after: Mapping[str, str],
) -> list[Exchange]:
    """`before` with one package each as `after` has it, of those that differ.

    `installed_before` and `installed_after` are the versions that were found.
    """
    found = []
    for name in PACKAGES:
        old, new = installed_before.get(name), installed_after.get(name)
        if old and new and old != new:
            taken = _with(before, name, new)
            found.append(Exchange(name=name, before=old, after=new, environment=taken))
    return found


def _with(environment: Environment, name: str, version: str) -> Environment:
    if name == "numpy":
        return replace(environment, numpy=version)
    if name == "keras":
        return replace(environment, keras=version)
    return replace(environment, python=version)


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
