"""Asking uv which packages an environment gets, and choosing one file of each."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from harness import compatibility, scratch
from harness.environments import commands, targets
from harness.environments.lock import Package
from harness.errors import BuildError, LockError
from harness.processes import ProcessFailedError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_NEVER = "9999-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the resolver, all of it: equal requests are answered by equal locks.

    Packages count up to `date` (ISO, its midnight UTC), except those `undated`; those in
    `sources` may be installed from source; those in `without` are left out.
    """

    python: str
    platform: str
    date: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    undated: tuple[str, ...]
    sources: tuple[str, ...]
    without: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The request as plain values, for its digest."""
        return dataclasses.asdict(self)


def uv_platform(platform: str) -> str:
    """uv's word for a platform tag: `x86_64-manylinux_2_28` for `manylinux_2_28_x86_64`."""
    system, major, minor, machine = platform.split("_", 3)
    return f"{machine}-{system}_{major}_{minor}"


def resolve(request: Request, heading: str) -> tuple[Package, ...]:
    """Every package of the environment with the one file chosen; `heading` starts messages.

    Raises:
        LockError: uv finds no answer (the message carries its explanation) or no network, or a
            package has no file for this Python and platform.
    """
    with scratch.folder("lock") as folder:
        _write_input(request, folder)
        try:
            printed = commands.run(_command(request), cwd=folder)
        except BuildError as error:
            raise LockError(f"{heading}: cannot be locked: {error}") from error
        except ProcessFailedError as failure:
            raise LockError(_explained(failure.output, heading)) from failure
    listed = tomllib.loads(printed)["packages"]
    return tuple(_chosen(entry, request, heading) for entry in listed)


def _write_input(request: Request, folder: Path) -> None:
    overrides = [f"{name}; sys_platform == 'never'" for name in request.without]
    texts = {
        "requirements.in": request.requirements,
        "constraints.txt": request.constraints,
        "overrides.txt": overrides,
        "uv.toml": [f"dependency-metadata = [{', '.join(_static_metadata(request))}]"],
    }
    for name, lines in texts.items():
        (folder / name).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _static_metadata(request: Request) -> list[str]:
    """What packages without wheels require, told to uv so that it does not have to run them."""
    requires = compatibility.source_requires()
    return [
        f'{{ name = "{name}", requires-dist = [{", ".join(map(repr, requires[name]))}] }}'
        for name in request.sources
    ]


def _command(request: Request) -> list[str]:
    arguments = [
        *("pip", "compile", "requirements.in"),
        *("--constraints", "constraints.txt", "--overrides", "overrides.txt"),
        *("--python", sys.executable, "--python-version", request.python),
        *("--python-platform", uv_platform(request.platform)),
        *("--exclude-newer", f"{request.date}T00:00:00Z"),
        *("--format", "pylock.toml", "--no-header", "--no-annotate"),
        *([] if request.sources else ["--only-binary", ":all:"]),
    ]
    for name in request.undated:
        arguments += ["--exclude-newer-package", f"{name}={_NEVER}"]
    return commands.uv_command(*arguments)


def _explained(output: str, heading: str) -> str:
    if commands.unreachable(output):
        return (
            f"{heading}: cannot be locked: the package index cannot be reached. "
            "Connect to the network, or use a lock made elsewhere."
        )
    return f"{heading}: cannot be locked:\n{commands.explanation(output)}"


def _chosen(entry: dict[str, Any], request: Request, heading: str) -> Package:
    files = {_file_name(wheel): wheel for wheel in entry.get("wheels", ())}
    file = targets.best(files, request.python, request.platform)
    if file is None and entry["name"] in request.sources and "sdist" in entry:
        file = _file_name(entry["sdist"])
        files[file] = entry["sdist"]
    if file is None:
        raise LockError(
            f"{heading}: cannot be locked: {entry['name']} {entry['version']} has no wheel for "
            f"Python {request.python} on {request.platform}; ask for other versions."
        )
    sha256 = files[file]["hashes"]["sha256"]
    return Package(name=entry["name"], version=entry["version"], file=file, sha256=sha256)


def _file_name(file: dict[str, Any]) -> str:
    """The name of a file of a lock of https://peps.python.org/pep-0751/."""
    if "name" in file:
        return str(file["name"])
    where = file.get("path") or urlsplit(file["url"]).path
    return PurePosixPath(unquote(where)).name
