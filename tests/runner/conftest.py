"""What the runner's tests share: interpreters, small data sets, and the runner as it is started."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runner.runner_host import PYTHONS, Answer, Runner, interpreter
from runner.script_host import ScriptRunner

from harness.engines.local.engine import LocalEngine
from harness.environments import locking
from harness.executors import staging
from harness.matrix.environment import Environment

LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"
OUTERMOST = (PYTHONS[0], PYTHONS[-1])
"""The versions that the quick tier tries; what both know, those between mostly know."""


@pytest.fixture(
    params=[
        pytest.param(version, marks=() if version in OUTERMOST else pytest.mark.slow)
        for version in PYTHONS
    ]
)
def any_python(request: pytest.FixtureRequest) -> Path:
    """An interpreter of each version the runner must work under; skipped where it is missing."""
    found = interpreter(request.param)
    if found is None:
        pytest.skip(f"no Python {request.param} here")
    return found


@pytest.fixture(scope="session")
def tensorflow_python(local_engine: LocalEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with TensorFlow, in an environment of the local engine."""
    environment = Environment(python="3.11", tensorflow="2.15.1")
    return _python(local_engine, environment, tmp_path_factory)


def _python(
    engine: LocalEngine, environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    lock = locking.read(locking.path_of(environment, LOCKS), environment)
    image = engine.assemble(lock, tmp_path_factory.mktemp("build") / "build.log")
    return Path(image.reference) / "bin" / "python"


@pytest.fixture(scope="session")
def runner_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the measured side's part of the program, as an engine mounts it."""
    root = tmp_path_factory.mktemp("root")
    staging.write(root)
    return root


@pytest.fixture(scope="session")
def runner_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small data sets of the form the harness prepares: `mnist` and `co2`."""
    root = tmp_path_factory.mktemp("data")
    _write_digits(root / "mnist")
    _write_series(root / "co2")
    return root


def _write_digits(folder: Path) -> None:
    random = np.random.RandomState(0)
    labels = random.randint(0, 10, 900).astype("<i4")
    patterns = random.rand(10, 28, 28)
    images = (0.5 * patterns[labels] + 0.5 * random.rand(900, 28, 28)).astype("<f4")
    _write(folder, {"name": "mnist"}, images, labels, 700)


def _write_series(folder: Path) -> None:
    weeks = np.arange(456)
    series = np.sin(weeks * 2 * np.pi / 52) + 0.002 * weeks
    x = np.stack([series[start : start + 52] for start in range(400)])[..., np.newaxis]
    y = np.stack([series[start + 52 : start + 56] for start in range(400)])
    scale = {"mean": (330.0).hex(), "std": (10.0).hex()}
    described = {"name": "co2", "scale": scale, "unit": "ppm"}
    _write(folder, described, x.astype("<f4"), y.astype("<f4"), 300)


def _write(folder: Path, described: Mapping[str, Any], x: Any, y: Any, boundary: int) -> None:
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps(described))
    parts = {"train": slice(None, boundary), "test": slice(boundary, None)}
    for name, rows in parts.items():
        np.save(folder / f"{name}_x.npy", x[rows])
        np.save(folder / f"{name}_y.npy", y[rows])


@pytest.fixture(scope="session")
def trainer(
    tensorflow_python: Path,
    runner_root: Path,
    runner_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Runner:
    """The runner in an environment with TensorFlow."""
    return Runner(
        python=tensorflow_python,
        root=runner_root,
        data=runner_data,
        scratch=tmp_path_factory.mktemp("exchange"),
    )


@pytest.fixture(scope="session")
def forked(trainer: Runner) -> Iterator[Callable[[dict[str, Any]], Answer]]:
    """Runs in children of one warm process with default process settings."""
    with trainer.warm() as serve_one:
        yield serve_one


@pytest.fixture(scope="session")
def scripts(
    tensorflow_python: Path, runner_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> ScriptRunner:
    """Users' scripts in an environment with TensorFlow."""
    scratch = tmp_path_factory.mktemp("scripts")
    return ScriptRunner(python=tensorflow_python, root=runner_root, scratch=scratch)


@pytest.fixture(scope="session")
def scripts_of_keras_3(
    local_engine: LocalEngine, runner_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> ScriptRunner:
    """Users' scripts in an environment with a TensorFlow whose Keras is the third."""
    environment = Environment(python="3.13", tensorflow="2.21.0")
    python = _python(local_engine, environment, tmp_path_factory)
    scratch = tmp_path_factory.mktemp("scripts3")
    return ScriptRunner(python=python, root=runner_root, scratch=scratch)
