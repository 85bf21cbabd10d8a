"""Users' scripts as a matrix file names them, before anything of them is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """Where the data of a script come from: a file, which must have the digest `sha256` if one is
    given, or a data set of the catalogue by its name. `target` is where the script finds it."""

    target: str
    path: Path | None = None
    sha256: str | None = None
    dataset: str | None = None


@dataclass(frozen=True, kw_only=True)
class ScriptEntry:
    """One entry of `workloads`; `harness.protocol.script.Script` has fields of the same names.

    `folder` is absolute. `parameters` has the values of each parameter where `axes` gives none.
    `requirements` are packages of the entry beyond those of the environment. `line` and `column`
    count from 1.
    """

    name: str
    path: str = ""
    module: str = ""
    folder: Path
    arguments: tuple[str, ...] = ()
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    data: tuple[DataSource, ...] = ()
    files: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()
    keeps_folder: bool = False
    line: int = 0
    column: int = 0
