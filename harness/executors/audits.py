"""Audits: whether what the harness does to a run leaves its results alone, checked and remembered.

Per environment and workload the first run is done in two ways: in a process of its own, leaving a
trace, and forked, leaving none. Equal: forking and tracing are trusted there. Different, although
the cold run repeats itself: the environment goes back to fresh processes that leave no trace. A run
that does not repeat itself even cold decides nothing, and the next one is tried.

Users' scripts are never forked. Of each the first run in an environment is done with and without
being observed, and what it prints and all files that it writes are compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeGuard

from harness import places
from harness.executors.replies import Reply
from harness.protocol.files import write_json

SCHEMA = 1
"""Of what is remembered in the cache; what has another number, or none, is forgotten."""

State = Literal["passed", "failed", "undecided"]
_WHOLE = ""
"""Stands for every workload of an environment."""
_PASSED = "a forked run without a trace left the same hashes as a cold one with it"
NOT_CONFINED = "forked runs cannot be kept from each other's files here (no Landlock)"
"""Why nothing is forked, and no audit decided it."""
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
        return Audit(state="passed", sentence=_PASSED)
    if _differences(cold, cold_again()):
        return Audit(state="undecided", sentence="the run does not repeat itself even cold")
    return Audit(state="failed", sentence=f"forked and cold runs differ in {', '.join(different)}")


def compare_unobserved(observed: Reply | None, plain: Callable[[], Reply | None]) -> Audit:
    """Judge whether observing a user's script changes what it prints and the files it leaves.

    `plain` runs it without being observed; it is called again where the two differ.
    """
    if not _is_complete(observed):
        return Audit(state="undecided", sentence="the observed run did not complete")
    seen, first = _visible(observed), _visible(plain())
    if seen == first:
        what = "output and files" if len(seen) > 1 else "output"
        return Audit(state="passed", sentence=f"without being observed it left the same {what}")
    second = _visible(plain())
    # What no two plain runs leave alike, as a file with the time in it, says nothing.
    repeated = {name for name in first.keys() & second.keys() if first[name] == second[name]}
    changed = sorted(name for name in repeated if seen.get(name) != first[name])
    changed += sorted((seen.keys() - first.keys()) - second.keys())
    if changed and first and second:
        names = ", ".join(changed[:_FILES_NAMED])
        return Audit(state="failed", sentence=f"observed and unobserved runs differ in {names}")
    if _PRINTED not in repeated or len(repeated) == 1:
        return Audit(state="undecided", sentence="the script does not repeat its output anyway")
    sentence = "without being observed it left the same output, and all files that it repeats"
    return Audit(state="passed", sentence=sentence)


_PRINTED = "what they printed"
_FILES_NAMED = 5


def _visible(reply: Reply | None) -> dict[str, str | None]:
    """What a run left that can be seen without observing it; of one that failed nothing."""
    if not _is_complete(reply) or reply.measured is None:
        return {}
    written = reply.script.written if reply.script else {}
    return {_PRINTED: reply.measured.printed_sha256, **reply.measured.files, **written}


def _is_complete(reply: Reply | None) -> TypeGuard[Reply]:
    return reply is not None and reply.status == "completed" and reply.measured is not None


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
        self._scripts_for_now: dict[tuple[str, str], Audit] = {}

    def lookup(self, lock_sha256: str, workload: str) -> Audit | None:
        """What is remembered for a workload in an environment, None where nothing is.

        A failed audit answers for every workload of its environment.
        """
        failed = self.failed(lock_sha256)
        return failed or self._read(lock_sha256, workload)

    def of_script(self, lock_sha256: str, script: str) -> Audit | None:
        """What is remembered about observing a script, named by its digest, in an environment."""
        return self._scripts_for_now.get((lock_sha256, script)) or self._read(lock_sha256, script)

    def remember_of_script(self, lock_sha256: str, script: str, audit: Audit) -> None:
        """Remember an audit of observing; one that is undecided answers for this sweep only."""
        if audit.state == "undecided":
            self._scripts_for_now[lock_sha256, script] = audit
        else:
            self._save(lock_sha256, script, audit)

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
            self._save(lock_sha256, key, replace(audit, sentence=sentence))

    def _save(self, lock_sha256: str, key: str, audit: Audit) -> None:
        content = {"schema": SCHEMA, "state": audit.state, "sentence": audit.sentence}
        path = self._path(lock_sha256, key)
        with places.written(path):
            write_json(path, content)

    def _read(self, lock_sha256: str, workload: str) -> Audit | None:
        try:
            content = json.loads(self._path(lock_sha256, workload).read_bytes())
            if content["schema"] != SCHEMA:
                return None
            return Audit(state=content["state"], sentence=content["sentence"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _path(self, lock_sha256: str, workload: str) -> Path:
        key = hashlib.sha256(
            f"{self._context}\n{self._code(workload)}\n{lock_sha256}\n{workload}".encode()
        ).hexdigest()
        return places.cache("audits") / f"{key[:32]}.json"
