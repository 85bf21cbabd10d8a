"""A Dask worker that carries out our jobs, for as long as it is wanted."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dask
from distributed import Security, Status, Worker
from distributed.comm import connect

from harness import console, scratch
from harness.errors import EngineError
from harness.executors.cluster import quiet
from harness.executors.cluster.addresses import Address
from harness.executors.cluster.worker_plugin import HarnessPlugin

_AGAIN_SECONDS = 2.0
_CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 0.2
_LEAVING_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Presence:
    """How a worker is there: its name, its network interface, and how long without a scheduler.

    What is None is up to Dask; without a limit in seconds it waits for ever.
    """

    name: str | None = None
    interface: str | None = None
    give_up: float | None = None


def serve(
    address: Address,
    security: Security,
    *,
    command: tuple[str, ...],
    description: Mapping[str, Any],
    presence: Presence,
) -> None:
    """Be a worker of the scheduler at this address until interrupted; wait where there is none.

    Raises:
        EngineError: the scheduler does not take this worker, or is gone for too long.
    """
    quiet.quieten()
    with scratch.folder("worker") as folder, dask.config.set(_SETTINGS):
        plugin = HarnessPlugin(command, description, folder)
        asyncio.run(_serve(address, security, plugin, presence, str(folder)))


_SETTINGS = {
    # Trainings are not Dask's memory, and have limits of their own.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": "10s",
}


async def _serve(
    address: Address, security: Security, plugin: HarnessPlugin, presence: Presence, folder: str
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _leave_soon, stop, plugin)
    waiting_since: float | None = None
    while not stop.is_set():
        try:
            await _probe(address, security)
            async with _worker(address, security, plugin, presence, folder) as worker:
                console.note(f"worker {worker.name} at {address}; Ctrl-C ends it")
                waiting_since = None
                await _until(stop, worker, plugin)
        except (OSError, asyncio.TimeoutError) as error:
            _refuse_other_authority(address, error)
            if waiting_since is None:
                waiting_since = loop.time()
                console.note(f"{address}: no scheduler answers; waiting for one")
            if presence.give_up is not None and loop.time() - waiting_since > presence.give_up:
                raise EngineError(
                    f"{address}: no scheduler answered for {presence.give_up:g} s"
                ) from error
            await _pause(stop)


def _leave_soon(stop: asyncio.Event, plugin: HarnessPlugin) -> None:
    plugin.closing.set()
    stop.set()


async def _probe(address: Address, security: Security) -> None:
    """Reach the scheduler once: a Dask worker would try for ever, and never say why it fails.

    Raises:
        OSError, asyncio.TimeoutError: nobody answers there, or not in this way.
    """
    arguments = security.get_connection_args("worker")
    comm = await connect(str(address), timeout=_CONNECT_SECONDS, **arguments)
    await comm.close()


def _refuse_other_authority(address: Address, error: BaseException) -> None:
    """Raise where the other side is there, and is not of this cluster."""
    cause: BaseException | None = error
    while cause is not None:
        if "CERTIFICATE" in str(cause).upper() or "ssl" in type(cause).__name__.lower():
            raise EngineError(
                f"{address}: the scheduler's certificate is not of the authority in --tls, or it "
                f"refuses this one's: {cause}"
            ) from error
        cause = cause.__cause__ or cause.__context__


def _worker(
    address: Address, security: Security, plugin: HarnessPlugin, presence: Presence, folder: str
) -> Worker:
    # No nanny: it sets OMP_NUM_THREADS and others for all that it starts, ends what it finds too
    # large, and would start anew what was killed.
    return Worker(
        str(address),
        nthreads=1,
        memory_limit=0,
        name=presence.name,
        interface=presence.interface,
        security=security,
        resources={plugin.describe_machine(): 1},
        # Without TLS nobody but this machine may reach it.
        host="127.0.0.1" if address.scheme == "tcp" else None,
        protocol=address.scheme,
        dashboard=False,
        plugins=(plugin,),
        local_directory=folder,
        death_timeout=None,
    )


async def _until(stop: asyncio.Event, worker: Worker, plugin: HarnessPlugin) -> None:
    """Stay until the worker is to stop, and has ended what it does, or its scheduler is gone."""
    while worker.status not in (Status.closed, Status.closing, Status.failed):
        if stop.is_set():
            worker.status = Status.paused
            await _leave(plugin)
            return
        await asyncio.sleep(_LOOK_SECONDS)
    console.note("the scheduler is gone; waiting for it to come back")


async def _leave(plugin: HarnessPlugin) -> None:
    for _ in range(int(_LEAVING_SECONDS / _LOOK_SECONDS)):
        if not plugin.is_busy:
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), _AGAIN_SECONDS)
    except asyncio.TimeoutError:
        return
