"""`plan.jsonl`: the cells of a sweep as planned, one line each, written and read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic_core import from_json

from harness.errors import RecordError
from harness.matrix.axes import to_json
from harness.matrix.cells import DEFAULTS, SETTING_AXES, Cell
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.results import durable
from harness.results.names import is_name
from harness.results.reading import check_schema

SCHEMA = 1

Json = str | int | dict[str, str]
"""The value of a setting as it stands in a file: `env` is an object."""

_ENVIRONMENT_KEYS = ("python", "tensorflow", "numpy", "keras", "device")
_STATUSES = (None, "unavailable", "excluded")
_DUMPS = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True, kw_only=True)
class PlanHeader:
    """The first line: what all cells share.

    `defaults` has every process and run axis; `source` is the text of the matrix file.
    """

    matrix: str
    machine: str
    repeats: int
    matrix_sha256: str
    source: str
    defaults: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCell:
    """One cell of the plan; `settings` has the axes that differ from the defaults only."""

    id: str
    environment: Environment
    settings: Mapping[str, Json]
    status: Literal["unavailable", "excluded"] | None
    reason: str


def write(path: Path, *, matrix: Matrix, machine: str, cells: Iterable[Cell]) -> None:
    """Replace the plan in one step; `cells` is read once, as a stream.

    Raises:
        RecordError: the disk does not take it.
    """
    header = {
        "schema": SCHEMA,
        "matrix": matrix.name,
        "machine": machine,
        "repeats": matrix.repeats,
        "matrix_sha256": matrix.sha256,
        "source": matrix.source,
        "defaults": {name: to_json(value) for name, value in DEFAULTS.items()},
    }
    lines = _lines(header, cells)
    try:
        durable.write(path, lines, partial=path.parent / durable.PARTIAL)
    except OSError as error:
        raise RecordError(f"{path}: the plan cannot be written: {error.strerror}") from error


def _lines(header: Mapping[str, Any], cells: Iterable[Cell]) -> Iterator[bytes]:
    yield _line(_DUMPS(header))
    for cell in cells:
        settings = {
            axis.name: to_json(value)
            for axis, value in zip(SETTING_AXES, cell.values, strict=True)
            if value != axis.default
        }
        yield _line(
            f'{{"environment": {_environment(cell.environment)}, "id": {_DUMPS(cell.id)}, '
            f'"reason": {_reason(cell.reason)}, "settings": {_DUMPS(settings)}, '
            f'"status": {_DUMPS(cell.status)}}}'
        )


def _line(text: str) -> bytes:
    return text.encode("utf-8", "replace") + b"\n"


@cache
def _environment(environment: Environment) -> str:
    return _DUMPS({key: getattr(environment, key) for key in _ENVIRONMENT_KEYS})


@lru_cache(maxsize=1024)
def _reason(reason: str) -> str:
    """Many cells share a reason."""
    return _DUMPS(reason)


def read(path: Path) -> tuple[PlanHeader, Iterator[PlannedCell]]:
    """The header and, as a stream, the cells of a plan.

    Raises:
        RecordError: the plan cannot be read or is of another schema; the message names the line.
            Problems in the cells are raised when they are reached.
    """
    try:
        with path.open("rb") as file:
            header = _header(path, file.readline())
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror}") from error
    return header, _cells(path)


def _header(path: Path, line: bytes) -> PlanHeader:
    found = _parsed(path, 1, line)
    check_schema(path, found.pop("schema", None), SCHEMA)
    try:
        header = PlanHeader(**found)
        names_fit = is_name(header.matrix) and is_name(header.machine)
        numbers_fit = type(header.repeats) is int and header.repeats > 0
    except TypeError as error:
        raise _unusable(path, 1, "is no header of a plan") from error
    if not (names_fit and numbers_fit and isinstance(header.defaults, dict)):
        raise _unusable(path, 1, "is no header of a plan")
    return header


def _cells(path: Path) -> Iterator[PlannedCell]:
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, start=2):
            yield _cell(path, number, line)


def _cell(path: Path, number: int, line: bytes) -> PlannedCell:
    found = _parsed(path, number, line)
    try:
        found["environment"] = _read_environment(**found["environment"])
        cell = PlannedCell(**found)
        fits = is_name(cell.id) and cell.status in _STATUSES and isinstance(cell.settings, dict)
    except (TypeError, KeyError) as error:
        raise _unusable(path, number, "is no cell of a plan") from error
    if not fits:
        raise _unusable(path, number, "is no cell of a plan")
    return cell


@cache
def _read_environment(**keys: Any) -> Environment:
    """One value per environment, however many cells name it."""
    return Environment(**keys)


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = from_json(line)
    except ValueError as error:
        raise _unusable(path, number, f"is not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise _unusable(path, number, "is not a JSON object")
    return found


def _unusable(path: Path, number: int, what: str) -> RecordError:
    return RecordError(f"{path}:{number}: {what}; harness run writes the plan again")
