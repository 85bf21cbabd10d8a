"""The users' scripts that results bring, and their data, which they do not bring.

A script runs from its copy in the cache, found by the digest of its folder. Where there is none, it
is made from the archive beside the results. Data are in the cache, too, or in files named by users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import console
from harness.errors import RecordError
from harness.protocol.script import FILES, SCRIPTS, DataFile, Script
from harness.publish.escaping import visible
from harness.results import blobs, regular_files
from harness.results.names import BLOB_FOLDER
from harness.subjects import data_files, packed_snapshots, snapshots
from harness.subjects.scripts import DataSource

_MNIST = "mnist"


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """The folder of blobs of each matrix, by its name or what else names it; data by digest."""

    brought: Mapping[str, Path] = field(default_factory=dict)
    data: Mapping[str, Path] = field(default_factory=dict)

    def obstacle(self, matrix: str, script: Script) -> str:
        """Why the script of a record of this matrix cannot be run here; "" where it can."""
        if not (_is_copied(script) or regular_files.is_file(self._archive(matrix, script))):
            return (
                f"the script {title(script)} ({script.folder_sha256[:12]}…) is not with the"
                " results, and was never copied here; run its matrix"
            )
        missing = next((each for each in script.data if not self._has(each)), None)
        if missing is None:
            return ""
        return (
            f"results do not bring data: {visible(missing.target)} has SHA-256 {missing.sha256};"
            " name a file that has it with --data FILE"
        )

    def note_unasked(self, scripts: Iterable[Script | None]) -> None:
        """Say which of the data files none of these scripts asks for: perhaps other bytes."""
        asked = {each.sha256 for script in scripts if script for each in script.data}
        for sha256 in sorted(self.data.keys() - asked):
            console.note(f"{self.data[sha256]}: no script asks for a file with SHA-256 {sha256}")

    def bring(self, matrix: str, script: Script) -> None:
        """Put the script and its data where processes find them; `obstacle` says that it can be.

        Raises:
            RecordError: the archive that came with the results is not what its name says.
            DataError: the cache cannot be written.
        """
        if not _is_copied(script):
            folder, sha256 = self.brought[matrix], script.folder_sha256
            archive = blobs.script_archive(folder, sha256)
            if archive is None:
                raise RecordError(f"{self._archive(matrix, script)}: is gone; copy it there again")
            packed_snapshots.unpack(f"{SCRIPTS}/{sha256}", archive)
        for each in script.data:
            if each.sha256 in self.data:
                packed_snapshots.unpack(f"{FILES}/{each.sha256}", self.data[each.sha256])
            elif each.sha256 == data_files.MNIST_SHA256:
                snapshots.stage_data(DataSource(target=each.target, dataset=_MNIST))

    def _archive(self, matrix: str, script: Script) -> Path:
        return blobs.path_of(self.brought[matrix], blobs.SCRIPTS, script.folder_sha256)

    def _has(self, data: DataFile) -> bool:
        known = data.sha256 in self.data or data.sha256 == data_files.MNIST_SHA256
        return known or packed_snapshots.is_here(f"{FILES}/{data.sha256}")


def gathered(folders: Mapping[str, Path], data: Sequence[Path]) -> Scripts:
    """The scripts beside the results of each matrix (its folder given), and these data files.

    Raises:
        DataError: a file cannot be read.
    """
    by_digest = {data_files.sha256_of(DataSource(target=str(p), path=p)): p for p in data}
    brought = {matrix: folder / BLOB_FOLDER for matrix, folder in folders.items()}
    return Scripts(brought=brought, data=by_digest)


def title(script: Script) -> str:
    """What the script is called: its file or module, and the workload. It may be anybody's."""
    return visible(f"{script.path or script.module} ({script.name})")


def _is_copied(script: Script) -> bool:
    return packed_snapshots.is_here(f"{SCRIPTS}/{script.folder_sha256}")
