"""The commands. They wire values between the stages; only `main` exits."""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

import harness
from harness import console
from harness.cli import failures
from harness.cli.lazy_commands import APPEARANCE, CONTEXT, Commands, Quiet, Verbose
from harness.errors import FAULT_EXIT_CODE, INTERRUPTED_EXIT_CODE

_COLLECT_AFTER = 50_000
"""So many new objects before the collector looks for cycles. A command makes very many small
objects and hardly a cycle; to look every 700 takes a tenth of its time."""

app = typer.Typer(
    name="harness",
    cls=Commands,
    no_args_is_help=True,
    epilog="harness COMMAND --help has examples.",
    **{**APPEARANCE, "add_completion": True},
)


def _print_version(asked: bool) -> None:
    if asked:
        console.result(f"harness {harness.__version__}\n")
        raise typer.Exit


@app.callback(context_settings=CONTEXT)
def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Finds out by experiment which settings make Keras/TensorFlow trainings reproducible."""
    failures.require_current_folder()


def main() -> NoReturn:
    """The program `harness`."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(_COLLECT_AFTER)
    console.accept_any_text()
    code = _exit_code()
    if code == INTERRUPTED_EXIT_CODE:
        console.note("interrupted; finished runs are kept, the same command goes on from there")
    # One more search for cycles, in all that is held at the end, takes a tenth of a second.
    gc.freeze()
    sys.exit(code)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _exit_code() -> int:
    try:
        result = app(standalone_mode=False)
    except SystemExit as end:
        # Newer Typers end the program themselves when it is interrupted.
        return end.code if isinstance(end.code, int) else FAULT_EXIT_CODE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED_EXIT_CODE
    except Exception as error:
        return failures.report(error)
    return result if isinstance(result, int) else 0
