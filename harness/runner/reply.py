"""The reply as the host reads it: see `exchange` for its fields."""

from __future__ import annotations

import json
import os
import traceback
from typing import Any, Dict

from . import exchange

Reply = Dict[str, Any]

_LONGEST_MESSAGE = 8000


def empty_reply() -> Reply:
    """A reply in which nothing is known yet; it counts as completed until something says not."""
    return {
        "schema": exchange.SCHEMA,
        "status": exchange.COMPLETED,
        "reason": "",
        "error": None,
        "found": {},
        "versions": {},
        "packages": {},
        "build": {},
        "devices": [],
        "cpu_flags": [],
        "glibc": "",
        "seconds": {},
    }


def failed(reply: Reply, status: str, reason: str, error: BaseException | None) -> None:
    """Write into the reply that, and why, the run does not count as completed."""
    reply.update(status=status, reason=reason, error=None if error is None else _described(error))


def write_reply(folder: str, reply: Reply) -> None:
    """Write `reply.json`; it appears whole or not at all, and survives a power cut."""
    path = os.path.join(folder, exchange.REPLY)
    unfinished = path + ".unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(reply, file, sort_keys=True, indent=1, default=str)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def one_line(error: BaseException) -> str:
    """Type and first line of an error, for the reason of a reply."""
    lines = str(error).strip().splitlines()
    return "%s: %s" % (type(error).__name__, lines[0] if lines else "")


def _described(error: BaseException) -> Dict[str, str]:
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {
        "type": type(error).__name__,
        "message": str(error)[:_LONGEST_MESSAGE],
        "traceback": "".join(lines)[-_LONGEST_MESSAGE:],
    }
