"""The manifest of a bundle: every file with its SHA-256, as `sha256sum --check` reads it.

    # reproducibility-harness bundle
    # schema: 1
    # arrays: all
    <64 hexadecimal digits>  <path>

It names all files but itself, sorted by path. `arrays: all` promises the weights and predictions
of every completed run, `arrays: none` says that they were left out. Signatures are over its bytes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from harness.errors import RecordError
from harness.results.names import is_name

NAME = "manifest-sha256.txt"
SCHEMA = 1
MAX_BYTES = 256 << 20
MAX_PATH = 1024

Arrays = Literal["all", "none"]

_FIRST = "# reproducibility-harness bundle"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The digests of a bundle's files by path, and whether it promises the arrays."""

    files: Mapping[str, str]
    arrays: Arrays


def render(manifest: Manifest) -> bytes:
    """The bytes of the manifest; the same files give the same bytes."""
    lines = [_FIRST, f"# schema: {SCHEMA}", f"# arrays: {manifest.arrays}"]
    lines += [f"{sha256}  {path}" for path, sha256 in sorted(manifest.files.items())]
    return ("\n".join(lines) + "\n").encode("utf-8", "strict")


def parse(data: bytes, where: str) -> Manifest:
    """The manifest in these bytes; `where` names the bundle in messages.

    Raises:
        RecordError: it is none, or names a path that no bundle may have.
    """
    place = f"{where}: {NAME}"
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RecordError(f"{place} is not UTF-8 text; the bundle is damaged") from error
    if len(lines) < 4 or lines[0] != _FIRST or lines[-1] != "":
        raise RecordError(f"{place} is not that of a bundle, or was cut off; get the bundle again")
    if lines[1] != f"# schema: {SCHEMA}":
        raise RecordError(
            f"{place} says {lines[1][:40]!r}, and this harness reads schema {SCHEMA}; "
            "a newer harness may read it: pip install --upgrade reproducibility-harness"
        )
    return Manifest(files=_files(place, lines[3:-1]), arrays=_arrays(place, lines[2]))


def _arrays(place: str, line: str) -> Arrays:
    for choice in get_args(Arrays):
        if line == f"# arrays: {choice}":
            arrays: Arrays = choice
            return arrays
    raise RecordError(f"{place}: {line[:40]!r} does not say which arrays are there")


def _files(place: str, lines: list[str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for number, line in enumerate(lines, start=4):
        match = _LINE.fullmatch(line)
        if match is None:
            raise RecordError(f"{place}:{number}: is no digest and path: {line[:80]!r}")
        files[match[2]] = match[1]
    if len(files) < len(lines):
        raise RecordError(f"{place} names a path twice; nobody can tell which digest counts")
    for problem in path_problems(files):
        raise RecordError(f"{place}: {problem}")
    return files


def path_problems(paths: Iterable[str]) -> Iterator[str]:
    """What is wrong with these paths as the files of one folder, each in a sentence.

    A path is relative, has no `.`, `..` or hidden part, and is no other one's where case or the
    way of writing accents does not count, nor a folder of another one.
    """
    seen: dict[str, str] = {}
    for path in paths:
        if not is_safe(path):
            yield f"the path {path!r} is not allowed: it could lie outside, or hide"
        folded = _folded(path)
        if folded in seen:
            yield f"the paths {seen[folded]!r} and {path!r} are one and the same on some disks"
        seen[folded] = path
    for folded, path in seen.items():
        above = next((seen[p] for p in _parents(folded) if p in seen), None)
        if above is not None:
            yield f"{above!r} is a file, and the path {path!r} needs it to be a folder"


def is_safe(path: str) -> bool:
    """Whether a path with `/` stays below the folder it is put into, whatever the folder."""
    try:
        return len(path.encode()) <= MAX_PATH and all(map(is_name, path.split("/")))
    except UnicodeEncodeError:
        return False


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
