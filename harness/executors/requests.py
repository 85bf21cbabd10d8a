"""What a run is asked for (see `harness.protocol.exchange`), and what its process starts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from harness.engines.protocol import Image
from harness.environments.lock import Lock
from harness.executors.context import Context
from harness.executors.run_processes import ProcessTemplate
from harness.executors.settings_check import asked_versions
from harness.protocol import exchange
from harness.protocol import script as scripts
from harness.protocol.job import Job, Run
from harness.runner.trace import Watch


def template(context: Context, image: Image, job: Job) -> ProcessTemplate:
    """What the processes of a job share."""
    return ProcessTemplate(
        engine=context.engine,
        image=image,
        runner=context.runner,
        data=context.data_root,
        variables=job.variables,
        gpu=job.device == "gpu",
    )


def request(
    context: Context,
    job: Job,
    run: Run,
    lock: Lock,
    *,
    observe: bool = True,
    trace: bool = True,
    watch: Watch | None = None,
    has_state: bool = False,
) -> Mapping[str, Any]:
    """The request for one run, but its limits.

    `observe` is whether a user's script is observed, `trace` whether there is to be one. With
    `watch` the run ends early; with `has_state` it makes one step from a state it is given.
    """
    script = job.scripts.get(run.workload)
    return {
        "schema": exchange.SCHEMA,
        "cell": run.cell,
        "repeat": run.repeat,
        "data": None if script else _data(context, job, run),
        "script": script and scripts.to_json(script),
        "settings": dict(run.settings),
        "device": job.device,
        "versions": asked_versions(lock, job.variables),
        "variables": dict(job.variables),
        "packages": {package.name: package.version for package in lock.packages},
        "observe": observe,
        "trace": trace,
        "watch": asdict(watch) if watch else None,
        "state": has_state,
    }


def _data(context: Context, job: Job, run: Run) -> str:
    return context.data(job.data[run.workload].name).folder.name
