"""Keeping a forked run to its own folders: it shares a container, not its files, with the others.

What has no name of its own in the container's file system is shared all the same: /dev/shm.

Landlock, which a process can put on itself without privileges, from Linux 5.13 on. Python 3.7 and
the standard library only. https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Iterator, Sequence

CONFINED = "landlock"

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""
_PATH_BENEATH = 1
_ASK_VERSION = 1
_NO_NEW_PRIVILEGES = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1, 2, 4, 8, 1 << 14
_FIRST_VERSION = (1 << 13) - 1
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_DEVICES = ("/dev", "/proc")


def confine(own: Sequence[str], shared: Sequence[str]) -> str:
    """Let this process write into its `own` folders, and read all but what else lies in `shared`.

    Each of its own lies in one of those shared with others. Returns CONFINED, or why it cannot be
    done here.
    """
    try:
        version = _call(_CREATE, None, 0, _ASK_VERSION)
        rights = _FIRST_VERSION | (_TRUNCATE if version >= 3 else 0)
        rules = _call(_CREATE, struct.pack("Q", rights), 8, 0)
        for path in [*own, *_DEVICES]:
            _allow(rules, path, rights)
        for path in _around("/", [os.path.realpath(path) for path in shared]):
            _allow(rules, path, _READING)
        _refuse_privileges()
        _call(_RESTRICT, rules, 0)
        os.close(rules)
    except OSError as error:
        return "not confined: %s" % error.strerror
    return CONFINED


def _around(above: str, shared: Sequence[str]) -> Iterator[str]:
    """All that there is in `above` beside the shared folders and the folders they lie in."""
    try:
        names = os.listdir(above)
    except OSError:
        names = []
    for path in [os.path.join(above, name) for name in names]:
        if any(each.startswith(path + "/") for each in shared):
            yield from _around(path, shared)
        # A link may lead to what is not to be seen; what else it leads to is allowed itself.
        elif path not in shared and not os.path.islink(path):
            yield path


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        below = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        # Gone, or not to be seen anyway.
        return
    try:
        allowed = rights if os.path.isdir(path) else rights & _OF_FILES
        _call(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", allowed, below), 0)
    finally:
        os.close(below)


def _refuse_privileges() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(ctypes.c_long(number), *arguments))
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found
