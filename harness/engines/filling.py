"""Keeping an order from filling the disk: what it wrote is counted while it runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.engines import limits
from harness.protocol import untrusted

WATCH_SECONDS = 1.0


class Filling:
    """Whether an order wrote too much; `reason` says so, and is empty otherwise."""

    reason = ""


@contextmanager
def watched(folders: Sequence[Path], end: Callable[[], object]) -> Iterator[Filling]:
    """Within the block, `end` is called once the folders hold more than the limits allow."""
    filling, over = Filling(), threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            filling.reason = complaint(folders)
            if filling.reason:
                end()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield filling
    finally:
        over.set()
        thread.join()


def complaint(folders: Sequence[Path]) -> str:
    """Which limit the folders are over, in words; empty where they are over none."""
    size = entries = 0
    for path in folders:
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            parts = waiting.pop()
            for each in _in_folder(path, parts, waiting):
                size, entries = size + each, entries + 1
                if size > limits.FOLDER_BYTES:
                    return f"wrote more than {limits.FOLDER_BYTES / 2**30:.1f} GiB"
                if entries > limits.FOLDER_ENTRIES:
                    return f"made more than {limits.FOLDER_ENTRIES} files"
            if len(parts) > limits.FOLDER_DEPTH:
                return f"made more than {limits.FOLDER_DEPTH} folders in one another"
    return ""


def _in_folder(top: Path, parts: tuple[str, ...], below: list[tuple[str, ...]]) -> Iterator[int]:
    """The sizes on disk of what lies in a folder that may change meanwhile; adds those `below`."""
    # What is gone by now takes no room.
    with suppress(OSError), untrusted.folder(top, *parts) as folder, os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                yield entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    below.append((*parts, entry.name))
