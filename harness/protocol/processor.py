"""The processor and C library as this process sees them. Standard library only."""

from __future__ import annotations

import contextlib
import os
import platform
from typing import Dict, List, Optional, Tuple

INSTRUCTION_SETS: Dict[str, Tuple[str, ...]] = {
    "sse41": ("sse4_1",),
    "avx2": ("avx2",),
    "avx512_core": ("avx512f", "avx512bw", "avx512vl", "avx512dq"),
}
"""The CPU flags that oneDNN asks for before it uses an instruction set.

https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html
"""


def cpu_flags() -> List[str]:
    """What the kernel says this CPU can do, sorted; empty where it does not say."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = [line for line in file if line.startswith(("flags", "Features"))]
    except OSError:
        return []
    return sorted(lines[0].split(":", 1)[1].split()) if lines else []


def supports(instruction_set: str, flags: List[str]) -> bool:
    """Whether a CPU with these flags has an instruction set; True where nothing is known."""
    wanted = INSTRUCTION_SETS.get(instruction_set, ())
    return not flags or all(flag in flags for flag in wanted)


def best_of(flags: List[str]) -> str:
    """The highest of the named instruction sets that a CPU with these flags has."""
    return [name for name in INSTRUCTION_SETS if supports(name, flags)][-1]


def usable_cpus() -> Optional[int]:
    """How many CPUs are in this process's affinity mask; None where it cannot be asked."""
    numbers = usable_cpu_numbers()
    return None if numbers is None else len(numbers)


def usable_cpu_numbers() -> Optional[List[int]]:
    """The CPUs in this process's affinity mask, sorted; None where it cannot be asked."""
    ask = getattr(os, "sched_getaffinity", None)
    return None if ask is None else sorted(ask(0))


def threads() -> Optional[int]:
    """How many threads this process has; None where the kernel does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return None


def scheduling_policies() -> List[int]:
    """The scheduling policy of every thread of this process, as `os.SCHED_…`."""
    policies = []
    for thread in os.listdir("/proc/self/task"):
        # A thread may end meanwhile.
        with contextlib.suppress(ProcessLookupError):
            policies.append(os.sched_getscheduler(int(thread)))
    return policies


def glibc() -> str:
    """The C library's name and version, as in "glibc 2.36"."""
    return " ".join(platform.libc_ver()).strip()
