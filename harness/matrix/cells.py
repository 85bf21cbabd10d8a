"""Cells: every combination a matrix asks for, named; those that cannot run keep their reason."""

from __future__ import annotations

import fnmatch
import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from packaging.version import Version

from harness import compatibility, selection
from harness.matrix import legacy_keras
from harness.matrix.claim import Where
from harness.matrix.environment import Environment
from harness.matrix.matrix import Block, EnvironmentEntry, Exclusion, Matrix
from harness.matrix.values import ENVIRONMENT_KEYS
from harness.protocol.axes import CATALOGUE, Axis, Value
from harness.subjects import reference
from harness.subjects.scripts import ScriptEntry

SETTING_AXES: tuple[Axis, ...] = tuple(axis for axis in CATALOGUE if axis.scope != "environment")
"""Every process and run axis, in catalogue order: the order of `Cell.values`."""

DEFAULTS: Mapping[str, Value] = {axis.name: axis.default for axis in SETTING_AXES}

SCRIPT_DEFAULTS: Mapping[str, Value] = {axis.name: axis.script_default for axis in SETTING_AXES}
"""The same where a user's script is trained: what is not asked for is left as the script has it."""

MAX_ID = 180
"""A cell id is a folder name; file systems allow 255 bytes."""

AXIS_INDEX: Mapping[str, int] = {axis.name: place for place, axis in enumerate(SETTING_AXES)}
"""Where the value of an axis stands in `Cell.values`."""

_NAMES = tuple(DEFAULTS)
_DEFAULTS = tuple(DEFAULTS.values())
_SCRIPT_DEFAULTS = tuple(SCRIPT_DEFAULTS.values())
_WORKLOAD = AXIS_INDEX["workload"]
_PARAMETERS = AXIS_INDEX["parameters"]
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

        The parameters of a script stand by their names, all of them.

        It does not depend on what else stands in the matrix, so a matrix can grow and finished
        runs are still found.
        """
        is_script = reference.is_script(self.workload)
        return cell_id(self.environment, self.values, is_script=is_script)

    @property
    def workload(self) -> str:
        """What is trained."""
        return str(self.values[_WORKLOAD])

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the parameters of a script."""
        pairs = self.values[_PARAMETERS]
        return dict(pairs) if isinstance(pairs, tuple) else {}

    @property
    def settings(self) -> dict[str, Value]:
        """Every process and run axis by name."""
        return {axis.name: v for axis, v in zip(SETTING_AXES, self.values, strict=True)}


def cell_id(environment: Environment, values: tuple[Value, ...], *, is_script: bool) -> str:
    """The id of a cell, also of one whose workload this program may not know."""
    defaults = _SCRIPT_DEFAULTS if is_script else _DEFAULTS
    varied = [
        _parameters(value) if name == "parameters" else f"{name}={_in_words(value)}"
        for name, value, default in zip(_NAMES, values, defaults, strict=True)
        if value != default and name != "workload"
    ]
    return _file_name(",".join([str(values[_WORKLOAD]), environment.id, *varied]))


def cell_variables(cell: Cell) -> dict[str, str]:
    """The environment variables with which the process of a cell starts."""
    return legacy_keras.variables(cell.environment.requirements, cell.settings)


def _in_words(value: Value) -> str:
    if not isinstance(value, tuple):
        return str(value)
    plain = "+".join(f"{name}={text}" for name, text in value)
    safe = _UNSAFE.sub("-", plain)
    # A value with the signs that join pairs could read like another pair.
    exact = safe == plain and not any("=" in text or "+" in text for _, text in value)
    return safe if exact else f"{safe}~{_digest(repr(value))}"


def _parameters(pairs: Value) -> str:
    """Every parameter by its own name; values that could not stand in a file name get a digest."""
    texts = pairs if isinstance(pairs, tuple) else ()
    return ",".join(f"{name}={_safe(text)}" for name, text in texts)


def _safe(text: str) -> str:
    safe = _UNSAFE.sub("-", text)
    return safe if safe == text and text else f"{safe}~{_digest(text)}"


def _file_name(name: str) -> str:
    return name if len(name) <= MAX_ID else f"{name[: MAX_ID - 9]}~{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def count(matrix: Matrix) -> int:
    """How many combinations the matrix's product and includes name, repeated ones included."""
    return sum(_size(block, matrix.scripts) for block in matrix.blocks)


def _size(block: Block, scripts: Mapping[str, ScriptEntry]) -> int:
    per_entry = sum(
        len(e.python) * len(e.tensorflow) * len(e.numpy) * len(e.keras) for e in block.environments
    )
    devices = len(block.axes.get("device", ("cpu",)))
    groups = _groups(block, scripts)
    return per_entry * devices * sum(math.prod(map(len, group.lists)) for group in groups)


def cells(matrix: Matrix) -> Iterator[Cell]:
    """Every cell of the matrix, each combination once, in the order of the file.

    Lazy: a million cells cost the memory of their bare values, to tell repeated ones.
    """
    overlapping = len(matrix.blocks) > 1 or bool(matrix.scripts) or _names_environment_twice(matrix)
    seen: set[tuple[Environment, tuple[Value, ...]]] = set()
    excluded = _exclusion_of(matrix.exclude)
    for block in matrix.blocks:
        for environment, values in _combinations(block, matrix.scripts):
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


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Workloads of a block that are multiplied out together: the values of each axis, in order,
    and the packages that they need besides the environment's own."""

    lists: tuple[tuple[Value, ...], ...]
    requirements: tuple[str, ...] = ()


def _groups(block: Block, scripts: Mapping[str, ScriptEntry]) -> list[_Group]:
    """The reference workloads that follow one another are a group, and each script is one."""
    workloads = block.axes.get("workload", (DEFAULTS["workload"],))
    groups = []
    for name, members in itertools.groupby(workloads, lambda each: scripts.get(str(each))):
        if name is None:
            groups.append(_Group(lists=_lists(block, DEFAULTS, workload=tuple(members))))
        else:
            own = {"workload": (name.name,), "parameters": _assignments(name, block)}
            lists = _lists(block, SCRIPT_DEFAULTS, **own)
            groups.append(_Group(lists=lists, requirements=name.requirements))
    return groups


def _lists(
    block: Block, defaults: Mapping[str, Value], **own: tuple[Value, ...]
) -> tuple[tuple[Value, ...], ...]:
    given = {**block.axes, **own}
    return tuple(given.get(name, (default,)) for name, default in defaults.items())


def _assignments(script: ScriptEntry, block: Block) -> tuple[Value, ...]:
    """Every combination of the script's parameters: those of the block, else its own values."""
    names = sorted(script.parameters)
    lists = [block.parameters.get(name, script.parameters[name]) for name in names]
    return tuple(tuple(zip(names, texts, strict=True)) for texts in itertools.product(*lists))


def _combinations(
    block: Block, scripts: Mapping[str, ScriptEntry]
) -> Iterator[tuple[Environment, tuple[Value, ...]]]:
    groups = _groups(block, scripts)
    devices = block.axes.get("device", ("cpu",))
    for entry in block.environments:
        for device in devices:
            for environment in _environments(entry, str(device)):
                for group in groups:
                    needed = _with_packages(environment, group.requirements)
                    for values in itertools.product(*group.lists):
                        yield needed, values


def _with_packages(environment: Environment, packages: Sequence[str]) -> Environment:
    if not packages:
        return environment
    return replace(environment, requirements=tuple(sorted({*environment.requirements, *packages})))


def _environments(entry: EnvironmentEntry, device: str) -> Iterator[Environment]:
    for python, tensorflow, numpy, word in _expand(entry):
        is_legacy = word is not None and legacy_keras.is_requirement(word)
        keras = None if is_legacy else word
        yield Environment(
            python=python or _newest_python(tensorflow, numpy, keras),
            tensorflow=tensorflow,
            numpy=numpy,
            keras=keras,
            device=device,
            requirements=(word,) if word is not None and is_legacy else (),
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


def combined(environment: Environment, values: tuple[Value, ...]) -> Cell:
    """The cell of one combination that no matrix asked for; `unavailable` where it cannot exist."""
    return _cell(environment, values, lambda _environment, _values: None)


def _refused(environment: Environment) -> str | None:
    refusal = _refusal(environment)
    return None if refusal is None else refusal.reason


@cache
def _refusal(environment: Environment) -> compatibility.Refusal | None:
    general = compatibility.refusal(
        python=environment.python,
        tensorflow=environment.tensorflow,
        numpy=environment.numpy,
        keras=environment.keras,
        device=environment.device,
    )
    return general or legacy_keras.refusal(environment)


@cache
def _newer_axes(tensorflow: str) -> tuple[tuple[int, Axis], ...]:
    """The axes (with their places) that this TensorFlow cannot apply yet."""
    version = Version(tensorflow)
    return tuple((i, a) for i, a in enumerate(SETTING_AXES) if version < Version(a.since))


def _too_old(tensorflow: str, values: tuple[Value, ...]) -> str | None:
    is_script = reference.is_script(str(values[_WORKLOAD]))
    for place, axis in _newer_axes(tensorflow):
        if values[place] != axis.default and not (
            is_script and values[place] == axis.script_default
        ):
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
                value_of(key, environment, values) in allowed for key, allowed in rule.match.items()
            ):
                return rule.because
        return None

    return excluded


def value_of(key: str, environment: Environment, values: tuple[Value, ...]) -> Value | None:
    """What a cell has for an axis, an environment key or a parameter, None where it has nothing."""
    if key in AXIS_INDEX:
        return values[AXIS_INDEX[key]]
    if key == "keras":
        return environment.keras or legacy_keras.of(environment.requirements)
    if key == "device" or key in ENVIRONMENT_KEYS:
        value: Value | None = getattr(environment, key)
        return value
    pairs = values[_PARAMETERS]
    return dict(pairs).get(key) if isinstance(pairs, tuple) else None


def fits(where: Where, environment: Environment, values: tuple[Value, ...]) -> bool:
    """Whether a cell was asked for what `where` says; its versions may be globs."""
    return all(
        _is_among(key, value_of(key, environment, values), allowed)
        for key, allowed in where.items()
    )


def _is_among(key: str, value: Value | None, allowed: tuple[Value, ...]) -> bool:
    if key in ENVIRONMENT_KEYS and value is not None:
        return any(fnmatch.fnmatchcase(str(value), str(pattern)) for pattern in allowed)
    return value in allowed


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
