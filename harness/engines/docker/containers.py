"""What a container is asked to be: plain values, so that the request itself can be tested."""

from __future__ import annotations

import json
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

_FIRST = """
import json, os, resource, sys
wanted = json.loads(sys.argv[1])
if wanted["cpus"]: os.sched_setaffinity(0, wanted["cpus"])
for name, limit in wanted["limits"].items():
    kind = getattr(resource, "RLIMIT_" + name.upper())
    hard = resource.getrlimit(kind)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (limit, limit))
os.execv(sys.executable, [sys.executable] + sys.argv[2:])
"""
"""What an engine cannot set, a container's first program sets; it cannot be raised again."""


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
        "command": [*_first(order, abilities), "-m", "harness.runner", CONTROL, OUTPUT, DATA],
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
        "ulimits": [] if abilities.rootless else _ulimits(),
        "log_config": LogConfig(
            type=LogConfig.types.JSON, config={"max-size": "32m", "max-file": "2"}
        ),
    }


def memory(limit: int, abilities: Abilities) -> dict[str, Any]:
    """A limit of memory and none for swap, which would hide that as a slow run."""
    return {"mem_limit": limit, "memswap_limit": limit} if abilities.memory else {}


def _limits(order: Order, abilities: Abilities) -> dict[str, Any]:
    cpus = {"cpuset_cpus": ",".join(map(str, order.cpus))} if abilities.cpus else {}
    return {**memory(order.memory, abilities), **cpus}


def _user_limits() -> dict[str, int]:
    return {
        "fsize": limits.FILE_BYTES,
        "core": 0,
        # Podman, where one limit is named, raises these two as far as the kernel goes, which
        # not every host may.
        "nofile": limits.OPEN_FILES,
        "nproc": limits.USER_PROCESSES,
    }


def _ulimits() -> list[Ulimit]:
    return [Ulimit(name=name, soft=limit, hard=limit) for name, limit in _user_limits().items()]


def _first(order: Order, abilities: Abilities) -> list[str]:
    """What Python gets before its own arguments, where the engine does not set all limits.

    Podman, rootless, leaves out ulimits without a word, and none can raise those of its user.
    """
    wanted = {
        "cpus": [] if abilities.cpus else order.cpus,
        "limits": _user_limits() if abilities.rootless else {},
    }
    return ["-I", "-S", "-c", _FIRST, json.dumps(wanted)] if any(wanted.values()) else []


def _mounts(order: Order) -> list[Mount]:
    return [
        Mount(ROOT, str(order.root.resolve()), type="bind", read_only=True),
        Mount(DATA, str(order.data.resolve()), type="bind", read_only=True),
        Mount(CONTROL, str(order.control.resolve()), type="bind", read_only=True),
        Mount(OUTPUT, str(order.output.resolve()), type="bind"),
    ]


def _gpus() -> list[DeviceRequest]:
    return [DeviceRequest(driver="nvidia", device_ids=[gpus.FIRST], capabilities=[["gpu"]])]
