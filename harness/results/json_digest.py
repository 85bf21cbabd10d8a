"""The digest that a record carries of itself, so that a changed one is noticed.

The digest is the SHA-256 of the JSON without the key `sha256`, keys sorted, no spaces, in ASCII.
Anybody can recompute it with three lines of Python:

    import hashlib, json, sys
    content = json.load(open(sys.argv[1])); digest = content.pop("sha256")
    print(hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest() == digest)

It shows rot, editing and half a copy. It is no signature: who changes a record on purpose can
write a new digest, too.
"""  # noqa: E501 - to be copied

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY = "sha256"

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest(content: Mapping[str, Any]) -> str:
    """The digest of a JSON object as read, whether or not it already carries one.

    Raises:
        ValueError: it holds a number that has no text (more digits than Python writes).
    """
    plain = {key: value for key, value in content.items() if key != KEY}
    return hashlib.sha256(_CANONICAL(plain).encode("ascii")).hexdigest()


def with_digest(content: Mapping[str, Any]) -> bytes:
    """The text of a file with this content and its digest: sorted, indented, in UTF-8."""
    # The digest is of what a reader will find: tuples are lists there, and bytes that are no
    # UTF-8 have become question marks.
    read = json.loads(text(content))
    return text({**read, KEY: digest(read)})


def text(content: Mapping[str, Any]) -> bytes:
    """A JSON object as it is written to files: sorted, indented, in UTF-8, whatever is in it."""
    written = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False)
    # Names of files and variables may hold bytes that are no UTF-8; a record always is.
    return (written + "\n").encode("utf-8", "replace")
