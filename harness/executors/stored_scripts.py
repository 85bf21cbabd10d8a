"""The folders of users' scripts lie with the results of their runs, as archives by their digest."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness import console
from harness.errors import HarnessError
from harness.protocol.script import SCRIPTS, Script
from harness.results.blobs import MAX_SCRIPT_BYTES
from harness.results.store import Store
from harness.subjects import folder_archives, packed_snapshots, snapshots


def store(results: Store, script: Script) -> None:
    """Put the folder of a script, whose copy is in the cache, with the results.

    One that is too large is left out, which is said once.

    Raises:
        RecordError: the copy was changed, or the disk does not take it.
    """
    sha256 = script.folder_sha256
    if results.has_script(sha256):
        return
    if not is_stored(script):
        _note_too_large(script.name, snapshots.folder_of(script))
        return
    with packed_snapshots.packed(f"{SCRIPTS}/{sha256}") as archive:
        results.store_script(sha256, archive)


def is_stored(script: Script) -> bool:
    """Whether `store` puts it there: its copy is in the cache, and not too large."""
    folder = snapshots.folder_of(script)
    return folder.is_dir() and _fits(folder)


@cache
def _fits(folder: Path) -> bool:
    try:
        return folder_archives.size_of(folder) <= MAX_SCRIPT_BYTES
    except (OSError, HarnessError):
        return False


@cache
def _note_too_large(name: str, folder: Path) -> None:
    if folder.is_dir():
        console.note(
            f"{name}: its folder has more than {MAX_SCRIPT_BYTES >> 20} MiB and is not kept with"
            " the results; nobody else can verify its runs. Name a smaller one with `folder`, and"
            " large files under `data`"
        )
