"""Arrays that a results folder leaves out on purpose: `blobs/left-out.json` names their kinds.

Predictions are large and seldom equal. A folder that is published or under version control can do
without them and say so; what is missing without that is missing.

    {"schema": 1, "kinds": ["predictions"], "sha256": DIGEST}
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.errors import RecordError
from harness.results import durable, json_digest, regular_files
from harness.results.blobs import KINDS
from harness.results.reading import content_of

FILE = "left-out.json"
SCHEMA = 1

_BYTES = 1 << 16


def read(blobs: Path) -> frozenset[str]:
    """The kinds of arrays that this folder of blobs leaves out.

    Raises:
        RecordError: the file that says so is damaged.
    """
    path = blobs / FILE
    data = regular_files.content(path, _BYTES)
    if data is None:
        return frozenset()
    content = content_of(path, data, newest=SCHEMA, steps={})
    kinds = content.get("kinds")
    if not isinstance(kinds, list) or not all(kind in KINDS for kind in kinds):
        raise RecordError(f"{path}: names no kinds of arrays; delete it, or copy it again")
    return frozenset(kinds)


def leave_out(blobs: Path, kinds: Iterable[str], *, partial: Path) -> int:
    """Say that arrays of these kinds are left out, and remove them; how many there were.

    Raises:
        RecordError: what was said before is damaged.
        OSError: the disk does not take it, or a link lies in the way.
    """
    named = sorted({*read(blobs), *kinds})
    content = json_digest.with_digest({"schema": SCHEMA, "kinds": named})
    durable.write(blobs / FILE, [content], partial=partial, top=blobs.parent)
    removed = 0
    for kind in kinds:
        folder = blobs / kind
        for path in sorted(folder.glob("*.npz")) if regular_files.is_folder(folder) else ():
            path.unlink()
            removed += 1
    return removed
