"""What `run --on slurm` asks SLURM for: a file with options, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.matrix import text, values, yaml_file
from harness.matrix.text import Problems
from harness.matrix.yaml_file import FileProblemsError

CACHED = "slurm"
"""The folder of the cache for what the nodes read, where the options name no shared one."""

SCHEMA = "1"
REQUIRED = ("schema", "workers", "cpus", "memory", "walltime")
KEYS = (
    *REQUIRED,
    "partition",
    "account",
    "directives",
    "prologue",
    "interface",
    "log_directory",
    "shared_directory",
)
MAX_WORKERS = 1_000
MAX_CPUS = 1 << 16

_SIZE = re.compile(r"[1-9][0-9]{0,8}[MGT]", re.ASCII)
_WALLTIME = re.compile(r"[0-9]+(:[0-9]{1,2}){0,2}|[0-9]+-[0-9]{1,2}(:[0-9]{1,2}){0,2}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.,:@+-]{1,200}", re.ASCII)
_DIRECTIVE = re.compile(r"(--[a-z][a-z0-9-]*|-[A-Za-z])([= ].*)?", re.ASCII)
_OURS = {
    **dict.fromkeys(("--array", "-a"), "workers says how many jobs there are"),
    **dict.fromkeys(("--ntasks", "-n"), "a job has one worker, and cpus says how many CPUs"),
    **dict.fromkeys(("--output", "-o", "--error", "-e"), "log_directory says where logs go"),
    **dict.fromkeys(("--time", "-t"), "walltime says it"),
    **dict.fromkeys(("--partition", "-p"), "partition says it"),
    **dict.fromkeys(("--account", "-A"), "account says it"),
    **dict.fromkeys(("--cpus-per-task", "-c"), "cpus says it"),
    "--mem": "memory says it",
}
"""Directives that are said otherwise, and how."""


@dataclass(frozen=True, kw_only=True)
class SlurmOptions:
    """What each of the jobs gets, and how many there are: `workers`, one worker in each.

    `memory` and `walltime` are as SLURM writes them. `directives` are further options of `sbatch`,
    `prologue` lines of a shell before the worker starts. `interface` is the network interface of
    scheduler and workers. Logs stay in `log_directory`, if there is one; `shared_directory` is one
    that this machine and the nodes see alike.
    """

    workers: int
    cpus: int
    memory: str
    walltime: str
    partition: str | None = None
    account: str | None = None
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    interface: str | None = None
    log_directory: Path | None = None
    shared_directory: Path | None = None


def read(path: Path) -> SlurmOptions:
    """The options in a file; folders in it are relative to the file.

    Raises:
        UsageError: the file cannot be read.
        FileProblemsError: it can, and these are all of its problems.
    """
    problems = Problems()
    source = yaml_file.text_of(path, "file of cluster options")
    found = _parse(source, path.absolute().parent, problems)
    if found is None or problems.found:
        raise FileProblemsError(path, problems.found)
    return found


def _parse(source: str, folder: Path, problems: Problems) -> SlurmOptions | None:
    root = text.compose(source, problems, needs=", ".join(REQUIRED))
    if root is None:
        return None
    entries = text.mapping(root, "the cluster options", problems, KEYS)
    for key in REQUIRED:
        if isinstance(root, yaml.MappingNode) and key not in entries:
            problems.add(root, f"the key {key!r} is missing")
    given = _Reader(entries=entries, problems=problems)
    given.matching("schema", re.compile(SCHEMA), f"schema must be {SCHEMA}")
    found = SlurmOptions(
        workers=given.number("workers", MAX_WORKERS),
        cpus=given.number("cpus", MAX_CPUS),
        memory=given.matching("memory", _SIZE, "memory must be a size such as 16G") or "",
        walltime=given.matching("walltime", _WALLTIME, "walltime must be like 04:00:00, 2-12")
        or "",
        partition=given.matching("partition", _NAME, "this is no name of a partition"),
        account=given.matching("account", _NAME, "this is no name of an account"),
        directives=given.lines("directives", _refusal),
        prologue=given.lines("prologue", lambda line: ""),
        interface=given.matching("interface", _NAME, "this is no name of a network interface"),
        log_directory=given.folder("log_directory", folder),
        shared_directory=given.folder("shared_directory", folder),
    )
    return None if problems.found else found


def _refusal(directive: str) -> str:
    """Why a directive cannot be given, "" where it can."""
    match = _DIRECTIVE.fullmatch(directive)
    if match is None:
        return f"{directive!r} is no option of sbatch; write it as --constraint=zen4"
    said = _OURS.get(match[1])
    return f"{match[1]} is not for directives: {said}" if said else ""


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads entries by key; those that are not there are None or empty."""

    entries: Mapping[str, yaml.Node]
    problems: Problems

    def number(self, key: str, most: int) -> int:
        word = self._word(key)
        number = values.whole_number(word or "")
        if word is not None and (number is None or not 1 <= number <= most):
            what = f"{key} must be a whole number from 1 to {most:,}, not {word!r}"
            self.problems.add(self.entries[key], what)
        return number or 0

    def matching(self, key: str, pattern: re.Pattern[str], otherwise: str) -> str | None:
        word = self._word(key)
        if word is not None and not pattern.fullmatch(word):
            self.problems.add(self.entries[key], f"{otherwise}, not {word!r}")
        return word

    def lines(self, key: str, refusal: Callable[[str], str]) -> tuple[str, ...]:
        found = []
        for node in text.items(self.entries[key]) if key in self.entries else ():
            line = text.scalar(node, f"a line of {key}", self.problems)
            if line is not None and "\n" in line:
                self.problems.add(node, f"{key} has one line per entry")
            elif line is not None and (why := refusal(line)):
                self.problems.add(node, why)
            found.append(line or "")
        return tuple(found)

    def folder(self, key: str, base: Path) -> Path | None:
        word = self._word(key)
        path = None if word is None else base / Path(word).expanduser()
        if path is not None and any(sign.isspace() for sign in str(path)):
            what = f"SLURM takes no blanks in the names of logs: {str(path)!r}"
            self.problems.add(self.entries[key], what)
        return path

    def _word(self, key: str) -> str | None:
        node = self.entries.get(key)
        return None if node is None else text.scalar(node, key, self.problems)
