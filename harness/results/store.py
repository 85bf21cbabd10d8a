"""Where the records of one sweep are written, and read back while it runs."""

from __future__ import annotations

import contextlib
import datetime
import errno
import hashlib
import os
import platform
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import filelock

from harness.errors import RecordError, UsageError
from harness.protocol import untrusted
from harness.results import blobs, durable, json_digest, regular_files
from harness.results.consistency import contradiction
from harness.results.names import BLOB_FOLDER, is_name
from harness.results.reading import MAX_BYTES, read_record
from harness.results.record import SCHEMA, Record
from harness.results.scan import LOGS

MACHINE_SCHEMA = 2

_LOCK = ".sweep.lock"
_HOLDER = ".sweep.json"
_CHUNK = 1 << 20


class Store:
    """The folder `root/matrix/machine` and the blobs beside it. Thread-safe.

    Raises:
        UsageError: `matrix` or `machine` cannot name a folder.
    """

    def __init__(self, root: Path, matrix: str, machine: str) -> None:
        for what, name in (("matrix", matrix), ("machine", machine)):
            if not is_name(name) or name == BLOB_FOLDER:
                raise UsageError(f"a {what} cannot be named {name!r}: its results need a folder")
        self.matrix = matrix
        self.machine = machine
        self._top = root.absolute()
        self.folder = self._top / matrix / machine
        self.blobs = self.folder.parent / BLOB_FOLDER
        self._partial = self.folder / durable.PARTIAL
        self._placing = threading.Lock()
        # Formatting a text is ten times as quick as joining a path; plans ask a million times.
        self._prefix = f"{self.folder}{os.sep}"

    @property
    def plan_path(self) -> Path:
        """The cells of the sweep as planned."""
        return self.folder / "plan.jsonl"

    def record_path(self, cell: str, repeat: int) -> Path:
        """Where the record of a run lies, or would lie.

        Raises:
            RecordError: the names would lead out of the folder.
        """
        return Path(self._record_text(cell, repeat))

    def blob_path(self, kind: str, sha256: str) -> Path:
        """Where what has this digest lies; `kind` is one of `blobs.KINDS`, or `blobs.SCRIPTS`."""
        return blobs.path_of(self.blobs, kind, sha256)

    def read(self, cell: str, repeat: int) -> Record | None:
        """The record of a run, None if there is none.

        Raises:
            RecordError: there is one, and it is unreadable or of another schema.
        """
        text = self._record_text(cell, repeat)
        return read_record(Path(text)) if os.path.exists(text) else None  # noqa: PTH110

    def reader(self) -> Callable[[str, int], Record | None]:
        """`read` for many runs, quick where most have no record: cells are listed once, now."""
        cells: set[str] = set()
        if regular_files.is_folder(self.folder):
            with os.scandir(self.folder) as entries:
                cells.update(e.name for e in entries if e.is_dir(follow_symlinks=False))
        return lambda cell, repeat: self.read(cell, repeat) if cell in cells else None

    def write(
        self,
        record: Record,
        weights: Path | None,
        predictions: Path | None,
        trace: Path | None = None,
    ) -> Path:
        """Write a record, and its arrays unless the same ones are stored; returns its path.

        The arrays are on the disk before the record is, so no record names missing ones. A record
        that is already there is superseded, never overwritten. Arrays of a record that measured
        nothing are not kept.

        Raises:
            RecordError: the record does not belong here or contradicts itself, an array file is
                missing or not what the record says, or the disk does not take them.
        """
        path = self.record_path(record.cell, record.repeat)
        self._check(path, record)
        with on_disk(path):
            if record.measured is not None:
                given = {
                    blobs.WEIGHTS: weights,
                    blobs.PREDICTIONS: predictions,
                    blobs.TRACES: trace,
                }
                for kind, sha256 in record.measured.arrays.items():
                    self._store(kind, given[kind], sha256)
            with self._placing:
                replace_record(path, record, partial=self._partial, top=self._top)
        return path

    def has_script(self, sha256: str) -> bool:
        """Whether the folder of a script, named by its digest, is stored."""
        return regular_files.is_file(self.blob_path(blobs.SCRIPTS, sha256))

    def store_script(self, sha256: str, archive: Path) -> None:
        """Store the folder of a script, before the first record that names it.

        Raises:
            RecordError: the archive is of another folder, or the disk does not take it.
        """
        target = self.blob_path(blobs.SCRIPTS, sha256)
        with on_disk(target):
            self._place(target, archive, "files of a script", sha256, blobs.script_digest)

    def write_machine(self, description: Mapping[str, Any]) -> None:
        """Write `machine.json`, the description of the hardware."""
        path = self.folder / "machine.json"
        content = {"schema": MACHINE_SCHEMA, "id": self.machine, "hardware": dict(description)}
        with on_disk(path):
            durable.write(
                path, [json_digest.with_digest(content)], partial=self._partial, top=self._top
            )

    def make_logs(self) -> Path:
        """The folder for build logs, made if missing.

        Raises:
            RecordError: it cannot be made.
        """
        folder = self.folder / LOGS
        with on_disk(folder):
            durable.make_folder(folder, top=self._top)
        return folder

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other sweeps out of this folder, and remove what killed ones left half written.

        The lock ends with the process that holds it, however that ends.

        Raises:
            UsageError: another sweep is running here, or the folder cannot be written.
        """
        holder = self.folder / _HOLDER
        lock = filelock.FileLock(self.folder / _LOCK)
        self._acquire(lock, holder)
        try:
            with on_disk(self.folder):
                durable.clear(self._partial)
                durable.write(holder, [json_digest.text(_this_process())], partial=self._partial)
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def _acquire(self, lock: filelock.BaseFileLock, holder: Path) -> None:
        try:
            durable.make_folder(self.folder, top=self._top)
            _refuse_other_than_file(Path(lock.lock_file))
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise UsageError(
                f"{self.folder}: another sweep is running here ({_process_in(holder)})",
                remedy="wait for it, end it, or give this one another folder with --results",
            ) from error
        except OSError as error:
            raise UsageError(
                f"{self.folder}: cannot be written: {error.strerror}",
                remedy="give another folder with --results",
            ) from error

    def _record_text(self, cell: str, repeat: int) -> str:
        if not is_name(cell) or repeat < 1:
            raise RecordError(
                f"{self.folder}: {cell!r}, repeat {repeat}, cannot name a record; "
                "the matrix or the record it comes from was changed"
            )
        return f"{self._prefix}{cell}{os.sep}{repeat}.json"

    def _check(self, path: Path, record: Record) -> None:
        belonging = (record.schema_number, record.matrix, record.machine)
        if belonging != (SCHEMA, self.matrix, self.machine):
            raise RecordError(f"{path}: a record of {belonging} does not belong here")
        wrong = contradiction(record)
        if wrong is not None:
            raise RecordError(f"{path}: the record contradicts itself: {wrong}")

    def _store(self, kind: str, source: Path | None, sha256: str) -> None:
        """Copy an array file of the training, which may change it meanwhile, and check the copy."""
        target = self.blob_path(kind, sha256)
        if regular_files.is_file(target):
            return
        if source is None:
            raise RecordError(f"{target}: the record names {kind}, and no file of them was given")

        self._place(target, source, kind, sha256, lambda file: blobs.digest_of(file, kind))

    def _place(
        self,
        target: Path,
        source: Path,
        what: str,
        sha256: str,
        digest_of: Callable[[IO[bytes]], str],
    ) -> None:
        def check(copy: Path) -> None:
            digest = _digest(copy, what, source, digest_of)
            if digest != sha256:
                raise RecordError(f"{source}: the {what} have the digest {digest}, not {sha256}")

        with _opened(what, source) as file:
            chunks = _chunks(file, what, source)
            durable.write(target, chunks, partial=self._partial, top=self._top, check=check)


def read_machine(path: Path) -> dict[str, Any] | None:
    """The description of the hardware in a `machine.json`, None where it cannot be read."""
    try:
        content = untrusted.read_json(path, MAX_BYTES)
        hardware = content["hardware"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return hardware if isinstance(hardware, dict) else None


def replace_record(
    path: Path, record: Record, *, partial: Path, top: Path, supersede: bool = True
) -> None:
    """Write a record in one step; one that was there gets another name, which readers ignore.

    Without `supersede` it is gone.

    Raises:
        OSError: the disk does not take it, or a folder below `top` is a link.
        RecordError: what was there is no regular file.
    """
    durable.write(
        path,
        [serialised(record)],
        partial=partial,
        top=top,
        check=lambda _: _name_superseded(path) if supersede else None,
    )


def _name_superseded(path: Path) -> None:
    """Give a record its second name; the first one stays until the new record takes it."""
    data = regular_files.content(path, MAX_BYTES)
    if data is not None:
        digest = hashlib.sha256(data).hexdigest()[:8]
        superseded = path.with_name(f"{path.stem}.superseded-{digest}.json")
        with contextlib.suppress(FileExistsError):
            os.link(path, superseded, follow_symlinks=False)
        durable.sync_folder(path.parent)


# What is wrong with a training's file is the training's fault, so no OSError is its cause.
def _opened(kind: str, source: Path) -> IO[bytes]:
    try:
        return untrusted.open_regular(source)
    except OSError as error:
        raise RecordError(f"{source}: the {kind} cannot be read: {error.strerror}") from None


def _chunks(file: IO[bytes], kind: str, source: Path) -> Iterator[bytes]:
    size = 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > blobs.MAX_BYTES:
            raise RecordError(f"{source}: the {kind} have more than {blobs.MAX_BYTES:,} bytes")
        yield chunk


def _digest(copy: Path, what: str, source: Path, digest_of: Callable[[IO[bytes]], str]) -> str:
    try:
        with copy.open("rb") as file:
            return digest_of(file)
    except (ValueError, TypeError) as error:
        raise RecordError(f"{source}: the {what} cannot be read: {error}") from error


def serialised(record: Record) -> bytes:
    """The file of a record, its digest included."""
    return json_digest.with_digest(record.model_dump(by_alias=True))


def _this_process() -> dict[str, str | int]:
    since = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": platform.node(), "since": since}


def _process_in(holder: Path) -> str:
    try:
        process = untrusted.read_json(holder, MAX_BYTES)
        return f"process {process['pid']} on {process['host']}, since {process['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say which process"


def _refuse_other_than_file(path: Path) -> None:
    if os.path.lexists(path) and not regular_files.is_file(path):
        raise OSError(errno.EINVAL, f"{path.name} is not a regular file", str(path))


@contextlib.contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Say which file could not be written, why, and that nothing finished is lost."""
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"{path}: cannot be written: {error.strerror}; make room or give the right to write, "
            "then start the same command again: finished runs are kept"
        ) from error
