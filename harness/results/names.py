"""Which texts may name a folder or file: nothing that could lead out of its folder."""

from __future__ import annotations

import re

MAX_BYTES = 240
"""File systems allow 255 bytes; `<repeat>.superseded-<8hex>.json` and temporary names need none."""

BLOB_FOLDER = "blobs"

RESULTS_FOLDER = "results"
"""The folder of a publication or bundle that holds the results it was made from."""

_NAME = re.compile(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_name(text: str) -> bool:
    """Whether `text` can name one folder or file: no separator, no leading dot, not too long."""
    return bool(_NAME.fullmatch(text)) and len(text.encode("utf-8", "replace")) <= MAX_BYTES


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 digest in lower-case hexadecimal."""
    return bool(_SHA256.fullmatch(text))
