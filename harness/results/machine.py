"""The machine, described for the record."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import archspec.cpu
import psutil
import pynvml

from harness import processes
from harness.protocol import processor

_CPUS = Path("/sys/devices/system/cpu")
_CPUINFO = Path("/proc/cpuinfo")
_NUMBERS = {"family": "cpu family", "model": "model", "stepping": "stepping"}
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def describe() -> dict[str, Any]:
    """What is known about this machine, as it goes into every record.

    Sizes are in bytes; what cannot be found out is None or empty. Nothing names the machine's
    owner: no host name, no serial numbers.
    """
    cpu = archspec.cpu.host()
    return {
        "cpu_model": archspec.cpu.brand_string() or platform.processor() or platform.machine(),
        "microarchitecture": cpu.name,
        "cpuid": cpuid(),
        "architecture": platform.machine(),
        "cpu_flags": processor.cpu_flags() or sorted(cpu.features),
        "visible_cpus": visible_cpus(),
        "logical_cpus": os.cpu_count(),
        "caches": _caches(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "glibc": platform.libc_ver()[1] or None,
        "os": _operating_system(),
        "hypervisor": _hypervisor(),
        "gpus": gpus(),
    }


def cpuid() -> dict[str, Any] | None:
    """What the processor itself says it is; None where the kernel does not hand it on.

    `{"vendor": "AuthenticAMD", "family": 25, "model": 1, "stepping": 1}`. A virtual machine often
    hides the name and some instruction sets, so that only this tells two generations apart.
    """
    try:
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        values = dict(re.findall(r"^(\w[\w ]*?)\s*: (.*)$", text, re.MULTILINE))
        numbers = {key: int(values[name]) for key, name in _NUMBERS.items()}
        return {"vendor": values["vendor_id"], **numbers}
    except (OSError, ValueError, KeyError):
        return None


def visible_cpus() -> list[int]:
    """The numbers of the CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def gpus() -> list[dict[str, Any]]:
    """The NVIDIA GPUs, with the driver; empty where there are none or no driver answers."""
    try:
        with nvml():
            return [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []


@contextlib.contextmanager
def nvml() -> Iterator[None]:
    """NVML, the driver's own library, ready to be asked within the `with` block.

    Raises:
        pynvml.NVMLError: there is no driver, or it does not answer.
    """
    pynvml.nvmlInit()
    try:
        yield
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> dict[str, Any]:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = _asked(pynvml.nvmlDeviceGetMemoryInfo, handle)
    capability = _asked(pynvml.nvmlDeviceGetCudaComputeCapability, handle)
    cuda = _asked(pynvml.nvmlSystemGetCudaDriverVersion)
    return {
        "name": _text(pynvml.nvmlDeviceGetName(handle)),
        "memory_bytes": memory and int(memory.total),
        "compute_capability": capability and "{}.{}".format(*capability),
        "driver": _text(pynvml.nvmlSystemGetDriverVersion()),
        "driver_cuda": cuda and f"{cuda // 1000}.{cuda % 1000 // 10}",
    }


def _asked(function: Callable[..., Any], *arguments: Any) -> Any:
    """The answer, None where this GPU has none (unified memory, MIG, older drivers)."""
    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    """Older versions of the library return bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _caches() -> dict[str, int]:
    """The sizes of the caches that the first visible CPU uses: `{"L1d": 32768, …}`."""
    sizes = {}
    for cache in sorted((_CPUS / f"cpu{visible_cpus()[0]}" / "cache").glob("index*")):
        with contextlib.suppress(OSError, ValueError):
            level, kind, size = (
                (cache / key).read_text().strip() for key in ("level", "type", "size")
            )
            sizes[f"L{level}{ {'Data': 'd', 'Instruction': 'i'}.get(kind, '') }"] = _bytes(size)
    return sizes


def _bytes(size: str) -> int:
    unit = _UNITS.get(size[-1])
    return int(size[:-1]) * unit if unit else int(size)


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"


def _hypervisor() -> str | None:
    """Who runs this virtual machine, `unknown` where only the CPU's flag says there is one."""
    with contextlib.suppress(OSError, processes.ProcessFailedError):
        shown = processes.run(["lscpu"], variables={"LC_ALL": "C", "PATH": os.defpath})
        match = re.search(r"^Hypervisor vendor:\s*(.+?)\s*$", shown, re.MULTILINE)
        if match:
            return match[1]
    return "unknown" if "hypervisor" in processor.cpu_flags() else None
