"""What lies in a results folder and no record names: blobs, and files left half written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from harness.errors import HarnessError
from harness.results import durable, regular_files, scan
from harness.results.names import BLOB_FOLDER, is_name, is_sha256
from harness.results.store import Store
from harness.upkeep import items, references
from harness.upkeep.items import Item

_OF_A_SWEEP = (scan.PLAN, scan.MACHINE, durable.PARTIAL)


def unreferenced(
    results: Sequence[Path], digests: frozenset[str], note: Callable[[str], None]
) -> Iterator[Item]:
    """The blobs that no record names, an item per matrix, and what killed sweeps left there.

    They are judged again when they are removed, with every sweep of their folder kept out. `note`
    gets a sentence about each link, which is never followed.
    """
    for matrix in sorted(_matrices(results)):
        for link in _links(matrix):
            note(f"{link} is a link: what is behind it is left alone, and so are blobs it may need")
        blobs = _unnamed(matrix, digests)
        if blobs:
            yield Item(
                kind="blobs",
                name=f"{len(blobs)} of {len(_blobs(matrix))} in {matrix / BLOB_FOLDER}",
                size=items.taken(*blobs),
                paths=tuple(blobs),
                why="no record below the results folders names them",
                remove=_remover(matrix, results),
            )
        for left in _half_written(matrix):
            yield Item(
                kind="folder",
                name=str(left),
                size=items.taken(left),
                paths=(left,),
                why="left half written by a sweep that was killed",
                remove=_in_words(partial(_end_of, matrix)),
            )


def _matrices(results: Sequence[Path]) -> set[Path]:
    """The folders of matrices: those with blobs, or with sweeps that were killed."""
    found = set()
    for top in results:
        for folder, names, _ in os.walk(top):
            if BLOB_FOLDER in names:
                found.add(Path(folder))
            if durable.PARTIAL in names:
                found.add(Path(folder).parent)
            names[:] = [name for name in names if is_name(name) and name != BLOB_FOLDER]
    return found


def _links(matrix: Path) -> list[Path]:
    """The links to folders in a matrix's folder and in those below."""
    found = _entries(matrix)
    found += [below for path in found for below in _entries(path)]
    return sorted(path for path in found if path.is_symlink() and path.is_dir())


def _half_written(matrix: Path) -> list[Path]:
    folders = [machine / durable.PARTIAL for machine in _entries(matrix)]
    return sorted(left for folder in folders for left in _entries(folder))


def _blobs(matrix: Path) -> list[Path]:
    found = [path for kind in _entries(matrix / BLOB_FOLDER) for path in _entries(kind)]
    return [path for path in found if is_sha256(path.name.partition(".")[0])]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder; nothing where it is none, or where a link leads to it."""
    return list(folder.iterdir()) if regular_files.is_folder(folder) else []


def _unnamed(matrix: Path, digests: frozenset[str]) -> list[Path]:
    if any(BLOB_FOLDER not in link.parts[-2:] for link in _links(matrix)):
        # Records may lie behind it, and what they name is not known.
        return []
    return [path for path in _blobs(matrix) if path.name.partition(".")[0] not in digests]


def _remover(matrix: Path, results: Sequence[Path]) -> Callable[[], str | None]:
    def remove() -> None:
        with _kept_out(matrix):
            digests, _ = references.of_records(results)
            for path in _unnamed(matrix, digests):
                path.unlink(missing_ok=True)

    return _in_words(remove)


def _end_of(matrix: Path) -> None:
    """What a killed sweep left is removed by whoever locks its folder next."""
    _kept_out(matrix).close()


def _kept_out(matrix: Path) -> ExitStack:
    """Keeps the sweeps of every machine out, which also removes what killed ones left there.

    Raises:
        UsageError: one is running.
    """
    with ExitStack() as stack:
        for folder in sorted(matrix.iterdir()):
            if any((folder / name).exists() for name in _OF_A_SWEEP) and is_name(folder.name):
                store = Store(matrix.parent, matrix.name, folder.name)
                stack.enter_context(store.lock())
        return stack.pop_all()


def _in_words(remove: Callable[[], object]) -> Callable[[], str | None]:
    def removed() -> str | None:
        try:
            remove()
        except HarnessError as error:
            return error.problem
        except OSError as error:
            return f"{error.filename}: {error.strerror}"
        return None

    return removed
