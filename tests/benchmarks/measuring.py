"""Measuring two ways of doing the same thing, taken alternately, and telling what came out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

Timed = Callable[[], float]
"""Does something once and returns the seconds that count."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row of the table; `bar` and `figure` in words, `notes` what else was measured."""

    what: str
    against: str
    ours: str
    theirs: str
    figure: str
    bar: str
    met: bool
    notes: Sequence[str] = field(default_factory=tuple)


def say(text: str) -> None:
    """Progress, to standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def clocked(action: Callable[[], object]) -> float:
    """The seconds an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


SETTLE_SECONDS = 65


def settle() -> None:
    """Wait until the file system has forgotten what was deleted.

    ext4 passes over the inodes of files that were deleted within the last minute, one by one, each
    time a file is made: what is timed right after a large folder went takes several times as long.
    So rows that make many files delete nothing between two timings, and settle before the first.
    """
    say("  letting the file system settle")
    os.sync()
    time.sleep(SETTLE_SECONDS)


def alternately(theirs: Timed, ours: Timed, times: int) -> tuple[list[float], list[float]]:
    """Their seconds and ours: theirs, ours, theirs, ours…, so that a slow hour is slow for both."""
    pairs = []
    for number in range(1, times + 1):
        pair = theirs(), ours()
        say(f"  {number}/{times}: {pair[0]:.2f} s against, {pair[1]:.2f} s ours")
        pairs.append(pair)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def seconds(values: Sequence[float]) -> str:
    """The median and, in brackets, the smallest and the largest."""
    digits = 1 if median(values) >= 10 else 2
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} s ({low:.{digits}f}–{high:.{digits}f})"


def faster(
    what: str, against: str, theirs: Sequence[float], ours: Sequence[float], least: float
) -> Result:
    """A row whose bar is that ours is at least `least` times faster."""
    ratio = median(theirs) / median(ours)
    return Result(
        what=what,
        against=against,
        ours=seconds(ours),
        theirs=seconds(theirs),
        figure=f"{ratio:.2f} times faster",
        bar=f"at least {least:g} times faster",
        met=ratio >= least,
    )


def at_most(
    what: str, against: str, theirs: Sequence[float], ours: Sequence[float], most: float
) -> Result:
    """A row whose bar is that ours takes at most `most` times theirs."""
    ratio = median(ours) / median(theirs)
    return Result(
        what=what,
        against=against,
        ours=seconds(ours),
        theirs=seconds(theirs),
        figure=f"{ratio:.2f} times",
        bar=f"at most {most:g} times",
        met=ratio <= most,
    )


def command(*arguments: str | Path, variables: dict[str, str] | None = None) -> str:
    """Run a program to its end; its output.

    Raises:
        RuntimeError: it ended with another status than 0; the message has the end of its errors.
    """
    done = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        env=variables,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr[-2000:]}"
        )
    return done.stdout


PROGRAM = (sys.executable, "-c", "from harness.cli import main; main()")


def harness(*arguments: str | Path) -> str:
    """`harness ARGUMENTS` as people start it: a process of its own; its output."""
    # As people have it: Python keeps what it compiled.
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return command(*PROGRAM, *arguments, variables=variables)
