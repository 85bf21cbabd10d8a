"""The lock as a text file: a pip requirements file with one file hash per package.

`python -m pip install --require-hashes -r LOCK` installs the same files by hand. It carries no
address: where the files come from is the business of whoever fetches them, what they are is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from packaging.version import InvalidVersion, Version

from harness.environments import targets
from harness.environments.lock import Lock, Package
from harness.errors import LockError
from harness.matrix.environment import Environment
from harness.protocol import files, untrusted

SCHEMA = 1
LARGEST_BYTES = 4 << 20
"""A lock has some kilobytes."""

RENEW = "renew it with `harness lock --renew`."

_HEADER = re.compile(
    r"# (?P<key>schema|environment|platform|date|request|requirements): (?P<value>\S+)"
)
_PACKAGE = re.compile(
    r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[^\s;#]{1,100})"
    r" --hash=sha256:(?P<sha256>[0-9a-f]{64})  # (?P<file>[A-Za-z0-9][A-Za-z0-9_.+!-]{0,254})"
)


def render(header: Mapping[str, str], packages: Iterable[Package]) -> str:
    """The text of a lock; the same input gives the same bytes."""
    lines = [
        "# What is installed, to the byte; made by `harness lock`, renewed by it, not by hand.",
        f"# schema: {SCHEMA}",
        *(f"# {key}: {value}" for key, value in header.items()),
    ]
    for package in sorted(packages, key=lambda package: package.name):
        pin = f"{package.name}=={package.version} --hash=sha256:{package.sha256}"
        lines.append(f"{pin}  # {package.file}")
    return "\n".join([*lines, ""])


def parse(path: Path, environment: Environment, header: Mapping[str, str]) -> Lock:
    """The lock at `path`, which must have been made for `environment` and with `header`.

    Raises:
        LockError: it is missing, malformed, or stale: made for another request.
    """
    content = _content(path)
    lines = content.decode("utf-8", errors="replace").splitlines()
    _check_header(path, lines, header)
    packages = tuple(_packages(path, lines, environment, header["platform"]))
    return Lock(
        environment=environment,
        packages=packages,
        platform=header["platform"],
        sha256=hashlib.sha256(content).hexdigest(),
        path=path,
    )


def write(path: Path, text: str) -> None:
    """Put the file there whole or not at all.

    Raises:
        LockError: the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    except OSError as problem:
        raise LockError(f"{path}: cannot be written: {problem.strerror}.") from problem


def _content(path: Path) -> bytes:
    try:
        return untrusted.read_regular(path, LARGEST_BYTES, follow_links=True)
    except FileNotFoundError:
        raise LockError(f"{path}: there is no such lock; make it with `harness lock`.") from None
    except OSError as problem:
        raise LockError(f"{path}: cannot be read: {problem.strerror}.") from problem


def header_of(path: Path) -> dict[str, str]:
    """What a lock says about itself.

    Raises:
        LockError: it cannot be read.
    """
    return _header(_content(path).decode("utf-8", errors="replace").splitlines())


def _header(lines: Iterable[str]) -> dict[str, str]:
    return {m["key"]: m["value"] for m in map(_HEADER.fullmatch, lines) if m}


def _check_header(path: Path, lines: list[str], header: Mapping[str, str]) -> None:
    found = _header(lines)
    if found.get("schema") != str(SCHEMA):
        problem = f"{path}: not a lock of schema {SCHEMA} (found: {found.get('schema')})"
        raise LockError(problem, remedy=RENEW)
    for key, wanted in header.items():
        if found.get(key) != wanted:
            raise LockError(
                f"{path}: stale: it was made for {key} {found.get(key)}, "
                f"and {wanted} is wanted now",
                remedy=RENEW,
            )


def _packages(
    path: Path, lines: list[str], environment: Environment, platform: str
) -> Iterator[Package]:
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        match = _PACKAGE.fullmatch(line)
        problem = _problem(match, environment, platform) if match else "not a pinned package"
        if match is None or problem:
            raise LockError(f"{path}:{number}: {problem}: {line[:80]!r}", remedy=RENEW)
        if match["name"] in seen:
            raise LockError(f"{path}:{number}: {match['name']} stands there twice", remedy=RENEW)
        seen.add(match["name"])
        yield Package(**match.groupdict())
    if not seen:
        raise LockError(f"{path}: lists no packages", remedy=RENEW)


def _problem(match: re.Match[str], environment: Environment, platform: str) -> str:
    """What is wrong with a line that is well-formed, "" if nothing is."""
    name, version, file = match["name"], match["version"], match["file"]
    if not targets.is_of(file, name, version):
        return f"the file is not one of {name} {version}"
    if targets.is_wheel(file) and targets.best([file], environment.python, platform) is None:
        return f"the file is not for Python {environment.python} on {platform}"
    pins = dict(each.split("==") for each in environment.requirements if "==" in each)
    asked = {"numpy": environment.numpy, "keras": environment.keras, **pins}.get(name)
    if asked is not None and not _is_version(asked, version):
        return f"the environment asks for {name} {asked}"
    return ""


def _is_version(asked: str, version: str) -> bool:
    """Whether a locked version is the one asked for: 2.2 is 2.2.0."""
    try:
        return asked == version or Version(asked) == Version(version)
    except InvalidVersion:
        return False
