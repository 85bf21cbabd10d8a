"""The list of commands. The module of a command is imported when the command is asked for."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from harness import console
from harness.cli.command_help import HELP

MODULES = {
    "init": "init_command",
    "diagnose": "diagnose_command",
    "adopt": "diagnose_command",
    "check": "check_commands",
    "plan": "plan_command",
    "doctor": "upkeep_commands",
    "lock": "environment_commands",
    "build": "environment_commands",
    "run": "run_commands",
    "rm": "removal_command",
    "table": "result_commands",
    "advise": "advise_command",
    "compare": "compare_commands",
    "diff": "diff_command",
    "why": "why_command",
    "publish": "publish_commands",
    "bundle": "bundle_commands",
    "verify": "verify_command",
    "worker": "worker_command",
    "job": "job_command",
    "migrate": "check_commands",
    "clean": "upkeep_commands",
    "bases": "environment_commands",
    "schema": "matrix_commands",
    "reference": "matrix_commands",
}
"""Which module has the function of a command, which has the command's name; in order of work."""

CONTEXT = {"help_option_names": ["-h", "--help"]}

APPEARANCE: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
}


class Commands(TyperGroup):
    """All commands, each made when it is first asked for.

    All their modules together take seconds to import, and a command needs few of them.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The names are what Typer looks for similar ones in.
        self.commands: dict[str, Any] = dict.fromkeys(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, None if there is none."""
        if cmd_name in MODULES and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _made(cmd_name)
        return self.commands.get(cmd_name)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """The commands that begin so, with their lines; nothing is imported for it."""
        for name in self.commands.keys() & HELP.keys():
            self.commands[name] = TyperCommand(name, short_help=HELP[name].line)
        return super().shell_complete(ctx, incomplete)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands, each with one line that is never cut; nothing is imported for it."""
        widest = max(map(len, self.commands))
        with formatter.section("Commands"):
            for name in self.commands:
                line = HELP[name].line if name in HELP else _first_sentence(self, ctx, name)
                formatter.write(f"  {name:{widest}}  {line}\n")


def _first_sentence(group: Commands, ctx: Any, name: str) -> str:
    text = " ".join(str(group.get_command(ctx, name).help or "").split())
    return text.partition(". ")[0]


def _made(name: str) -> Any:
    module = importlib.import_module(f"harness.cli.{MODULES[name]}")
    alone = typer.Typer(**APPEARANCE)
    function = getattr(module, name)
    alone.command(name, context_settings=CONTEXT, epilog=_examples(name))(function)
    command = typer.main.get_command(alone)
    command.params += _verbosity_options()
    return command


def _examples(name: str) -> str | None:
    # After \b the lines of a paragraph stay as they are.
    return "\b\nExamples:\n  " + "\n  ".join(HELP[name].examples) if name in HELP else None


def _quiet(asked: bool) -> None:
    if asked:
        console.set_verbosity(-1)


def _verbose(asked: bool) -> None:
    if asked:
        console.set_verbosity(1)


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No notes, no progress.", callback=_quiet, is_eager=True),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Say more: the engine, every run.", callback=_verbose, is_eager=True
    ),
]


def _verbosity_options() -> list[Any]:
    """`-q` and `-v`, which every command takes behind its name as well as before it."""
    alone = typer.Typer(**APPEARANCE)

    @alone.command()
    def options(quiet: Quiet = False, verbose: Verbose = False) -> None:
        """Nothing: only the options are taken from it."""

    params = list(typer.main.get_command(alone).params)
    for param in params:
        param.expose_value = False
    return params
