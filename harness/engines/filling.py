"""Keeping an order from filling the disk: what it wrote is counted while it runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.engines import limits

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
        for each in _below(path):
            size, entries = size + each, entries + 1
            if size > limits.FOLDER_BYTES:
                return f"wrote more than {limits.FOLDER_BYTES / 2**30:.1f} GiB"
            if entries > limits.FOLDER_ENTRIES:
                return f"made more than {limits.FOLDER_ENTRIES} files"
    return ""


def _below(folder: str | Path) -> Iterator[int]:
    """The size on disk of everything below a folder that may change meanwhile."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            yield entry.stat(follow_symlinks=False).st_blocks * 512
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)
        except OSError:
            continue
