"""From a results folder to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RecordError, UsageError
from harness.publish.bundle import archive, contents, crate, manifest
from harness.publish.bundle.archive import Content
from harness.publish.bundle.contents import Contents
from harness.publish.bundle.crate import Credits
from harness.publish.bundle.manifest import Arrays, Manifest
from harness.results.names import RESULTS_FOLDER

README = "README.md"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle to be written: its files by path, with their digests, and its manifest.

    `manifest` is among the files; its bytes are what a signature is over.
    """

    contents: Contents
    files: Mapping[str, Content]
    digests: Mapping[str, str]
    manifest: bytes

    def write(self, target: Path) -> None:
        """Write the archive in one step; the same results give the same bytes.

        Raises:
            RecordError: a file cannot be read, or changed since it was looked at.
            UsageError: the archive cannot be written there.
        """
        archive.write(target, self.files, self.digests)


def prepare(
    folder: Path,
    *,
    lock_folders: Sequence[Path],
    more: Mapping[str, Content],
    arrays: Arrays,
    scripts: bool = True,
    credits: Credits,
) -> Bundle:
    """The bundle of a results folder, everything in it read and checked.

    `more` are files to add, by path: Dockerfiles, bases and data digests.

    Raises:
        UsageError: there is nothing to bundle.
        RecordError, LockError: as `contents.collect`.
    """
    collected = contents.collect(folder, lock_folders=lock_folders, arrays=arrays, scripts=scripts)
    files: dict[str, Content] = {**collected.files, **more}
    _require_names(folder, files)
    files[README] = _readme(collected, arrays).encode()
    files[crate.NAME] = crate.describe(collected, files, credits)
    digests = {path: archive.digest(content) for path, content in files.items()}
    data = manifest.render(Manifest(files=digests, arrays=arrays))
    files[manifest.NAME] = data
    return Bundle(contents=collected, files=files, digests=digests, manifest=data)


def require_place(target: Path) -> None:
    """Refuse a place where no archive can be written, before anything is read for it.

    Raises:
        UsageError: it is a folder, or lies in none.
    """
    if target.is_dir():
        raise UsageError(f"{target}: is a folder; name the file to write, such as results.zip")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder; make it first")


def _require_names(folder: Path, files: Mapping[str, Content]) -> None:
    """What could not be unpacked again is not packed."""
    problem = next(manifest.path_problems(files), None)
    if problem is not None:
        raise RecordError(f"{folder}: {problem}; rename it, or move it out of the folder")


def _readme(contents: Contents, arrays: Arrays) -> str:
    left_out = "" if arrays == "all" else " Weights and predictions were left out."
    return f"""# {crate.title(contents)}

{crate.sentence(contents)}{left_out}

- `{RESULTS_FOLDER}/`: a record per run (JSON), the cells as planned, the hardware, the locks of
  the environments (`pip install --require-hashes -r` reads them), the arrays by their digest, and
  the folders of users' scripts
- `matrices/`: what was asked for
- `dockerfiles/`: what the images are built from, and the digests of their bases
- `data.json`: the digests of the data sets
- `{crate.NAME}`: this bundle described as a Process Run Crate (RO-Crate 1.1): every run, what
  went in, what came out
- `{manifest.NAME}`: the SHA-256 of every file

`sha256sum --check {manifest.NAME}` checks the files. `harness verify`, of the program
reproducibility-harness, takes the archive, runs the trainings again and compares the bits.
"""
