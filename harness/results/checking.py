"""Whether a results folder is what was written: every record, plan, machine, blob and lock.

Everything is read, and all problems are collected: `damaged` is not what its digest says or cannot
be read, `missing` is named by a record and not there, `foreign` was not written by the harness.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.errors import RecordError
from harness.results import blobs, left_out, locks, regular_files, scan, schemas, vouchers
from harness.results.names import BLOB_FOLDER, is_sha256
from harness.results.reading import MAX_BYTES, content_of, read_record
from harness.results.record import Record
from harness.results.regular_files import content
from harness.results.scan import SweepFolder
from harness.results.store import MACHINE_SCHEMA
from harness.wording import counted

Kind = Literal["damaged", "missing", "foreign"]
Reader = Callable[[Path, str], object]

_READERS: dict[str, Reader] = {
    blobs.WEIGHTS: blobs.read_weights,
    blobs.PREDICTIONS: blobs.read_predictions,
    blobs.TRACES: blobs.read_trace,
    blobs.SCRIPTS: blobs.script_archive,
}
_SUPERSEDED = re.compile(r"[1-9][0-9]*\.superseded-([0-9a-f]{8})\.json")
_FOR_PEOPLE = re.compile(r"\..*|(README|LICENSE|CITATION)\b.*")


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One file that is not as it should be."""

    path: Path
    kind: Kind
    what: str


@dataclass(kw_only=True)
class Report:
    """What was checked, by kind, and everything that is wrong.

    Counted are `records`, `superseded`, `arrays`, `scripts`, `locks`; further `unvouched` records,
    which are of a schema without digests, `unused` arrays and scripts, which no record names any
    more, and those that are `left out`.
    """

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, path: Path, kind: Kind, what: str) -> None:
        """Note something that is wrong."""
        self.findings.append(Finding(path=path, kind=kind, what=what))

    def damaged(self, path: Path, error: RecordError) -> None:
        """Note what could not be read; the message of an error begins with the path."""
        self.add(path, "damaged", str(error).removeprefix(f"{path}").lstrip(":0123456789 "))


@dataclass(kw_only=True)
class _Named:
    """What the records of one matrix name, blobs by kind and locks, each with one that does."""

    blobs: dict[tuple[str, str], Path] = field(default_factory=dict)
    locks: dict[str, Path] = field(default_factory=dict)


def check(
    folder: Path, advance: Callable[[], object] = lambda: None, *, arrays: bool = True
) -> Report:
    """Read everything in a results folder, in one sweep of it, or in a publication.

    `advance` is called after each file. Without `arrays` those that are not there, and scripts, are
    counted and no finding; so they are in a publication, which never has them.

    Raises:
        UsageError: there are no results in this folder.
    """
    report = Report()
    top = scan.top_of(folder)
    arrays = arrays and not scan.is_publication(folder)
    every_sweep = scan.sweeps(top)
    for matrix, sweeps in _by_matrix(every_sweep).items():
        named = _Named()
        for sweep in sweeps:
            _check_sweep(sweep, report, named, advance)
        whole = not _is_one_sweep(top, every_sweep)
        _check_blobs(matrix / BLOB_FOLDER, named, report, advance, whole=whole, asked=arrays)
        _check_locks(locks.folder_of(matrix), named, report)
        if whole:
            expected = {sweep.folder.name for sweep in sweeps}
            _check_unexpected(matrix, {*expected, BLOB_FOLDER, locks.FOLDER}, report)
    if all(top.absolute() == sweep.folder.parent.parent for sweep in every_sweep):
        _check_unexpected(top, {sweep.folder.parent.name for sweep in every_sweep}, report)
    report.findings.sort()
    return report


def count(folder: Path) -> int:
    """About how many files `check` will read: those of the records and arrays."""
    return sum(len(files) for _, _, files in os.walk(folder))


def _is_one_sweep(top: Path, sweeps: Sequence[SweepFolder]) -> bool:
    return [sweep.folder for sweep in sweeps] == [top.absolute()]


def _by_matrix(sweeps: Sequence[SweepFolder]) -> dict[Path, list[SweepFolder]]:
    folders: dict[Path, list[SweepFolder]] = {}
    for sweep in sweeps:
        folders.setdefault(sweep.folder.parent, []).append(sweep)
    return folders


def _check_sweep(
    sweep: SweepFolder, report: Report, named: _Named, advance: Callable[[], object]
) -> None:
    _check_plan(sweep, report)
    _check_machine(sweep.folder / scan.MACHINE, report)
    _check_vouchers(sweep.folder, report)
    cells, foreign = scan.cell_folders(sweep.folder)
    elsewhere: Counter[str] = Counter()
    for cell in cells:
        repeats, others = scan.repeats_in(sweep.folder / cell)
        foreign += [f"{cell}/{name}" for name in others]
        for repeat in repeats:
            record = _record(sweep.folder / cell / f"{repeat}.json", report, named)
            if record is not None and not _belongs(record, sweep):
                elsewhere[f"{record.matrix}/{record.machine}"] += 1
            advance()
        _check_superseded(sweep.folder / cell, report, advance)
    for name in foreign:
        report.add(
            sweep.folder / name, "foreign", "not a file of a sweep; move it out of the folder"
        )
    for name, number in sorted(elsewhere.items()):
        report.add(sweep.folder, "foreign", f"{counted(number, 'record')} of {name}; name it so")


def _belongs(record: Record, sweep: SweepFolder) -> bool:
    return (record.matrix, record.machine) == (sweep.matrix, sweep.machine)


def _check_plan(sweep: SweepFolder, report: Report) -> None:
    path = sweep.folder / scan.PLAN
    try:
        plan = sweep.plan()
        if plan is None:
            report.add(path, "missing", "there is no plan; harness run writes it again")
        else:
            report.counts["planned cells"] += sum(1 for _ in plan[1])
    except RecordError as error:
        report.damaged(path, error)


def _check_machine(path: Path, report: Report) -> None:
    try:
        data = content(path, MAX_BYTES)
        if data is None:
            # A kind of machine that nobody had is planned, and has no records.
            if any(path.parent.glob("*/[1-9]*.json")):
                what = "the machine is not described; harness run writes it again"
                report.add(path, "missing", what)
            return
        described = content_of(path, data, newest=MACHINE_SCHEMA, steps=schemas.MACHINE)
        if described.get("id") != path.resolve().parent.name:
            report.add(path, "foreign", f"describes another machine, {described.get('id')!r}")
    except RecordError as error:
        report.damaged(path, error)


def _check_vouchers(sweep: Path, report: Report) -> None:
    try:
        vouchers.read(sweep)
    except RecordError as error:
        report.damaged(sweep / scan.VOUCHERS, error)


def _record(path: Path, report: Report, named: _Named) -> Record | None:
    try:
        record = read_record(path)
    except RecordError as error:
        report.damaged(path, error)
        return None
    if record is not None:
        report.counts["records"] += 1
        report.counts["unvouched"] += record.sha256 is None
        _note_names(record, path, named)
    return record


def _note_names(record: Record, path: Path, named: _Named) -> None:
    if record.environment.lock_sha256:
        named.locks.setdefault(record.environment.lock_sha256, path)
    for kind, sha256 in record.stored.items():
        named.blobs.setdefault((kind, sha256), path)


def _check_superseded(cell: Path, report: Report, advance: Callable[[], object]) -> None:
    for path in sorted(cell.iterdir()):
        match = _SUPERSEDED.fullmatch(path.name)
        if match is None:
            continue
        try:
            data = content(path, MAX_BYTES)
        except RecordError as error:
            report.damaged(path, error)
            continue
        report.counts["superseded"] += 1
        if data is not None and not hashlib.sha256(data).hexdigest().startswith(match[1]):
            what = "was changed after it was superseded; readers ignore it, so delete it"
            report.add(path, "damaged", what)
        advance()


def _check_blobs(
    folder: Path,
    named: _Named,
    report: Report,
    advance: Callable[[], object],
    *,
    whole: bool,
    asked: bool,
) -> None:
    """Every blob that a record names; those that none names as well, if the folder is `whole`."""
    if asked and named.blobs and not regular_files.is_folder(folder):
        what = f"there are no arrays, and records name {len(named.blobs):,}; copy this folder, too"
        report.add(folder, "missing", what)
        return
    there = set(_stored(folder, report)) if regular_files.is_folder(folder) and whole else set()
    absent = _left_out(folder, report)
    for kind, sha256 in sorted(there | named.blobs.keys()):
        path = blobs.path_of(folder, kind, sha256)
        try:
            if _READERS[kind](folder, sha256) is not None:
                report.counts["scripts" if kind == blobs.SCRIPTS else "arrays"] += 1
            elif not asked or kind in absent:
                report.counts["left out"] += 1
            else:
                by = named.blobs[kind, sha256]
                what = f"named by {by.parent.name}/{by.name}; copy it from where it was made"
                report.add(path, "missing", what)
        except RecordError as error:
            report.damaged(path, error)
        advance()
    report.counts["unused"] += len(there - named.blobs.keys())


def _left_out(folder: Path, report: Report) -> frozenset[str]:
    try:
        return left_out.read(folder)
    except RecordError as error:
        report.damaged(folder / left_out.FILE, error)
        return frozenset()


def _stored(folder: Path, report: Report) -> Iterator[tuple[str, str]]:
    for place in sorted(folder.iterdir()):
        if place.name == left_out.FILE:
            continue
        if place.name not in _READERS or not regular_files.is_folder(place):
            _add_unexpected(place, report)
            continue
        for path in sorted(place.iterdir()):
            if is_sha256(path.stem) and path == blobs.path_of(folder, place.name, path.stem):
                yield place.name, path.stem
            else:
                _add_unexpected(path, report)


def _check_locks(folder: Path, named: _Named, report: Report) -> None:
    """A lock that was changed has another digest, so it is missing under the old one."""
    if not regular_files.is_folder(folder):
        return
    there = locks.by_digest([folder])
    report.counts["locks"] += len(there.keys() & named.locks.keys())
    for sha256 in sorted(named.locks.keys() - there.keys()):
        by = named.locks[sha256]
        what = f"no lock has the digest {sha256}, which {by.parent.name}/{by.name} names"
        report.add(folder, "missing", what)
    _check_unexpected(folder, {path.name for path in there.values()}, report)


def _check_unexpected(folder: Path, expected: set[str], report: Report) -> None:
    for path in sorted(folder.iterdir()):
        if path.name not in expected:
            _add_unexpected(path, report)


def _add_unexpected(path: Path, report: Report) -> None:
    if not _FOR_PEOPLE.fullmatch(path.name):
        report.add(path, "foreign", "not written by the harness; move it out of the folder")
