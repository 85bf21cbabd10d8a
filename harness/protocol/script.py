"""A user's script as a workload: what both sides need to know of it.

The script's folder and its data are mounted read-only below DATA (see `exchange`): the files of the
folder in `scripts/SHA256`, where SHA256 is `folder_sha256`, and each data file as `files/SHA256`.
Every run gets a working folder of its own with a copy of the folder's files and links to the data.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, List, Mapping, Tuple

from harness.protocol.open_values import DEFAULT

SCRIPTS = "scripts"
FILES = "files"
"""The folders below DATA that hold snapshots of scripts' folders, and data files by digest."""

CARRIED = ("epochs", "batch_size", "samples", "shuffle")
"""The axes that act on a script through a placeholder in its arguments, or not at all."""

PLACEHOLDER_AXES = (*CARRIED, "seed")
"""The axes that may be named by a placeholder; `seed` also acts through `seeding`."""

HOLDABLE = (
    "threads",
    "inter_threads",
    "seed",
    "determinism",
    "eager",
    "device",
    "precision",
    "tf32",
)
"""What `hold` may name: calls of the script that set it become recorded no-ops."""

VARIABLE = "$"
"""Stands before the name of an environment variable that a script set, among its settings."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class DataFile:
    """A file that the script finds at `target`: relative to its working folder, or below `~/`.

    `sha256` is that of its bytes, by which it is stored.
    """

    target: str
    sha256: str


@dataclass(frozen=True)
class Script:
    """A script to be trained. Give every field by name.

    `path` is the script relative to its folder, or `module` the name of a module in it; the other
    one is "". `arguments` may have placeholders. `folder_sha256` is the digest of the folder's
    files. `files` are globs, relative to the working folder, of files that count as results.
    `hold` names settings whose calls in the script do nothing. `keeps_folder` lets the repeats
    of a cell follow one another in one working folder.
    """

    name: str
    path: str
    module: str
    folder_sha256: str
    arguments: Tuple[str, ...] = ()
    data: Tuple[DataFile, ...] = ()
    files: Tuple[str, ...] = ()
    hold: Tuple[str, ...] = ()
    keeps_folder: bool = False

    @property
    def sha256(self) -> str:
        """The digest of all that makes it what it is; the name does not count."""
        content = {name: value for name, value in to_json(self).items() if name != "name"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @property
    def training_sha256(self) -> str:
        """The digest of what it does, whatever files of it count as results."""
        return replace(self, files=()).sha256


def to_json(script: Script) -> Dict[str, Any]:
    """The script as a JSON object."""
    return asdict(script)


def from_json(content: Mapping[str, Any]) -> Script:
    """The script in a JSON object.

    Raises:
        TypeError, KeyError: it is none.
    """
    fields = dict(content)
    fields["data"] = tuple(DataFile(**each) for each in fields["data"])
    for name in ("arguments", "files", "hold"):
        fields[name] = tuple(fields[name])
    return Script(**fields)


def check(script: Script) -> None:
    """Refuse names that would lead out of the script's own folders.

    Raises:
        ValueError: that is so; the message says which.
    """
    targets = [data.target for data in script.data]
    inside = [
        script.path,
        *script.files,
        *(each[2:] if each[:2] == "~/" else each for each in targets),
    ]
    for name in inside:
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            raise ValueError("%r leads out of the folder of %s" % (name, script.name))
    for digest in (script.folder_sha256, *(data.sha256 for data in script.data)):
        if re.match(r"^[0-9a-f]{64}$", digest) is None:
            raise ValueError("%r, of %s, is no digest" % (digest, script.name))
    if bool(script.path) == bool(script.module):
        raise ValueError("%s has to name a script or a module" % script.name)
    if script.module and re.match(r"^[A-Za-z_][\w.]*$", script.module) is None:
        raise ValueError("%r, of %s, is no module" % (script.module, script.name))


def placeholders(argument: str) -> List[str]:
    """The names in the placeholders of an argument, in order.

    Raises:
        ValueError: a single brace is no placeholder; `{{` and `}}` are braces.
    """
    names = []
    for match in _TOKEN.finditer(argument):
        if match.group() in ("{", "}"):
            raise ValueError("a single brace; write {{ or }} for a brace")
        if match.group(1) is not None:
            names.append(match.group(1))
    return names


def filled(script: Script, settings: Mapping[str, Any]) -> List[str]:
    """The arguments with the values of axes and parameters in place of placeholders.

    Raises:
        ValueError: a placeholder's axis is left at its default, which is no value to hand over.
    """
    values = {name: settings[name] for name in PLACEHOLDER_AXES if name in settings}
    parameters = settings.get("parameters", ())
    values.update(dict(parameters))

    def value(match: Any) -> str:
        name = match.group(1)
        if name is None:
            return str(match.group()[0])
        if name not in values or values[name] == DEFAULT:
            raise ValueError("{%s} stands in the arguments, and %s has no value" % (name, name))
        return str(values[name])

    return [_TOKEN.sub(value, argument) for argument in script.arguments]
