"""A value from a matrix that would do harm in a shell, a path, a page or a paper does none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from commands import harness

import harness as program
from harness.engines.docker.engine import DockerEngine
from harness.results.reading import read_record

pytestmark = pytest.mark.tensorflow

LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What a shell would make; a container could make it in /tmp only."""
    return tmp_path / "made-by-a-shell"


@pytest.fixture
def value(marker: Path) -> str:
    return (
        f"$(touch {marker}) `touch {marker}`; touch {marker} & ../../x 'a' \"b\" "
        "<script>alert(1)</script> \\input{/etc/passwd} %s {} | x"
    )


@pytest.fixture
def matrix(tmp_path: Path, value: str) -> Path:
    """A matrix whose description and one variable are hostile."""
    shutil.copytree(LOCKS, tmp_path / "locks")
    content = {
        "schema": 1,
        "name": "hostile",
        "description": value,
        "environments": {"python": "3.11", "tensorflow": "2.15.1"},
        "consent": {"HOSTILE": value},
        "axes": {
            "workload": "mnist-mlp",
            "samples": 256,
            "epochs": 1,
            "threads": 1,
            "env": [{"HOSTILE": value}],
        },
    }
    path = tmp_path / "hostile.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def ran(matrix: Path, engine: str, value: str) -> Path:
    """The results of the sweep, in which the training saw the value as it is."""
    results = matrix.parent / "results"
    ended = harness("run", matrix, "--engine", engine, "--results", results)
    assert ended.code == 0, ended.err
    [path] = results.glob("*/*/*/1.json")
    assert path.resolve().is_relative_to(results.resolve())
    record = read_record(path)
    assert record is not None and record.status == "completed"
    assert record.found["env"].value == {"HOSTILE": value}
    return results


@pytest.mark.docker
def test_no_shell_sees_it_in_a_container(
    matrix: Path, value: str, marker: Path, docker_engine: DockerEngine
) -> None:
    ran(matrix, "docker", value)
    assert not marker.exists()


def test_it_is_a_value_and_nothing_else_wherever_it_goes(
    matrix: Path, value: str, marker: Path, tmp_path: Path
) -> None:
    results = ran(matrix, "local", value)
    assert program.load(results)["env"].tolist() == [f"HOSTILE={value}"]
    latex = harness("table", results, "--format", "latex")
    assert latex.code == 0, latex.err
    assert not [line for line in latex.out.splitlines() if "\\input" in line and line[0] != "%"]
    markdown = harness("table", results, "--format", "markdown")
    assert markdown.code == 0 and "<script>" not in markdown.out, markdown.out
    published = harness("publish", results, "-o", tmp_path / "page")
    assert published.code == 0, published.err
    assert "<script>alert(1)" not in (tmp_path / "page" / "index.html").read_text()
    bundled = harness("bundle", results, "-o", tmp_path / "results.zip")
    assert bundled.code == 0, bundled.err
    assert not marker.exists()
