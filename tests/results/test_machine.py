"""The machine: what is found here, and what its name depends on."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
from typing import Any

import pytest

from harness.results import fingerprint, machine

FOUND: dict[str, Any] = {
    "cpu_model": "AMD EPYC 9V74 80-Core Processor",
    "microarchitecture": "zen4",
    "cpu_flags": ["avx2", "fma", "nonstop_tsc", "sse2"],
    "visible_cpus": [0, 1],
    "memory_bytes": 1 << 34,
    "kernel": "6.1.0",
    "gpus": [],
}
GPU = {"name": "NVIDIA H200", "memory_bytes": 150754820096, "driver": "570.1"}


def test_this_machine_is_described() -> None:
    found = machine.describe()
    assert found == json.loads(json.dumps(found))
    assert found["cpu_model"] and found["microarchitecture"] and found["cpu_flags"]
    assert found["visible_cpus"] == sorted(os.sched_getaffinity(0))
    assert found["memory_bytes"] > 1 << 28
    assert found["kernel"] == platform.release()
    assert found["gpus"] == machine.gpus()


def test_caches_are_those_that_the_c_library_reports() -> None:
    for level, name in (("L1d", "LEVEL1_DCACHE_SIZE"), ("L2", "LEVEL2_CACHE_SIZE")):
        asked = subprocess.run(["getconf", name], capture_output=True, text=True, check=True)
        assert machine.describe()["caches"].get(level, 0) == int(asked.stdout)


def test_the_processor_says_what_it_is_as_lscpu_reads_it() -> None:
    shown = subprocess.run(
        ["lscpu"], capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}
    ).stdout
    said = machine.cpuid()
    assert said is not None
    for key, name in (("vendor", "Vendor ID"), ("family", "CPU family"), ("model", "Model")):
        assert re.search(rf"^\s*{name}:\s+{said[key]}$", shown, re.MULTILINE), key


def test_nothing_names_the_owner() -> None:
    assert socket.gethostname() not in json.dumps(machine.describe()).split('"')


def test_fewer_visible_cpus_are_seen() -> None:
    cpu = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{cpu}}}); "
        "from harness.results import fingerprint, machine; "
        "d = machine.describe(); print(d['visible_cpus'], fingerprint.identify(d))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"[{cpu}] ")
    assert "-1cpu-" in done.stdout


def test_the_name_is_readable_and_a_folder_name() -> None:
    assert re.fullmatch(r"zen4-2cpu-[0-9a-f]{8}", fingerprint.identify(FOUND))
    with_gpus = {**FOUND, "gpus": [GPU, GPU]}
    assert re.fullmatch(r"zen4-2cpu-2xh200-[0-9a-f]{8}", fingerprint.identify(with_gpus))
    strange = {**FOUND, "microarchitecture": "../x"}
    assert re.fullmatch(r"x-2cpu-[0-9a-f]{8}", fingerprint.identify(strange))


@pytest.mark.parametrize(
    "change",
    [
        {"kernel": "6.12.0"},
        {"memory_bytes": 1},
        {"cpu_flags": ["sse2", "fma", "avx2", "ibrs", "constant_tsc"]},
        {"visible_cpus": [4, 5]},
        {"caches": {"L1d": 49152}},
        {"cpuid": {"vendor": "AuthenticAMD", "family": 25, "model": 1, "stepping": 1}},
    ],
)
def test_the_name_does_not_change_with_software(change: dict[str, Any]) -> None:
    assert fingerprint.identify({**FOUND, **change}) == fingerprint.identify(FOUND)


@pytest.mark.parametrize(
    "change",
    [
        {"cpu_model": "AMD EPYC 9654"},
        {"cpu_flags": ["avx2", "sse2"]},
        {"visible_cpus": [0]},
        {"gpus": [GPU]},
    ],
)
def test_the_name_changes_with_the_hardware(change: dict[str, Any]) -> None:
    assert fingerprint.identify({**FOUND, **change}) != fingerprint.identify(FOUND)


def test_another_driver_is_the_same_hardware() -> None:
    one, other = ({**FOUND, "gpus": [{**GPU, "driver": driver}]} for driver in ("550", "570"))
    assert fingerprint.identify(one) == fingerprint.identify(other)
