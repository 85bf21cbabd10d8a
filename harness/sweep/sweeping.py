"""A sweep: runs what a plan asks for, and vouches for what only the code made stale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from harness import console
from harness.executors import progress
from harness.executors.context import Context
from harness.executors.this_machine import Tally, ThisMachine
from harness.results import vouchers
from harness.results.record import Record
from harness.results.store import Store
from harness.results.vouchers import Voucher
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step
from harness.wording import counted

Plan = Callable[[bool], list[Step]]
"""Makes the plan anew from the records there are; the argument is `vouching` of `steps`."""


def carry_out(
    plan: Plan,
    maker: Maker,
    context: Callable[[], Context],
    meanwhile: Callable[[], object] | None = None,
) -> tuple[list[Step], Tally]:
    """Run what has to be run, showing how it goes; every run leaves a record.

    Returns the last plan, and what became of the runs. `context` is asked for only if something
    has to be run: looking at the engine takes its time. `meanwhile` is called in a thread when
    there is time to spare; perhaps never.
    """
    context = cache(context)
    tally = Tally()
    steps = plan(True)
    _run(steps, maker, context, meanwhile, tally)
    while any(step.action == "waits" for step in steps):
        repeated = [step for step in steps if step.repeated is not None]
        steps = plan(write_vouchers(repeated, context().store))
        _run(steps, maker, context, None, tally)
    return steps, tally


def _run(
    steps: Sequence[Step],
    maker: Maker,
    context: Callable[[], Context],
    meanwhile: Callable[[], object] | None,
    tally: Tally,
) -> None:
    to_run = [step for step in steps if step.action == "run"]
    note_counts(steps)
    if not to_run:
        return
    jobs, unlocked = maker.jobs(to_run)
    with progress.shown(len(to_run)) as shown:
        machine = ThisMachine(context(), shown, tally)
        for each in unlocked:
            machine.refuse(each.job, each.error)
        machine.carry_out(jobs, meanwhile)


def note_counts(steps: Sequence[Step]) -> None:
    """Say how many runs are to do, and how many are done."""
    to_run = sum(step.action == "run" for step in steps)
    waiting = sum(step.action == "waits" for step in steps)
    done = sum(step.action == "done" for step in steps)
    after = f", {waiting} that wait for their bits" if waiting else ""
    console.note(f"{counted(to_run, 'run')} to do{after}, {done} done before, {len(steps)} in all")


def write_vouchers(repeated: Sequence[Step], store: Store) -> bool:
    """Write down whether each repeated run left the bits that it was to; False if none decided."""
    made = [voucher for step in repeated for voucher in _vouchers(step, store)]
    if made:
        vouchers.add(store.folder, made)
    return bool(made)


def _vouchers(step: Step, store: Store) -> list[Voucher]:
    old, new = step.repeated, store.read(step.cell.id, step.repeat)
    if old is None or new is None or new.status != "completed":
        return []
    if new.code == old.code:
        return []
    voucher = Voucher(
        lock_sha256=old.environment.lock_sha256,
        workload=str(old.settings["workload"]),
        old=old.code,
        new=step.code_sha256,
        cell=step.cell.id,
        repeat=step.repeat,
        equal=_are_equal(old, new),
    )
    return [voucher]


def _are_equal(old: Record, new: Record) -> bool:
    """Whether two runs left the same bits, and the same was read back of every setting."""
    bits = [each.measured.bits if each.measured else None for each in (old, new)]
    values = {axis: each.value for axis, each in new.found.items()}
    return bits[0] == bits[1] is not None and all(
        values.get(axis) == each.value for axis, each in old.found.items()
    )
