"""Why an environment is not there yet: which digest changed, from what to what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_SHA256 = re.compile(r"(?:.*@)?(?:sha256:)?([0-9a-f]{64})")


def reason(wanted: Mapping[str, str], made: Sequence[Mapping[str, str]], *, kind: str) -> str:
    """What differs between what is wanted and what there is; both have `lock` and `base`.

    `made` are the others for the same request, the newest first; `kind` names them ("image").
    """
    if not made:
        return f"no {kind} of it yet"
    # One that agrees in something says more than one that only happens to be newer.
    nearest = max(made, key=lambda other: sum(_agrees(name, wanted, other) for name in wanted))
    changes = [
        changed(f"the {name}", nearest.get(name, ""), value)
        for name, value in wanted.items()
        if not _agrees(name, wanted, nearest)
    ]
    return "; ".join(changes) or f"the {kind} of this lock and base was made in another way"


def changed(what: str, old: str, new: str) -> str:
    """`the lock changed (1a2b3c4d → 5e6f7a8b)`."""
    return f"{what} changed ({short(old)} → {short(new)})"


def short(text: str) -> str:
    """The first digits where the text is a digest or ends in one, else all of it."""
    match = _SHA256.fullmatch(text)
    return match[1][:8] if match else text


def content_of(base: str) -> str:
    """The part of a base that decides what it holds: its digest, or the interpreter's build."""
    return base.rpartition("@")[2]


def _agrees(name: str, one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return content_of(one[name]) == content_of(other.get(name, ""))
