"""Rows about sweeping: 40 runs by `harness run` against one process or container per run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import measuring
from benchmarks.environments import FOUR, PYTHON, lock_of
from benchmarks.measuring import Result, clocked, command, harness
from benchmarks.results import LOCKS
from harness import places
from harness.cli import wiring
from harness.engines.docker.connection import connect
from harness.engines.docker.engine import DockerEngine
from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Image
from harness.executors import staging
from harness.results.record import Record
from harness.results.scan import sweeps

VERSIONS = (FOUR[0], FOUR[-1])
WORKLOADS = ("mnist-mlp", "co2-conv")
TRAIN = Path(__file__).parent / "train.py"

Naive = Callable[[Image, str, int], str]
"""(image, workload, seed) -> what train.py printed."""


def docker_sweep(folder: Path, times: int) -> list[Result]:
    """The sweep on the docker engine against `docker run … python train.py` per run."""
    engine = DockerEngine(connect)
    return _sweep("docker", engine, _in_container, folder, times)


def local_sweep(folder: Path, times: int) -> list[Result]:
    """The sweep on the local engine against `python train.py` per run."""
    return _sweep("local", LocalEngine(), _in_process, folder, times)


def _sweep(
    name: str, engine: LocalEngine | DockerEngine, naive: Naive, folder: Path, times: int
) -> list[Result]:
    seeds = int(os.environ.get("BENCHMARK_SEEDS", "5"))
    matrix = _matrix(folder, seeds)
    images = [engine.assemble(lock_of(version), folder / "build.log") for version in VERSIONS]
    runs = len(images) * len(WORKLOADS) * seeds * 2
    with_audits = clocked(lambda: _ours(name, matrix, folder))
    measuring.say(f"  with the audits still to do: {with_audits:.1f} s")
    shares: list[float] = []

    def ours() -> float:
        took = clocked(lambda: _ours(name, matrix, folder))
        shares.append(took / _training_seconds(folder))
        return took

    def theirs() -> float:
        return clocked(lambda: _one_after_the_other(naive, images, seeds, folder))

    alone, mine = measuring.alternately(theirs, ours, times)
    what = f"sweep of {runs} runs, {name} engine, environments ready and audited"
    row = measuring.faster(what, f"one `{_SAID[name]}` per run", alone, mine, 4)
    faster = median(alone) / with_audits
    note = f"with the audits still to do: {with_audits:.1f} s, {faster:.2f} times faster"
    share = Result(
        what=what,
        against="the runs' seconds after the import ÷ slots",
        ours=measuring.seconds(mine),
        theirs=measuring.seconds([one / two for one, two in zip(mine, shares, strict=True)]),
        figure=f"{median(shares):.2f} times",
        bar="at most 1.15 times",
        met=median(shares) <= 1.15,
    )
    return [replace(row, notes=(note,)), share]


_SAID = {"docker": "docker run … python train.py", "local": "python train.py"}


def _matrix(folder: Path, seeds: int) -> Path:
    shutil.copytree(LOCKS, folder / "locks", dirs_exist_ok=True)
    path = folder / "sweep.yaml"
    path.write_text(
        "schema: 1\nname: sweep\nenvironments:\n"
        + "".join(f'  - {{python: "{PYTHON}", tensorflow: {v}}}\n' for v in VERSIONS)
        + f"axes:\n  workload: [{', '.join(WORKLOADS)}]\n"
        + f"  seed: {list(range(1, seeds + 1))}\n  threads: 1\nrepeats: 2\n"
    )
    return path


def _ours(engine: str, matrix: Path, folder: Path) -> None:
    shutil.rmtree(folder / "results", ignore_errors=True)
    harness("run", matrix, "--engine", engine, "--results", folder / "results")


def _records(folder: Path) -> list[Record]:
    return [record for sweep in sweeps(folder / "results") for record in sweep.records()]


def _training_seconds(folder: Path) -> float:
    """The seconds after the import of all runs together, divided by the slots."""
    slots = len(wiring.this_machine().hardware["visible_cpus"])
    seconds = (record.seconds for record in _records(folder))
    return sum(each["total"] - each.get("import", 0.0) for each in seconds) / slots


def _one_after_the_other(naive: Naive, images: list[Image], seeds: int, folder: Path) -> None:
    """Every run by train.py; its checksum must be the one that the sweep recorded."""
    known = {_key(record): _weights(record) for record in _records(folder)}
    for image in images:
        for workload in WORKLOADS:
            for seed in range(1, seeds + 1):
                for _ in range(2):
                    told = json.loads(naive(image, workload, seed).splitlines()[-1])
                    key = image.lock.environment.id, workload, seed
                    if told["weights_sha256"] != known[key]:
                        raise RuntimeError(f"train.py does another training than {key}")


def _key(record: Record) -> tuple[str, str, int]:
    settings = record.settings
    return record.environment.id, str(settings["workload"]), int(str(settings["seed"]))


def _weights(record: Record) -> str:
    if record.measured is None:
        raise RuntimeError(f"{record.cell}: {record.status}: {record.reason}")
    return record.measured.weights_sha256


def _data_of(workload: str) -> Path:
    return wiring.data_set(wiring.data_reference(workload).name).folder


def _in_process(image: Image, workload: str, seed: int) -> str:
    python = Path(image.reference) / "bin" / "python"
    variables = {
        "PYTHONPATH": str(staging.stage().root),
        "PATH": os.defpath,
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    data = _data_of(workload)
    pinned = ("taskset", "--cpu-list", str(_cpu()), python)
    return command(*pinned, TRAIN, workload, str(seed), data, variables=variables)


def _cpu() -> int:
    """One CPU for one thread, as in the sweep: some convolutions depend on how many there are."""
    return int(wiring.this_machine().hardware["visible_cpus"][0])


def _in_container(image: Image, workload: str, seed: int) -> str:
    mounts = ((staging.stage().root, "/runner"), (places.cache("datasets"), "/data"))
    data = f"/data/{_data_of(workload).name}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        script = Path(shutil.copy(TRAIN, folder))
        volumes = [f"--volume={host}:{inside}:ro" for host, inside in (*mounts, (script, "/t.py"))]
        python = "/opt/environment/bin/python"
        variables = ("--env=PYTHONPATH=/runner", f"--cpuset-cpus={_cpu()}")
        started = ("docker", "run", "--rm", "--network=none", *variables, *volumes)
        return command(*started, image.reference, python, "/t.py", workload, str(seed), data)
