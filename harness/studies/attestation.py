"""The verdicts of `verify` as an in-toto statement: what was verified and what came out.

https://github.com/in-toto/attestation , version 1, with the predicate "test result": a test is a
cell of the results, named MATRIX/MACHINE/CELL. `passedTests` are those that left the same bits,
`failedTests` those that did not. Cells that could not be tried are in neither list. The field
`reproducibilityHarness` of the predicate is an extension, with all that `verify` says of each cell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harness.errors import RecordError
from harness.publish import tables
from harness.publish.bundle import manifest
from harness.publish.escaping import visible
from harness.results import regular_files, scan
from harness.results.scan import MACHINE, PLAN, sweeps
from harness.studies import verdicts
from harness.studies.foreign_results import ForeignResults
from harness.studies.verdicts import Check

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
EXTENSION = "reproducibilityHarness"

Result = Literal["PASSED", "WARNED", "FAILED"]
Json = dict[str, Any]

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Verification:
    """One call of `verify`: its verdicts, and what it verified of how many cells, how and where.

    `only` are the globs that chose the cells, `cells` is how many the results have in all.
    """

    checks: Sequence[Check]
    only: Sequence[str]
    cells: int
    machine: str
    engine: str
    version: str
    repeats: int
    finished: str


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a statement says: its result, and lines for people."""

    result: Result
    lines: tuple[str, ...]


def parsed(payload: bytes, where: str) -> Said:
    """What a statement of this program says; it may be anybody's.

    Raises:
        RecordError: it is none.
    """
    try:
        content = json.loads(payload)
        predicate = content["predicate"]
        is_ours = content["_type"] == STATEMENT_TYPE and content["predicateType"] == PREDICATE_TYPE
        if not is_ours or predicate["result"] not in get_args(Result):
            raise ValueError("it is of another type")
        return Said(result=predicate["result"], lines=tuple(_lines(content)))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RecordError(
            f"{where}: is no in-toto statement of test results ({error}); get the file again"
        ) from error


def _lines(content: Json) -> Iterator[str]:
    """Who looked at what: subjects by digest, then the tests by outcome."""
    predicate = content["predicate"]
    details = predicate.get(EXTENSION, {})
    for name in ("summary", "machine", "finished"):
        if name in details:
            yield f"  {name}: {visible(str(details[name]))}"
    subjects = content["subject"]
    for each in subjects[:_SHOWN]:
        yield f"  of {visible(str(each['name']))}, sha256 {visible(str(each['digest']['sha256']))}"
    if len(subjects) > _SHOWN:
        yield f"  … and {len(subjects) - _SHOWN:,} more files"
    for what in ("passedTests", "failedTests"):
        yield f"  {what}: {len(predicate[what]):,}"


def statement(subjects: Sequence[Json], verification: Verification) -> bytes:
    """The statement as JSON; equal input gives equal bytes."""
    checks = verification.checks
    content = {
        "_type": STATEMENT_TYPE,
        "subject": list(subjects),
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": result_of(verification),
            "configuration": list(_configuration(checks)),
            "passedTests": [_name(each) for each in checks if each.verdict == "MATCH"],
            "warnedTests": [],
            "failedTests": [_name(each) for each in checks if each.verdict in verdicts.CONTRARY],
            EXTENSION: _details(verification),
        },
    }
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def result_of(verification: Verification) -> Result:
    """PASSED where every cell of the results left the same bits here, and nothing less.

    WARNED where all that were tried did, and others were not tried or not chosen.
    """
    found = {each.verdict for each in verification.checks}
    if found & verdicts.CONTRARY or "MATCH" not in found:
        return "FAILED"
    is_whole = len(verification.checks) == verification.cells
    return "PASSED" if found == {"MATCH"} and is_whole else "WARNED"


def subjects_of_bundle(target: Path, sha256: str, manifest_bytes: bytes) -> list[Json]:
    """A bundle as the subject: its manifest, and the archive where it is one (`sha256` not "")."""
    listed = _subject(manifest.NAME, hashlib.sha256(manifest_bytes).hexdigest())
    return [_subject(target.name, sha256), listed] if sha256 else [listed]


def subjects_of_folder(foreign: ForeignResults, checks: Iterable[Check]) -> list[Json]:
    """The files of a results folder that the verdicts rest on: records, plans and machines."""
    chosen = {_name(each) for each in checks}
    return [
        _subject(name, hashlib.sha256(content).hexdigest())
        for name, path in _files(foreign.results, chosen)
        if (content := regular_files.content(path, 1 << 30)) is not None
    ]


def _files(results: Path, chosen: set[str]) -> Iterator[tuple[str, Path]]:
    for sweep in sweeps(results):
        place = f"{sweep.matrix}/{sweep.machine}"
        cells = [c for c in scan.cell_folders(sweep.folder)[0] if f"{place}/{c}" in chosen]
        paths = [
            f"{cell}/{repeat}.json"
            for cell in cells
            for repeat in scan.repeats_in(sweep.folder / cell)[0]
        ]
        if any(name.startswith(f"{place}/") for name in chosen):
            for path in (PLAN, MACHINE, *paths):
                yield f"{place}/{path}", sweep.folder / path


def _subject(name: str, sha256: str) -> Json:
    return {"name": name, "digest": {"sha256": sha256}}


def _configuration(checks: Iterable[Check]) -> Iterator[Json]:
    """The locks of what was tried: with them the environments were made."""
    tried = {
        each.reference.lock_sha256: each.reference.cell.environment.id
        for each in checks
        if each.runs and each.reference.cell is not None
    }
    for sha256, environment in sorted(tried.items(), key=lambda item: (item[1], item[0])):
        yield {**_subject(f"{environment}.txt", sha256), "mediaType": "text/plain"}


def _details(verification: Verification) -> Json:
    return {
        "summary": verdicts.summary(verification.checks),
        "only": list(verification.only),
        "cellsInResults": verification.cells,
        "machine": verification.machine,
        "engine": verification.engine,
        "version": verification.version,
        "repeats": verification.repeats,
        "finished": verification.finished,
        "cells": list(_rows(verification.checks)),
    }


def _rows(checks: Sequence[Check]) -> Iterator[Json]:
    """What `verify --format json` says of the cells, without what is missing."""
    for row in json.loads(tables.render(verdicts.frame(checks), "json")):
        yield {name: value for name, value in row.items() if value not in (None, "")}


def _name(check: Check) -> str:
    reference = check.reference
    return f"{reference.matrix}/{reference.machine}/{reference.id}"
