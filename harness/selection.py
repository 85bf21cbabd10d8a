"""Choosing cells by globs on their ids: the one reading of `--only`."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from harness.errors import SelectionError

Item = TypeVar("Item")

_EXAMPLES = 3
_NAMES = 1_000
"""Among so many names the nearest are found."""
_REPEAT = re.compile(r"(.+)#([1-9][0-9]*)")


def matcher(globs: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name matches one of the globs, as a function; upper and lower case differ.

    A workload's name, with which ids begin, stands for all of its cells.
    """
    plain = frozenset(globs)
    matches = [re.compile(fnmatch.translate(glob)).match for glob in globs]
    return lambda name: name.partition(",")[0] in plain or any(match(name) for match in matches)


def select(
    items: Iterable[Item], only: Sequence[str], *, name: Callable[[Item], str]
) -> Iterator[Item]:
    """The items whose name matches one of the globs, all where there is none.

    Raises:
        SelectionError: a glob matches none, which is known at the end only; the message shows names
            that are near it.
    """
    matches = matcher(only)
    unused = {glob: matcher([glob]) for glob in only}
    names: dict[str, None] = {}
    for item in items:
        own = name(item)
        if len(names) < _NAMES:
            names[own] = None
        if not only or matches(own):
            unused = {glob: fits for glob, fits in unused.items() if not fits(own)}
            yield item
    if unused:
        raise _no_match(list(unused), list(names))


def split_repeat(glob: str) -> tuple[str, int | None]:
    """A glob that may end in the number of a run, as `GLOB#2`, and that number."""
    match = _REPEAT.fullmatch(glob)
    return (match[1], int(match[2])) if match else (glob, None)


def with_again(only: Sequence[str] | None, again: Sequence[str] | None) -> tuple[str, ...]:
    """The globs of the cells that `--only` and `--again` choose together."""
    return (*(only or ()), *(split_repeat(glob)[0] for glob in again or ()))


def _no_match(unused: Sequence[str], names: Sequence[str]) -> SelectionError:
    workloads = dict.fromkeys(name.partition(",")[0] for name in names)
    near = [
        one
        for glob in unused
        for one in difflib.get_close_matches(glob, [*workloads, *names], n=_EXAMPLES)
    ]
    shown = "\n  ".join(dict.fromkeys([*near, *names[:_EXAMPLES]]))
    folders = [glob for glob in unused if Path(glob).is_dir()]
    folder = f"\n{folders[0]} is a folder: name results with --results" if folders else ""
    return SelectionError(
        f"no cell matches {' and none '.join(map(repr, unused))}; ids look like\n  {shown}\n"
        "name a workload, or a glob where * stands for anything, such as '*tf2.10*threads=1*'"
        + folder
    )
