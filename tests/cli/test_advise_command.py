"""`harness advise` as people start it: what it says, what it measures, and wrong usage."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from commands import harness
from results_factory import SweepOnDisk, cell

from harness.results import scan

LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"

MATRIX = """
schema: 1
name: priced
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: mnist-mlp, samples: 256, epochs: 1, threads: 1, determinism: [off, on]}
repeats: 2
"""


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("priced")
    shutil.copytree(LOCKS, folder / "locks")
    (folder / "m.yaml").write_text(MATRIX)
    ran = harness("run", "m.yaml", "--engine", "local", cwd=folder)
    assert ran.code == 0, ran.err
    return folder


@pytest.mark.tensorflow
def test_a_price_is_measured_in_pairs_run_alone_and_in_turn(priced: Path) -> None:
    command = ("advise", "results/priced", "--measure", "--repeats", "2", "--engine", "local")
    ended = harness(*command, cwd=priced)
    assert ended.code == 0, ended.err
    assert "determinism=on took" in ended.out and "(2 pairs, alone and alternately" in ended.out
    times = re.findall(r"(\d+\.\d\d) times \((\d+\.\d\d) to (\d+\.\d\d)\)", ended.out)
    assert len(times) == 2
    assert all(float(low) <= float(middle) <= float(high) for middle, low, high in times)
    (sweep,) = (each for each in scan.sweeps(priced / "results") if each.matrix != "priced")
    started = sorted((record.started, record.cell) for record in sweep.records())
    cells = [name for _, name in started]
    assert len(cells) == 4 and cells[:2] == cells[2:] and len(set(cells)) == 2
    # What is there already is not run again.
    again = harness(*command, cwd=priced)
    assert again.out == ended.out


OF_SCRIPT = """
schema: 1
name: own
workloads: {loop: {script: train.py}}
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: loop, cpus: 1, threads: [default, 1]}
"""


@pytest.mark.tensorflow
def test_a_price_of_a_script_is_measured_from_its_results_alone(tmp_path: Path) -> None:
    """Its own loop says neither how long it fit nor how long CPUs worked."""
    shutil.copytree(LOCKS, tmp_path / "locks")
    shutil.copy(LOCKS.parents[1] / "own_scripts" / "custom_loop.py", tmp_path / "train.py")
    (tmp_path / "m.yaml").write_text(OF_SCRIPT)
    ran = harness("run", "m.yaml", "--engine", "local", cwd=tmp_path)
    assert ran.code == 0, ran.err
    (tmp_path / "train.py").unlink()
    command = ("advise", "results/own", "--measure", "--repeats", "2", "--engine", "local")
    ended = harness(*command, cwd=tmp_path)
    assert ended.code == 0, ended.err
    said = r"threads=1 took \d+\.\d\d times \(.*\) as long as threads=default \(2 pairs, alone"
    assert re.search(said, ended.out), ended.out
    assert "CPUs worked" not in ended.out


@pytest.mark.slow
def test_repeats_without_measuring_are_refused(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    ended = harness("advise", tmp_path, "--repeats", "3")
    assert ended.code == 2
    assert "add --measure" in ended.err


@pytest.mark.slow
def test_results_without_weights_say_so(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell()])
    ended = harness("advise", tmp_path)
    assert ended.code == 3
    assert "no cell here has weights" in ended.err
