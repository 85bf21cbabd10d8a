"""Cells: every combination a matrix asks for, named; those that cannot run keep their reason."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from packaging.version import Version

from harness import compatibility, selection
from harness.matrix.environment import Environment
from harness.matrix.matrix import Block, EnvironmentEntry, Exclusion, Matrix
from harness.protocol.axes import CATALOGUE, Axis, Value

SETTING_AXES: tuple[Axis, ...] = tuple(axis for axis in CATALOGUE if axis.scope != "environment")
"""Every process and run axis, in catalogue order: the order of `Cell.values`."""

DEFAULTS: Mapping[str, Value] = {axis.name: axis.default for axis in SETTING_AXES}

MAX_ID = 180
"""A cell id is a folder name; file systems allow 255 bytes."""

AXIS_INDEX: Mapping[str, int] = {axis.name: place for place, axis in enumerate(SETTING_AXES)}
"""Where the value of an axis stands in `Cell.values`."""

_NAMES = tuple(DEFAULTS)
_DEFAULTS = tuple(DEFAULTS.values())
_UNSAFE = re.compile(r"[^A-Za-z0-9._=+-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One combination. `values` belong to `SETTING_AXES`; `status` None means it can run."""

    environment: Environment
    values: tuple[Value, ...]
    status: Literal["unavailable", "excluded"] | None = None
    reason: str = ""

    @property
    def id(self) -> str:
        """The readable name: workload, environment, then every axis not at its default.

        It does not depend on what else stands in the matrix, so a matrix can grow and finished
        runs are still found.
        """
        varied = [
            f"{name}={_in_words(value)}"
            for name, value, default in zip(_NAMES, self.values, _DEFAULTS, strict=True)
            if value != default and name != "workload"
        ]
        return _file_name(
            ",".join([str(self.values[AXIS_INDEX["workload"]]), self.environment.id, *varied])
        )

    @property
    def settings(self) -> dict[str, Value]:
        """Every process and run axis by name."""
        return {axis.name: v for axis, v in zip(SETTING_AXES, self.values, strict=True)}


def _in_words(value: Value) -> str:
    if not isinstance(value, tuple):
        return str(value)
    plain = "+".join(f"{name}={text}" for name, text in value)
    safe = _UNSAFE.sub("-", plain)
    # A value with the signs that join pairs could read like another pair.
    exact = safe == plain and not any("=" in text or "+" in text for _, text in value)
    return safe if exact else f"{safe}~{_digest(repr(value))}"


def _file_name(name: str) -> str:
    return name if len(name) <= MAX_ID else f"{name[: MAX_ID - 9]}~{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def count(matrix: Matrix) -> int:
    """How many combinations the matrix's product and includes name, repeated ones included."""
    return sum(_size(block) for block in matrix.blocks)


def _size(block: Block) -> int:
    per_entry = sum(
        len(e.python) * len(e.tensorflow) * len(e.numpy) * len(e.keras) for e in block.environments
    )
    return per_entry * math.prod(len(values) for values in block.axes.values())


def cells(matrix: Matrix) -> Iterator[Cell]:
    """Every cell of the matrix, each combination once, in the order of the file.

    Lazy: a million cells cost the memory of their bare values, to tell repeated ones.
    """
    overlapping = len(matrix.blocks) > 1 or _names_environment_twice(matrix)
    seen: set[tuple[Environment, tuple[Value, ...]]] = set()
    excluded = _exclusion_of(matrix.exclude)
    for block in matrix.blocks:
        for environment, values in _combinations(block):
            if overlapping and (environment, values) in seen:
                continue
            if overlapping:
                seen.add((environment, values))
            yield _cell(environment, values, excluded)


def _names_environment_twice(matrix: Matrix) -> bool:
    found = [
        environment
        for block in matrix.blocks
        for entry in block.environments
        for environment in _environments(entry, "cpu")
    ]
    return len(set(found)) < len(found)


def _combinations(block: Block) -> Iterator[tuple[Environment, tuple[Value, ...]]]:
    lists = [block.axes.get(axis.name, (axis.default,)) for axis in SETTING_AXES]
    devices = block.axes.get("device", ("cpu",))
    for entry in block.environments:
        for device in devices:
            for environment in _environments(entry, str(device)):
                for values in itertools.product(*lists):
                    yield environment, values


def _environments(entry: EnvironmentEntry, device: str) -> Iterator[Environment]:
    for python, tensorflow, numpy, keras in _expand(entry):
        yield Environment(
            python=python or _newest_python(tensorflow, numpy, keras),
            tensorflow=tensorflow,
            numpy=numpy,
            keras=keras,
            device=device,
        )


def _expand(
    entry: EnvironmentEntry,
) -> Iterator[tuple[str | None, str, str | None, str | None]]:
    return itertools.product(entry.python, entry.tensorflow, entry.numpy, entry.keras)


@cache
def _newest_python(tensorflow: str, numpy: str | None, keras: str | None) -> str:
    """The newest Python that fits; where none does, one to name the cell by, refused below."""
    return (
        compatibility.resolve_python(tensorflow, numpy, keras)
        or compatibility.resolve_python(tensorflow, None, None)
        or "3"
    )


def _cell(
    environment: Environment,
    values: tuple[Value, ...],
    excluded: Callable[[Environment, tuple[Value, ...]], str | None],
) -> Cell:
    because = excluded(environment, values)
    if because is not None:
        return Cell(environment=environment, values=values, status="excluded", reason=because)
    reason = _refused(environment) or _too_old(environment.tensorflow, values)
    if reason:
        return Cell(environment=environment, values=values, status="unavailable", reason=reason)
    return Cell(environment=environment, values=values)


def _refused(environment: Environment) -> str | None:
    refusal = _refusal(environment)
    return None if refusal is None else refusal.reason


@cache
def _refusal(environment: Environment) -> compatibility.Refusal | None:
    return compatibility.refusal(
        python=environment.python,
        tensorflow=environment.tensorflow,
        numpy=environment.numpy,
        keras=environment.keras,
        device=environment.device,
    )


@cache
def _newer_axes(tensorflow: str) -> tuple[tuple[int, Axis], ...]:
    """The axes (with their places) that this TensorFlow cannot apply yet."""
    version = Version(tensorflow)
    return tuple((i, a) for i, a in enumerate(SETTING_AXES) if version < Version(a.since))


def _too_old(tensorflow: str, values: tuple[Value, ...]) -> str | None:
    for place, axis in _newer_axes(tensorflow):
        if values[place] != axis.default:
            return (
                f"{axis.name}={values[place]} needs TensorFlow {axis.since}, this is {tensorflow}"
            )
    return None


def _exclusion_of(
    rules: tuple[Exclusion, ...],
) -> Callable[[Environment, tuple[Value, ...]], str | None]:
    def excluded(environment: Environment, values: tuple[Value, ...]) -> str | None:
        for rule in rules:
            if all(
                (getattr(environment, key) if key not in AXIS_INDEX else values[AXIS_INDEX[key]])
                in allowed
                for key, allowed in rule.match.items()
            ):
                return rule.because
        return None

    return excluded


def select(found: Iterator[Cell], only: tuple[str, ...]) -> Iterator[Cell]:
    """The cells whose id matches one of the globs, all where there is none.

    Raises:
        SelectionError: none matches; the message shows the first ids there are.
    """
    return selection.select(found, only, name=lambda cell: cell.id)


def impossible_environments(matrix: Matrix) -> Iterator[tuple[EnvironmentEntry, str]]:
    """The environments written out one by one that cannot exist, with what would work instead."""
    entries = {entry: None for block in matrix.blocks for entry in block.environments}
    for entry in entries:
        for environment in _environments(entry, "cpu") if entry.written_out else ():
            refusal = _refusal(environment)
            if refusal is not None:
                yield entry, f"{refusal.reason} {refusal.remedy}"
