"""The row about traces: trainings that leave one against the same without."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from runner.runner_host import Runner, request_for

from benchmarks import measuring
from benchmarks.environments import FOUR, lock_of
from benchmarks.measuring import Result
from harness import places
from harness.cli import wiring
from harness.engines.local.engine import LocalEngine
from harness.engines.local.virtual_environments import python_of
from harness.executors import staging
from harness.runner import workloads

_MOST = 1.05


def traces(folder: Path, times: int) -> list[Result]:
    """CPU seconds of `fit` on one thread, with and without a trace, in forked children.

    Of one thread they are its seconds on an idle machine.
    """
    image = LocalEngine().assemble(lock_of(FOUR[-1]), folder / "build.log")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        root = Path(scratch) / "root"
        root.mkdir()
        staging.write(root)
        runner = Runner(
            python=python_of(Path(image.reference)),
            root=root,
            data=places.cache("datasets"),
            scratch=Path(scratch),
        )
        with runner.warm() as serve:
            return [_of_workload(serve, name, times) for name in workloads.names()]


def _of_workload(serve: Any, name: str, times: int) -> Result:
    def fit(trace: bool) -> float:
        data = wiring.data_set(wiring.data_reference(name).name).folder.name
        request = request_for(workload=name, samples="default", threads=1)
        reply = serve({**request, "data": data, "trace": trace}).reply
        if reply["status"] != "completed":
            raise RuntimeError(f"{name}: {reply['reason']}")
        return float(reply["seconds"]["fit_cpu"])

    fit(True)
    plain, traced = measuring.alternately(lambda: fit(False), lambda: fit(True), times)
    ratios = [one / two for one, two in zip(traced, plain, strict=True)]
    return Result(
        what=f"{name}, leaving a trace",
        against="the same without",
        ours=measuring.seconds(traced),
        theirs=measuring.seconds(plain),
        figure=f"{median(ratios):.2f} times",
        bar=f"at most {_MOST:g} times",
        met=median(ratios) <= _MOST,
    )
