"""`init`: one of the shipped matrices, with its locks and scripts, to start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from harness import console, places
from harness.environments import locking
from harness.errors import UsageError
from harness.matrix import cells, reading
from harness.matrix.matrix import Matrix
from harness.wording import counted

_SCHEMA = "schema.json"


def init(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Which of the shipped matrices.")
    ] = "quickstart",
) -> None:
    """Write a commented matrix file, with the locks and scripts it needs, into this folder."""
    source = _source(name)
    matrix = reading.read(source)
    target = Path(source.name)
    _write_new(target, source)
    added = [_add(Path(_SCHEMA), places.matrices() / _SCHEMA)]
    Path("locks").mkdir(exist_ok=True)
    added += [_add(Path("locks", lock.name), lock) for lock in _locks(matrix)]
    added += [_add(file.relative_to(source.parent), file) for file in _scripts(matrix)]
    what = f"{_SCHEMA}, locks/{', scripts' if matrix.scripts else ''}"
    console.note(
        f"wrote {target} and {counted(sum(added), 'file')} it refers to ({what}); next:\n"
        f"  harness plan {target}   says what would run\n"
        f"  harness run {target}    runs it"
    )


def _source(name: str) -> Path:
    """The shipped matrix file of this name."""
    shipped = {path.stem: path for path in sorted(places.matrices().glob("*.yaml"))}
    if name not in shipped:
        raise UsageError(f"no matrix {name!r} is shipped; choose one of {', '.join(shipped)}")
    return shipped[name]


def _scripts(matrix: Matrix) -> Iterator[Path]:
    """The files of the scripts that the matrix trains."""
    for script in matrix.scripts.values():
        yield from (path for path in sorted(script.folder.rglob("*.py")) if path.is_file())


def _locks(matrix: Matrix) -> Iterator[Path]:
    """The shipped locks of the environments that the matrix names."""
    environments = dict.fromkeys(cell.environment for cell in cells.cells(matrix))
    paths = (locking.path_of(environment, places.locks()) for environment in environments)
    return (path for path in paths if path.is_file())


def _write_new(target: Path, source: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file:
            file.write(source.read_bytes())
    except FileExistsError as error:
        raise UsageError(
            f"{target}: exists, and init overwrites nothing; move it, or work in another folder"
        ) from error


def _add(target: Path, source: Path) -> bool:
    """Copy a file unless one of its name is there, which then stays as it is."""
    if target.exists() and target.read_bytes() != source.read_bytes():
        console.note(f"{target}: differs from the shipped one; left as it is")
    if target.exists():
        return False
    _write_new(target, source)
    return True
