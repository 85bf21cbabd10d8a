"""Reaching a Docker Engine, and saying what to do where that fails."""

from __future__ import annotations

import os
import shutil
import socket

import docker
import requests
from docker.errors import DockerException
from packaging.version import Version

from harness.errors import EngineError

OLDEST_API = "1.40"
"""Docker 19.03: the first in which a container can ask for a GPU."""

DEFAULT_HOST = "unix:///var/run/docker.sock"
INSTEAD = "or use --engine local"
PING_SECONDS = 10.0


def connect() -> docker.DockerClient:
    """A client of the engine that `DOCKER_HOST` names, or of the usual socket.

    Raises:
        EngineError: absent, stopped, not permitted, or too old; each says what to do.
    """
    host = os.environ.get("DOCKER_HOST", DEFAULT_HOST)
    if host.startswith("unix://"):
        _probe(host.removeprefix("unix://"))
    try:
        client = docker.from_env(version="auto")
        _check_version(client, host)
    except (DockerException, requests.RequestException) as error:
        raise EngineError(f"the Docker Engine at {host} does not answer: {error}") from error
    return client


def _probe(path: str) -> None:
    """Connect to the socket by hand: the SDK's own errors hide what is wrong."""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PING_SECONDS)
            probe.connect(path)
    except PermissionError as error:
        raise EngineError(
            f"no permission on the Docker socket {path}",
            remedy="add yourself to its group (`sudo usermod -aG docker $USER`, then log in again),"
            f" {INSTEAD}",
        ) from error
    except FileNotFoundError as error:
        raise _nothing_at(path) from error
    except OSError as error:
        raise _stopped(path) from error


def _nothing_at(path: str) -> EngineError:
    if shutil.which("dockerd"):
        return _stopped(path)
    return EngineError(
        f"no Docker Engine: there is no socket {path}",
        remedy=f"install Docker Engine (or Podman, and let DOCKER_HOST name its socket), {INSTEAD}",
    )


def _stopped(path: str) -> EngineError:
    return EngineError(
        f"the Docker Engine at {path} is not running",
        remedy=f"start it (`sudo systemctl start docker`), correct DOCKER_HOST, {INSTEAD}",
    )


def is_podman(client: docker.DockerClient) -> bool:
    """Whether it is Podman that answers in the place of a Docker Engine."""
    parts = client.version().get("Components") or []
    return any("podman" in str(part.get("Name", "")).lower() for part in parts)


def _check_version(client: docker.DockerClient, host: str) -> None:
    # The client has asked for it already, and Podman takes long to answer.
    api = client.api.api_version
    if Version(api) < Version(OLDEST_API):
        found = client.version().get("Version")
        client.close()
        raise EngineError(
            f"the Docker Engine at {host} is {found} with API {api}, and at least API"
            f" {OLDEST_API} (Docker 19.03) is needed",
            remedy=f"upgrade it, {INSTEAD}",
        )
