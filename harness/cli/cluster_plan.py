"""`plan --on` and `run --dry-run --on`: what each machine of a cluster would do, and why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from harness import console
from harness.cli.cluster_run import SLURM, Asked, ClusterSweep, Where, opened_at
from harness.errors import UsageError
from harness.executors.cluster.worker_sources import waited_for
from harness.matrix import reading
from harness.publish import tables
from harness.sweep.planning import Step
from harness.wording import counted

SHOWN = 60
"""How many rows a terminal is shown; the other formats have all."""


def plan(asked: Asked, on: str, tls: Path | None, format: str) -> None:
    """Print what would run on the workers that are there now."""
    if on == SLURM:
        raise UsageError(
            "which machines SLURM gives is not known before its jobs run: plan without --on"
        )
    matrix = reading.read(asked.file)
    with opened_at(Where(on=on, tls=tls, options=None), asked.engine) as (opened, source):
        sweep = ClusterSweep(asked, matrix)
        steps = list(sweep.planned(waited_for(opened, source, sweep.fits)))
    if format == "rich":
        _show(steps)
    else:
        rows = [(at, one.cell.id, one.repeat, one.action, one.why) for at, one in steps]
        frame = pd.DataFrame(rows, columns=["machine", "cell", "repeat", "action", "why"])
        console.result(tables.render(frame, format))


def _show(steps: list[tuple[str, Step]]) -> None:
    alike = Counter((at, one.cell.id, one.action, one.why) for at, one in steps)
    rows = [(at, cell, runs, action, why) for (at, cell, action, why), runs in alike.items()]
    frame = pd.DataFrame(rows[:SHOWN], columns=["machine", "cell", "runs", "action", "why"])
    console.result(tables.render(frame, "rich"))
    if len(rows) > SHOWN:
        console.note(f"… and {len(rows) - SHOWN:,} more; --only narrows, --format csv has all")
    totals = Counter((at, one.action) for at, one in steps)
    for (machine, action), number in sorted(totals.items()):
        console.note(f"{machine}: {counted(number, 'run')} {action}")
