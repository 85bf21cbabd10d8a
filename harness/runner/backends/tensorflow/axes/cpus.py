"""`cpus`: the CPUs the process may use. The host sets the affinity mask."""

from __future__ import annotations

from typing import List

from harness.protocol import processor
from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """How many CPUs the process may use, and which."""
    numbers = processor.usable_cpu_numbers()
    how = "os.sched_getaffinity(0)"
    return (None, how) if numbers is None else (len(numbers), "%s: %s" % (how, _spans(numbers)))


def _spans(numbers: List[int]) -> str:
    """0, 1, 2, 5 as `0-2,5`."""
    spans: List[List[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in spans)
