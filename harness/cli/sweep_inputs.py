"""The inputs of a sweep, prepared for the commands that run one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness import console, places
from harness.cli import wiring
from harness.cli.wiring import ThisMachine
from harness.engines.protocol import Engine
from harness.environments.lock import Lock
from harness.matrix.environment import Environment
from harness.results.store import Store
from harness.sweep import progress, staging
from harness.sweep.audit import Audits
from harness.sweep.planning import Step
from harness.sweep.processes import Limits
from harness.sweep.recording import Origin, Run
from harness.sweep.scene import IsolationPolicy, Scene
from harness.sweep.sweeping import Sweep, Tally
from harness.upkeep import room_checks


def prepare(
    store: Store,
    machine: ThisMachine,
    engine: Engine,
    *,
    limits: Limits,
    isolation: IsolationPolicy,
    lock: Callable[[Environment], Lock],
) -> Scene:
    """Everything a sweep into `store` works with; `lock` gives the lock of an environment."""
    runner = staging.stage()
    visible = tuple(machine.hardware["visible_cpus"])
    return Scene(
        engine=engine,
        store=store,
        origin=Origin(
            matrix=store.matrix,
            machine=machine.id,
            hardware=machine.hardware,
            engine=engine.describe(),
            runner_sha256=runner.sha256,
        ),
        runner=runner,
        lock=lock,
        data=wiring.data_of,
        data_root=places.cache("datasets"),
        cpus=visible,
        holders=_slots(limits, len(visible)),
        limits=limits,
        isolation=isolation,
        audits=Audits(runner_sha256=runner.sha256, engine=engine.name, machine=machine.id),
        logs=store.make_logs(),
    )


def _slots(limits: Limits, visible: int) -> int:
    """How many runs fit side by side, by memory and by CPUs."""
    return max(1, min(room_checks.fitting(limits.memory), visible))


def carry_out(
    inputs: Callable[[], Scene],
    steps: Sequence[Step],
    meanwhile: Callable[[], object] | None = None,
) -> Tally:
    """Run what a plan says must run, with a progress display; every run leaves a record.

    `inputs` is called only if something has to run, since asking the engine takes a while.
    `meanwhile` is called in a thread when there is time to spare; perhaps never.
    """
    runs = [Run(cell=step.cell, repeat=step.repeat) for step in steps if step.action == "run"]
    done = sum(step.action == "done" for step in steps)
    console.note(f"{len(runs)} runs to do, {done} done before, {len(steps)} in all")
    if not runs:
        return Tally()
    with progress.shown(len(runs)) as shown:
        return Sweep(inputs(), shown).carry_out(runs, meanwhile)
