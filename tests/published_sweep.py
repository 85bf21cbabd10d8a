"""A sweep with everything that a page must show: classes, failures, gaps, and hostile names."""

from __future__ import annotations

from pathlib import Path

from results_factory import SweepOnDisk, cell
from two_machines import HERE, sweep, train

from harness.matrix.cells import Cell

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>\u2028 \\input"
)
VERSIONS = ("2.10.0", "2.15.1", "2.21.0")


def write(root: Path, machine: str = HERE) -> SweepOnDisk:
    """Two workloads over versions, threads and instruction sets; every status that needs no runner.

    `mnist-mlp` has classes, an unstable cell, a failed, a timed out and a waiting one, one that is
    partly done; one is excluded, one unavailable. `co2-lstm` has one class.
    """
    on = sweep(root, machine, matrix="versions")
    dense = [
        cell(tensorflow=version, threads=threads, isa=isa, numpy=None)
        for version in VERSIONS
        for threads in (1, 2)
        for isa in ("native", "avx2")
    ]
    gone = cell(tensorflow="2.4.4", numpy=None, status="unavailable", reason="no wheel for 3.10")
    out = cell(tensorflow="2.9.3", numpy=None, status="excluded", reason="measured elsewhere")
    forecasts = [cell(workload="co2-lstm", tensorflow=v, numpy=None, threads=1) for v in VERSIONS]
    on.plan([*dense, gone, out, *forecasts])
    _dense(on, dense)
    for each in forecasts:
        train(on, each, [3.0, 4.0], [3.0, 4.0], metric="mean_absolute_error_ppm", value=0.5)
    return on


def _dense(on: SweepOnDisk, cells: list[Cell]) -> None:
    failed, late, half, waiting, unstable = cells[7:]
    for place, each in enumerate(cells[:7]):
        step = (place // 3) * 2.0**-20
        train(on, each, *[[1.0, 2.0 + step]] * 2, losses=(1.0, 0.5 + step, 0.25 + step))
    for repeat in (1, 2):
        on.end(failed, repeat, "failed", HOSTILE)
        on.end(late, repeat, "timeout", "it ran longer than 60 s")
    train(on, half, [1.0, 2.0])
    on.end(half, 2, "killed", "the process was killed by signal 9")
    assert waiting.id
    train(on, unstable, [1.0, 2.5], [1.0, 2.25])
