"""Reading one record: foreign bytes come in here."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from harness.errors import RecordError
from harness.results import json_digest, schemas
from harness.results.consistency import contradiction
from harness.results.names import is_name, is_sha256
from harness.results.record import SCHEMA, Record
from harness.results.regular_files import content
from harness.results.schemas import Steps

MAX_BYTES = 64 << 20
"""Records are some kilobytes; larger files are no records and are not read into memory."""


def read_record(path: Path) -> Record | None:
    """The record in a file, None if there is no such file.

    Raises:
        RecordError: it cannot be read, is no record, is of another schema, contradicts itself or
            lies in the wrong place; the message names the file.
    """
    data = content(path, MAX_BYTES)
    return None if data is None else parse_record(path, data)


def parse_record(path: Path, data: bytes) -> Record:
    """The record in the content of a file at `path`, which need not be there.

    Raises:
        RecordError: as `read_record`.
    """
    return _checked(path, _validated(path, data))


def _validated(path: Path, data: bytes) -> Record:
    fields = content_of(path, data, newest=SCHEMA, steps=schemas.RECORD)
    try:
        return Record.model_validate(fields)
    except ValidationError as error:
        raise _unusable(path, f"is no record: {_first_error(error)}") from error


def content_of(path: Path, data: bytes, *, newest: int, steps: Steps) -> dict[str, Any]:
    """The JSON object in a file with a digest, in the schema `newest`.

    Its `sha256` is None where the file is of a schema 1 that had no digest, which `steps` add.

    Raises:
        RecordError: it is no JSON object, is of a schema that `steps` do not lead on from, or is
            not what its digest says.
    """
    parsed = _parsed(path, data)
    check_schema(path, parsed.get("schema"), newest, older=steps)
    if parsed["schema"] > 1 or 1 not in steps:
        _check_digest(path, parsed)
    return schemas.upgraded(parsed, steps)


def schema_of(path: Path, data: bytes) -> object:
    """The schema number as it stands in a JSON file.

    Raises:
        RecordError: it is no JSON object.
    """
    return _parsed(path, data).get("schema")


def _check_digest(path: Path, parsed: dict[str, Any]) -> None:
    try:
        digest = json_digest.digest(parsed)
    except ValueError as error:
        raise _unusable(path, f"holds an invalid number ({error})") from error
    if parsed.get(json_digest.KEY) != digest:
        raise _unusable(path, "was changed after it was written: its digest does not fit")


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    try:
        parsed = from_json(data)
    except ValueError as error:
        raise _unusable(path, f"is not valid JSON ({error})") from error
    if not isinstance(parsed, dict):
        raise _unusable(path, "is not a JSON object")
    return parsed


def check_schema(path: Path, number: Any, newest: int, *, older: Container[int] = ()) -> None:
    """Refuse a schema number that is neither `newest` nor one of `older`, and say what to do.

    Raises:
        RecordError: it is another one, or none.
    """
    if type(number) is int and (number == newest or number in older):
        return
    if type(number) is int and number > newest:
        remedy = "a newer harness wrote it: pip install --upgrade reproducibility-harness"
    elif type(number) is int and number > 0:
        remedy = "an older harness wrote it: move the folder away and harness run again"
    else:
        remedy = "no harness wrote it, or it was changed: move the file out of the folder"
    raise RecordError(f"{path}: schema {number!r}, and this harness reads {newest}; {remedy}")


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"


def _checked(path: Path, record: Record) -> Record:
    """A record that names another place than its own must not be followed there."""
    for what, name in (("matrix", record.matrix), ("machine", record.machine)):
        if not is_name(name):
            raise _unusable(path, f"has a {what} that cannot name a folder: {name!r}")
    if (record.cell, f"{record.repeat}.json") != (path.parent.name, path.name):
        raise _unusable(path, f"is the record of {record.cell!r}, repeat {record.repeat}")
    if record.measured is not None:
        for sha256 in record.measured.arrays.values():
            if not is_sha256(sha256):
                raise _unusable(path, f"has an invalid digest: {sha256!r}")
    wrong = contradiction(record)
    if wrong is not None:
        raise _unusable(path, f"contradicts itself: {wrong}")
    return record


def _unusable(path: Path, what: str) -> RecordError:
    return RecordError(
        f"{path}: {what}; move the file out of the folder, and harness run makes it again"
    )
