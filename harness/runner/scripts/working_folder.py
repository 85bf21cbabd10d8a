"""A folder of its own for each run of a script: a copy of the script's folder, and its data."""

from __future__ import annotations

import os
import shutil
from typing import List

from harness.protocol import exchange
from harness.protocol import script as scripts
from harness.protocol.script import Script
from harness.runner.scripts import result_files
from harness.runner.scripts.result_files import State

HOME = "home"
OBSERVED = "observed"


class Folders:
    """The folders of one run below its output folder.

    `work` is where the script runs, `home` its home, `observed` where what is observed is left.
    `before` are the files in `work` when the script starts.
    """

    def __init__(self, output: str) -> None:
        self.work = os.path.join(output, exchange.WORK)
        self.home = os.path.join(output, HOME)
        self.observed = os.path.join(output, OBSERVED)
        self.before: State = {}


def make(output: str, data_root: str, script: Script) -> Folders:
    """Make the folders of a run; a working folder that an earlier run left stays as it is.

    Raises:
        OSError: the files of the script are not below `data_root`, or there is no room.
    """
    folders = Folders(output)
    if not os.path.isdir(folders.work):
        source = os.path.join(data_root, scripts.SCRIPTS, script.folder_sha256)
        shutil.copytree(source, folders.work)
        _let_be_written(folders.work)
    for folder in (folders.home, folders.observed):
        os.makedirs(folder)
    for file, path in zip(script.data, targets(folders, script)):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.remove(path)
        os.symlink(os.path.join(data_root, scripts.FILES, file.sha256), path)
    folders.before = result_files.state(folders.work)
    return folders


def targets(folders: Folders, script: Script) -> List[str]:
    """Where the script finds its data files."""
    return [_path(folders, file.target) for file in script.data]


def _path(folders: Folders, target: str) -> str:
    if target.startswith("~/"):
        return os.path.join(folders.home, target[len("~/") :])
    return os.path.join(folders.work, target)


def _let_be_written(root: str) -> None:
    """The snapshot is read-only; in a copy a script may change what it likes."""
    for folder, _, files in os.walk(root):
        for path in [folder, *(os.path.join(folder, name) for name in files)]:
            os.chmod(path, os.stat(path).st_mode | 0o600)
