"""The local engine's guard, in each isolation this kernel allows, and the outcomes' causes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engines import outcomes
from harness.engines.docker import container_owners, ownership
from harness.engines.local import guard, guarding, isolation
from harness.errors import EngineError

PROGRAM = """
import json, os, socket, sys
try: open(sys.argv[1] + "/new", "w"); writable = True
except OSError: writable = False
talk = socket.create_server(("127.0.0.1", 0))
socket.create_connection(talk.getsockname())
outside = [name for _, name in socket.if_nameindex() if name.startswith("e")]
print(json.dumps([writable, outside, os.getuid()]))
"""


def tree(folder: Path, level: str, *command: str) -> guarding.Tree:
    (folder / "protected").mkdir()
    return guarding.Tree(
        command=command or [sys.executable, "-c", PROGRAM, str(folder / "protected")],
        cwd=str(folder),
        cpus=tuple(os.sched_getaffinity(0)),
        isolation=level,
        read_only=(str(folder / "protected"),),
        variables={},
        log=folder / "log.txt",
    )


@pytest.mark.parametrize("level", guard.ISOLATIONS)
def test_each_isolation_does_what_it_says(tmp_path: Path, level: str) -> None:
    with guarding.started(tree(tmp_path, level)) as started:
        started.process.wait()
        report = started.report()
    if "isolation" in report.get("error", ""):
        pytest.skip(report["error"])
    assert report == {"code": 0}
    writable, interfaces, uid = json.loads((tmp_path / "log.txt").read_text())
    assert uid == os.getuid()
    assert writable == (level == "none")
    assert level == "none" or interfaces == []


def test_the_best_isolation_is_one_that_works(tmp_path: Path) -> None:
    with guarding.started(tree(tmp_path, isolation.best())) as started:
        started.process.wait()
        assert started.report() == {"code": 0}


def test_a_command_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    with guarding.started(tree(tmp_path, "none", "/no/such/program")) as started:
        started.process.wait()
        assert "/no/such/program" in started.report()["error"]


def test_a_guard_whose_harness_is_gone_does_not_start(tmp_path: Path) -> None:
    order = {"isolation": "none", "read_only": [], "parent": 1, "report": 1}
    done = subprocess.run(
        [sys.executable, "-I", "-S", guard.__file__, json.dumps(order)], check=False
    )
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "cause"), [(0, "exited"), (137, "exited"), (-9, "killed"), (-15, "killed")]
)
def test_signals_from_elsewhere_are_told_from_exits(code: int, cause: str) -> None:
    assert outcomes.cause(code) == cause


@pytest.mark.parametrize(("shell", "code"), [(0, 0), (1, 1), (137, -9), (134, -6), (255, 255)])
def test_a_containers_exit_code_is_read_as_a_signal(shell: int, code: int) -> None:
    assert outcomes.from_shell(shell) == code


@pytest.mark.skipif(os.getuid() != 0, reason="only root's containers run as another user")
def test_what_a_container_cannot_read_is_said_before(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "x").touch()
    ownership.require_readable(tmp_path)
    (tmp_path / "x").chmod(0o600)
    with pytest.raises(EngineError, match="chmod -R"):
        ownership.require_readable(tmp_path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_output_folder_is_the_containers(tmp_path: Path) -> None:
    ownership.give(tmp_path)
    assert tmp_path.stat().st_uid == ownership.NOBODY


def test_a_container_never_runs_as_the_hosts_root() -> None:
    assert not ownership.user(rootless=False).startswith("0:")


def test_root_is_told_that_a_rootless_engine_is_somebody_elses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    ownership.require_own_engine(rootless=False)
    with pytest.raises(EngineError, match="as the user who runs the engine"):
        ownership.require_own_engine(rootless=True)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    ownership.require_own_engine(rootless=True)


def test_this_process_owns_its_containers() -> None:
    assert container_owners.owner() == container_owners.owner()
    assert f"/{os.getpid()}/" in container_owners.owner()
