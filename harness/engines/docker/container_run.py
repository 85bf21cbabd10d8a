"""One order in one container, from creation to removal."""

from __future__ import annotations

import contextlib
import math
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container

from harness.engines import filling, outcomes
from harness.engines.docker import container_owners, containers, ownership
from harness.engines.docker.abilities import Abilities
from harness.engines.protocol import Order, Outcome
from harness.errors import EngineError
from harness.protocol import untrusted

WAIT_SECONDS = 600
"""How long one question to the engine may stay open; it is asked again until the order's end."""


class Running:
    """The orders now running, so that another thread can end them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._cancelled = False

    @contextlib.contextmanager
    def entry(self) -> Iterator[str]:
        """A name for one order, registered while it runs."""
        name = f"reproducibility-harness-{uuid.uuid4().hex}"
        with self._lock:
            self._names.add(name)
        try:
            yield name
        finally:
            with self._lock:
                self._names.discard(name)

    def cancel(self, client: docker.DockerClient) -> None:
        """End them all, and let no other start."""
        with self._lock:
            self._cancelled = True
            names = tuple(self._names)
        for name in names:
            kill(client, name)

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was ever called."""
        with self._lock:
            return self._cancelled


def run(
    client: docker.DockerClient, order: Order, abilities: Abilities, running: Running
) -> Outcome:
    """Run to its end; once cancelled not at all. The container is removed whatever happens.

    Raises:
        EngineError: the engine failed, or the image is gone.
    """
    if running.is_cancelled:
        return outcomes.never_started()
    for folder in (order.root, order.data):
        ownership.require_readable(folder)
    ownership.give(order.output)
    with running.entry() as name:
        try:
            return _contained(client, order, name, abilities, running)
        except ImageNotFound as error:
            raise EngineError(
                f"the image {order.image.reference} is not in the engine any more; run the same"
                f" command again to build it anew"
            ) from error
        except (DockerException, requests.RequestException) as error:
            raise EngineError(f"the Docker Engine failed during a run: {error}") from error
        finally:
            _remove(client, name)


def kill(client: docker.DockerClient, name: str) -> None:
    """SIGKILL to all of a container, no matter whether it runs (any more)."""
    # Not created yet, not running any more, or gone: each is what was wanted.
    with contextlib.suppress(APIError):
        client.api.kill(name)


def _contained(
    client: docker.DockerClient, order: Order, name: str, abilities: Abilities, running: Running
) -> Outcome:
    user, owner = ownership.user(rootless=abilities.rootless), container_owners.owner()
    create = containers.creation(order, abilities, name=name, user=user, owner=owner)
    container = client.containers.create(**create)
    container.start()
    started = time.monotonic()
    if running.is_cancelled:
        kill(client, name)
    with filling.watched([order.output], lambda: kill(client, name)) as filled:
        ended = _wait(client, container, started + order.timeout)
        if not ended:
            kill(client, name)
            _wait(client, container, time.monotonic() + WAIT_SECONDS)
    seconds = time.monotonic() - started
    _save_log(container, order.log)
    container.reload()
    outcome = _outcome(container.attrs["State"], timed_out=not ended, seconds=seconds)
    return outcomes.limited(outcome, filled.reason) if filled.reason else outcome


def _wait(client: docker.DockerClient, container: Container, deadline: float) -> bool:
    """Wait for the end; False where the deadline came first."""
    while (remaining := deadline - time.monotonic()) > 0:
        try:
            client.api.wait(str(container.id), timeout=math.ceil(min(remaining, WAIT_SECONDS)))
            return True
        except (requests.ReadTimeout, requests.ConnectionError):
            # The question timed out, or the engine is gone: then this raises.
            container.reload()
    return False


def _outcome(state: dict[str, Any], *, timed_out: bool, seconds: float) -> Outcome:
    code = outcomes.from_shell(int(state["ExitCode"]))
    if timed_out:
        return Outcome(cause="timeout", exit_code=code, seconds=seconds)
    if state.get("OOMKilled") and code != 0:
        return Outcome(cause="out_of_memory", exit_code=code, seconds=seconds)
    return Outcome(cause=outcomes.cause(code), exit_code=code, seconds=seconds)


def _save_log(container: Container, log: Path) -> None:
    with untrusted.open_log(log) as file:
        for chunk in container.logs(stream=True, follow=False):
            file.write(chunk)


def _remove(client: docker.DockerClient, name: str) -> None:
    with contextlib.suppress(NotFound, APIError, requests.RequestException):
        client.api.remove_container(name, force=True, v=True)
