"""Whether installed files are those of the wheels: a wheel's RECORD has the digest of each.

Installers unpack a wheel once and link its files into every environment, so what somebody changes
in one environment would be installed into the next. The RECORD is read from the wheel itself.
See https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BuildError
from harness.protocol import untrusted

_BY_THE_INSTALLER = re.compile(r"[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json)")
_MOVED = re.compile(r"[^/]+\.data/(?:purelib|platlib)/(?P<path>.+)")
_ELSEWHERE = re.compile(r"[^/]+\.data/(?:data|headers|scripts)/.+")
_RECORD = re.compile(r"[^/]+\.dist-info/RECORD")
_SHA256 = "sha256="
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A file that is not the wheel's; `wheel` is None where no wheel has a file of that path."""

    path: str
    wheel: Path | None


@dataclass(frozen=True, kw_only=True)
class _Brought:
    """A file of a wheel: its name there, and its digest if the RECORD has it."""

    wheel: Path
    name: str
    sha256: str


def wrong_files(wheels: list[Path], installed: Mapping[str, str]) -> list[Wrong]:
    """What is not from these wheels, or is missing, in a site-packages folder with their files.

    `installed` has the digest of each file there, by path.

    Raises:
        BuildError: a wheel cannot be read.
    """
    brought: dict[str, list[_Brought]] = {}
    elsewhere: set[str] = set()
    for wheel in wheels:
        for path, one in _files(wheel):
            if path:
                brought.setdefault(path, []).append(one)
            else:
                elsewhere.add(one.sha256 or _in_wheel(one))
    changed = [
        Wrong(path=path, wheel=ones[0].wheel)
        for path, ones in brought.items()
        if not any(_is(one, installed.get(path)) for one in ones)
    ]
    foreign = [
        Wrong(path=path, wheel=None)
        for path, sha256 in installed.items()
        if not (path in brought or _BY_THE_INSTALLER.fullmatch(path) or sha256 in elsewhere)
    ]
    return [*changed, *foreign]


def _is(one: _Brought, sha256: str | None) -> bool:
    # Not every RECORD has the digest of each file, or the right one: the wheel itself decides then.
    return sha256 is not None and (sha256 == one.sha256 or sha256 == _in_wheel(one))


def _in_wheel(one: _Brought) -> str:
    digest = hashlib.sha256()
    with zipfile.ZipFile(one.wheel) as archive, archive.open(one.name) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _files(wheel: Path) -> Iterator[tuple[str, _Brought]]:
    """Each file of a wheel with where it is installed, "" where that is up to the installer."""
    try:
        with (
            untrusted.open_regular(wheel, follow_links=True) as file,
            zipfile.ZipFile(file) as opened,
        ):
            names = [name for name in opened.namelist() if not name.endswith("/")]
            digests = _recorded(opened, names)
    except (OSError, zipfile.BadZipFile) as error:
        raise BuildError(
            f"{wheel}: cannot be read: {error}; remove it, and it is fetched"
        ) from error
    for name in names:
        if not _BY_THE_INSTALLER.fullmatch(name):
            moved = _MOVED.fullmatch(name)
            path = moved["path"] if moved else "" if _ELSEWHERE.fullmatch(name) else name
            yield path, _Brought(wheel=wheel, name=name, sha256=digests.get(name, ""))


def _recorded(wheel: zipfile.ZipFile, names: list[str]) -> dict[str, str]:
    record = next((name for name in names if _RECORD.fullmatch(name)), None)
    if record is None:
        return {}
    text = wheel.read(record).decode("utf-8", "replace")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if len(row) > 1]
    return {row[0]: _hexadecimal(row[1]) for row in rows if row[1].startswith(_SHA256)}


def _hexadecimal(digest: str) -> str:
    try:
        return base64.urlsafe_b64decode(digest.removeprefix(_SHA256) + "==").hex()
    except ValueError:
        return ""
