"""Machines in words: make, generation, CPUs, and what tells them apart if these do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.analysis.hardware import Hardware
from harness.wording import counted

UNDESCRIBED = "not described by its folder"


def of_machines(machines: Mapping[str, Hardware | None]) -> dict[str, str]:
    """What each machine is, by its name: `AMD EPYC (zen4), 2 CPUs`.

    Of machines that would read alike each has its caches behind it, and the digest of its hardware
    if these do not tell them apart either.
    """
    words = {name: _short(one) for name, one in machines.items()}
    for more in (_caches, _digest):
        alike = Counter(words.values())
        words = {
            name: f"{said}{more(machines[name])}" if alike[said] > 1 else said
            for name, said in words.items()
        }
    return words


def _short(machine: Hardware | None) -> str:
    if machine is None:
        return UNDESCRIBED
    make = " ".join(machine.cpu_model.replace("(R)", "").replace("(TM)", "").split())
    gpus = Counter(machine.gpus)
    named = [name if number == 1 else f"{number} × {name}" for name, number in gpus.items()]
    parts = [f"{make} ({machine.microarchitecture})", counted(machine.cpus, "CPU"), *named]
    return ", ".join(parts)


def _caches(machine: Hardware | None) -> str:
    if machine is None or not machine.caches:
        return ""
    return ", " + ", ".join(f"{name} {size}" for name, size in machine.caches if name == "L1d")


def _digest(machine: Hardware | None) -> str:
    return f", {machine.digest}" if machine is not None else ""
