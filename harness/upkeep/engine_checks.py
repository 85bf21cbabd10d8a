"""Checks of what runs the trainings: the engines, interpreters and GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker

from harness import compatibility
from harness.engines import gpus
from harness.engines.docker import abilities
from harness.engines.docker.abilities import Abilities
from harness.engines.docker.connection import connect, is_podman
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import isolation
from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Engine
from harness.environments import interpreters
from harness.errors import EngineError
from harness.results import machine
from harness.upkeep import checks
from harness.upkeep.checks import Check, Need

_SWITCHES = {
    "user/max_user_namespaces": "0",
    "kernel/unprivileged_userns_clone": "0",
    "kernel/apparmor_restrict_unprivileged_userns": "1",
}
"""Settings below /proc/sys, and the value with which each forbids namespaces to all but root."""


def docker_engine(need: Need) -> Iterator[Check]:
    """Whether a Docker Engine answers, which one it is, and what its containers are limited by."""
    try:
        client = connect()
        engine = DockerEngine(connect, tidy=False)
    except EngineError as error:
        yield _no_docker(error, need)
        return
    info = client.info()
    yield checks.ok("docker", f"{_name(client, engine)}; the socket may be used")
    if is_podman(client):
        yield checks.ok(
            "podman",
            "runs out of memory end as killed; /var/tmp (rootless: /run and /dev, too), in memory,"
            " can be written",
        )
    yield from _limits(abilities.of(info))


def local_engine(need: Need) -> Iterator[Check]:
    """Whether the local engine can keep its processes from the network and from files."""
    try:
        version = LocalEngine().describe()["version"]
    except EngineError as error:
        yield checks.blocks("local", error)
        return
    found = isolation.best()
    if found != "none":
        yield checks.ok("local", f"{version}; {found}: no network, read-only mounts")
        return
    forbidding = [name for name in _SWITCHES if _value_of(name) == _SWITCHES[name]]
    named = f"{', '.join(forbidding)} in /proc/sys" if forbidding else "this container or kernel"
    yield checks.look(
        "local",
        f"{version}; no namespaces: runs keep network and writable mounts ({named} forbids them)",
        "allow unprivileged user namespaces, or use --engine docker",
    )


def pythons(need: Need) -> Iterator[Check]:
    """Which interpreters are here; the local engine takes them, and uv fetches the others."""
    wanted = {environment.python for environment in need.environments} or _every_python()
    for python in sorted(wanted, key=lambda text: tuple(map(int, text.split(".")))):
        found = interpreters.present(python)
        if found is not None:
            yield checks.ok(f"python {python}", f"{found.build.partition(' ')[0]}, {found.path}")
        else:
            yield checks.look(
                f"python {python}",
                "not here",
                f"nothing, if uv may fetch it at first use; else install python{python}, or use"
                " --engine docker",
            )


def gpu(need: Need, engine: Engine) -> Iterator[Check]:
    """The GPUs and their driver, and whether the engine can hand them out."""
    for one in machine.gpus():
        cuda = f"CUDA {one['driver_cuda']}"
        yield checks.ok("gpu", f"{one['name']}, driver {one['driver']}, {cuda}")
    absent = gpus.absent()
    wanted = any(environment.device == "gpu" for environment in need.environments)
    reason = engine.unavailable(device="gpu")
    if absent and not wanted:
        yield checks.ok("gpu", f"{absent}; none is needed")
    elif reason:
        driver = "install the NVIDIA driver; " if absent else ""
        yield checks.look("gpu", reason, f"{driver}until then such cells stay out")


def _name(client: docker.DockerClient, engine: DockerEngine) -> str:
    said = engine.describe()
    kind = "Podman" if is_podman(client) else "Docker Engine"
    mode = "rootless" if said["rootless"] == "yes" else "rootful"
    return f"{kind} {said['version']} (API {said['api']}, cgroups v{said['cgroups']}), {mode}"


def _limits(can: Abilities) -> Iterator[Check]:
    """What of an order's limits is not enforced, and what that comes to."""
    without = {
        "memory limits are not enforced": can.memory,
        "processes are limited by user alone": can.processes,
        "CPU sets are affinity masks, which a program can change": can.cpus,
    }
    if not all(without.values()):
        yield checks.look(
            "docker limits",
            "; ".join(said for said, enforced in without.items() if not enforced),
            "delegate the cgroup controllers memory, pids and cpuset to the engine (a rootless one"
            " needs cgroups v2), or use --engine local, which watches the memory",
        )


def _no_docker(error: EngineError, need: Need) -> Check:
    said = checks.blocks("docker", error)
    others = [path for path in _other_sockets() if path.is_socket()]
    if others:
        more = f"DOCKER_HOST=unix://{others[0]} names one that is there"
        said = replace(said, to_do=f"{said.to_do}; {more}")
    if need.engine == "docker":
        return said
    return replace(
        said, state="look", exit_code=0, to_do=f"nothing if --engine local will do; {said.to_do}"
    )


def _other_sockets() -> Iterator[Path]:
    """Where rootless Docker and Podman put their sockets."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}"))
    yield from (folder / "docker.sock", folder / "podman" / "podman.sock")
    yield Path("/run/podman/podman.sock")


def _value_of(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _every_python() -> set[str]:
    return {
        python
        for version in compatibility.releases()
        for python in compatibility.release(version).pythons
    }
