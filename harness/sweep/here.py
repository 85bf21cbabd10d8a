"""What this machine cannot run, whatever is installed: known before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from harness.engines.protocol import Engine
from harness.matrix.axes import Value
from harness.matrix.cells import PLACES, Cell

_ISA_FLAG = {"sse41": "sse4_1", "avx2": "avx2", "avx512_core": "avx512f"}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The parts of the hardware that decide what can run."""

    cpus: int
    flags: frozenset[str]


def settled(machine: Machine, engine: Engine | None) -> Callable[[Cell], Cell]:
    """A function that marks a cell `unavailable` where this machine or engine cannot run it.

    Without an engine (planning only) devices are not asked for.
    """

    @cache
    def device_reason(device: str) -> str | None:
        return engine.unavailable(device=device) if engine is not None else None

    def settle(cell: Cell) -> Cell:
        if cell.status is not None:
            return cell
        reason = device_reason(cell.environment.device) or _reason(machine, cell.values)
        return replace(cell, status="unavailable", reason=reason) if reason else cell

    return settle


def _reason(machine: Machine, values: tuple[Value, ...]) -> str | None:
    wanted, isa = values[PLACES["cpus"]], values[PLACES["isa"]]
    if isinstance(wanted, int) and wanted > machine.cpus:
        return f"cpus={wanted} asked for, and this machine shows {machine.cpus}"
    flag = _ISA_FLAG.get(str(isa))
    if flag is not None and flag not in machine.flags:
        return f"isa={isa} can only lower what the CPU has, and this CPU lacks {flag}"
    return None


def cpus_for(settings: dict[str, Value], visible: int) -> int:
    """How many CPUs a run gets: those it asks for, else one per thread, else all there are."""
    wanted, threads = settings["cpus"], settings["threads"]
    if isinstance(wanted, int):
        return wanted
    return min(threads, visible) if isinstance(threads, int) else visible
