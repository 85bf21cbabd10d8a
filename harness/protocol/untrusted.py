"""The one reader of whatever a training, or a stranger, could have put on the disk.

A link is not followed, a pipe or device is not waited for, and no more is read than asked for.
Only the last part of a path is guarded: the folders above it must be the reader's own, or be
entered by way of `folder`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from typing import IO, Any, Iterator, Optional, Union

AnyPath = Union[str, "os.PathLike[str]"]

_OTHER_THAN_FILES = (errno.ELOOP, errno.ENXIO, errno.EISDIR)
"""What opening says of a link, of a socket or a pipe that nobody reads, and of a folder."""
_BYTES_OF_A_TAIL = 1 << 16


class NotRegularError(OSError):
    """A link, pipe, socket, device or folder lies in the place of a regular file."""


class TooLargeError(OSError):
    """A file is larger than the reader accepts."""


def open_regular(path: AnyPath, *, follow_links: bool = False) -> IO[bytes]:
    """A regular file, open for reading.

    `follow_links` is for folders of the user's own, where links are theirs to make.

    Raises:
        NotRegularError: something else lies there.
        OSError: it cannot be opened.
    """
    return os.fdopen(_descriptor(path, os.O_RDONLY | (0 if follow_links else os.O_NOFOLLOW)), "rb")


def open_log(path: AnyPath) -> IO[bytes]:
    """A log, made where there is none, open for appending.

    Raises:
        NotRegularError: something else lies there.
        OSError: it cannot be opened.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    return os.fdopen(_descriptor(path, flags), "ab")


def _descriptor(path: AnyPath, flags: int) -> int:
    try:
        # Opening a pipe waits for somebody at its other end, unless told not to.
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    except OSError as error:
        if error.errno in _OTHER_THAN_FILES:
            raise _not_regular(path) from error
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _not_regular(path)


def read_regular(path: AnyPath, limit: int, *, follow_links: bool = False) -> bytes:
    """The bytes of a regular file.

    Raises:
        NotRegularError: something else lies there.
        TooLargeError: it has more than `limit` bytes.
        OSError: it cannot be read.
    """
    with open_regular(path, follow_links=follow_links) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLargeError(errno.EFBIG, "larger than %d bytes" % limit, os.fspath(path))
    return content


def read_json(path: AnyPath, limit: int) -> Any:
    """The JSON value in a regular file.

    Raises:
        ValueError: it is not JSON, or is nested too deeply to be read.
        OSError: as `read_regular`.
    """
    try:
        return json.loads(read_regular(path, limit).decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def tail(path: AnyPath, limit: int = 20) -> str:
    """The last lines of a log, at most `limit`; "" where there is no regular file to read."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _BYTES_OF_A_TAIL))
            text = file.read(_BYTES_OF_A_TAIL).decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-limit:])


@contextlib.contextmanager
def folder(top: AnyPath, *parts: str) -> Iterator[str]:
    """A path, within the block, to a folder below `top`, with no link on the way there.

    The folder is held open, so that the path leads there whatever becomes of its name.

    Raises:
        OSError: there is none, or a link or something else lies in the place of a part.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    descriptor = os.open(top, flags)
    try:
        for part in parts:
            below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield "/proc/self/fd/%d" % descriptor
    finally:
        os.close(descriptor)


def size_of(path: AnyPath) -> Optional[int]:
    """How many bytes a regular file has, None where there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _not_regular(path: AnyPath) -> NotRegularError:
    return NotRegularError(errno.EINVAL, "not a regular file", os.fspath(path))
