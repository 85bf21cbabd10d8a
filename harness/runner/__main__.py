"""`python -m harness.runner EXCHANGE DATA`: one run, or a warm process for many.

Ends with status 0 when every request was answered, whatever the replies say, 2 when a request
cannot be read, and `exchange.DISK_FULL` when the disk is full.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any, Callable, Dict, List, NoReturn

from harness.protocol import exchange
from harness.runner import disk
from harness.runner.importing import as_forked, import_tensorflow
from harness.runner.reply import Reply, empty_reply, failed, one_line, write_reply
from harness.runner.serving import serve

UNUSABLE = 2


def main(arguments: List[str]) -> int:
    """Answer what lies in the exchange folder; returns the exit status."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m harness.runner EXCHANGE DATA\n")
        return UNUSABLE
    folder, data_root = arguments
    try:
        if os.path.isdir(os.path.join(folder, exchange.INBOX)):
            _serve_runs(folder, data_root)
        else:
            _run_once(folder, data_root)
    except _BadRequest as error:
        sys.stderr.write("runner: %s\n" % error)
        return UNUSABLE
    except Exception as error:
        if not disk.is_full(error):
            raise
        sys.stderr.write("runner: %s: %s\n" % (folder, one_line(error)))
        return exchange.DISK_FULL
    return 0


class _BadRequest(Exception):
    """The request cannot be read; the message says which file and why."""


def _run_once(folder: str, data_root: str) -> None:
    request = _read_request(folder)
    answer = _prepared(folder)
    write_reply(folder, answer(request, data_root, folder, ""))


def _serve_runs(folder: str, data_root: str) -> None:
    started = time.perf_counter()
    answer = _prepared(folder)
    _read_packages()

    def train_in_child(run_folder: str, confined: str) -> None:
        request = _read_request(run_folder)
        write_reply(run_folder, answer(request, data_root, run_folder, confined))

    serve(folder, train_in_child, time.perf_counter() - started)


def _read_packages() -> None:
    """Read what is installed before the first fork, for all children; they tell what is wrong."""
    with contextlib.suppress(Exception):
        from harness.runner import installed

        installed.packages()


Answer = Callable[[Dict[str, Any], str, str, str], Reply]
"""(request, data root, run folder, how a forked child is confined) -> reply."""


def _prepared(folder: str) -> Answer:
    """Import TensorFlow; what comes back trains, or says each time that the import failed."""
    try:
        imported = import_tensorflow(folder)
        # Imports TensorFlow too, so not before its log is being copied.
        from harness.runner.training import train
    except Exception as error:
        if disk.is_full(error):
            raise
        return _refusing(error)

    def answer(request: Dict[str, Any], data_root: str, run_folder: str, confined: str) -> Reply:
        known = as_forked(imported) if confined else imported
        return dict(train(request, data_root, run_folder, known), confined=confined)

    return answer


def _refusing(error: Exception) -> Answer:
    reply = empty_reply()
    failed(reply, exchange.FAILED, "importing TensorFlow: " + one_line(error), error)
    return lambda request, data_root, run_folder, confined: reply


def _read_request(folder: str) -> Dict[str, Any]:
    path = os.path.join(folder, exchange.REQUEST)
    try:
        with open(path, encoding="utf-8") as file:
            request: Dict[str, Any] = json.load(file)
        if request["schema"] != exchange.SCHEMA:
            raise ValueError("schema %s, not %d" % (request["schema"], exchange.SCHEMA))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _BadRequest("%s: %r; use the runner of the same harness" % (path, error)) from error
    return request


def _end(code: int) -> NoReturn:
    """End at once: all is written by now, and taking TensorFlow apart would take a second."""
    # A full disk may take no output either.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main(sys.argv[1:]))
