"""`python -m harness.runner CONTROL OUTPUT DATA`: one run, or a warm process for many.

Ends with status 0 when every request was answered, whatever the replies say, 2 when a request
cannot be read, and `exchange.DISK_FULL` when the disk is full. See `harness.protocol.exchange`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any, Callable, Dict, List, NoReturn

from harness.protocol import exchange
from harness.runner import disk, packages
from harness.runner.importing import as_forked, import_framework
from harness.runner.reply import Reply, empty_reply, failed, one_line, write_reply
from harness.runner.serving import serve

UNUSABLE = 2


def main(arguments: List[str]) -> int:
    """Answer the requests in the folder `control`; returns the exit status."""
    if len(arguments) != 3:
        sys.stderr.write("usage: python -m harness.runner CONTROL OUTPUT DATA\n")
        return UNUSABLE
    control, output, data_root = arguments
    try:
        if os.path.isdir(os.path.join(control, exchange.REQUESTS)):
            _serve_runs(control, output, data_root)
        else:
            _run_once(control, output, data_root)
    except _BadRequest as error:
        sys.stderr.write("runner: %s\n" % error)
        return UNUSABLE
    except Exception as error:
        if not disk.is_full(error):
            raise
        sys.stderr.write("runner: %s: %s\n" % (output, one_line(error)))
        return exchange.DISK_FULL
    return 0


class _BadRequest(Exception):
    """The request cannot be read; the message says which file and why."""


def _run_once(control: str, output: str, data_root: str) -> None:
    request = _read_request(os.path.join(control, exchange.REQUEST))
    request["state"] = os.path.join(control, exchange.STATE) if request["state"] else ""
    if request["script"] is not None:
        # Imported only here: what observes scripts is no part of other runs.
        from harness.runner.scripts import running

        write_reply(output, running.run(request, data_root, output))
        return
    answer = _prepared(output)
    write_reply(output, answer(request, data_root, output, ""))


def _serve_runs(control: str, output: str, data_root: str) -> None:
    started = time.perf_counter()
    answer = _prepared(output)
    # Read before the first fork, for all children; where that fails, they say why.
    with contextlib.suppress(Exception):
        packages.installed()

    def train_in_child(request: Dict[str, Any], folder: str, confined: str) -> None:
        _check_schema(request, folder)
        write_reply(folder, answer(dict(request, state=""), data_root, folder, confined))

    serve(control, output, train_in_child, time.perf_counter() - started)


Answer = Callable[[Dict[str, Any], str, str, str], Reply]
"""(request, data root, run folder, how a forked child is confined) -> reply."""


def _prepared(folder: str) -> Answer:
    """Import the framework; what comes back trains, or says each time that the import failed."""
    try:
        imported = import_framework(folder)
        # Imports NumPy, which the framework is to import in its own way.
        from harness.runner.training import train
    except Exception as error:
        if disk.is_full(error):
            raise
        return _refusing(error)

    def answer(request: Dict[str, Any], data_root: str, run_folder: str, confined: str) -> Reply:
        own = as_forked(imported) if confined else imported
        return dict(train(request, data_root, run_folder, own), confined=confined)

    return answer


def _refusing(error: Exception) -> Answer:
    reply = empty_reply()
    failed(reply, exchange.FAILED, "importing TensorFlow: " + one_line(error), error)
    return lambda request, data_root, run_folder, confined: reply


def _read_request(path: str) -> Dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            request: Dict[str, Any] = json.load(file)
    except (OSError, ValueError) as error:
        raise _BadRequest("%s: %r" % (path, error)) from error
    _check_schema(request, path)
    return request


def _check_schema(request: Any, path: str) -> None:
    schema = request.get("schema") if isinstance(request, dict) else None
    if schema != exchange.SCHEMA:
        text = "%s: schema %s, not %d; use the runner of the same harness"
        raise _BadRequest(text % (path, schema, exchange.SCHEMA))


def _end(code: int) -> NoReturn:
    """End at once: all is written by now, and taking TensorFlow apart would take a second."""
    # A full disk may take no output either.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main(sys.argv[1:]))
