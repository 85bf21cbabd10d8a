"""What an engine can do to its containers, by its own answers and never by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """Whether the engine's root is the person who runs it, and which limits it can enforce."""

    rootless: bool
    memory: bool
    processes: bool
    cpus: bool

    @property
    def limits(self) -> str:
        """The limits that it enforces, in words."""
        can = {"memory": self.memory, "processes": self.processes, "CPUs": self.cpus}
        return ", ".join(name for name, is_able in can.items() if is_able) or "none"


def of(info: Mapping[str, Any]) -> Abilities:
    """The abilities of the engine that gave this `info`."""
    # Docker lists it among its options, Podman has a field of its own.
    rootless = "name=rootless" in (info.get("SecurityOptions") or []) or bool(info.get("Rootless"))
    # Only root may make groups of version 1, whatever a rootless engine says of their controllers.
    able = not (rootless and str(info.get("CgroupVersion", "1")) == "1")
    return Abilities(
        rootless=rootless,
        memory=able and bool(info.get("MemoryLimit")),
        processes=able and bool(info.get("PidsLimit")),
        cpus=able and bool(info.get("CPUSet")),
    )
