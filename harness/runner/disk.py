"""Telling a full disk from everything else that can go wrong in a run."""

from __future__ import annotations

import errno
from typing import Optional

_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: Optional[BaseException]) -> bool:
    """Whether an error says that a disk or a quota is full, or came up while handling one."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
