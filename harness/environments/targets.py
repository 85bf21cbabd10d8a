"""Which of a release's files is the one for a Python and platform, and whether a file serves it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from packaging import tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

WHEEL = ".whl"
_MANYLINUX = re.compile(r"manylinux_2_(?P<glibc>\d+)_(?P<machine>\w+)")
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


def is_wheel(file: str) -> bool:
    """Whether a file is a wheel, by its name; otherwise it is a source distribution."""
    return file.endswith(WHEEL)


def platforms(platform: str) -> tuple[str, ...]:
    """Every platform tag that a machine of `platform` can use, newest first.

    See https://peps.python.org/pep-0600/: a wheel for an older glibc runs with a newer one.
    """
    match = _MANYLINUX.fullmatch(platform)
    if match is None:
        return (platform,)
    names: list[str] = []
    for glibc in range(int(match["glibc"]), 4, -1):
        names.append(f"manylinux_2_{glibc}_{match['machine']}")
        names += [f"{_OLD_NAMES[glibc]}_{match['machine']}"] if glibc in _OLD_NAMES else []
    return tuple(names)


@lru_cache(maxsize=64)
def ranks(python: str, platform: str) -> dict[tags.Tag, int]:
    """The tags that CPython `python` on `platform` can use, each with its rank, 0 the best."""
    major, minor = (int(part) for part in python.split("."))
    name = f"cp{major}{minor}"
    # CPython 3.7 and older named their ABI after the memory allocator too.
    abi = f"{name}m" if (major, minor) < (3, 8) else name
    usable = platforms(platform)
    found = [
        *tags.cpython_tags((major, minor), abis=[abi], platforms=usable),
        *tags.compatible_tags((major, minor), interpreter=name, platforms=usable),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(found)))}


def best(files: Iterable[str], python: str, platform: str) -> str | None:
    """The wheel that an installer takes: best tag, then highest build; None if none fits."""
    order = ranks(python, platform)
    fitting = [
        (min(order[tag] for tag in tagged if tag in order), -build[0] if build else 1, file)
        for file in files
        for _, _, build, tagged in [parse_wheel_filename(file)]
        if not order.keys().isdisjoint(tagged)
    ]
    return min(fitting)[2] if fitting else None


def is_of(file: str, name: str, version: str) -> bool:
    """Whether a file, by its name, is this release of this distribution."""
    try:
        parse = parse_wheel_filename if is_wheel(file) else parse_sdist_filename
        found = parse(file)
        return found[0] == canonicalize_name(name) and found[1] == Version(version)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return False
