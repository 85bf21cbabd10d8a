"""What goes into a bundle: a results folder as it is, and what is needed to run it again."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import LockError, RecordError, UsageError
from harness.publish.bundle.archive import Content
from harness.publish.bundle.manifest import Arrays, is_safe
from harness.publish.bundle.runs import RecordedRun, of_record
from harness.results import blobs, checking, locks, regular_files
from harness.results.names import BLOB_FOLDER, RESULTS_FOLDER, is_name
from harness.results.record import Record
from harness.results.scan import LOGS, MACHINE, PLAN, VOUCHERS, SweepFolder, sweeps

_SHOWN = 10


@dataclass(kw_only=True)
class Contents:
    """The files of a bundle by path, and what its description says about them.

    `runs` has every run, `newest` is the start of the newest one, `scripts` names users' scripts
    that were run and are not among the files. `absent` names arrays and scripts that records ask
    for and that are not there, `lacking` the locks (by digest) with their environment.
    """

    files: dict[str, Content] = field(default_factory=dict)
    matrices: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)
    folders: dict[str, str] = field(default_factory=dict)
    runs: list[RecordedRun] = field(default_factory=list)
    scripts: set[str] = field(default_factory=set)
    newest: datetime.datetime | None = None
    absent: dict[str, None] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)


def collect(
    folder: Path, *, lock_folders: Sequence[Path], arrays: Arrays, scripts: bool = True
) -> Contents:
    """Everything of a results folder that belongs into a bundle, read and checked.

    Without `scripts` those of users stay behind. Locks are taken from the results themselves, else
    from `lock_folders`. Records that were superseded and files that are none of this program's are
    left out.

    Raises:
        UsageError: there are no results in the folder, or no records in them.
        RecordError: a record or array is damaged, or arrays are missing.
        LockError: a lock that a record names is nowhere.
    """
    _require_undamaged(folder)
    contents = Contents()
    for sweep in sweeps(folder):
        _add_sweep(contents, sweep, lock_folders, _Wanted(arrays=arrays == "all", scripts=scripts))
    _require_whole(folder, contents)
    return contents


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Which of the blobs go into the bundle."""

    arrays: bool
    scripts: bool


def _add_sweep(
    contents: Contents, sweep: SweepFolder, lock_folders: Sequence[Path], wanted: _Wanted
) -> None:
    place = f"{RESULTS_FOLDER}/{sweep.matrix}/{sweep.machine}"
    before = len(contents.runs)
    matrix = _add_matrix(contents, sweep)
    lock_paths = {
        **locks.by_digest(lock_folders, follow_links=True),
        **locks.by_digest([locks.folder_of(sweep.folder.parent)]),
    }
    for record in sweep.records():
        lock = _add_lock(contents, sweep, record, lock_paths)
        left = _add_arrays(contents, sweep, record) if wanted.arrays else ()
        script = _add_script(contents, sweep, record) if wanted.scripts else ""
        if record.script is not None and not script:
            contents.scripts.add(record.script.path or record.script.module)
        run = _add_record(contents, sweep, place, record)
        contents.runs.append(
            replace(
                run,
                matrix_path=matrix,
                lock_path=lock,
                script_path=script,
                files=(*run.files, *left),
            )
        )
    for name in (PLAN, MACHINE, VOUCHERS):
        if regular_files.is_file(sweep.folder / name):
            contents.files[f"{place}/{name}"] = sweep.folder / name
    for log in _logs(sweep.folder / LOGS):
        contents.files[f"{place}/{LOGS}/{log.name}"] = log
    contents.machines.add(sweep.machine)
    contents.folders[f"{place}/"] = f"{len(contents.runs) - before} runs on {sweep.machine}"


def _add_record(contents: Contents, sweep: SweepFolder, place: str, record: Record) -> RecordedRun:
    name = f"{record.cell}/{record.repeat}"
    contents.files[f"{place}/{name}.json"] = sweep.folder / f"{name}.json"
    log, files = sweep.folder / f"{name}.log", []
    if regular_files.is_file(log):
        files.append(f"{place}/{name}.log")
        contents.files[files[0]] = log
    started = record.started_at
    if started is not None:
        contents.newest = max(contents.newest or started, started)
    return of_record(record, f"{place}/{name}.json", files)


def _add_lock(
    contents: Contents, sweep: SweepFolder, record: Record, lock_paths: Mapping[str, Path]
) -> str:
    """Where the lock of a record lies in the bundle; "" where there is none."""
    sha256, environment = record.environment.lock_sha256, record.environment.id
    if not sha256:
        return ""
    lock = lock_paths.get(sha256)
    content = lock and regular_files.content(lock, locks.MAX_BYTES, follow_links=True)
    if content is None:
        contents.lacking[sha256] = environment
        return ""
    folder = f"{RESULTS_FOLDER}/{sweep.matrix}/{locks.FOLDER}"
    # Records may be anybody's, and so is what they call an environment.
    name = environment if is_name(environment) else sha256
    path = f"{folder}/{name}.txt"
    if contents.files.setdefault(path, content) != content:
        path = f"{folder}/{name}.{sha256[:8]}.txt"
        contents.files.setdefault(path, content)
    contents.folders[f"{folder}/"] = "What was installed: one lock per environment"
    return path


def _add_arrays(contents: Contents, sweep: SweepFolder, record: Record) -> Iterator[str]:
    """The paths in the bundle of the arrays that a run left."""
    if record.measured is None:
        return
    for kind, sha256 in record.measured.arrays.items():
        sentence = f"The final {kind} of the runs, named by their digest"
        path = _add_blob(contents, sweep, kind, sha256, sentence)
        if path:
            yield path


def _add_script(contents: Contents, sweep: SweepFolder, record: Record) -> str:
    """The path in the bundle of a user's script; "" where it is not with the results."""
    sha256 = record.stored.get(blobs.SCRIPTS)
    if sha256 is None:
        return ""
    sentence = "The folders of users' scripts, named by their digest"
    return _add_blob(contents, sweep, blobs.SCRIPTS, sha256, sentence)


def _add_blob(contents: Contents, sweep: SweepFolder, kind: str, sha256: str, sentence: str) -> str:
    """The path in the bundle of what is stored by its digest; "" where it is missing."""
    file = blobs.path_of(blobs.folder_of(sweep.folder), kind, sha256)
    if not regular_files.is_file(file):
        contents.absent[str(file)] = None
        return ""
    folder = f"{RESULTS_FOLDER}/{sweep.matrix}/{BLOB_FOLDER}/{kind}"
    contents.files[f"{folder}/{file.name}"] = file
    contents.folders[f"{folder}/"] = sentence
    return f"{folder}/{file.name}"


def _logs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.log")) if regular_files.is_folder(folder) else ():
        if regular_files.is_file(path) and is_safe(path.name):
            yield path


def _add_matrix(contents: Contents, sweep: SweepFolder) -> str:
    """Where the text of the matrix file lies in the bundle, "" where no plan has it.

    Machines may have run different texts.
    """
    contents.matrices.add(sweep.matrix)
    plan = sweep.plan()
    if plan is None:
        return ""
    source = plan[0].source.encode("utf-8", "replace")
    path = f"matrices/{sweep.matrix}.yaml"
    if contents.files.setdefault(path, source) != source:
        digest = hashlib.sha256(source).hexdigest()[:8]
        path = f"matrices/{sweep.matrix}.{digest}.yaml"
        contents.files[path] = source
    return path


def _require_undamaged(folder: Path) -> None:
    """Nobody is to find out only after publishing; what is foreign is left out."""
    findings = [one for one in checking.check(folder).findings if one.kind == "damaged"]
    if findings:
        named = [f"{finding.path}: {finding.what}" for finding in findings]
        raise RecordError(f"{folder}: {len(named)} files are damaged:\n  {_some(named)}")


def _require_whole(folder: Path, contents: Contents) -> None:
    if contents.newest is None:
        raise UsageError(f"{folder}: no run was recorded here; there is nothing to bundle")
    if contents.lacking:
        named = [f"{name} ({sha256[:12]}…)" for sha256, name in sorted(contents.lacking.items())]
        raise LockError(
            f"{folder}: {len(named)} locks that the records name are neither beside them nor "
            f"elsewhere:\n  {_some(named)}\nName the folder that has them with --locks DIR"
        )
    if contents.absent:
        absent = list(contents.absent)
        raise RecordError(
            f"{folder}: {len(absent)} arrays or scripts that the records name are missing:\n  "
            f"{_some(absent)}\nCopy them from where the sweep ran, or leave all arrays out with "
            "--without-arrays: hashes stay, sizes of differences cannot be told then; scripts with "
            "--without-scripts: their runs cannot be verified then"
        )


def _some(names: Sequence[str]) -> str:
    more = [f"… and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return "\n  ".join([*names[:_SHOWN], *more])
