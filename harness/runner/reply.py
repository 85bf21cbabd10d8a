"""The reply as the host reads it: see `exchange` for its fields."""

from __future__ import annotations

import os
import traceback
from typing import Any, Dict

from harness.protocol import exchange
from harness.protocol.files import write_json

Reply = Dict[str, Any]

_LONGEST_TEXT = 8000
_LONGEST_REASON = 400


def empty_reply() -> Reply:
    """A reply in which nothing is known yet; it counts as completed until something says not."""
    return {
        "schema": exchange.SCHEMA,
        "status": exchange.COMPLETED,
        "reason": "",
        "error": None,
        "found": {},
        "reader_errors": {},
        "versions": {},
        "packages": {},
        "build": {},
        "devices": [],
        "cpu_flags": [],
        "glibc": "",
        "confined": "",
        "seconds": {},
    }


def failed(reply: Reply, status: str, reason: str, error: BaseException | None) -> None:
    """Write into the reply that, and why, the run does not count as completed."""
    reply.update(status=status, reason=reason, error=None if error is None else described(error))


def write_reply(folder: str, reply: Reply) -> None:
    """Write `reply.json`; it appears whole or not at all."""
    write_json(os.path.join(folder, exchange.REPLY), reply)


def one_line(error: BaseException) -> str:
    """Type and cause of an error, for the reason of a reply.

    Two lines, because Keras puts "Exception encountered when calling …" before the cause;
    TensorFlow puts it after a listing of source lines that begins with "Graph execution error".
    """
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("[[")]
    if lines and lines[0].startswith("Graph execution error"):
        lines = [lines[0], lines[-1]]
    return "%s: %s" % (type(error).__name__, " ".join(lines[:2])[:_LONGEST_REASON])


def described(error: BaseException) -> Dict[str, str]:
    """Type, message and traceback of an error, as a reply has them."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {
        "type": type(error).__name__,
        "message": _shortened(str(error)),
        "traceback": _shortened("".join(lines)),
    }


def _shortened(text: str) -> str:
    """Both ends of a long text: TensorFlow puts the cause last, Python where it began first."""
    if len(text) <= _LONGEST_TEXT:
        return text
    half = _LONGEST_TEXT // 2
    return text[:half] + "\n[...]\n" + text[-half:]
