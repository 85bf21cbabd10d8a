"""Migrating results of older schemas to today's, without losing what was there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.results import durable, json_digest, left_out, plan_file, scan, schemas
from harness.results.names import BLOB_FOLDER
from harness.results.reading import MAX_BYTES, content_of, read_record, schema_of
from harness.results.record import SCHEMA
from harness.results.regular_files import content
from harness.results.store import MACHINE_SCHEMA, Store, on_disk, replace_record


def migrate(
    folder: Path, advance: Callable[[], object] = lambda: None, *, supersede: bool = True
) -> Counter[str]:
    """Write everything of an older schema in a results folder in today's; how many, by kind.

    Each file is replaced in one step. The record that was there is kept beside the new one as a
    superseded one, or not, without `supersede`. Doing it again does nothing.

    Raises:
        UsageError: there are no results here, or a sweep is running in them.
        RecordError: a file is damaged or cannot be written; those before it are done.
    """
    done: Counter[str] = Counter()
    for sweep in scan.sweeps(folder):
        with _locked(sweep.folder) as place:
            done["plans"] += _migrate_plan(place / scan.PLAN)
            done["machines"] += _migrate_machine(place / scan.MACHINE)
            for path in _records(place):
                done["records"] += _migrate_record(path, place, supersede)
                advance()
    return done


def leave_out(folder: Path, kinds: Collection[str]) -> int:
    """Remove the arrays of these kinds from a results folder and have it say so; how many.

    Raises:
        UsageError: there are no results here, or a sweep is running in them.
        RecordError: it cannot be written.
    """
    removed = 0
    with ExitStack() as stack:
        places = [stack.enter_context(_locked(sweep.folder)) for sweep in scan.sweeps(folder)]
        for matrix in dict.fromkeys(place.parent for place in places):
            partial = next(p for p in places if p.parent == matrix) / durable.PARTIAL
            with on_disk(matrix):
                removed += left_out.leave_out(matrix / BLOB_FOLDER, kinds, partial=partial)
    return removed


@contextmanager
def _locked(sweep: Path) -> Iterator[Path]:
    """The real folder of a sweep, with every sweep kept out of it."""
    place = sweep.resolve()
    with Store(place.parent.parent, place.parent.name, place.name).lock():
        yield place


def _records(folder: Path) -> Iterator[Path]:
    for cell in scan.cell_folders(folder)[0]:
        for repeat in scan.repeats_in(folder / cell)[0]:
            yield folder / cell / f"{repeat}.json"


def _migrate_plan(path: Path) -> bool:
    return os.path.lexists(path) and plan_file.migrate(path)


def _migrate_record(path: Path, sweep: Path, supersede: bool) -> bool:
    record = read_record(path)
    data = content(path, MAX_BYTES)
    if record is None or data is None or schema_of(path, data) == SCHEMA:
        return False
    with on_disk(path):
        partial = sweep / durable.PARTIAL
        replace_record(path, record, partial=partial, top=sweep, supersede=supersede)
    return True


def _migrate_machine(path: Path) -> bool:
    data = content(path, MAX_BYTES)
    if data is None or schema_of(path, data) == MACHINE_SCHEMA:
        return False
    migrated = content_of(path, data, newest=MACHINE_SCHEMA, steps=schemas.MACHINE)
    with on_disk(path):
        durable.write(
            path, [json_digest.with_digest(migrated)], partial=path.parent / durable.PARTIAL
        )
    return True
