"""Containers whose harness was killed: nobody waits for them, so the next harness ends them."""

from __future__ import annotations

import os
import platform

import docker
import psutil
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from harness.engines.docker.containers import OWNER_LABEL


def owner() -> str:
    """This process as a label: host, process id and its start, as ids are used again."""
    return f"{platform.node()}/{os.getpid()}/{_started(os.getpid())}"


def remove(client: docker.DockerClient) -> int:
    """Remove the containers of this host's dead harness processes; returns how many."""
    dead, _ = owned(client)
    for container in dead:
        try:
            container.remove(force=True, v=True)
        except (NotFound, APIError):
            continue
    return len(dead)


def owned(client: docker.DockerClient) -> tuple[list[Container], list[Container]]:
    """The containers of this host's dead harness processes, and those of living or other ones."""
    listed = client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
    # Empty where somebody started one of our images by hand.
    found = [one for one in listed if one.labels[OWNER_LABEL]]
    dead = [one for one in found if _is_dead(str(one.labels[OWNER_LABEL]))]
    return dead, [one for one in found if one not in dead]


def _is_dead(label: str) -> bool:
    host, process, started = label.rsplit("/", 2)
    return host == platform.node() and started != _started(int(process))


def _started(process: int) -> str:
    try:
        return f"{psutil.Process(process).create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""
