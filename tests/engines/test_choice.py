"""Which engine is taken, and what is said where docker cannot be."""

from __future__ import annotations

import http.server
import json
import os
import pwd
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engines import choice
from harness.engines.docker import connection
from harness.errors import EngineError, UsageError


@pytest.fixture
def socket_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where DOCKER_HOST points to; nothing is there yet."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


def refusal() -> str:
    with pytest.raises(EngineError) as failure:
        choice.choose("docker")
    return str(failure.value)


def test_no_docker_installed(socket_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    message = refusal()
    assert "no Docker Engine" in message
    assert "install" in message
    assert str(socket_path) in message


def test_docker_installed_and_not_started(
    socket_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dockerd").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "is not running; start it" in refusal()


def test_docker_stopped(socket_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(socket_path))
    assert "is not running; start it" in refusal()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user without permission")
def test_no_permission_on_the_socket(socket_path: Path, tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(socket_path))
        server.listen()
        socket_path.chmod(0o660)
        child = os.fork()
        if child == 0:
            _as_nobody(nobody)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _as_nobody(nobody: pwd.struct_passwd) -> None:
    """In a forked child: 0 if the message is the right one."""
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    try:
        choice.choose("docker")
    except EngineError as error:
        os._exit(0 if "no permission" in str(error) and "group" in str(error) else 1)
    os._exit(2)


class OldEngine(http.server.BaseHTTPRequestHandler):
    """Answers as Docker 18.06 does; that version itself cannot be had here."""

    def do_GET(self) -> None:
        body = json.dumps({"Version": "18.06.1-ce", "ApiVersion": "1.38"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:
        """Not onto the screen."""


@pytest.fixture
def old_engine(socket_path: Path) -> Iterator[None]:
    with socketserver.UnixStreamServer(str(socket_path), OldEngine) as server:
        # A client that only looks whether somebody is there must not block the others.
        server.timeout = 1
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield
        server.shutdown()


@pytest.mark.usefixtures("old_engine")
def test_docker_too_old() -> None:
    message = refusal()
    assert "18.06.1-ce" in message
    assert connection.OLDEST_API in message


@pytest.mark.usefixtures("socket_path")
def test_auto_takes_local_and_says_why() -> None:
    engine, why = choice.choose("auto")
    assert engine.name == "local"
    assert why.startswith("local, because docker cannot be used:")
    assert "\n" not in why


@pytest.mark.docker
@pytest.mark.usefixtures("docker_client")
def test_auto_takes_docker_where_it_answers() -> None:
    engine, why = choice.choose("auto")
    assert engine.name == "docker"
    assert "answers" in why


def test_local_is_taken_where_asked_for() -> None:
    assert choice.choose("local")[0].name == "local"


def test_an_unknown_engine_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="auto, docker, local"):
        choice.choose("podman")


def test_the_scripts_that_start_an_engine_are_valid_shell() -> None:
    root = Path(__file__).parent.parent.parent
    for script in (".ci/engine", "dockerfiles/bootstrap-base.sh"):
        subprocess.run(["sh", "-n", str(root / script)], check=True)
