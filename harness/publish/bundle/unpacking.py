"""Opening a bundle that may be anybody's: an archive is unpacked safely, a folder checked in place.

Nothing is unpacked before every name and declared size was checked, nothing that the manifest
does not name, and nothing outside the folder given. Sizes are counted again while unpacking.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import RecordError, UsageError
from harness.protocol import untrusted
from harness.publish.bundle import manifest
from harness.publish.bundle.manifest import Manifest
from harness.publish.escaping import visible

_NO_BUNDLE = "is no bundle, which is a ZIP archive that harness bundle wrote"
_CHUNK = 1 << 20
_SHOWN = 20
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, RuntimeError),
    *(ValueError, struct.error, NotImplementedError, KeyError),
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an archive may ask for: number of files, bytes, and how much smaller it may be packed.

    `ratio` is unpacked to packed; it counts for a file, and for all, from `free` bytes on.
    """

    files: int = 1_000_000
    directory: int = 256 << 20
    file: int = 4 << 30
    total: int = 256 << 30
    ratio: int = 200
    free: int = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """An opened bundle: its files lie in `folder`, and are what the manifest says."""

    folder: Path
    manifest: Manifest
    manifest_bytes: bytes

    @property
    def results(self) -> Path:
        """The folder that stands for `results/`."""
        return self.folder / "results"


def is_bundle(path: Path) -> bool:
    """Whether a path is to be opened as a bundle: any file, or a folder with a manifest."""
    return path.is_file() or (path / manifest.NAME).is_file()


def opened(path: Path, unpack_to: Path, limits: Limits | None = None) -> Bundle:
    """Open a bundle; an archive is unpacked into `unpack_to`, which must be empty.

    Raises:
        RecordError: it is no bundle, asks for too much, holds what may not be unpacked, or its
            files are not those of its manifest; the message names each.
        UsageError: it cannot be read, or there is no room for it.
    """
    if path.is_dir():
        return _checked_folder(path)
    with _archive(path, limits or Limits()) as archive:
        entries = _entries(path, archive, limits or Limits())
        data = _manifest_of(path, archive, entries)
        listed = manifest.parse(data, str(path))
        _refuse(path, _differing_names(listed, entries))
        _require_room(path, entries.values(), unpack_to)
        (unpack_to / manifest.NAME).write_bytes(data)
        _refuse(path, list(_extract(archive, entries, listed, unpack_to)))
    return Bundle(folder=unpack_to, manifest=listed, manifest_bytes=data)


def _checked_folder(folder: Path) -> Bundle:
    with _reading(folder):
        data = untrusted.read_regular(folder / manifest.NAME, manifest.MAX_BYTES)
        listed = manifest.parse(data, str(folder))
        _refuse(folder, list(_folder_problems(folder, listed)))
    return Bundle(folder=folder, manifest=listed, manifest_bytes=data)


def _folder_problems(folder: Path, listed: Manifest) -> Iterator[str]:
    left = dict(listed.files)
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        sha256 = left.pop(name, None)
        if path.is_symlink() or not path.is_file():
            yield f"{visible(name)}: is a link or device; a bundle has files only"
        elif sha256 is None and name != manifest.NAME:
            yield _foreign(name)
        elif sha256 is not None and _digest_of(path) != sha256:
            yield _damaged(name)
    yield from map(_missing, left)


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _digest_of(path: Path) -> str:
    whole = hashlib.sha256()
    with untrusted.open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


@contextmanager
def _archive(path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """The archive, its table of contents read: not before that was found not to be huge."""
    with _reading(path), untrusted.open_regular(path, follow_links=True) as file:
        _require_small_directory(path, file, limits)
        with zipfile.ZipFile(file) as archive:
            yield archive


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise RecordError(
            f"{path}: is no bundle, or damaged ({error}); get it again from where it was published"
        ) from error
    except OSError as error:
        where = error.filename or path
        why = error.strerror or error
        raise UsageError(f"{where}: {why}; the bundle was not opened") from error


def _require_small_directory(path: Path, file: IO[bytes], limits: Limits) -> None:
    """Python reads the whole table of contents at once, so its size is looked up first.

    See 4.3.14 to 4.3.16 of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
    """
    size = file.seek(0, os.SEEK_END)
    _require(size >= _END.size, path, _NO_BUNDLE)
    file.seek(size - _END.size)
    end = _END.unpack(file.read(_END.size))
    _require(end[0] == b"PK\5\6" and end[7] == 0, path, _NO_BUNDLE)
    directory = end[5]
    if directory == 0xFFFFFFFF or 0xFFFF in end[3:5]:
        at = size - _END.size - _LOCATOR.size
        _require(at >= 0, path, _NO_BUNDLE)
        file.seek(at)
        at = _LOCATOR.unpack(file.read(_LOCATOR.size))[2]
        _require(at <= size - _END64.size, path, _NO_BUNDLE)
        file.seek(at)
        directory = _END64.unpack(file.read(_END64.size))[8]
    _require(directory <= limits.directory, path, "has too large a table of contents")


def _entries(path: Path, archive: zipfile.ZipFile, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by path, if none of them is a danger."""
    entries = archive.infolist()
    _require(
        len(entries) <= limits.files, path, f"holds {len(entries):,} files, {limits.files:,} fit"
    )
    files = [entry for entry in entries if not entry.is_dir()]
    problems = [
        f"{entry.orig_filename!r}: {what}" for entry in entries for what in _dangers(entry, limits)
    ]
    # Folders are made as files need them; entries for folders are not looked at any further.
    problems += manifest.path_problems(entry.filename for entry in files)
    problems += _too_large_together(path, files, limits)
    _refuse(path, problems)
    return {entry.filename: entry for entry in files}


def _dangers(entry: zipfile.ZipInfo, limits: Limits) -> Iterator[str]:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.orig_filename != entry.filename:
        yield "its name has a zero byte or a backslash"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield "is a link or device; a bundle has files only"
    if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
        yield "is encrypted, or packed in a way that is not read here"
    if entry.file_size > limits.file:
        yield f"unpacks to {entry.file_size:,} bytes; {limits.file:,} are allowed"
    if entry.file_size > max(limits.free, limits.ratio * entry.compress_size):
        yield f"unpacks to more than {limits.ratio} times its size, as no real file does"


def _too_large_together(
    path: Path, files: Iterable[zipfile.ZipInfo], limits: Limits
) -> Iterator[str]:
    total, packed = sum(entry.file_size for entry in files), path.stat().st_size
    if total > limits.total:
        yield f"all files unpack to {total:,} bytes; {limits.total:,} are allowed"
    if sum(entry.compress_size for entry in files) > packed:
        yield "files share their bytes, as in an archive made to fill a disk"
    if total > max(limits.free, limits.ratio * packed):
        yield f"all files unpack to more than {limits.ratio} times the archive's size"


def _manifest_of(
    path: Path, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]
) -> bytes:
    entry = entries.pop(manifest.NAME, None)
    if entry is None:
        raise RecordError(f"{path}: has no {manifest.NAME}, so it is no bundle of this program")
    _require(entry.file_size <= manifest.MAX_BYTES, path, f"{manifest.NAME} is too large")
    return archive.read(entry)


def _differing_names(listed: Manifest, entries: Iterable[str]) -> list[str]:
    there = set(entries)
    foreign = [_foreign(name) for name in sorted(there - listed.files.keys())]
    return foreign + [_missing(name) for name in sorted(listed.files.keys() - there)]


def _require_room(path: Path, entries: Iterable[zipfile.ZipInfo], folder: Path) -> None:
    needed, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"{path}: unpacks to {needed:,} bytes, and {folder} has room for {free:,}; "
            "make room, or let TMPDIR name a folder on another disk"
        )


def _extract(
    archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], listed: Manifest, folder: Path
) -> Iterator[str]:
    for name, entry in entries.items():
        target = folder.joinpath(*name.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            sha256 = _copy(archive, entry, target)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            yield f"{_damaged(name)} ({error})"
            continue
        if sha256 != listed.files[name]:
            yield _damaged(name)


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> str:
    whole, left = hashlib.sha256(), entry.file_size
    with archive.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise zipfile.BadZipFile("it is longer than it says")
            whole.update(chunk)
            file.write(chunk)
    return whole.hexdigest()


def _foreign(name: str) -> str:
    return f"{visible(name)}: is not in the manifest; somebody added it"


def _missing(name: str) -> str:
    return f"{name}: is in the manifest, and missing"


def _damaged(name: str) -> str:
    return f"{name}: is not what the manifest says; it was damaged or changed"


def _require(holds: bool, path: Path, what: str) -> None:
    if not holds:
        raise RecordError(f"{path}: {what}; it was not opened")


def _refuse(path: Path, problems: list[str]) -> None:
    if problems:
        more = [f"… and {len(problems) - _SHOWN:,} more"] if len(problems) > _SHOWN else []
        shown = "\n  ".join([*problems[:_SHOWN], *more])
        raise RecordError(f"{path}: this bundle cannot be trusted:\n  {shown}")
