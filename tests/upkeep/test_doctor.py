"""What `harness doctor` says of a machine where something is wrong, and of one where nothing is."""

from __future__ import annotations

import datetime
import http.server
import json
import os
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import docker
import pytest
from commands import harness
from engines.engine_bench import SIX, make_lock
from results_factory import SweepOnDisk, cell

from harness import places, processes, trees
from harness.cli import upkeep_commands
from harness.engines.docker.connection import is_podman
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import virtual_environments
from harness.engines.local.engine import LocalEngine
from harness.errors import LockError, SelectionError, UsageError
from harness.matrix.environment import Environment
from harness.processes import ProcessFailedError
from harness.results import fingerprint, machine
from harness.upkeep import checks, doctor, engine_checks, room_checks, state_checks
from harness.upkeep.checks import Check, Need

TIB = 2**40


@pytest.fixture
def need(home: Path) -> Need:
    lock = make_lock(SIX)
    return Need(
        engine="local",
        results=home / "results",
        memory=2**20,
        environments=(lock.environment,),
        workloads={"mnist-mlp": 1},
        lock=lambda environment: lock,
    )


def only(found: Iterator[Check]) -> Check:
    (check,) = found
    return check


def test_every_line_is_ok_or_says_what_to_do(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = upkeep_commands.doctor(Path("small.yaml"), engine="local", format="json")
    printed = capsys.readouterr()
    rows: list[dict[str, Any]] = json.loads(printed.out)
    assert code == 0
    assert all((row["state"] == "ok") == (row["to_do"] == "") for row in rows)
    expected = (
        "docker local gpu results lock wheels environments data disk memory cache clock leftovers"
    )
    assert set(expected.split()) <= {row["check"] for row in rows}
    assert {row["check"] for row in rows if row["check"].startswith("python")} == {"python 3.11"}
    assert "nothing blocks a sweep" in printed.err


@pytest.mark.slow
def test_the_exit_code_is_that_of_the_stage_that_would_fail(home: Path) -> None:
    ended = harness("doctor", "--engine", "docker", "--format", "csv")
    assert ended.code == 5 and "docker,blocks," in ended.out


def test_a_mistake_is_said_in_words(home: Path) -> None:
    with pytest.raises(UsageError, match=r"no such matrix file; there is small\.yaml"):
        upkeep_commands.doctor(Path("missing.yaml"))
    with pytest.raises(UsageError, match="name its file as well"):
        upkeep_commands.doctor(only=["*"])
    with pytest.raises(UsageError, match="choose one of"):
        upkeep_commands.doctor(format="xml")
    with pytest.raises(SelectionError):
        upkeep_commands.doctor(Path("small.yaml"), only=["nothing"])


def test_what_blocks_comes_in_the_order_of_a_sweep(need: Need, home: Path) -> None:
    def stale(environment: Environment) -> LockError:
        return LockError("x.txt: stale: it was made for something else", remedy="renew it.")

    bad = replace(need, engine="docker", lock=stale, results=home / "small.yaml" / "x")
    found = [one for one in doctor.examine(bad) if one.state == "blocks"]
    assert [(one.check, one.exit_code) for one in found] == [
        ("docker", 5),
        ("results", 2),
        ("lock", 4),
    ]
    assert found[2].to_do == "renew it."


def test_a_missing_engine_is_no_problem_for_the_local_one(need: Need) -> None:
    found = only(engine_checks.docker_engine(need))
    assert (found.state, found.exit_code) == ("look", 0)
    assert "nothing if --engine local will do" in found.to_do


def test_nothing_is_made_to_find_out(need: Need, home: Path) -> None:
    list(doctor.examine(need))
    left = [path for path in (home / "cache").rglob("*") if path.is_file() and path.name != ".used"]
    assert left == [] and not (home / "results").exists()


def test_an_interpreter_that_is_missing_is_named(need: Need) -> None:
    other = replace(need.environments[0], python="3.99")
    found = only(engine_checks.pythons(replace(need, environments=(other,))))
    assert (found.check, found.state) == ("python 3.99", "look")
    assert "--engine docker" in found.to_do


def test_a_full_disk_blocks_with_the_code_of_the_build(
    need: Need, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = home / "small"
    small.mkdir()
    try:
        processes.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)])
    except (OSError, ProcessFailedError) as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    try:
        monkeypatch.setenv(places.CACHE_VARIABLE, str(small))
        found = only(room_checks.disk(need, LocalEngine()))
    finally:
        processes.run(["umount", str(small)])
    assert (found.state, found.exit_code) == ("blocks", 6)
    assert "1 environments to make take about 2.5 GB" in found.found
    assert "HARNESS_CACHE" in found.to_do


def test_what_an_environment_takes_is_measured_on_the_nearest_one(
    need: Need, home: Path, tmp_path: Path
) -> None:
    for version, size in (("2.14.0", 3_000_000), ("2.4.0", 70_000_000)):
        folder = places.cache("environments", version)
        (folder / "library.so").write_bytes(b"x" * size)
        made = {"lock": "", "environment": f"tf{version},py3.11,cpu", "base": ""}
        (folder / virtual_environments.MADE_OF).write_text(json.dumps(made))
        trees.seal(folder, trees.contents(folder))
    found = only(room_checks.disk(need, LocalEngine()))
    assert found.state == "ok"
    assert "1 environments to make take about 503.0 MB" in found.found


def test_too_little_memory_is_said(need: Need) -> None:
    assert only(room_checks.memory(need)).state == "ok"
    found = only(room_checks.memory(replace(need, memory=1000 * TIB)))
    assert found.state == "look" and "--memory" in found.to_do


def test_a_record_from_the_future_puts_the_clock_in_doubt(need: Need) -> None:
    assert only(state_checks.clock(need)).state == "ok"
    sweep = SweepOnDisk(root=need.results)
    sweep.complete(cell(), "w")
    assert only(state_checks.clock(need)).state == "ok"
    record = next(need.results.rglob("1.json"))
    record.write_text(record.read_text().replace('"2024-', '"2124-'))
    found = only(state_checks.clock(need))
    assert found.state == "look" and "still to come" in found.found and "1.json" in found.found


def test_what_a_killed_sweep_left_is_said_with_the_command_that_removes_it(need: Need) -> None:
    assert only(state_checks.leftovers(need)).state == "ok"
    left = places.cache("exchange") / "left"
    left.mkdir()
    os.utime(left, (0, 0))
    found = only(state_checks.leftovers(need))
    assert found.state == "look" and found.to_do == "harness clean --kind folder --yes"


class _Engine(http.server.BaseHTTPRequestHandler):
    """As much of an engine as is asked what it is."""

    answers: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2].partition("?")[0]
        body = json.dumps(self.answers.get(name, [])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "here"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: standard error is looked at."""


@contextmanager
def engine_at(socket: Path, answers: dict[str, Any]) -> Iterator[None]:
    handler = type("Answering", (_Engine,), {"answers": answers})
    with socketserver.ThreadingUnixStreamServer(str(socket), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_podman_rootless_and_a_wrong_clock_are_told_apart(
    need: Need, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    socket = home / "podman.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    version = {"Version": "4.9.3", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}
    info = {
        "SecurityOptions": ["name=seccomp", "name=rootless"],
        "SystemTime": then.isoformat(),
        "CgroupVersion": "2",
        "MemoryLimit": True,
        "PidsLimit": True,
        "CPUSet": False,
    }
    with engine_at(socket, {"version": version, "info": info}):
        named, differing, limited = engine_checks.docker_engine(need)
        clock = only(state_checks.clock(need))
    assert named.found.startswith("Podman 4.9.3 (API 1.41, cgroups v2), rootless")
    assert differing.check == "podman" and "end as killed" in differing.found
    assert limited.state == "look" and limited.found.startswith("CPU sets are affinity masks")
    assert "delegate the cgroup controllers" in limited.to_do
    late = re.search(r"the Docker Engine's clock is -(\d+) s off ours", clock.found)
    assert late and 3600 <= int(late[1]) < 3660  # what passed between the answer and the look


def test_another_socket_that_is_there_is_named(
    need: Need, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    with engine_at(home / "docker.sock", {}):
        found = only(engine_checks.docker_engine(need))
    assert f"DOCKER_HOST=unix://{home}/docker.sock" in found.to_do


@pytest.mark.docker
def test_the_real_engine_is_named_with_its_version(
    docker_engine: DockerEngine, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    need = Need(engine="docker", results=tmp_path, memory=2**30)
    found, *_ = engine_checks.docker_engine(need)
    assert found.state == "ok"
    kind = "Podman" if is_podman(docker_client) else "Docker Engine"
    assert f"{kind} {docker_client.version()['Version']}" in found.found


def test_a_line_that_blocks_splits_what_is_wrong_from_what_to_do() -> None:
    made = checks.blocks("x", LockError("a; and more", remedy="b"))
    assert (made.found, made.to_do, made.exit_code) == ("a; and more", "b", 4)
    assert str(LockError("a", remedy="b")) == "a; b"


def test_a_machine_that_the_collected_results_do_not_have_is_said(need: Need) -> None:
    assert not list(state_checks.published_hardware(need))
    collected = need.results / "hardware"
    collected.mkdir(parents=True)
    (found,) = state_checks.published_hardware(need)
    own = fingerprint.identify(machine.describe())
    assert (found.state, own in found.found) == ("look", True)
    assert "matrices/hardware.yaml" in found.to_do
    (collected / own).mkdir()
    (found,) = state_checks.published_hardware(need)
    assert found.state == "ok"
