"""The list of commands. The module of a command is imported when the command is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

MODULES = {
    "diagnose": "diagnose_command",
    "adopt": "diagnose_command",
    "init": "init_command",
    "check": "check_commands",
    "migrate": "check_commands",
    "plan": "plan_command",
    "lock": "environment_commands",
    "build": "environment_commands",
    "run": "run_commands",
    "job": "job_command",
    "table": "result_commands",
    "publish": "publish_commands",
    "doctor": "upkeep_commands",
    "clean": "upkeep_commands",
    "compare": "compare_commands",
    "why": "why_command",
    "bundle": "bundle_commands",
    "verify": "verify_command",
    "bases": "environment_commands",
    "schema": "matrix_commands",
    "reference": "matrix_commands",
}
"""Which module has the function of a command; the function has the command's name."""

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


def _made(name: str) -> Any:
    module = importlib.import_module(f"harness.cli.{MODULES[name]}")
    alone = typer.Typer(**APPEARANCE)
    alone.command(name, context_settings=CONTEXT)(getattr(module, name))
    return typer.main.get_command(alone)
