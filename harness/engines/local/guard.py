"""Runs one command as the root of a process tree that cannot outlive it.

A script of its own, started with `python -I -S guard.py ORDER`: small, single-threaded and with
the standard library only, because it forks, unshares and waits.

It is the reaper of all its descendants (PR_SET_CHILD_SUBREAPER), so a process that detaches from
its parent still belongs to it, and it dies with the harness (PR_SET_PDEATHSIG). ORDER is JSON:
`command`, `cwd`, `cpus`, `isolation` (one of ISOLATIONS), `read_only` (paths), `file_bytes`,
`processes` (how many, threads included), `parent` (process id) and `report` (a file descriptor,
which gets `{"code": N}` with a negative number for a signal, or `{"error": TEXT}` if the command
could not be started; a line each, and the first one counts).
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ISOLATIONS = ("namespaces", "user namespaces", "none")
"""Without a network and with read-only mounts: as root, as anybody, or not at all."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 1, 36, 38, 24
LAST_CAPABILITY = 63
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    *(1, 2, 4, 32, 4096, 16384),
    1 << 18,
)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Run the order given as the first argument."""
    order = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, _on_term)
    try:
        _isolate(order["isolation"], order["read_only"])
    except OSError as error:
        _report(order, {"error": f"isolation {order['isolation']!r} does not work here: {error}"})
        return
    _call("prctl", PR_SET_CHILD_SUBREAPER, 1)
    _die_with(order["parent"], signal.SIGTERM)
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        _become(order, guard)
    os.set_inheritable(order["report"], False)
    code = _wait_for(child)
    kill_descendants()
    _report(order, {"code": code})


def kill_descendants() -> None:
    """SIGKILL to everything below this process, until nothing is left."""
    while _kill_once():
        _reap()
        time.sleep(0.002)


def _kill_once() -> bool:
    """SIGKILL to all that is below this process now; whether there was anything."""
    parents = _parents()
    below = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    for process in below - {os.getpid()}:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(below) > 1


def _on_term(signum: int, frame: FrameType | None) -> None:
    # The one that main waits for is among them: its end lets main report and finish.
    _kill_once()


def _parents() -> dict[int, int]:
    """Every process, the dead ones that nobody reaped included, with its parent."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue
        # The name, in parentheses, may itself hold spaces and parentheses.
        found[int(folder.name)] = int(text.rpartition(")")[2].split()[1])
    return found


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


def _wait_for(child: int) -> int:
    while True:
        process, status = os.waitpid(-1, 0)
        if process == child:
            return os.waitstatus_to_exitcode(status)


def _become(order: dict[str, Any], guard: int) -> NoReturn:
    """In the child: take on all that the order says, and be the command."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        _die_with(guard, signal.SIGKILL)
        # If the machine itself runs out of memory, this is what should go.
        Path("/proc/self/oom_score_adj").write_text("1000")
        os.sched_setaffinity(0, order["cpus"])
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit(resource.RLIMIT_FSIZE, order["file_bytes"])
        _limit_processes(order["processes"])
        _refuse_privileges()
        os.chdir(order["cwd"])
        os.set_inheritable(order["report"], False)
        os.execv(order["command"][0], order["command"])
    except OSError as error:
        _report(order, {"error": f"{order['command'][0]} cannot be started: {error}"})
    os._exit(127)


def _limit_processes(number: int) -> None:
    """Threads count, too, and those of the user's other programs: they are let off.

    The kernel excepts root; whoever watches counts the processes of root's trees.
    """
    used = sum(_own_threads(folder) for folder in Path("/proc").glob("[0-9]*"))
    _limit(resource.RLIMIT_NPROC, used + number)


def _limit(kind: int, number: int) -> None:
    """Set a limit, but none above that of this process, which only the privileged may raise."""
    hard = resource.getrlimit(kind)[1]
    allowed = number if hard == resource.RLIM_INFINITY else min(number, hard)
    resource.setrlimit(kind, (allowed, allowed))


def _own_threads(process: Path) -> int:
    """How many threads a process of this user has; none if it is somebody else's, or has ended."""
    try:
        mine = process.stat().st_uid == os.getuid()
        return len(list((process / "task").iterdir())) if mine else 0
    except OSError:
        return 0


def _refuse_privileges() -> None:
    """No program from here on gains a privilege, and root's capabilities end with the next exec."""
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(LAST_CAPABILITY + 1):
        # Whoever may not drop one has none to begin with, or this kernel does not know it.
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def _die_with(parent: int, signum: int) -> None:
    _call("prctl", PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        # The parent was gone before the line above.
        os.kill(os.getpid(), signal.SIGKILL)


def _isolate(isolation: str, read_only: list[str]) -> None:
    if isolation == "none":
        return
    flags = CLONE_NEWNS | CLONE_NEWNET
    uid, gid = os.getuid(), os.getgid()
    if isolation == "user namespaces":
        _call("unshare", flags | CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    else:
        _call("unshare", flags)
    _loopback_up()
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    for path in read_only:
        _mount_read_only(os.fsencode(path))


def _mount_read_only(path: bytes) -> None:
    _call("mount", path, path, None, MS_BIND, None)
    # In a user namespace a remount must keep what the mount it came from forbids.
    inherited = os.statvfs(path).f_flag & (MS_NOSUID | MS_NODEV | 8 | 1024 | 2048)
    _call("mount", b"none", path, None, MS_REMOUNT | MS_BIND | MS_RDONLY | inherited, None)


def _loopback_up() -> None:
    """As in a container without a network: this process can talk to itself, nothing else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        found = fcntl.ioctl(one, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", found)[1] | IFF_UP
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))


def _call(name: str, *arguments: Any) -> None:
    if getattr(_libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _report(order: dict[str, Any], said: dict[str, Any]) -> None:
    os.write(order["report"], json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    main()
