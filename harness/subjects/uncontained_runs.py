"""Which scripts have run on this machine outside of any container, with which arguments.

Whoever started them may do so again without being asked; what somebody else's results bring needs
a consent before. A copy in the cache is no sign of that: a container may have run it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import places
from harness.errors import UsageError
from harness.protocol.script import Script, filled


def note(script: Script, settings: Mapping[str, Any]) -> None:
    """Remember that the script runs with the arguments of these settings.

    Raises:
        UsageError: the cache cannot be written.
    """
    path = _path(script, settings)
    try:
        path.touch()
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def has(script: Script, settings: Mapping[str, Any]) -> bool:
    """Whether the script, with these bytes, data and arguments, ran so before."""
    return _path(script, settings).is_file()


def _path(script: Script, settings: Mapping[str, Any]) -> Path:
    what = json.dumps([script.sha256, filled(script, settings)])
    return places.cache("uncontained") / hashlib.sha256(what.encode("utf-8")).hexdigest()
