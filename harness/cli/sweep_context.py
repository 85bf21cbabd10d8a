"""What jobs are carried out with on this machine, put together for the commands that run some."""

from __future__ import annotations

from harness import places
from harness.cli import wiring
from harness.cli.wiring import LocalMachine
from harness.engines.protocol import Engine
from harness.executors import staging
from harness.executors.context import Context, IsolationPolicy
from harness.executors.run_processes import Limits
from harness.results.store import Store
from harness.upkeep import room_checks


def context(
    store: Store,
    machine: LocalMachine,
    engine: Engine,
    *,
    limits: Limits,
    isolation: IsolationPolicy,
) -> Context:
    """Everything that runs recorded in `store` are carried out with."""
    visible = tuple(machine.hardware["visible_cpus"])
    return Context(
        engine=engine,
        store=store,
        machine=machine.id,
        hardware=machine.hardware,
        runner=staging.stage(),
        data=wiring.data_set,
        data_root=places.cache("datasets"),
        cpus=visible,
        slots=max(1, min(room_checks.fitting(limits.memory), len(visible))),
        isolation=isolation,
        audits=wiring.audits(engine.name, machine),
        logs=store.make_logs(),
    )
