"""The digest of a history: the losses and metrics of a fit, epoch by epoch."""

from __future__ import annotations

import hashlib
import json
from typing import Mapping, Sequence


def history_digest(history: Mapping[str, Sequence[str]]) -> str:
    """The SHA-256 of the history as JSON in ASCII: keys sorted, no spaces, `float.hex()` texts.

    `{"loss":["0x1.0p-1","0x1.0p-2"]}` is the text of two epochs.
    """
    plain = {name: list(values) for name, values in history.items()}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
