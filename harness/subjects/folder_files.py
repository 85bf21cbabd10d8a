"""The files of a script's folder that travel with it, and the digest that names them.

What git ignores stays behind; so do caches, virtual environments, what data the script gets from
elsewhere, and what this program itself leaves in a folder: matrix files, locks and results. So
running a sweep, or adding to its matrix, leaves the digest as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from harness import processes
from harness.errors import UsageError
from harness.processes import ProcessFailedError
from harness.protocol import untrusted

MAX_FILES = 20_000
MAX_BYTES = 256 << 20
_TOO_LARGE = "a script's folder may have {}; name a smaller one with `folder`, and files under data"

_LEFT_OUT = frozenset(
    {"__pycache__", ".git", ".hg", ".svn", ".venv", ".tox", ".nox", ".ipynb_checkpoints"}
)
_HIDDEN_CACHE = re.compile(r"\..*cache.*", re.IGNORECASE)
_SWEEP_FILES = ("plan.jsonl", ".sweep.json")
_LOCK = re.compile(r"tf[^,/]+,py[^,/]+,.*\.txt")
_MATRIX_KEYS = (
    re.compile(rb"^schema:", re.MULTILINE),
    re.compile(rb"^environments:", re.MULTILINE),
)
_LARGEST_MATRIX = 1 << 20
_CHUNK = 1 << 20
_REPLACED = "\ufffd"


@dataclass(frozen=True, kw_only=True)
class File:
    """One file: its path in the folder with `/`, whether it may be executed, and its digest."""

    path: str
    executable: bool
    sha256: str


def digest(files: Iterable[File]) -> str:
    """The digest of a folder with these files; the time and place of the folder do not count."""
    listed = sorted((file.path, file.executable, file.sha256) for file in files)
    return hashlib.sha256(json.dumps(listed, separators=(",", ":")).encode("ascii")).hexdigest()


def travelling(folder: Path, without: Iterable[str] = ()) -> list[str]:
    """The paths of the files that travel with the script, sorted; `without` are paths to leave out.

    Raises:
        UsageError: there are too many, or one is neither a file nor has a name that is a text.
    """
    is_left_out = _judge(folder)
    by_git = _listed_by_git(folder, is_left_out)
    skipped = set(without)
    found: list[str] = []
    for path in _walked(folder, "", is_left_out) if by_git is None else by_git:
        if path not in skipped and not _is_of_harness(folder, path):
            found.append(path)
        if len(found) > MAX_FILES:
            raise UsageError(f"{folder}: {_TOO_LARGE.format(f'{MAX_FILES:,} files')}")
    return sorted(found)


def hashed(folder: Path, paths: Iterable[str]) -> Iterator[File]:
    """The files at these paths.

    Raises:
        UsageError: one is a link or the like, cannot be read, or together they are too large.
    """
    total = 0
    for path in paths:
        total += _size(folder, path)
        if total > MAX_BYTES:
            raise UsageError(f"{folder}: {_TOO_LARGE.format(f'{MAX_BYTES >> 20} MiB')}")
        yield _hashed(folder, path)


def everything(folder: Path) -> list[str]:
    """The paths of all files in a folder that holds a copy, whatever they are."""
    return sorted(_walked(folder, "", lambda path: False))


def _size(folder: Path, path: str) -> int:
    try:
        path.encode("utf-8")
        status = (folder / path).lstat()
    except UnicodeEncodeError:
        raise UsageError(f"{folder}: the name {path!r} is no text; rename that file") from None
    except OSError as error:
        raise UsageError(f"{folder / path}: cannot be read: {error.strerror}") from error
    if stat.S_ISREG(status.st_mode):
        return status.st_size
    kind = "a link" if stat.S_ISLNK(status.st_mode) else "no regular file"
    raise UsageError(
        f"{folder / path}: {kind}, and only files travel with a script; put the file itself there, "
        "have git ignore it, or name another `folder`"
    )


def _hashed(folder: Path, path: str) -> File:
    found = hashlib.sha256()
    try:
        with untrusted.open_regular(folder / path) as file:
            executable = bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR)
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except OSError as error:
        raise UsageError(f"{folder / path}: cannot be read: {error.strerror}") from error
    return File(path=path, executable=executable, sha256=found.hexdigest())


def _listed_by_git(folder: Path, is_left_out: Callable[[str], bool]) -> list[str] | None:
    """What git does not ignore, None where there is no git or no repository."""
    # A repository may name a program to be run as file system monitor.
    command = ("git", "-c", "core.fsmonitor=false", "ls-files", "-z", "-co", "--exclude-standard")
    # As inside a hook, these would name another repository.
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        printed = processes.run(command, variables=own, cwd=folder)
    except ProcessFailedError:
        return None
    found: dict[str, None] = {}
    if _REPLACED in printed:
        raise UsageError(f"{folder}: a name in it is no text: {printed!r:.200}; rename that file")
    for path in filter(None, printed.split("\0")):
        above = [parent.as_posix() for parent in PurePosixPath(path).parents][-2::-1]
        if any(is_left_out(each) for each in above) or not os.path.lexists(folder / path):
            continue
        name = path.rstrip("/")
        inside = (folder / name).is_dir() and not (folder / name).is_symlink()
        # A folder is a repository of its own.
        paths = _walked(folder, f"{name}/", is_left_out) if inside else (name,)
        found.update(dict.fromkeys(paths))
    return list(found)


def _walked(folder: Path, prefix: str, is_left_out: Callable[[str], bool]) -> Iterator[str]:
    try:
        with os.scandir(folder / prefix) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder / prefix}: cannot be read: {error.strerror}") from error
    for entry in listed:
        path = prefix + entry.name
        if not entry.is_dir(follow_symlinks=False):
            yield path
        elif not is_left_out(path):
            yield from _walked(folder, f"{path}/", is_left_out)


def _judge(folder: Path) -> Callable[[str], bool]:
    """Whether the folder at a path stays behind, with all that is in it."""

    @cache
    def is_left_out(path: str) -> bool:
        name = PurePosixPath(path).name
        if name in _LEFT_OUT or _HIDDEN_CACHE.fullmatch(name):
            return True
        where = folder / path
        return (where / "pyvenv.cfg").is_file() or _holds_sweeps(where)

    return is_left_out


def _holds_sweeps(folder: Path) -> bool:
    """Whether a folder is that of a matrix among results, with a folder for each machine."""
    try:
        children = [child for child in folder.iterdir() if child.is_dir()]
        return any((child / name).is_file() for child in children for name in _SWEEP_FILES)
    except OSError:
        return False


def _is_of_harness(folder: Path, path: str) -> bool:
    """Whether a file is a lock or a matrix file."""
    where = PurePosixPath(path)
    if where.parent.name == "locks" and _LOCK.fullmatch(where.name):
        return True
    if where.suffix not in (".yaml", ".yml"):
        return False
    try:
        content = untrusted.read_regular(folder / path, _LARGEST_MATRIX)
    except OSError:
        return False
    return all(key.search(content) for key in _MATRIX_KEYS)
