"""`plan.jsonl`: the cells of a sweep as planned, one line each, written and read as a stream.

The first line is the header, the last one a checksum: how many cells there are, and the SHA-256 of
all bytes before it. Schema 1 had no checksum.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any, Literal

from pydantic_core import from_json

from harness.errors import RecordError
from harness.matrix.cells import DEFAULTS, SETTING_AXES, Cell
from harness.matrix.claim import Claim
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.matrix.reading import MAX_REPEATS
from harness.protocol.axes import to_json
from harness.results import durable, planned_claims
from harness.results.names import is_name
from harness.results.reading import check_schema
from harness.results.regular_files import opened

SCHEMA = 2
OLDER = frozenset({1})
"""Schemas that are still read: 1 is the same without the last line."""

Json = str | int | dict[str, str]
"""The value of a setting as it stands in a file: `env` is an object."""

_ENVIRONMENT_KEYS = ("python", "tensorflow", "numpy", "keras", "device")
_STATUSES = (None, "unavailable", "excluded")
_MAX_LINE = 16 << 20
"""The header holds a matrix file; what is longer is no line of a plan, and not read to its end."""
_CHECKSUM = b'{"cells": '
_DUMPS = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


@dataclass(frozen=True, kw_only=True)
class PlanHeader:
    """The first line: what all cells share.

    `defaults` has every process and run axis; `source` is the text of the matrix file. `claims` is
    left out of the file where there are none.
    """

    matrix: str
    machine: str
    repeats: int
    matrix_sha256: str
    source: str
    defaults: Mapping[str, Json]
    claims: tuple[Claim, ...] = ()


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
        **({"claims": planned_claims.to_json(matrix.claims)} if matrix.claims else {}),
    }
    lines = _lines(header, cells)
    replace(path, lines)


def replace(path: Path, lines: Iterable[bytes]) -> None:
    """Replace the plan by these lines and their checksum, in one step.

    An equal plan stays, so that an index made from it holds on.

    Raises:
        RecordError: the disk does not take it.
    """
    try:
        durable.write(
            path, _with_checksum(lines), partial=path.parent / durable.PARTIAL, keep_equal=True
        )
    except OSError as error:
        raise RecordError(f"{path}: the plan cannot be written: {error.strerror}") from error


def _with_checksum(lines: Iterable[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    count = 0
    for line in lines:
        digest.update(line)
        count += 1
        yield line
    yield _checksum(count - 1, digest.hexdigest())


def _checksum(cells: int, sha256: str) -> bytes:
    return _line(_DUMPS({"cells": cells, "sha256": sha256}))


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
    keys: dict[str, object] = {key: getattr(environment, key) for key in _ENVIRONMENT_KEYS}
    # Left out where there are none, so that plans without any stay as they were.
    further = {"requirements": list(environment.requirements)} if environment.requirements else {}
    return _DUMPS({**keys, **further})


@lru_cache(maxsize=1024)
def _reason(reason: str) -> str:
    """Many cells share a reason."""
    return _DUMPS(reason)


def read(path: Path) -> tuple[PlanHeader, Iterator[PlannedCell]]:
    """The header and, as a stream, the cells of a plan.

    Raises:
        RecordError: the plan cannot be read or is of another schema; the message names the line.
            Problems in the cells are raised when they are reached, and that the plan was changed
            or cut off at its end.
    """
    schema, header = _header(path)
    return header, _cells(path, has_checksum=schema not in OLDER)


def migrate(path: Path) -> bool:
    """Write a plan of an older schema in today's, in one step; False if it is of today's.

    Raises:
        RecordError: it cannot be read or written.
    """
    schema, _ = _header(path)
    if schema == SCHEMA:
        return False
    for _ in _cells(path, has_checksum=False):
        pass  # what is damaged gets no checksum
    with opened(path) as file:
        header = {**_parsed(path, 1, file.readline(_MAX_LINE)), "schema": SCHEMA}
        rest = (line.rstrip(b"\n") + b"\n" for line in _lines_of(file))
        replace(path, itertools.chain([_line(_DUMPS(header))], rest))
    return True


def _header(path: Path) -> tuple[int, PlanHeader]:
    with opened(path) as file:
        line = _parsed(path, 1, file.readline(_MAX_LINE))
    schema = line.pop("schema", None)
    check_schema(path, schema, SCHEMA, older=OLDER)
    try:
        claims = planned_claims.from_json(line.pop("claims", []))
        header = PlanHeader(**line, claims=claims)
        fits = _fits_header(header)
    except (TypeError, ValueError) as error:
        raise _unusable(path, 1, "is no header of a plan") from error
    if not fits:
        raise _unusable(path, 1, "is no header of a plan")
    return schema, header


def _fits_header(header: PlanHeader) -> bool:
    names_fit = is_name(header.matrix) and is_name(header.machine)
    numbers_fit = type(header.repeats) is int and 0 < header.repeats <= MAX_REPEATS
    texts_fit = isinstance(header.source, str) and isinstance(header.matrix_sha256, str)
    return names_fit and numbers_fit and texts_fit and _fit_settings(header.defaults)


def _fit_settings(settings: object) -> bool:
    """Whether the values are what an axis can have, and not, say, a thousand nested lists."""
    if not isinstance(settings, dict):
        return False
    return all(
        all(isinstance(text, str) for text in value.values())
        if isinstance(value, dict)
        else isinstance(value, (str, int))
        for value in settings.values()
    )


def _cells(path: Path, *, has_checksum: bool) -> Iterator[PlannedCell]:
    digest = hashlib.sha256()
    number = 1
    with opened(path) as file:
        digest.update(file.readline(_MAX_LINE))
        for number, line in enumerate(_lines_of(file), start=2):
            if has_checksum and line.startswith(_CHECKSUM):
                if line != _checksum(number - 2, digest.hexdigest()) or file.read(1):
                    raise _unusable(path, number, "the plan was changed after it was written")
                return
            yield _cell(path, number, line)
            digest.update(line)
    if has_checksum:
        raise _unusable(path, number, "the plan is cut off here")


def _lines_of(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.readline(_MAX_LINE), b"")


def _cell(path: Path, number: int, line: bytes) -> PlannedCell:
    fields = _parsed(path, number, line)
    try:
        further = tuple(fields["environment"].pop("requirements", ()))
        fields["environment"] = _read_environment(**fields["environment"], requirements=further)
        cell = PlannedCell(**fields)
        fits = is_name(cell.id) and isinstance(cell.reason, str) and cell.status in _STATUSES
    except (TypeError, KeyError, AttributeError) as error:
        raise _unusable(path, number, "is no cell of a plan") from error
    if not (fits and _fit_settings(cell.settings)):
        raise _unusable(path, number, "is no cell of a plan")
    return cell


@cache
def _read_environment(*, requirements: tuple[Any, ...], **keys: Any) -> Environment:
    """One value per environment, however many cells name it."""
    if not all(isinstance(value, str) or value is None for value in keys.values()):
        raise TypeError("versions are texts")
    if not all(isinstance(text, str) for text in requirements):
        raise TypeError("requirements are texts")
    return Environment(**keys, requirements=requirements)


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        content = from_json(line)
    except ValueError as error:
        raise _unusable(path, number, f"is not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise _unusable(path, number, "is not a JSON object")
    return content


def _unusable(path: Path, number: int, what: str) -> RecordError:
    return RecordError(f"{path}:{number}: {what}; harness run writes the plan again")
