"""`lock`, `build` and `bases`: what cells need before they can run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import options, wiring
from harness.engines import choice, parallel_assembly
from harness.engines.docker.connection import connect
from harness.engines.docker.engine import DockerEngine
from harness.engines.protocol import Image
from harness.environments import bases as base_images
from harness.environments import locking
from harness.environments.lock import Lock
from harness.errors import HarnessError
from harness.matrix import cells, reading
from harness.matrix.environment import Environment
from harness.results.store import Store
from harness.wording import counted


def lock(
    matrix: options.MatrixFile,
    only: options.Only = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Make locks anew that are there already.")
    ] = False,
) -> None:
    """Lock the environments of a matrix: the full hashed package list of each, into files."""
    folder = wiring.locks_of(matrix)
    failures: list[HarnessError] = []
    for environment in _environments(matrix, only):
        path = locking.path_of(environment, folder)
        try:
            if path.exists() and not renew:
                locking.read(path, environment)
                console.note(f"kept     {path.name}")
                continue
            made = locking.make(environment, folder)
            console.note(f"locked   {path.name}: {counted(len(made.packages), 'package')}")
        except HarnessError as error:
            console.error(str(error))
            failures.append(error)
    if failures:
        raise type(failures[0])(_missing(failures, "locked"))


def _missing(failures: list[HarnessError], what: str) -> str:
    are = "is" if len(failures) == 1 else "are"
    return f"{counted(len(failures), 'environment')} {are} not {what}; see above"


def build(
    matrix: options.MatrixFile,
    only: options.Only = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
) -> None:
    """Build the environments of a matrix (images, or virtual environments) without running."""
    chosen, why = choice.choose(engine)
    options.engine_note(engine, chosen.name, why)
    locks = wiring.lock_maker(matrix)
    store = Store(results, reading.read(matrix).name, wiring.this_machine().id)
    logs = store.make_logs()
    failures: list[HarnessError] = []

    def assemble(lock: Lock) -> Image:
        return chosen.assemble(lock, logs / f"{lock.environment.id}.build.log")

    wanted = _environments(matrix, only)
    for environment, assembled in parallel_assembly.assembled(wanted, locks, assemble):
        if isinstance(assembled, HarnessError):
            console.error(str(assembled))
            failures.append(assembled)
        else:
            console.note(f"ready    {environment.id}: {assembled.reference}")
    if failures:
        raise type(failures[0])(_missing(failures, "built"))


def _environments(matrix: Path, only: list[str] | None) -> Iterator[Environment]:
    """The environments of the cells that can exist, each once; the others are noted."""
    selected = cells.select(cells.cells(reading.read(matrix)), tuple(only or ()))
    seen: set[Environment] = set()
    for cell in selected:
        if cell.environment in seen:
            continue
        if cell.status is None:
            seen.add(cell.environment)
            yield cell.environment


def bases(
    renew: Annotated[
        bool, typer.Option("--renew", help="Pull each base's tag and pin what it names today.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", help="The bases file to renew; the shipped one if not.")
    ] = None,
) -> None:
    """Say which files name the base images, or renew their pins through the Docker Engine."""
    if not renew:
        for path in base_images.files():
            typer.echo(path)
        console.note(
            "the first file that names a base wins; HARNESS_BASES=FILE puts another one first, "
            "--renew renews the pins"
        )
        return
    for renewal in base_images.renew(DockerEngine(connect).pin, file):
        console.note(f"{renewal.old}\n  now {renewal.new}")
