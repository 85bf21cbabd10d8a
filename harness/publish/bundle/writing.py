"""From a results folder to a bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.publish.bundle import archive, contents, crate, manifest
from harness.publish.bundle.archive import Content
from harness.publish.bundle.contents import Contents
from harness.publish.bundle.crate import Credits
from harness.publish.bundle.manifest import Arrays, Manifest

README = "README.md"


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """A bundle that was written: number of files, bytes, and the manifest that is signed."""

    contents: Contents
    files: int
    size: int
    manifest: bytes


def write(
    folder: Path,
    target: Path,
    *,
    lock_folders: Sequence[Path],
    more: Mapping[str, Content],
    arrays: Arrays,
    version: str,
    credits: Credits,
) -> Bundled:
    """Write the bundle of a results folder; the same results give the same bytes.

    `more` are files to add, by path: Dockerfiles, bases and data digests. `version` is that of
    this program.

    Raises:
        UsageError: there is nothing to bundle, or the archive cannot be written there.
        RecordError, LockError: as `contents.collect`.
    """
    _require_place(target)
    found = contents.collect(folder, lock_folders=lock_folders, arrays=arrays)
    files: dict[str, Content] = {**found.files, **more}
    files[README] = _readme(found, arrays).encode()
    files[crate.NAME] = crate.describe(found, files, version, credits)
    digests = {path: archive.digest(content) for path, content in files.items()}
    data = manifest.render(Manifest(files=digests, arrays=arrays))
    archive.write(target, {**files, manifest.NAME: data}, digests)
    size = target.stat().st_size
    return Bundled(contents=found, files=len(files) + 1, size=size, manifest=data)


def _require_place(target: Path) -> None:
    if target.is_dir():
        raise UsageError(f"{target}: is a folder; name the file to write, such as results.zip")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder; make it first")


def _readme(found: Contents, arrays: Arrays) -> str:
    left_out = (
        "" if arrays == "all" else "Weights and predictions were left out; hashes are here.\n"
    )
    return f"""# {crate.title(found)}

{found.records} recorded trainings. {left_out}
- `{contents.RESULTS}/`: a record per run (JSON), the cells as planned, the hardware, the locks of
  the environments (`pip install --require-hashes -r` reads them), the arrays by their digest
- `matrices/`: what was asked for
- `dockerfiles/`: what the images are built from, and the digests of their bases
- `data.json`: the digests of the data sets
- `{crate.NAME}`: this bundle described as an RO-Crate 1.1
- `{manifest.NAME}`: the SHA-256 of every file

Check the files with `sha256sum --check {manifest.NAME}`; run the trainings again and compare, with
the program reproducibility-harness, with `harness verify` and the name of the bundle.
"""
