"""The recipes of the README, each as it stands there, on small trainings."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import harness
from document_output import ROOT, text_of

SCRIPT = ROOT / "tests" / "data" / "own_scripts" / "partial_seeds.py"
REFERENCE = ROOT / "results" / "reference"
SMALL = "axes:\n  samples: 256\n  epochs: 1\n"
NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
"""Without Docker, so that all of it is on the local engine."""

DRY = ("why results/quickstart 'co2-lstm",)
"""A search over releases makes an environment for each: here it only says which."""

EXPECTED = {"diagnose": 9, "verify": 0}
"""Exit codes that are no surprise; 0 for all others."""


def recipes() -> list[str]:
    """Every command and line of Python of the README's recipes, in its order."""
    table = text_of(ROOT / "README.md").split("<!-- recipes -->")[1].split("<!-- end -->")[0]
    rows = [row.split(" | ", 1)[1] for row in table.strip().splitlines()[2:]]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user would stand: matrices, a script, results of quickstart and two machines."""
    made = tmp_path_factory.mktemp("recipes")
    shutil.copytree(ROOT / "matrices", made / "matrices")
    for name in ("quickstart", "seeds"):
        file = made / "matrices" / f"{name}.yaml"
        file.write_text(file.read_text().replace("axes:\n", SMALL))
    shutil.copy(SCRIPT, made / "train.py")
    for machine, name in zip(sorted(REFERENCE.glob("x86*")), ("laptop", "server"), strict=True):
        results = made / f"results-{name}" / "reference"
        for cell in machine.glob("mnist-mlp,tf2.1*"):
            shutil.copytree(cell, results / machine.name / cell.name)
        for part in ("plan.jsonl", "machine.json"):
            shutil.copy(machine / part, results / machine.name / part)
    ran = harness("run", "matrices/quickstart.yaml", cwd=made, variables=NO_ENGINE)
    assert ran.code == 0, ran.err
    return made


def test_there_are_twelve_and_more() -> None:
    assert len(recipes()) >= 12


@pytest.mark.tensorflow
@pytest.mark.parametrize("recipe", recipes())
def test_a_recipe_works(recipe: str, folder: Path) -> None:
    if recipe.startswith("import "):
        subprocess.run([sys.executable, "-c", recipe], cwd=folder, check=True)
        return
    program, *arguments = shlex.split(recipe)
    assert program == "harness"
    if any(recipe.startswith(f"harness {start}") for start in DRY):
        arguments.append("--dry-run")
    ended = harness(*arguments, cwd=folder, variables=NO_ENGINE)
    assert ended.code == EXPECTED.get(arguments[0], 0), ended.err
    assert ended.out or arguments[0] in ("rm", "publish", "bundle"), ended.err
