"""One run of a user's script: started, waited for, and described in a reply.

The script's process is a child of this one, started as a user would start it, so that it may end,
fork, replace itself or crash as it likes. This process never imports TensorFlow.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, Dict, List

from harness.protocol import script as scripts
from harness.protocol.script import Script
from harness.runner import cpu_load
from harness.runner.reply import Reply, empty_reply
from harness.runner.scripts import working_folder
from harness.runner.scripts.working_folder import Folders

if TYPE_CHECKING:
    from harness.runner.scripts.description import Ended

_SETTINGS = "settings.json"
_STDERR = "stderr.txt"
_SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")
_VARIABLE = "HARNESS_OBSERVATION"
_POLL_SECONDS = 0.1
_PRINTED_CHARACTERS = 16 << 20
"""So much of what a script prints is compared."""


def run(request: Dict[str, Any], data_root: str, output: str) -> Reply:
    """Run the script that the request names, and say what happened.

    Where a signal killed the script, this process ends by the same one, so that the engine judges.

    Raises:
        OSError: its files are not there, or the disk is full.
    """
    started = time.perf_counter()
    script = scripts.from_json(request["script"])
    folders = working_folder.make(output, data_root, script)
    arguments = scripts.filled(script, request["settings"])
    place = _write_settings(folders, request, script)
    command = _command(script, arguments)
    ended = _wait_for(command, folders, place, request["settings"]["load"])
    if ended.code == -signal.SIGKILL:
        os.kill(os.getpid(), signal.SIGKILL)
    from harness.runner.scripts import description

    reply = empty_reply()
    description.fill(reply, request, script, folders, ended)
    reply["script"]["arguments"] = arguments
    reply["seconds"]["total"] = time.perf_counter() - started
    return reply


def _command(script: Script, arguments: List[str]) -> List[str]:
    what = ["-m", script.module] if script.module else [script.path]
    return [sys.executable, *what, *arguments]


def _write_settings(folders: Folders, request: Dict[str, Any], script: Script) -> str:
    place = os.path.join(folders.observed, _SETTINGS)
    content = {
        "observed": folders.observed,
        "work": folders.work,
        "stderr": os.path.join(folders.observed, _STDERR),
        "asked": {**request["versions"], **request["settings"], "device": request["device"]},
        "variables": request["variables"],
        "hold": list(script.hold),
        "observe": request["observe"],
        "trace": request["observe"] and request["trace"],
        "watch": request["watch"],
        "state": request["state"],
        "starter": os.getpid(),
        "data": working_folder.targets(folders, script),
    }
    with open(place, "w", encoding="utf-8") as file:
        json.dump(content, file)
    return place


def _wait_for(command: List[str], folders: Folders, place: str, asked_load: str) -> "Ended":
    """Let the command run to its end, passing on what it prints, beside the load asked for."""
    path = os.pathsep.join([_SITE, *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = dict(os.environ, PYTHONPATH=path, HOME=folders.home, PWD=folders.work)
    variables[_VARIABLE] = place
    error_file = os.path.join(folders.observed, _STDERR)
    load = cpu_load.begin() if asked_load == "busy" else None
    with open(error_file, "wb") as errors:
        child = subprocess.Popen(
            command,
            cwd=folders.work,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    # It takes NumPy, which is imported while the script runs, and not before or after.
    from harness.runner.scripts.description import Ended

    over = threading.Event()
    passing = threading.Thread(target=_pass_on_errors, args=(error_file, over))
    passing.start()
    assert child.stdout is not None
    printed: List[bytes] = []
    # What the script leaves running holds the pipe open; its end is that of the script itself.
    reading = threading.Thread(target=_pass_on, args=(child.stdout, printed), daemon=True)
    reading.start()
    code = child.wait()
    loaded = None if load is None else cpu_load.end(load)
    reading.join(timeout=2)
    over.set()
    passing.join()
    found = cpu_load.finding(loaded)
    with open(error_file, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    return Ended(code, b"".join(printed).decode("utf-8", "replace"), text, child.pid, found)


def _pass_on(source: IO[bytes], printed: List[bytes]) -> None:
    size = 0
    while True:
        chunk = os.read(source.fileno(), 65536)
        if not chunk:
            return
        os.write(1, chunk)
        if size < _PRINTED_CHARACTERS:
            printed.append(chunk)
            size += len(chunk)


def _pass_on_errors(path: str, over: threading.Event) -> None:
    """Copy a file that grows to standard error, until all is written."""
    with open(path, "rb") as file:
        while True:
            is_last = over.wait(_POLL_SECONDS)
            chunk = file.read()
            if chunk:
                os.write(2, chunk)
            elif is_last:
                return
