"""The rows about users' scripts: 20 runs by `harness run` against the same by hand.

Cold is the first sweep of a script: its environment is ready, and the audit of observing, one run
more, is still to do.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import measuring
from benchmarks.environments import FOUR, PYTHON, lock_of
from benchmarks.measuring import Result, clocked, harness
from benchmarks.results import LOCKS
from harness.engines.local.engine import LocalEngine
from harness.engines.local.virtual_environments import python_of
from harness.results.scan import sweeps
from harness.subjects import data_files
from harness.subjects.scripts import DataSource

SCRIPT = Path(__file__).parent / "digits.py"
RUNS = 20
MOST_OBSERVED = 1.05
MOST_SWEPT = 1.1

_DIGITS = "mnist.npz"
_MATRIX = f"""
schema: 1
name: digits
environments: {{python: "{PYTHON}", tensorflow: {FOUR[-1]}}}
workloads: {{digits: {{script: {SCRIPT.name}, data: {{{_DIGITS}: mnist}}}}}}
axes: {{workload: digits}}
repeats: {RUNS}
"""


def own_script(folder: Path, times: int) -> list[Result]:
    """Whole sweeps, and the seconds of `fit` in them, against `python digits.py` per run."""
    image = LocalEngine().assemble(lock_of(FOUR[-1]), folder / "build.log")
    python = python_of(Path(image.reference))
    plain_fits: list[float] = []
    observed_fits: list[float] = []

    def theirs() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            data_files.writer(DataSource(target=_DIGITS, dataset="mnist"))(Path(made, _DIGITS))
            shutil.copy(SCRIPT, made)
            outputs: list[str] = []
            took = clocked(lambda: outputs.extend(_by_hand(python, made) for _ in range(RUNS)))
        plain_fits.append(median(map(_fit_seconds, outputs)))
        return took

    def ours() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            matrix, results = _matrix(Path(made), len(observed_fits)), Path(made, "results")
            options = ("--engine", "local", "--results", results)
            took = clocked(lambda: harness("run", matrix, *options))
            observed_fits.append(median(_recorded_fits(results)))
        return took

    by_hand, swept = measuring.alternately(theirs, ours, times)
    one = "one `python digits.py` per run"
    return [
        measuring.at_most(f"{RUNS} runs of a script, cold", one, by_hand, swept, MOST_SWEPT),
        measuring.at_most(
            "`fit` of a script of the size of mnist-cnn, observed",
            "the same by hand",
            plain_fits,
            observed_fits,
            MOST_OBSERVED,
        ),
    ]


def _by_hand(python: Path, folder: str) -> str:
    done = subprocess.run(
        [python, SCRIPT.name], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def _fit_seconds(printed: str) -> float:
    [found] = re.findall(r"^fit: (\S+) s$", printed, re.MULTILINE)
    return float(found)


def _matrix(folder: Path, number: int) -> Path:
    """A matrix whose script is new to the harness."""
    shutil.copytree(LOCKS, folder / "locks")
    (folder / SCRIPT.name).write_text(f"{SCRIPT.read_text()}\n# Copy {number}\n")
    path = folder / "digits.yaml"
    path.write_text(_MATRIX)
    return path


def _recorded_fits(results: Path) -> list[float]:
    """The seconds of every run's fit, all that observing does in it included."""
    found = [record.seconds["fit"] for sweep in sweeps(results) for record in sweep.records()]
    if len(found) != RUNS:
        raise RuntimeError(f"{len(found)} of {RUNS} runs have a fit")
    return found
