"""Where the script tries to reach another machine. Runs have no network; the reason says where."""

from __future__ import annotations

import sys
from typing import Any, Tuple

from harness.runner.scripts.observing.notes import Notes

_EVENTS = ("socket.connect", "socket.getaddrinfo")
_MOST = 20


def watch(notes: Notes) -> None:
    """Note every address that is asked for, from Python 3.8 on; earlier nothing tells."""
    if not hasattr(sys, "addaudithook"):
        return

    def hook(event: str, arguments: Tuple[Any, ...]) -> None:
        if event in _EVENTS and len(notes.connections) < _MOST:
            with notes.guarded():
                _note(notes, event, arguments)

    sys.addaudithook(hook)


def _note(notes: Notes, event: str, arguments: Tuple[Any, ...]) -> None:
    target = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    if isinstance(target, (str, bytes)) and event == "socket.connect":
        return  # a socket of this machine, in a file
    host = target[0] if isinstance(target, tuple) else target
    address = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if address in ("", "localhost", "127.0.0.1", "::1", "None"):
        return
    entry = {"address": address, "place": notes.place()}
    if entry not in notes.connections:
        notes.connections.append(entry)
