"""Writing results of older schemas up to today's, without losing what was there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.results import durable, migration, plan_file, scan, sealing
from harness.results.regular_files import content
from harness.results.reading import MAX_BYTES, content_of, read_record, schema_of
from harness.results.record import SCHEMA
from harness.results.store import MACHINE_SCHEMA, Store, on_disk, replace_record


def upgrade(folder: Path, advance: Callable[[], object] = lambda: None) -> Counter[str]:
    """Write everything of an older schema in a results folder up; how many, by kind of file.

    Each file is replaced in one step. The record that was there is kept beside the new one as a
    superseded one. Doing it again does nothing.

    Raises:
        UsageError: there are no results here, or a sweep is running in them.
        RecordError: a file is damaged or cannot be written; those before it are done.
    """
    done: Counter[str] = Counter()
    for sweep in scan.sweeps(folder):
        folder = sweep.folder.resolve()
        with Store(folder.parent.parent, sweep.matrix, sweep.machine).lock():
            done["plans"] += _upgrade_plan(folder / scan.PLAN)
            done["machines"] += _upgrade_machine(folder / scan.MACHINE)
            for path in _records(folder):
                done["records"] += _upgrade_record(path, folder)
                advance()
    return done


def _records(folder: Path) -> Iterator[Path]:
    for cell in scan.cell_folders(folder)[0]:
        for repeat in scan.repeats_in(folder / cell)[0]:
            yield folder / cell / f"{repeat}.json"


def _upgrade_plan(path: Path) -> bool:
    return os.path.lexists(path) and plan_file.upgrade(path)


def _upgrade_record(path: Path, folder: Path) -> bool:
    record = read_record(path)
    data = content(path, MAX_BYTES)
    if record is None or data is None or schema_of(path, data) == SCHEMA:
        return False
    with on_disk(path):
        replace_record(path, record, partial=folder / durable.PARTIAL, top=folder)
    return True


def _upgrade_machine(path: Path) -> bool:
    data = content(path, MAX_BYTES)
    if data is None or schema_of(path, data) == MACHINE_SCHEMA:
        return False
    found = content_of(path, data, known=MACHINE_SCHEMA, steps=migration.MACHINE)
    with on_disk(path):
        durable.write(path, [sealing.sealed(found)], partial=path.parent / durable.PARTIAL)
    return True
