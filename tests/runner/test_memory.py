"""Memory of processes, and the kernel's count of those it ended for want of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.runner import memory

MIB = 2**20


@pytest.mark.parametrize(
    ("line", "file", "content"),
    [
        ("0::/a/b", "a/b/memory.events", "low 0\noom 5\noom_kill 3\n"),
        ("0::/", "memory.events", "oom_kill 3\noom_group_kill 0\n"),
        ("4:memory:/a/b", "memory/a/b/memory.oom_control", "under_oom 0\noom_kill 3\n"),
        ("4:cpu,memory:/docker/x", "memory/memory.oom_control", "oom_kill_disable 0\noom_kill 3\n"),
    ],
    ids=["v2", "v2-container", "v1", "v1-container"],
)
def test_oom_kills_are_counted_in_either_version(
    tmp_path: Path, line: str, file: str, content: str
) -> None:
    (tmp_path / "own").write_text(f"9:name=systemd:/\n{line}\n")
    (tmp_path / "root" / file).parent.mkdir(parents=True)
    (tmp_path / "root" / file).write_text(content)
    assert memory.oom_kills(str(tmp_path / "own"), str(tmp_path / "root")) == 3


def test_without_cgroups_nothing_is_counted(tmp_path: Path) -> None:
    assert memory.oom_kills(str(tmp_path / "missing"), str(tmp_path)) == 0


def test_a_real_oom_kill_is_counted() -> None:
    groups = Path("/sys/fs/cgroup/memory")
    group = groups / f"memory-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(64 * MIB))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no cgroup of version 1 can be made here: {error}")
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "from harness.runner import memory\n"
        "before = memory.oom_kills(); child = os.fork()\n"
        "if child == 0: kept = [b'x' * (1 << 20) for _ in range(4096)]; os._exit(0)\n"
        "print(os.waitpid(child, 0)[1], memory.oom_kills() - before)"
    )
    tasks, ours = str(group / "cgroup.procs"), str(Path(__file__).parents[2])
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, tasks, ours],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["9", "1"]
    finally:
        group.rmdir()
