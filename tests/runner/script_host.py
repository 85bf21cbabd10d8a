"""The host's side of users' scripts in tests: a script is stored, asked for, and run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.runner_host import VERSIONS

from harness.protocol import axes, exchange
from harness.protocol import script as scripts
from harness.protocol.open_values import DEFAULT
from harness.protocol.script import DataFile, Script

SMALL = """
import numpy as np, tensorflow as tf
x = np.linspace(-1, 1, 32).reshape(8, 4).astype("float32")
y = x.sum(1, keepdims=True)
def make(seed=1):
    tf.keras.utils.set_random_seed(seed)
    model = tf.keras.Sequential([tf.keras.layers.Dense(2), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
"""
"""The first lines of most scripts: 8 rows, and a function that makes a model."""

FIT = SMALL + "make().fit(x, y, epochs=2, verbose=0)\n"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What one run of a script left. `reply` is empty where there is none."""

    reply: dict[str, Any]
    folder: Path
    code: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class ScriptRunner:
    """Runs scripts with one interpreter, as the harness does it or as anybody would."""

    python: Path
    root: Path
    scratch: Path

    def run(
        self,
        files: str | Mapping[str, str],
        /,
        *,
        observe: bool = True,
        data: Mapping[str, bytes] | None = None,
        variables: Mapping[str, str] | None = None,
        asked: Mapping[str, Any] | None = None,
        **script: Any,
    ) -> Ended:
        """One run; `files` is the text of `train.py`, or every file by its path.

        `data` has what lies under which target, `asked` the settings, `script` fields of `Script`.
        """
        folder = self._folder()
        shared = folder / "data"
        own = _files(files)
        its = Script(
            **{"path": "" if "module" in script else "train.py", "module": ""}
            | {"name": "own", "folder_sha256": _written(shared, own)}
            | {"data": _stored(shared, data or {})}
            | script
        )
        settings = settings_for(asked or {})
        request = _request(its, settings, observe=observe)
        for name in ("control", "output"):
            (folder / name).mkdir()
        (folder / "control" / exchange.REQUEST).write_text(json.dumps(request))
        done = subprocess.run(
            [self.python, "-m", "harness.runner", *self._places(folder)],
            cwd=self.root,
            env=self._variables() | request["variables"] | dict(variables or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        return _ended(folder / "output", done)

    def plain(self, files: str | Mapping[str, str], *arguments: str) -> str:
        """What the script prints when it is started by hand."""
        folder = self._folder()
        for path, text in _files(files).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        done = subprocess.run(
            [self.python, "train.py", *arguments],
            cwd=folder,
            env=self._variables() | {"HOME": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="script-", dir=self.scratch))

    def _places(self, folder: Path) -> list[str]:
        return [str(folder / name) for name in ("control", "output", "data")]

    def _variables(self) -> dict[str, str]:
        hidden = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "0"}
        return {"PATH": os.defpath, "TMPDIR": str(self.scratch), **hidden}


def settings_for(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting, as the defaults of a script have it where nothing is asked for."""
    left = {
        axis.name: axes.to_json(axis.script_default)
        for scope in ("process", "run")
        for axis in axes.axes_of(scope)
    }
    return {**left, "workload": "own", **asked}


def _request(script: Script, settings: dict[str, Any], *, observe: bool) -> dict[str, Any]:
    free = {"env": tuple(settings["env"].items())}
    return {
        "schema": exchange.SCHEMA,
        "cell": "a-cell",
        "repeat": 1,
        "data": None,
        "script": scripts.to_json(script),
        "observe": observe,
        "trace": True,
        "watch": None,
        "state": False,
        "settings": settings,
        "device": "cpu",
        "versions": dict.fromkeys(VERSIONS, DEFAULT),
        "variables": axes.process_variables({**settings, **free}),
        "packages": {},
    }


def _files(files: str | Mapping[str, str]) -> Mapping[str, str]:
    return {"train.py": files} if isinstance(files, str) else files


def _written(shared: Path, files: Mapping[str, str]) -> str:
    for path, text in files.items():
        place = shared / scripts.SCRIPTS / "snapshot" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return "snapshot"


def _stored(shared: Path, data: Mapping[str, bytes]) -> tuple[DataFile, ...]:
    (shared / scripts.FILES).mkdir(parents=True, exist_ok=True)
    stored = []
    for target, content in data.items():
        sha256 = hashlib.sha256(content).hexdigest()
        (shared / scripts.FILES / sha256).write_bytes(content)
        stored.append(DataFile(target=target, sha256=sha256))
    return tuple(stored)


def _ended(output: Path, done: subprocess.CompletedProcess[str]) -> Ended:
    place = output / exchange.REPLY
    reply = json.loads(place.read_bytes()) if place.exists() else {}
    return Ended(reply=reply, folder=output, code=done.returncode, out=done.stdout, err=done.stderr)
