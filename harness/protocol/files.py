"""Writing files so that a reader sees the whole file or none, also after a power cut."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Mapping

from harness.protocol.untrusted import AnyPath


def write_json(path: AnyPath, content: Mapping[str, Any], mode: int = 0o644) -> None:
    """Replace a file by this JSON object, as `write_text`."""
    write_text(path, json.dumps(content, sort_keys=True), mode)


def write_text(path: AnyPath, text: str, mode: int = 0o644) -> None:
    """Replace a file by this text; other writers of the same file do no harm.

    Raises:
        OSError: the disk does not take it.
    """
    folder, name = os.path.split(os.fspath(path))
    descriptor, draft = tempfile.mkstemp(prefix="." + name + ".", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(draft, os.fspath(path))
    except BaseException:
        os.unlink(draft)
        raise
