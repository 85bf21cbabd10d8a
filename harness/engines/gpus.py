"""Whether this host has an NVIDIA GPU, asked through NVML, the driver's own library."""

from __future__ import annotations

import pynvml


def absent() -> str | None:
    """Why there is no usable NVIDIA GPU here, None if there is one."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return f"no NVIDIA GPU on this machine (NVML: {error})"
    try:
        count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        return f"no NVIDIA GPU answers on this machine (NVML: {error})"
    finally:
        pynvml.nvmlShutdown()
    return None if count else "no NVIDIA GPU on this machine (the driver lists none)"
