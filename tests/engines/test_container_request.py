"""The request that goes to the Docker Engine, as a value."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from engines.engine_bench import NUMPY, make_lock

from harness.engines import limits
from harness.engines.docker import abilities
from harness.engines.docker.abilities import Abilities
from harness.engines.docker.containers import OWNER_LABEL, creation, isolation, memory
from harness.engines.protocol import Image, Order

ORDER = Order(
    image=Image(
        engine="docker", id="sha256:1", reference="r:t", base="b@sha256:2", lock=make_lock(NUMPY)
    ),
    root=Path("/r"),
    data=Path("/d"),
    control=Path("/c"),
    output=Path("/o"),
    log=Path("/x/log.txt"),
    cpus=(0, 2, 3),
    memory=2**30,
    timeout=60.0,
    variables={"TF_ENABLE_ONEDNN_OPTS": "0"},
)


ABLE = Abilities(rootless=False, memory=True, processes=True, cpus=True)
UNABLE = Abilities(rootless=True, memory=False, processes=False, cpus=False)
DOCKER = {
    "SecurityOptions": ["name=seccomp,profile=default"],
    "CgroupVersion": "1",
    "MemoryLimit": True,
    "PidsLimit": True,
    "CPUSet": True,
}
ROOTLESS_DOCKER = {
    **DOCKER,
    "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"],
    "CgroupVersion": "2",
    "CPUSet": False,
}


def request_for(order: Order, can: Abilities = ABLE) -> dict[str, object]:
    return creation(order, can, name="n", user="65532:65532", owner="host/1/2.0")


def test_a_container_is_kept_from_everything() -> None:
    wanted = {
        "network_mode": "none",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "user": "65532:65532",
        "init": True,
        "image": "sha256:1",
        "labels": {OWNER_LABEL: "host/1/2.0"},
    }
    assert wanted.items() <= request_for(ORDER).items()


def test_a_container_has_the_limits_of_the_order() -> None:
    found = request_for(ORDER)
    assert (found["mem_limit"], found["memswap_limit"]) == (2**30, 2**30)
    assert found["cpuset_cpus"] == "0,2,3"


def test_nothing_is_asked_for_that_the_engine_cannot_enforce() -> None:
    found = request_for(ORDER, UNABLE)
    assert not {"mem_limit", "memswap_limit", "cpuset_cpus", "pids_limit"} & found.keys()
    assert "pids_limit" in isolation(ABLE)
    assert (memory(2**30, UNABLE), isolation(UNABLE).get("pids_limit")) == ({}, None)


def test_what_the_engine_does_not_set_the_first_program_does() -> None:
    last = max(os.sched_getaffinity(0))
    command = request_for(replace(ORDER, cpus=(last,)), UNABLE)["command"]
    assert isinstance(command, list)
    assert command[-5:] == request_for(ORDER)["command"]
    asked = (
        "import os, resource, sys; print(sorted(os.sched_getaffinity(0)), sys.argv[1:],"
        " resource.getrlimit(resource.RLIMIT_FSIZE))"
    )
    program = [sys.executable, *command[:-5], "-c", asked, "x"]
    size = limits.FILE_BYTES
    assert subprocess.check_output(program, text=True) == f"[{last}] ['x'] ({size}, {size})\n"


@pytest.mark.parametrize(
    ("info", "rootless", "enforced"),
    [
        (DOCKER, False, "memory, processes, CPUs"),
        (ROOTLESS_DOCKER, True, "memory, processes"),
        # Podman 4.3 says of itself what root could do.
        ({**DOCKER, "Rootless": True}, True, "none"),
        ({**DOCKER, "MemoryLimit": False, "SecurityOptions": None}, False, "processes, CPUs"),
    ],
    ids=["docker", "rootless docker", "rootless, v1", "no memory controller"],
)
def test_what_an_engine_can_do_is_what_it_says(
    info: dict[str, object], rootless: bool, enforced: str
) -> None:
    found = abilities.of(info)
    assert (found.rootless, found.limits) == (rootless, enforced)


def test_only_the_output_folder_is_writable() -> None:
    mounts = request_for(ORDER)["mounts"]
    assert isinstance(mounts, list)
    found = {one["Target"]: (one["Source"], one["ReadOnly"]) for one in mounts}
    assert found == {
        "/harness/root": ("/r", True),
        "/harness/data": ("/d", True),
        "/harness/control": ("/c", True),
        "/harness/output": ("/o", False),
    }


def test_a_cpu_order_hides_gpus() -> None:
    found = request_for(ORDER)
    assert found["device_requests"] == []
    assert isinstance(found["environment"], dict)
    assert found["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_DEVICE_ORDER" not in found["environment"]


def test_a_gpu_order_asks_for_the_first_gpu() -> None:
    found = request_for(replace(ORDER, gpu=True))
    assert found["device_requests"] == [
        {
            "Driver": "nvidia",
            "Count": 0,
            "DeviceIDs": ["0"],
            "Capabilities": [["gpu"]],
            "Options": {},
        }
    ]
    assert isinstance(found["environment"], dict)
    assert found["environment"]["CUDA_VISIBLE_DEVICES"] == "0"
    assert found["environment"]["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


@pytest.mark.parametrize("name", ["HOME", "TMPDIR", "PATH", "TF_CPP_MIN_LOG_LEVEL"])
def test_the_minimum_is_there(name: str) -> None:
    environment = request_for(ORDER)["environment"]
    assert isinstance(environment, dict)
    assert environment[name]
    assert environment["TF_ENABLE_ONEDNN_OPTS"] == "0"
