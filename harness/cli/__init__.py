"""The commands. They wire values between the stages; only `main` exits."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import typer

from harness import console
from harness.cli.loading import APPEARANCE, Commands
from harness.errors import INTERRUPTED_EXIT_CODE, HarnessError

_COLLECT_AFTER = 50_000
"""So many new objects before the collector looks for cycles. A command makes very many small
objects and hardly a cycle; to look every 700 takes a tenth of its time."""

# Typer takes its exceptions from click or from a copy of its own, depending on its version.
_UsageProblem: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(name="harness", cls=Commands, no_args_is_help=True, **APPEARANCE)


@app.callback()
def _program() -> None:
    """Finds out by experiment which settings make Keras/TensorFlow trainings reproducible."""


def main() -> NoReturn:
    """The program `harness`."""
    signal.signal(signal.SIGTERM, _interrupt)
    gc.set_threshold(_COLLECT_AFTER)
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
    except HarnessError as error:
        console.error(str(error))
        return error.exit_code
    except _UsageProblem as error:
        error.show()
        return int(error.exit_code)
    except SystemExit as end:
        # Newer Typers end the program themselves when it is interrupted.
        return end.code if isinstance(end.code, int) else 1
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED_EXIT_CODE
    except BrokenPipeError:
        # The reader of our output is gone (`harness table | head`): nothing left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0
