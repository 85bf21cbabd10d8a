"""Measuring two ways of doing the same thing, taken alternately, and telling what came out."""

from __future__ import annotations

import json
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


SETTLE_SECONDS = 370


def settle() -> None:
    """Wait until the file system has forgotten what was deleted.

    Each time a file is made, ext4 passes over the inodes of files that were deleted within the last
    six minutes, one by one: what is timed soon after a large folder went takes several times as
    long. So rows that make many files delete nothing between two timings, and settle before the
    first.
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
    return command(*PROGRAM, *arguments, variables=_as_people_have_it())


def _as_people_have_it() -> dict[str, str]:
    """The variables, but that Python keeps what it compiled."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What a whole process took: `seconds`, and at most so many `bytes` of memory at a time."""

    seconds: float
    bytes: int


# A process begins with the peak of the one that starts it, so a small one has to.
_WEIGHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(json.dumps({"seconds": time.perf_counter() - started, "bytes": used.ru_maxrss * 1024}))
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""


def weighed(*arguments: str | Path) -> Weight:
    """What `harness ARGUMENTS` takes; its output is not kept."""
    program = (sys.executable, "-S", "-c", _WEIGHER, *PROGRAM, *arguments)
    return Weight(**json.loads(command(*program, variables=_as_people_have_it())))


def grown(what: str, against: str, small: Weight, large: Weight, most: float) -> Result:
    """A row whose bar is that time and memory of the large input are at most `most` times those
    of the small one."""
    slower, larger = large.seconds / small.seconds, large.bytes / small.bytes
    return Result(
        what=what,
        against=against,
        ours=_in_words(large),
        theirs=_in_words(small),
        figure=f"{slower:.1f} times the time, {larger:.1f} times the memory",
        bar=f"both at most {most:g} times",
        met=max(slower, larger) <= most,
    )


def _in_words(weight: Weight) -> str:
    return f"{weight.seconds:.1f} s, {weight.bytes / 2**20:,.0f} MiB"
