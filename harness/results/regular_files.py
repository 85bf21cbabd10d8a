"""Reading files of a results folder, which may be anybody's; what is wrong is a `RecordError`."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from harness.errors import RecordError
from harness.protocol import untrusted


def opened(path: Path) -> IO[bytes]:
    """A regular file, open for reading.

    Raises:
        RecordError: it cannot be opened, or is a link, a pipe, a device or a folder.
    """
    try:
        return untrusted.open_regular(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def content(path: Path, limit: int) -> bytes | None:
    """The bytes of a regular file, None if there is no such file.

    Raises:
        RecordError: it cannot be read, is not a regular file, or has more than `limit` bytes.
    """
    try:
        return untrusted.read_regular(path, limit)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> RecordError:
    if isinstance(error, (untrusted.NotRegularError, untrusted.TooLargeError)):
        return RecordError(f"{path}: is {error.strerror}; move it out of the folder")
    return RecordError(f"{path}: cannot be read: {error.strerror}")
