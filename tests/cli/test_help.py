"""What the program says about itself: the list of commands, their help, examples, completion."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from commands import harness

from harness.cli import app
from harness.cli.command_help import HELP
from harness.cli.lazy_commands import MODULES

WIDTH = 80
PROGRAM: Any = typer.main.get_command(app)


def command(name: str) -> Any:
    return PROGRAM.get_command(typer.Context(PROGRAM), name)


def test_every_command_has_a_line_and_examples_in_the_order_of_work() -> None:
    assert set(HELP) == set(MODULES)
    order = list(MODULES)
    assert order.index("init") < order.index("plan") < order.index("run") < order.index("table")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_list_has_one_whole_line_for_each_command(width: int) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "harness", "-h"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": str(width)},
        check=True,
    ).stdout.splitlines()
    for name, one in HELP.items():
        (line,) = [line for line in said if line.startswith(f"  {name} ")]
        assert line.endswith(one.line) and len(line) <= WIDTH


@pytest.mark.parametrize("name", list(MODULES))
def test_help_shows_two_examples_that_the_command_understands(name: str) -> None:
    examples = HELP[name].examples
    assert len(examples) >= 2
    context = typer.Context(PROGRAM, info_name="harness")
    text = command(name).get_help(typer.Context(command(name), info_name=name, parent=context))
    for example in examples:
        assert example in text
        program, called, *arguments = shlex.split(example.partition(" > ")[0])
        assert (program, called) == ("harness", name)
        # Parsing ends with an error where an option is unknown or a value not allowed.
        command(name).make_context(name, arguments, parent=context, resilient_parsing=True)
        flags = {word.partition("=")[0] for word in arguments if word.startswith("-")} - {"--"}
        assert flags <= {opt for param in command(name).params for opt in param.opts} | own(example)


def own(example: str) -> set[str]:
    """What stands behind a lone `--`: the options of a script."""
    return set(example.partition(" -- ")[2].split())


@pytest.mark.parametrize("arguments", [("-q", "table"), ("table", "-q")])
def test_quiet_leaves_the_result_only(arguments: tuple[str, str]) -> None:
    folder = Path(__file__).parents[2] / "results" / "gpu-check"
    ended = harness(*arguments, folder)
    assert (ended.code, ended.err) == (0, "") and "mnist-mlp" in ended.out


def test_verbose_names_the_engine(tmp_path: Path) -> None:
    matrix = Path(__file__).parents[2] / "matrices" / "quickstart.yaml"
    quiet = harness("plan", matrix, "--engine", "local", cwd=tmp_path)
    verbose = harness("plan", matrix, "--engine", "local", "-v", cwd=tmp_path)
    assert "engine: local" in verbose.err and "engine:" not in quiet.err


@pytest.mark.parametrize(
    ("words", "at", "expected"), [("harness ta", 1, "table"), ("harness table --b", 2, "--by")]
)
def test_a_shell_completes_commands_and_options(words: str, at: int, expected: str) -> None:
    asked = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv[0] = 'harness'; import harness.cli as c;c.main()",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, **asked},
        check=False,
    )
    assert said.stdout.split() == [expected], said


def test_wrong_usage_is_one_line_that_says_where_to_look() -> None:
    ended = harness("table", "--by", "colour", "x")
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("error: invalid value for '--by': 'colour' is not one of")
    assert line.endswith("table --help says what there is")
