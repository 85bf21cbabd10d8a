"""The matrix file of an adopted script: written, continued, never over one of a person's own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UsageError
from harness.protocol.axes import Value, to_json
from harness.protocol.files import write_text

_HEAD = "# Written by harness {command} {script}; yours to change, then with another name.\n"
_MARK = "# Written by harness "


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What an adopted script's matrix file says.

    `environments` are as in a matrix file: the one to run in, then others to compare with. `varied`
    are the settings tried in the first one, beside the script as it is. `guessed` are those of the
    packages whose version nobody named: it is the one beside this program. `files` count as
    results. `folder` is what travels with the script (None: the script's own).
    """

    name: str
    script: Path
    arguments: tuple[str, ...]
    packages: tuple[str, ...]
    data: Mapping[str, str]
    environments: tuple[Mapping[str, str], ...]
    repeats: int
    varied: tuple[Mapping[str, Value], ...] = ()
    guessed: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def top(self) -> Path:
        """The folder that travels with the script."""
        return self.script.parent if self.folder is None else self.folder

    def without_guesses(self) -> Proposal:
        """The same with any version of the packages whose version nobody named."""
        packages = (p.partition("==")[0] if p in self.guessed else p for p in self.packages)
        return replace(self, packages=tuple(packages), guessed=frozenset())


def path_for(name: str) -> Path:
    """Where the file lies: in the current folder."""
    return Path(f"{name}.matrix.yaml")


def require_own(path: Path) -> None:
    """Refuse a file that this program did not write.

    Raises:
        UsageError: there is one.
    """
    if path.exists() and not path.is_file():
        raise UsageError(f"{path}: is no file, and a matrix would be written there; move it away")
    if path.exists() and not path.read_text("utf-8", "replace").startswith(_MARK):
        raise UsageError(
            f"{path}: is a matrix of your own, and would be overwritten; run it with harness run,"
            " or work in another folder"
        )


def write(path: Path, proposal: Proposal, command: str) -> None:
    """Write the matrix file."""
    require_own(path)
    write_text(path, text(path, proposal, command))


def text(path: Path, proposal: Proposal, command: str) -> str:
    """What is to stand in the matrix file at `path`."""
    head = _HEAD.format(command=command, script=proposal.script.name)
    content = _content(path, proposal)
    return head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=96)


def files_in(path: Path, name: str) -> tuple[str, ...]:
    """The files that count as results in a file that an earlier command wrote; none without one."""
    try:
        found = yaml.safe_load(path.read_text("utf-8"))["workloads"][name]["files"]
        return tuple(map(str, found))
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return ()


def _content(path: Path, proposal: Proposal) -> dict[str, Any]:
    def from_here(place: Path) -> str:
        return os.path.relpath(place.absolute(), path.absolute().parent)

    entry = {
        "script": os.path.normpath(from_here(proposal.script)),
        "folder": from_here(proposal.top),
        # Braces of the command line are no placeholders.
        "arguments": [each.replace("{", "{{").replace("}", "}}") for each in proposal.arguments],
        "packages": list(proposal.packages),
        "data": {target: {"from": source} for target, source in proposal.data.items()},
        "files": list(proposal.files),
    }
    filled = {key: value for key, value in entry.items() if value}
    return {
        "schema": "1",
        "name": proposal.name,
        "workloads": {proposal.name: filled},
        "environments": [dict(each) for each in proposal.environments],
        "axes": {"workload": [proposal.name]},
        "repeats": str(proposal.repeats),
        **_includes(proposal),
    }


def _includes(proposal: Proposal) -> dict[str, Any]:
    first: Iterable[tuple[str, str]] = proposal.environments[0].items()
    blocks = [
        {
            "workload": proposal.name,
            **dict(first),
            **{name: to_json(value) for name, value in settings.items()},
        }
        for settings in proposal.varied
    ]
    return {"include": blocks} if blocks else {}
