"""Audits: whether a forked run leaves the same bits as a cold one, checked and remembered.

Per environment and workload the first run is done both ways. Equal: forking is trusted there.
Different, although the cold run repeats itself: the environment goes back to fresh processes.
A run that does not repeat itself even cold decides nothing, and the next one is tried.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness import places
from harness.executors.replies import Reply
from harness.protocol.files import write_json

SCHEMA = 1
"""Of what is remembered in the cache; what has another number, or none, is forgotten."""

State = Literal["passed", "failed", "undecided"]
_WHOLE = ""
"""Stands for every workload of an environment."""
_HASHES = ("init_sha256", "weights_sha256", "predictions_sha256", "loss")


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The outcome of one audit and what it compared, in words.

    `lasting` says that it would come out the same again; one that is not answers for this sweep
    only.
    """

    state: State
    sentence: str
    lasting: bool = True


def compare(
    cold: Reply | None, forked: Reply | None, cold_again: Callable[[], Reply | None]
) -> Audit:
    """Judge the replies of the same run done cold and forked.

    `cold_again` does the cold run a second time; it is called only where the two differ.
    """
    if not _is_complete(cold):
        return Audit(state="undecided", sentence="the cold run did not complete")
    if not _is_complete(forked):
        return Audit(
            state="failed",
            sentence="forked and cold runs differ: the forked one did not complete",
            lasting=False,
        )
    different = _differences(cold, forked)
    if not different:
        return Audit(state="passed", sentence="the forked run left the same hashes as a cold one")
    if _differences(cold, cold_again()):
        return Audit(state="undecided", sentence="the run does not repeat itself even cold")
    return Audit(state="failed", sentence=f"forked and cold runs differ in {', '.join(different)}")


def _is_complete(reply: Reply | None) -> bool:
    return reply is not None and reply.status == "completed"


def _differences(one: Reply | None, other: Reply | None) -> list[str]:
    return [name for name in _HASHES if _value(one, name) != _value(other, name)]


def _value(reply: Reply | None, name: str) -> str | None:
    measured = reply.measured if reply is not None else None
    return getattr(measured, name) if measured is not None else None


class Audits:
    """What is known about forking on this machine with one engine.

    Remembered in the cache for as long as environment, engine, machine and the meaning of the code
    are the same. `code` gives the digest of the code that a workload's runs use.
    """

    def __init__(self, *, code: Callable[[str], str], engine: str, machine: str) -> None:
        self._code = code
        self._context = f"{engine}\n{machine}"
        self._for_now: dict[str, Audit] = {}

    def lookup(self, lock_sha256: str, workload: str) -> Audit | None:
        """What is remembered for a workload in an environment, None where nothing is.

        A failed audit answers for every workload of its environment.
        """
        failed = self.failed(lock_sha256)
        return failed or self._read(lock_sha256, workload)

    def failed(self, lock_sha256: str) -> Audit | None:
        """The failed audit that keeps an environment from forking, if there is one."""
        return self._for_now.get(lock_sha256) or self._read(lock_sha256, _WHOLE)

    def remember(self, lock_sha256: str, workload: str, audit: Audit) -> None:
        """Remember an audit that decided something."""
        key = _WHOLE if audit.state == "failed" else workload
        if not audit.lasting:
            self._for_now[lock_sha256] = audit
        elif audit.state != "undecided":
            sentence = f"{workload}: {audit.sentence}"
            content = {"schema": SCHEMA, "state": audit.state, "sentence": sentence}
            path = self._path(lock_sha256, key)
            with places.written(path):
                write_json(path, content)

    def _read(self, lock_sha256: str, workload: str) -> Audit | None:
        try:
            found = json.loads(self._path(lock_sha256, workload).read_bytes())
            if found["schema"] != SCHEMA:
                return None
            return Audit(state=found["state"], sentence=found["sentence"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _path(self, lock_sha256: str, workload: str) -> Path:
        key = hashlib.sha256(
            f"{self._context}\n{self._code(workload)}\n{lock_sha256}\n{workload}".encode()
        ).hexdigest()
        return places.cache("audits") / f"{key[:32]}.json"
