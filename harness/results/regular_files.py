"""Reading a results folder, which may be anybody's; what is wrong is a `RecordError`.

Where a user names a folder, links are theirs to make; below it none is followed.
"""

from __future__ import annotations

import stat
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


def content(path: Path, limit: int, *, follow_links: bool = False) -> bytes | None:
    """The bytes of a regular file, None if there is no such file.

    `follow_links` is for folders of the user's own.

    Raises:
        RecordError: it cannot be read, is not a regular file, or has more than `limit` bytes.
    """
    try:
        return untrusted.read_regular(path, limit, follow_links=follow_links)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def is_file(path: Path) -> bool:
    """Whether a regular file lies there; a link to one does not count."""
    return untrusted.size_of(path) is not None


def is_folder(path: Path) -> bool:
    """Whether a folder lies there; a link to one does not count."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _unreadable(path: Path, error: OSError) -> RecordError:
    if isinstance(error, (untrusted.NotRegularError, untrusted.TooLargeError)):
        return RecordError(f"{path}: is {error.strerror}; move it out of the folder")
    return RecordError(f"{path}: cannot be read: {error.strerror}")
