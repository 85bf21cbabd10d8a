"""Choosing cells by globs on their ids: the one reading of `--only`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from harness.errors import SelectionError

Item = TypeVar("Item")

_EXAMPLES = 3


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
        SelectionError: none matches; the message shows the first names there are.
    """
    matches, some = matcher(only), False
    examples: dict[str, None] = {}
    for item in items:
        own = name(item)
        if not only or matches(own):
            some = True
            yield item
        elif len(examples) < _EXAMPLES:
            examples[own] = None
    if only and not some:
        raise _no_match(only, examples)


def _no_match(only: Sequence[str], examples: Iterable[str]) -> SelectionError:
    shown = "\n  ".join(examples)
    return SelectionError(
        f"no cell matches {' or '.join(map(repr, only))}; ids look like\n  {shown}\n"
        "name a workload, or a glob where * stands for anything, such as '*tf2.10*threads=1*'"
    )
