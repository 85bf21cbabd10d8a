"""The cache of somebody else on this machine, who has its environments and none of its scripts."""

from __future__ import annotations

from pathlib import Path

from harness import places

_OWN = ("datasets", "exchange", "kept", "audits", "cpus", "uncontained")


def other_cache(folder: Path) -> Path:
    """A cache with the environments of this one, but nobody's scripts."""
    (folder / "datasets").mkdir(parents=True)
    for entry in places.cache().iterdir():
        if entry.is_dir() and entry.name not in _OWN:
            (folder / entry.name).symlink_to(entry)
    return folder
