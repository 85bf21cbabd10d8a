"""What a cell needs installed, as the matrix asks for it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

_ID = re.compile(
    r"tf(?P<tensorflow>[^,]+),py(?P<python>[^,]+)(,np(?P<numpy>[^,]+))?(,keras(?P<keras>[^,]+))?"
    r",(?P<device>cpu|gpu)(,with-(?P<requirements>[^,]+))?"
)

_DIGEST_MARK = "~"
_LONGEST = 60
"""So many characters of an id name further packages; more are named by a digest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """The packages one or more cells share.

    `python` is a minor version ("3.10"); `tensorflow` an exact release ("2.10.0"); `numpy` and
    `keras` exact releases, or None for the newest that fits at that TensorFlow's date;
    `device` is "cpu" or "gpu". `requirements` are further packages, sorted: `NAME` or
    `NAME==VERSION`.
    """

    python: str
    tensorflow: str
    numpy: str | None = None
    keras: str | None = None
    device: str = "cpu"
    requirements: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """A readable name, usable as a file name: `tf2.10.0,py3.10,np1.23.5,cpu`."""
        parts = [f"tf{self.tensorflow}", f"py{self.python}"]
        parts += [f"np{self.numpy}"] if self.numpy else []
        parts += [f"keras{self.keras}"] if self.keras else []
        parts += [self.device]
        parts += [f"with-{_in_short(self.requirements)}"] if self.requirements else []
        return ",".join(parts)

    @property
    def digest(self) -> str:
        """A short digest of the id, for names that allow no commas (image tags)."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]


def _in_short(requirements: tuple[str, ...]) -> str:
    plain = "+".join(requirements)
    if len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(plain.encode()).hexdigest()[:8]
    return f"{len(requirements)}-packages{_DIGEST_MARK}{digest}"


def from_id(text: str, requirements: str = "") -> Environment:
    """The environment whose `id` this is; `requirements` are its packages, with `+` between them,
    where the id names them by a digest only.

    Raises:
        ValueError: it is no such id, or what it names by a digest is not given.
    """
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not the id of an environment")
    parts: dict[str, Any] = match.groupdict()
    listed = requirements or parts["requirements"] or ""
    parts["requirements"] = tuple(listed.split("+")) if listed else ()
    environment = Environment(**parts)
    if environment.id != text or _DIGEST_MARK in listed:
        raise ValueError(f"{text!r} does not name its packages")
    return environment
