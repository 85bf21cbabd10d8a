"""What `diff` and `why` found of two cells, as a file that a publication can take along.

Foreign bytes come in here (the file may be anybody's), so it is a pydantic model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from harness.errors import UsageError
from harness.protocol import files, untrusted
from harness.publish.shown import Shown

_LARGEST = 4 << 20

Text = Annotated[str, StringConstraints(max_length=4000)]


class StudyFile(BaseModel):
    """One study: the command, the full names of its cells, what it says, and its table.

    A name is `MATRIX/MACHINE/CELL`, with `#2` behind it where the second run was meant, and
    `@2.1` for the first fit of a script's second model.
    """

    schema_number: Literal[1] = Field(default=1, alias="schema")
    command: Literal["diff", "why"]
    cells: Annotated[tuple[Text, ...], Field(min_length=1, max_length=2)]
    sentences: Annotated[tuple[Text, ...], Field(max_length=200)]
    columns: Annotated[tuple[Text, ...], Field(max_length=20)] = ()
    rows: Annotated[tuple[tuple[Text, ...], ...], Field(max_length=5000)] = ()

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def of_study(
    command: Literal["diff", "why"],
    cells: Sequence[str],
    sentences: Sequence[str],
    table: Sequence[Shown],
) -> StudyFile:
    """The study as it is shown."""
    return StudyFile(
        command=command,
        cells=tuple(cells),
        sentences=tuple(sentences),
        columns=tuple(column.header for column in table),
        rows=tuple(zip(*(column.values for column in table), strict=True)),
    )


def check_target(path: Path) -> None:
    """Refuse a place where no study can be written, before anything runs for it.

    Raises:
        UsageError: it is no new file and no earlier study, or its folder is not there.
    """
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it, or name another")
    if path.exists():
        read(path)


def write(path: Path, study: StudyFile) -> None:
    """Write a study, also over an earlier one.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        files.write_json(path, study.model_dump(mode="json", by_alias=True))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def read(path: Path) -> StudyFile:
    """Read a study.

    Raises:
        UsageError: it cannot be read, or is no study.
    """
    try:
        with untrusted.open_regular(path, follow_links=True) as file:
            content = json.loads(file.read(_LARGEST))
        study = StudyFile.model_validate(content)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{path}: is no study that harness diff or why wrote with --save"
        ) from error
    if any(len(row) != len(study.columns) for row in study.rows):
        raise UsageError(f"{path}: a row of its table has not as many values as there are columns")
    return study
