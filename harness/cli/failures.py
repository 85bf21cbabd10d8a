"""What ends a command early: said in one line, with a documented exit code."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

import harness
from harness import console, extras, places
from harness.errors import FAULT_EXIT_CODE, HarnessError, RecordError, UsageError

DEBUG_VARIABLE = "HARNESS_DEBUG"

# Typer takes its exceptions from click or from a copy of its own, depending on its version.
_UsageProblem: Any = typer.BadParameter.__mro__[2]

_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there, or have the quota raised",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "allow it, or name another folder",
    errno.EPERM: "allow it, or name another folder",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "end other programs, or raise the system's limit on open files",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "look for a symbolic link that leads to itself",
    errno.EIO: "look at the disk, which could not be read or written",
    errno.ENOMEM: "free some memory",
    errno.EAGAIN: "raise the limit on processes (ulimit -u), or end some",
}
"""What a person can do where the system, and not the program, is why something cannot be done."""


def require_current_folder() -> None:
    """Refuse to work in a folder that was deleted.

    Raises:
        UsageError: it was; relative paths would mean nothing.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UsageError("the current folder was deleted; change into one that exists") from error


def report(error: Exception) -> int:
    """Say what ended the command, and return the exit code."""
    if isinstance(error, HarnessError):
        console.error(str(error))
        return error.exit_code
    if isinstance(error, _UsageProblem):
        _show_usage(error)
        return int(error.exit_code)
    if isinstance(error, BrokenPipeError):
        # The reader of our output is gone (`harness table | head`): nothing left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return _unforeseen(error)


def _show_usage(error: Any) -> None:
    """What Typer found wrong, as every other error is said; help that it gives as it is."""
    what = error.format_message().replace("Value error, ", "").rstrip(".")
    if error.ctx is None or what.startswith("Usage:"):
        error.show()
        return
    what = what[:1].lower() + what[1:]
    console.error(f"{what}; {_script_hint(error)}{_command(error.ctx)} --help says what there is")


def _script_hint(error: Any) -> str:
    """Where an option that is none of ours may have been meant for the script."""
    if error.ctx.info_name not in ("diagnose", "adopt") or not hasattr(error, "option_name"):
        return ""
    return f"what the script gets stands behind `--`: SCRIPT -- {error.option_name} …; "


def _command(context: Any) -> str:
    """How the command is called, whatever started this program."""
    return f"harness {context.info_name}" if context.parent else "harness"


def _unforeseen(error: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    absent = extras.missing(error) if isinstance(error, ModuleNotFoundError) else None
    if absent is not None:
        return report(absent)
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        return report(_refused(error, error.errno))
    try:
        require_current_folder()
    except UsageError as deleted:
        return report(deleted)
    return _fault(error)


def _refused(error: OSError, number: int) -> RecordError:
    where = f"{error.filename}: " if error.filename is not None else ""
    return RecordError(f"{where}{os.strerror(number)}; {_REMEDIES[number]}")


def _fault(error: Exception) -> int:
    saved = _saved(error)
    what = traceback.format_exception_only(error)[-1].strip()
    console.error(f"a fault of the harness, not of your files: {what}")
    console.note(f"please report it with {saved or f'what {DEBUG_VARIABLE}=1 shows'}")
    return FAULT_EXIT_CODE


def _saved(error: Exception) -> Path | None:
    """The file with the traceback, None where none can be written."""
    text = (
        f"reproducibility-harness {harness.__version__}, Python {platform.python_version()}, "
        f"{platform.platform()}\n{sys.argv}\n\n{''.join(traceback.format_exception(error))}"
    )
    with suppress(Exception):
        name = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
        path = places.cache("faults") / f"{name}.txt"
        path.write_text(text, encoding="utf-8", errors="replace")
        return path
    return None
