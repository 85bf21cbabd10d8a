"""Opening files of a folder that may be anybody's: nothing in the place of one makes us wait."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from harness.errors import RecordError


def opened(path: Path) -> IO[bytes]:
    """A plain file, open for reading.

    Raises:
        RecordError: it cannot be opened, or is a pipe, a device or a folder.
    """
    try:
        return _opened(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def content(path: Path, limit: int) -> bytes | None:
    """The bytes of a plain file, None if there is no such file.

    Raises:
        RecordError: it cannot be read, is no plain file, or has more than `limit` bytes.
    """
    try:
        with _opened(path) as file:
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > limit:
        raise RecordError(
            f"{path}: is larger than {limit >> 20} MiB; move the file out of the folder"
        )
    return data


def _opened(path: Path) -> IO[bytes]:
    # Opening a pipe waits for somebody to write into it, unless told not to.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    raise RecordError(f"{path}: is no plain file; move it out of the folder")


def _unreadable(path: Path, error: OSError) -> RecordError:
    return RecordError(f"{path}: cannot be read: {error.strerror}")
