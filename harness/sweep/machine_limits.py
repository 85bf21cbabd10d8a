"""What cannot be run here, whatever is installed: known before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from harness.datasets import catalogue
from harness.matrix.cells import AXIS_INDEX, Cell
from harness.protocol.axes import Value
from harness.protocol.processor import INSTRUCTION_SETS


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The parts of the hardware that decide what can run."""

    cpus: int
    flags: frozenset[str]


def settled(machine: Machine, unavailable: Callable[[str], str | None]) -> Callable[[Cell], Cell]:
    """A function that marks a cell `unavailable` where this machine cannot run it.

    `unavailable` says why a device ("cpu", "gpu") cannot be had, None where it can.
    """
    device_reason = cache(unavailable)

    def settle(cell: Cell) -> Cell:
        if cell.status is not None:
            return cell
        reason = device_reason(cell.environment.device) or _reason(machine, cell.values)
        return replace(cell, status="unavailable", reason=reason) if reason else with_data(cell)

    return settle


def with_data(cell: Cell) -> Cell:
    """The cell, `unavailable` where it asks for more training rows than its data has."""
    samples, workload = cell.values[AXIS_INDEX["samples"]], str(cell.values[AXIS_INDEX["workload"]])
    if cell.status is not None or not isinstance(samples, int):
        return cell
    rows = catalogue.rows_of(workload)
    if rows is None or samples <= rows:
        return cell
    reason = f"samples={samples} asked for, and the data of {workload} has {rows} training rows"
    return replace(cell, status="unavailable", reason=reason)


def _reason(machine: Machine, values: tuple[Value, ...]) -> str | None:
    wanted, isa = values[AXIS_INDEX["cpus"]], values[AXIS_INDEX["isa"]]
    if isinstance(wanted, int) and wanted > machine.cpus:
        return f"cpus={wanted} asked for, and this machine shows {machine.cpus}"
    missing = [flag for flag in INSTRUCTION_SETS.get(str(isa), ()) if flag not in machine.flags]
    if missing:
        return f"isa={isa} can only lower what the CPU has, and this CPU lacks {missing[0]}"
    return None
