"""The description of a bundle for people and archives: a Process Run Crate.

That is a profile of RO-Crate 1.1: https://w3id.org/ro/wfrun/process/0.5 and
https://www.researchobject.org/ro-crate/specification/1.1/ .
It lists every run with the files that it left; the manifest lists every file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from harness.errors import UsageError
from harness.publish.bundle import actions, archive, manifest
from harness.publish.bundle.archive import Content
from harness.publish.bundle.contents import Contents
from harness.results import locks
from harness.results.names import RESULTS_FOLDER
from harness.results.scan import MACHINE, PLAN

NAME = "ro-crate-metadata.json"

_NO_LICENCE = "Not stated: ask who made the results before using them"
"""An RO-Crate must say something of its licence."""

_URL = re.compile(r"https?://[^\s<>\"]+")
_ENCODINGS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".npz": "application/zip",
    ".tar": "application/x-tar",
}
_SAID = {
    manifest.NAME: "The SHA-256 of every file; sha256sum --check reads it",
    "README.md": "What this is and how to check it",
    "data.json": "The data sets: digests of the originals and of what was trained on",
}


@dataclass(frozen=True, kw_only=True)
class Credits:
    """What only people know: the licence (a URL) and the authors (names)."""

    licence: str | None = None
    authors: tuple[str, ...] = ()


def describe(contents: Contents, files: Mapping[str, Content], credits: Credits) -> bytes:
    """The metadata file of a bundle with these files; equal input gives equal bytes.

    Raises:
        UsageError: the licence is no URL.
    """
    # Takes a third of a second to import, and only bundling needs it.
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.name = title(contents)
    crate.description = sentence(contents)
    assert contents.newest is not None
    crate.root_dataset["datePublished"] = contents.newest.isoformat(timespec="seconds")
    ids = _add_files(crate, contents, files)
    authors = _add_people(crate, credits)
    actions.add(crate, contents.runs, ids, authors, _data_titles(files))
    graph = crate.metadata.generate()
    graph["@graph"].sort(key=lambda entity: str(entity["@id"]))
    return (json.dumps(graph, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def title(contents: Contents) -> str:
    """What the bundle is, in a line."""
    return f"Training reproducibility: {', '.join(sorted(contents.matrices))}"


def sentence(contents: Contents) -> str:
    """What is in the bundle."""
    machines = f"{len(contents.machines)} machine{'' if len(contents.machines) == 1 else 's'}"
    but = f", but for the scripts {', '.join(sorted(contents.scripts))}" if contents.scripts else ""
    return (
        f"{len(contents.runs):,} recorded trainings on {machines}, with the hashes "
        "of their weights, the locks of their environments, and all that is needed to run them "
        f"again and compare{but}."
    )


def _data_titles(files: Mapping[str, Content]) -> dict[str, str]:
    """What the data sets of the bundle are, by the digest that records name."""
    content = files.get("data.json")
    said = json.loads(content) if isinstance(content, bytes) else {}
    return {one["sha256"]: one["title"] for one in said.get("data_sets", {}).values()}


def _add_files(crate: Any, contents: Contents, files: Mapping[str, Content]) -> dict[str, str]:
    """The ids of the files in the description, by their path in the bundle."""
    from rocrate.model.dataset import Dataset
    from rocrate.model.file import File

    folders = {f"{RESULTS_FOLDER}/": "The results, as the sweeps left them", **contents.folders}
    for path, sentence in sorted(folders.items()):
        properties = {"name": path.rstrip("/"), "description": sentence}
        crate.add(Dataset(crate, None, path, properties=properties))
    of_runs = {p for run in contents.runs for p in (run.path, run.script_path, *run.files)}
    listed: dict[str, Content | None] = {
        path: content for path, content in files.items() if _is_listed(path) or path in of_runs
    }
    return {
        path: crate.add(File(crate, None, path, properties=_properties(path, content))).id
        for path, content in sorted({**listed, manifest.NAME: None}.items())
    }


def _is_listed(path: str) -> bool:
    parts = PurePosixPath(path).parts
    if parts[0] != RESULTS_FOLDER:
        return True
    return parts[-1] in (PLAN, MACHINE) or parts[2:3] == (locks.FOLDER,)


def _properties(path: str, content: Content | None) -> dict[str, str]:
    suffix = PurePosixPath(path).suffix
    said: dict[str, str] = {"name": path, "encodingFormat": _ENCODINGS.get(suffix, "text/plain")}
    if path in _SAID:
        said["description"] = _SAID[path]
    if content is not None:
        said["contentSize"] = str(archive.size(content))
    return said


def _add_people(crate: Any, credits: Credits) -> list[str]:
    """The ids of the authors."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.model.person import Person

    crate.root_dataset["license"] = _NO_LICENCE
    if credits.licence is not None:
        if not _URL.fullmatch(credits.licence):
            raise UsageError(
                f"--license {credits.licence!r} is no URL; "
                "write https://creativecommons.org/licenses/by/4.0/ for example"
            )
        properties = {"@type": "CreativeWork", "name": credits.licence}
        licence = crate.add(ContextEntity(crate, credits.licence, properties=properties))
        crate.root_dataset["license"] = licence
    people = [
        crate.add(Person(crate, f"#author-{number}", properties={"name": name}))
        for number, name in enumerate(credits.authors, start=1)
    ]
    if people:
        crate.root_dataset["author"] = people[0] if len(people) == 1 else people
    return [person.id for person in people]
