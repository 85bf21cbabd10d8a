"""Attempts from inside to get out: each is refused, or bounded, and costs only its own order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engines.engine_bench import MIB, Bench

from harness.engines import filling, limits

REPLY = "import json\ndef reply(x): json.dump(x, open(output + '/reply.json', 'w'))\n"

ESCAPES = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
found = {}
def attempt(name, what):
    try:
        found[name] = what() in (None, 0, True)
    except OSError:
        found[name] = False
def call(name, *arguments):
    if getattr(libc, name)(*arguments): raise OSError(ctypes.get_errno(), name)
def mode():
    path = output + "/suid"
    open(path, "w").close()
    os.chmod(path, 0o4755)
    os.chown(path, 0, 0)
    if os.stat(path).st_uid or os.getuid() == 0: raise OSError
attempt("setuid", lambda: os.setuid(1 if os.getuid() == 0 else 0))
attempt("mount", lambda: call("mount", b"none", output.encode(), b"tmpfs", 0, None))
attempt("remount", lambda: call("mount", b"none", data.encode(), None, 32 | 4096, None))
attempt("unshare", lambda: call("unshare", 0x20000))
attempt("chroot", lambda: os.chroot("/tmp"))
attempt("mknod", lambda: os.mknod(output + "/disk", 0o060600, os.makedev(8, 0)))
attempt("reboot", lambda: call("sethostname", b"x", 1))
attempt("raw socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close())
attempt("suid root", mode)
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
for name in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp", "Uid"):
    found[name] = status[name].split()[0]
"""

ELSEWHERE = """
import os
def writable(folder):
    try:
        open(folder + "/new-file", "w").close()
        return True
    except OSError:
        return False
mounts = [line.split() for line in open("/proc/self/mountinfo")]
kinds = {fields[2]: fields[fields.index("-") + 1] for fields in mounts}
def kind(folder):
    device = os.stat(folder).st_dev
    return kinds.get("%d:%d" % (os.major(device), os.minor(device)), "unknown")
folders = [f for f, _, _ in os.walk("/") if not f.startswith(("/proc", "/sys", output))]
reply({folder: kind(folder) for folder in folders if writable(folder)})
"""


def attempts(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = bench.reply(REPLY + ESCAPES + "reply(found)")
    return found


def test_no_privilege_can_be_gained(bench: Bench) -> None:
    found = attempts(bench)
    assert found["NoNewPrivs"] == "1"
    assert {int(found[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    tried = ("setuid", "mount", "remount", "chroot", "mknod", "reboot", "raw socket", "suid root")
    assert {name: found[name] for name in tried} == dict.fromkeys(tried, False)


@pytest.mark.docker
def test_a_container_has_the_default_filter_of_system_calls(docker_bench: Bench) -> None:
    assert docker_bench.engine.describe()["seccomp"] == "default"
    found = attempts(docker_bench)
    assert (found["Seccomp"], found["unshare"]) == ("2", False)


@pytest.mark.docker
def test_a_container_can_write_to_its_output_folder_and_to_memory_only(
    docker_bench: Bench,
) -> None:
    found = docker_bench.reply(REPLY + ELSEWHERE)
    assert "/tmp" in found
    assert set(found.values()) <= {"tmpfs", "mqueue"}, found


@pytest.mark.docker
def test_a_container_sees_no_other_order_and_no_socket_of_the_engine(docker_bench: Bench) -> None:
    other = docker_bench.order("pass")
    (other.output / "secret").write_text("of another run")
    program = f"""
import glob, os
sockets = [path for path in ("/run/docker.sock", "/var/run/docker.sock") if os.path.exists(path)]
mounted = [line for line in open("/proc/self/mountinfo") if ".sock" in line]
reply([sorted(glob.glob("/harness/*")), sorted(os.listdir(output)),
       os.path.exists({str(other.output)!r}), sockets + mounted])
"""
    mounts, own, others, sockets = docker_bench.reply(REPLY + program)
    assert mounts == ["/harness/control", "/harness/data", "/harness/output", "/harness/root"]
    assert set(own) <= {"reply.json"}
    assert (others, sockets) == (False, [])


FORKS = """
import os, time
made = 0
try:
    while made < 3000:
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        made += 1
except OSError:
    pass
time.sleep(5)
reply(made)
"""


@pytest.mark.slow
def test_forking_without_end_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    own = bench.enforces("processes")
    monkeypatch.setattr(limits, "PROCESSES" if own else "USER_PROCESSES", 60)
    order = bench.order(REPLY + FORKS)
    outcome = bench.engine.run(order)
    if outcome.cause == "killed":
        assert outcome.reason == "started more than 60 processes"
    else:
        assert int((order.output / "reply.json").read_text()) < 60
    assert bench.alive() == []


def test_a_file_cannot_grow_without_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES", 4 * MIB)
    found = bench.reply(
        REPLY
        + """
import os
written = 0
try:
    with open(output + "/big", "wb", buffering=0) as file:
        for n in range(64): written += file.write(bytes(1 << 20))
except OSError: pass
os.unlink(output + "/big")
reply(written)
"""
    )
    assert found == 4 * MIB


FILL = """
import os, time
for n in range(10000):
    with open(output + "/%d" % n, "wb") as file: file.write(os.urandom({size}))
    time.sleep(0.002)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "limit", "value", "reason"),
    [
        (1 << 20, "FOLDER_BYTES", 64 * MIB, "wrote more than 0.1 GiB"),
        (0, "FOLDER_ENTRIES", 100, "made more than 100 files"),
    ],
    ids=["bytes", "files"],
)
def test_filling_the_disk_ends_the_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, size: int, limit: str, value: int, reason: str
) -> None:
    monkeypatch.setattr(limits, limit, value)
    outcome = bench.engine.run(bench.order(FILL.format(size=size)))
    assert (outcome.cause, outcome.reason) == ("killed", reason)


def test_folders_in_one_another_do_not_hide_what_is_written(tmp_path: Path) -> None:
    path = tmp_path
    for _ in range(limits.FOLDER_DEPTH + 2):
        path /= "f"
    path.mkdir(parents=True)
    assert filling.complaint([tmp_path]) == "made more than 256 folders in one another"


def test_what_a_link_leads_to_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to("/usr")
    assert filling.complaint([tmp_path / "out"]) == ""
