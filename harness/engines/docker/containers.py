"""What a container is asked to be: plain values, so that the request itself can be tested."""

from __future__ import annotations

from typing import Any

from docker.types import DeviceRequest, LogConfig, Mount, Ulimit

from harness.engines import gpus, limits
from harness.engines.docker.abilities import Abilities
from harness.engines.protocol import Order
from harness.engines.variables import variables

PYTHON = "/opt/environment/bin/python"
ROOT = "/harness/root"
DATA = "/harness/data"
CONTROL = "/harness/control"
OUTPUT = "/harness/output"
TEMPORARY = "/tmp"
PATH = "/opt/environment/bin:/usr/local/bin:/usr/bin:/bin"
OWNER_LABEL = "reproducibility-harness.owner"

_SET_CPUS = """
import os, sys
os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
os.execv(sys.executable, [sys.executable] + sys.argv[2:])
"""


def creation(
    order: Order, abilities: Abilities, *, name: str, user: str, owner: str
) -> dict[str, Any]:
    """The arguments of `containers.create` for this order.

    `user` is UID:GID; `owner` marks which process of which host the container belongs to.
    """
    return {
        "name": name,
        "image": order.image.id,
        "entrypoint": [PYTHON],
        "command": [*_on_cpus(order, abilities), "-m", "harness.runner", CONTROL, OUTPUT, DATA],
        "working_dir": ROOT,
        "environment": variables(order, temporary=TEMPORARY, path=PATH, gpu=gpus.FIRST),
        "user": user,
        "mounts": _mounts(order),
        "labels": {OWNER_LABEL: owner},
        "device_requests": _gpus() if order.gpu else [],
        **isolation(abilities),
        **_limits(order, abilities),
    }


def isolation(abilities: Abilities) -> dict[str, Any]:
    """What every container is kept from, and what of it is kept: its output."""
    return {
        # Some engines refuse to start what has a limit that they cannot enforce.
        **({"pids_limit": limits.PROCESSES} if abilities.processes else {}),
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {TEMPORARY: f"rw,nosuid,nodev,mode=1777,size={limits.TEMPORARY_BYTES}"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        # A first process that reaps, and that lets signals do to Python what they do elsewhere.
        "init": True,
        "ulimits": [
            Ulimit(name="fsize", soft=limits.FILE_BYTES, hard=limits.FILE_BYTES),
            Ulimit(name="core", soft=0, hard=0),
            # Podman, where one limit is named, raises these two as far as the kernel goes, which
            # not every host may.
            Ulimit(name="nofile", soft=limits.OPEN_FILES, hard=limits.OPEN_FILES),
            Ulimit(name="nproc", soft=limits.USER_PROCESSES, hard=limits.USER_PROCESSES),
        ],
        "log_config": LogConfig(
            type=LogConfig.types.JSON, config={"max-size": "32m", "max-file": "2"}
        ),
    }


def memory(limit: int, abilities: Abilities) -> dict[str, Any]:
    """A limit of memory and none for swap, which would hide that as a slow run."""
    return {"mem_limit": limit, "memswap_limit": limit} if abilities.memory else {}


def _limits(order: Order, abilities: Abilities) -> dict[str, Any]:
    cpus = {"cpuset_cpus": _numbers(order)} if abilities.cpus else {}
    return {**memory(order.memory, abilities), **cpus}


def _on_cpus(order: Order, abilities: Abilities) -> list[str]:
    """What Python gets before its own arguments: the order's CPUs, where no group can set them."""
    return [] if abilities.cpus else ["-I", "-S", "-c", _SET_CPUS, _numbers(order)]


def _numbers(order: Order) -> str:
    return ",".join(map(str, order.cpus))


def _mounts(order: Order) -> list[Mount]:
    return [
        Mount(ROOT, str(order.root.resolve()), type="bind", read_only=True),
        Mount(DATA, str(order.data.resolve()), type="bind", read_only=True),
        Mount(CONTROL, str(order.control.resolve()), type="bind", read_only=True),
        Mount(OUTPUT, str(order.output.resolve()), type="bind"),
    ]


def _gpus() -> list[DeviceRequest]:
    return [DeviceRequest(driver="nvidia", device_ids=[gpus.FIRST], capabilities=[["gpu"]])]
