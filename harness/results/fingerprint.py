"""A readable name for the hardware, from its description; nothing of this machine is asked."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ARITHMETIC = re.compile(
    r"(sse|ssse|avx|fma|f16c|amx|popcnt|bmi|asimd|sve|sme|fp|bf16|i8mm|neon|altivec|vsx)"
)
"""CPU flags that libraries choose their kernels by. A new operating system kernel makes other
flags come and go on the same hardware, so only these are part of the fingerprint."""


def identify(description: Mapping[str, Any]) -> str:
    """A name for the hardware, usable as a folder: `zen4-2cpu-1a2b3c4d`, `…-16cpu-1xh200-…`.

    Equal for machines with the same CPU model, instruction sets, number of visible CPUs and GPUs,
    whatever kernel or driver they run. A machine that shows fewer CPUs is another one, because
    TensorFlow's default number of threads follows them.
    """
    cpus = len(description["visible_cpus"])
    hardware = {
        "model": description["cpu_model"],
        "flags": sorted(arithmetic_flags(description)),
        "cpus": cpus,
        "gpus": [
            {key: gpu[key] for key in ("name", "memory_bytes")} for gpu in _sorted_gpus(description)
        ],
    }
    digest = hashlib.sha256(json.dumps(hardware, sort_keys=True).encode()).hexdigest()[:8]
    parts = [_slug(str(description["microarchitecture"])), f"{cpus}cpu"]
    return "-".join([*parts, *_gpu_words(description), digest])


def arithmetic_flags(description: Mapping[str, Any]) -> frozenset[str]:
    """The CPU flags that libraries choose their kernels by."""
    return frozenset(flag for flag in description["cpu_flags"] if _ARITHMETIC.match(flag))


def _sorted_gpus(description: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return sorted(description["gpus"], key=lambda gpu: (gpu["name"], gpu["memory_bytes"] or 0))


def _gpu_words(description: Mapping[str, Any]) -> Iterator[str]:
    names = [_slug(gpu["name"]).removeprefix("nvidia-") for gpu in _sorted_gpus(description)]
    for name in dict.fromkeys(names):
        yield f"{names.count(name)}x{name}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "unknown"
