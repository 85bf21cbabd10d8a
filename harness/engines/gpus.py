"""Which NVIDIA GPU an order gets, and whether this host has one."""

from __future__ import annotations

import pynvml

from harness.results.machine import nvml

FIRST = "0"
"""One GPU, always the first: which one is part of what a record says."""


def absent() -> str | None:
    """Why there is no usable NVIDIA GPU here, None if there is one."""
    try:
        with nvml():
            count = pynvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        return f"no NVIDIA GPU on this machine (NVML: {error})"
    return None if count else "no NVIDIA GPU on this machine (the driver lists none)"
