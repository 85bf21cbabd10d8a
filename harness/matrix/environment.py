"""What a cell needs installed, as the matrix asks for it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_ID = re.compile(
    r"tf(?P<tensorflow>[^,]+),py(?P<python>[^,]+)(,np(?P<numpy>[^,]+))?(,keras(?P<keras>[^,]+))?"
    r",(?P<device>cpu|gpu)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """The packages one or more cells share.

    `python` is a minor version ("3.10"); `tensorflow` an exact release ("2.10.0"); `numpy` and
    `keras` exact releases, or None for the newest that fits at that TensorFlow's date;
    `device` is "cpu" or "gpu".
    """

    python: str
    tensorflow: str
    numpy: str | None = None
    keras: str | None = None
    device: str = "cpu"

    @property
    def id(self) -> str:
        """A readable name, usable as a file name: `tf2.10.0,py3.10,np1.23.5,cpu`."""
        parts = [f"tf{self.tensorflow}", f"py{self.python}"]
        parts += [f"np{self.numpy}"] if self.numpy else []
        parts += [f"keras{self.keras}"] if self.keras else []
        return ",".join([*parts, self.device])

    @property
    def digest(self) -> str:
        """A short digest of the id, for names that allow no commas (image tags)."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]


def from_id(text: str) -> Environment:
    """The environment whose `id` this is.

    Raises:
        ValueError: it is no such id.
    """
    match = _ID.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not the id of an environment")
    return Environment(**match.groupdict())
