"""Users' scripts as they are when they run: hashed, and copied to where processes find them.

A copy is verified whenever it is used, and made again where it was changed. Copies are readable
for everybody, as data sets are: containers run as another user.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from harness import console, places
from harness.errors import DataError, UsageError
from harness.protocol.script import FILES, SCRIPTS, DataFile, Script
from harness.subjects import data_files, folder_files, notebooks
from harness.subjects.folder_files import File
from harness.subjects.scripts import DataSource, ScriptEntry

LOCK = ".scripts.lock"
_PREFIX = ".scripts-"


def describe(entry: ScriptEntry) -> Script:
    """The script as it is now. Nothing is written.

    Raises:
        UsageError: its folder cannot be taken along, or does not have the script.
        DataError: its data cannot be read, or are not those that the matrix names.
    """
    return _described(entry, _files(entry))


def stage(entry: ScriptEntry) -> Script:
    """The script as it is now, with copies of its files and data in the cache.

    Raises:
        UsageError, DataError: as `describe`, or the cache cannot be written.
    """
    files = _files(entry)
    script = _described(entry, files)
    root = places.cache("datasets")
    try:
        with filelock.FileLock(root / LOCK):
            for left in root.glob(f"{_PREFIX}*"):
                shutil.rmtree(left, ignore_errors=True)
            _stage_folder(root, entry, script.folder_sha256, files)
            for source, data in zip(entry.data, script.data, strict=True):
                _stage_data(root, source.target, data.sha256, data_files.writer(source))
    except OSError as error:
        raise DataError(
            f"{entry.name}: its files cannot be written to {root}: {error.strerror}; make room, or "
            f"set {places.CACHE_VARIABLE} to a folder on another disk"
        ) from error
    return script


def stage_data(source: DataSource) -> None:
    """Have a copy of a data file in the cache.

    Raises:
        DataError: it cannot be read, or the cache cannot be written.
    """
    root = places.cache("datasets")
    sha256 = data_files.sha256_of(source)
    try:
        with filelock.FileLock(root / LOCK):
            _stage_data(root, source.target, sha256, data_files.writer(source))
    except OSError as error:
        raise DataError(f"{source.target}: cannot be written to {root}: {error}") from error


def folder_of(script: Script) -> Path:
    """Where the copy of a script's folder lies, if it was made."""
    return places.cache("datasets") / SCRIPTS / script.folder_sha256


def file_of(data: DataFile) -> Path:
    """Where the copy of a data file lies, if it was made."""
    return places.cache("datasets") / FILES / data.sha256


def _files(entry: ScriptEntry) -> list[File]:
    """The files of the script's folder; those that it gets as data are not taken from there."""
    targets = [source.target for source in entry.data]
    paths = folder_files.travelling(entry.folder, targets)
    wanted = [entry.path] if entry.path else _of_module(entry.module)
    if not set(wanted) & set(paths):
        raise UsageError(
            f"{entry.folder / wanted[0]}: this script of {entry.name} does not travel with its "
            "folder; does git ignore it?"
        )
    if notebooks.is_notebook(entry.path):
        paths.remove(entry.path)
        if _path(entry) in paths:
            raise UsageError(
                f"{entry.folder / _path(entry)}: lies where the script of {entry.path} is to be; "
                "rename one of them"
            )
    files = list(folder_files.hashed(entry.folder, paths))
    return [*files, *(_written(path, text) for path, text in _made(entry).items())]


def _path(entry: ScriptEntry) -> str:
    """Where the script lies in the copy of its folder; that of a notebook is made."""
    is_notebook = notebooks.is_notebook(entry.path)
    return notebooks.script_path(entry.path) if is_notebook else entry.path


def _made(entry: ScriptEntry) -> dict[str, bytes]:
    """The files of the copy that are not in the folder: the script of a notebook."""
    if not notebooks.is_notebook(entry.path):
        return {}
    return {_path(entry): notebooks.script_of(entry.folder / entry.path)}


def _written(path: str, text: bytes) -> File:
    return File(path=path, executable=False, sha256=hashlib.sha256(text).hexdigest())


def _of_module(module: str) -> list[str]:
    path = module.replace(".", "/")
    return [f"{path}.py", f"{path}/__main__.py"]


def _described(entry: ScriptEntry, files: list[File]) -> Script:
    return Script(
        name=entry.name,
        path=_path(entry),
        module=entry.module,
        folder_sha256=folder_files.digest(files),
        arguments=entry.arguments,
        data=tuple(
            DataFile(target=source.target, sha256=data_files.sha256_of(source))
            for source in entry.data
        ),
        files=entry.files,
        hold=entry.hold,
        keeps_folder=entry.keeps_folder,
    )


def _stage_folder(root: Path, entry: ScriptEntry, sha256: str, files: list[File]) -> None:
    place = root / SCRIPTS / sha256
    if place.is_dir():
        if is_whole(place, sha256):
            return
        console.note(f"{place}: the copy of {entry.name} was changed; it is made again")
    with fresh(root, place) as folder:
        folder.mkdir()
        made = _made(entry)
        for file in files:
            if file.path in made:
                _write(folder / file.path, made[file.path])
            else:
                _copy(entry.folder / file.path, folder / file.path, executable=file.executable)
        open_to_all(folder)
        if not is_whole(folder, sha256):
            raise UsageError(f"{entry.folder}: was changed while it was copied; run it again")


def is_whole(folder: Path, sha256: str) -> bool:
    try:
        files = folder_files.hashed(folder, folder_files.everything(folder))
        return folder_files.digest(files) == sha256
    except UsageError:
        return False


def _copy(source: Path, target: Path, *, executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target, follow_symlinks=False)
    if not target.is_symlink():
        target.chmod(0o755 if executable else 0o644)


def _write(target: Path, text: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)
    target.chmod(0o644)


def open_to_all(folder: Path) -> None:
    """Let everybody look into the folder and those in it, whatever the umask says."""
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o755)


def _stage_data(root: Path, target: str, sha256: str, write: Callable[[Path], None]) -> None:
    place = root / FILES / sha256
    if place.exists():
        if data_files.has(place, sha256):
            return
        console.note(f"{place}: the copy of {target} was changed; it is made again")
    with fresh(root, place) as file:
        write(file)
        file.chmod(0o644)
        if not data_files.has(file, sha256):
            raise DataError(f"{target}: was changed while it was copied; run it again")


@contextmanager
def fresh(root: Path, place: Path) -> Iterator[Path]:
    """A path beside which nothing lies, of what is to be at `place` once the block is over."""
    place.parent.mkdir(exist_ok=True)
    for folder in (root, place.parent):
        folder.chmod(0o755)
    temporary = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    try:
        yield temporary / "fresh"
        if os.path.lexists(place):
            place.rename(temporary / "changed")
        (temporary / "fresh").rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
