"""How much memory a run takes, and whether the kernel ended a process for want of it.

Python 3.7 and the standard library only.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List, Optional

_CGROUPS = "/sys/fs/cgroup"


def used_bytes(pid: int, others: List[int], enough: int) -> int:
    """The memory of a process and others that belong to it, in bytes; exact only above `enough`.

    Resident memory counts pages that forked processes share once per process. Only where that
    upper bound of several passes `enough` are the proportional sizes read, which takes longer.
    """
    resident = [resident_bytes(each) for each in [pid, *others]]
    if len(resident) == 1 or sum(resident) <= enough:
        return sum(resident)
    return max(*resident, sum(_proportional_bytes(each) for each in [pid, *others]))


def resident_bytes(pid: int) -> int:
    """The resident memory of one process, in bytes; 0 if it is gone."""
    try:
        with open("/proc/%d/statm" % pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _proportional_bytes(pid: int) -> int:
    """Like `resident_bytes`, with a page that several processes share divided among them."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            return sum(int(size) for size in re.findall(r"^Pss:\s+(\d+)", file.read(), re.M)) * 1024
    except OSError:
        # Kernels before 4.14 have no such file.
        return resident_bytes(pid)


def descendants(pid: int, table: Optional[Dict[int, int]] = None) -> List[int]:
    """Every process below this one, those that ended and are not collected yet included.

    `table` is a `parents()` to look in, for those who ask several times.
    """
    parents_of = parents() if table is None else table
    found = {pid}
    while True:
        more = {each for each, parent in parents_of.items() if parent in found} - found
        if not more:
            return sorted(found - {pid})
        found |= more


def parents() -> Dict[int, int]:
    """The parent of every process."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                # The name, in parentheses, may itself hold spaces and parentheses.
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(name)] = int(fields[1])
    return found


def oom_kills(own: str = "/proc/self/cgroup", root: str = _CGROUPS) -> int:
    """How often the kernel's OOM killer struck in this process's cgroup; 0 where it does not say.

    cgroup v2 counts in `memory.events`, v1 in `memory.oom_control`. In a container the cgroup may
    be mounted at the root, whatever its path is called.
    """
    for path in _counters(own, root):
        try:
            with open(path, encoding="ascii") as file:
                counted = re.search(r"^oom_kill (\d+)$", file.read(), re.M)
        except OSError:
            continue
        if counted:
            return int(counted.group(1))
    return 0


def _counters(own: str, root: str) -> List[str]:
    try:
        with open(own, encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return []
    found = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if "memory" in controllers.split(","):
            found += [os.path.join(root, "memory", each) for each in _files(path, "oom_control")]
        elif not controllers:
            found += [os.path.join(root, each) for each in _files(path, "events")]
    return found


def _files(path: str, name: str) -> List[str]:
    return [os.path.join(path.lstrip("/"), "memory." + name), "memory." + name]
