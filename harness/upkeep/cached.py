"""What lies in the cache and serves nobody: environments, wheels, bytecode, runners."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from harness import places
from harness.engines.local import environments
from harness.environments import bytecode, commands, wheelhouse
from harness.executors import staging
from harness.processes import ProcessFailedError
from harness.upkeep import items
from harness.upkeep.items import Item
from harness.upkeep.references import References

UNREFERENCED = "no lock or record looked at refers to it"
UNFINISHED = "left unfinished by a process that ended"

_FOREIGN_UNPACKED = "nothing of this package is in a lock looked at"


def unreferenced(known: References, *, everything: bool) -> Iterator[Item]:
    """What no reference needs, or all of it; only true while no other process uses the cache."""
    yield from _environments(known, everything)
    yield from _wheels(known, everything)
    yield from _unpacked(known, everything)
    yield from _bytecode(known, everything)
    yield from _runners()
    yield from _unfinished()


def _environments(known: References, everything: bool) -> Iterator[Item]:
    for folder in _folders(environments.root()):
        if everything or not _is_needed(folder, known):
            made = environments.made_of(folder)
            why = UNREFERENCED if made else UNFINISHED
            name = f"{made.get('environment', '?')} ({folder.name[:8]})"
            yield items.of_folder("environment", folder, _why(everything, why), name)


def _is_needed(environment: Path, known: References) -> bool:
    named = environment.name in known.environments | known.digests
    return named or environments.made_of(environment).get("lock") in known.stale


def _wheels(known: References, everything: bool) -> Iterator[Item]:
    for folder in _folders(wheelhouse.root()):
        if len(folder.name) == 64 and (everything or folder.name not in known.files):
            name = ", ".join(path.name for path in folder.glob("[!.]*")) or folder.name
            yield items.of_folder("wheels", folder, _why(everything, UNREFERENCED), name)
    for folder in _folders(places.cache("built")):
        if everything or folder.name.partition("-")[0] not in known.files:
            name = ", ".join(path.name for path in folder.glob("*.whl")) or folder.name
            yield items.of_folder("wheels", folder, _why(everything, UNREFERENCED), name)


def _unpacked(known: References, everything: bool) -> Iterator[Item]:
    """uv's cache, by package: all versions of one whose name no lock has.

    uv forgets packages by name only, and fails where one of its folders is gone.
    """
    names = {name for name, _ in known.packages}
    found: dict[str, list[Path]] = {}
    for archive in _folders(places.cache("uv") / "archive-v0"):
        found.setdefault(_package_of(archive), []).append(archive)
    for name, archives in sorted(found.items()):
        if name and (everything or name not in names):
            yield Item(
                kind="wheels",
                name=f"{name}, as uv unpacked it",
                size=items.taken(*archives),
                paths=tuple(archives),
                why=_why(everything, _FOREIGN_UNPACKED),
                remove=_forgetting(name),
            )


def _package_of(archive: Path) -> str:
    """The name of the package that uv unpacked there, "" where it is none."""
    described = next(archive.glob("*.dist-info"), None)
    name = described.name.partition("-")[0] if described else ""
    return name.lower().replace("_", "-").replace(".", "-")


def _forgetting(name: str) -> Callable[[], str | None]:
    def forget() -> str | None:
        try:
            commands.run(commands.uv_command("cache", "clean", name))
        except ProcessFailedError as error:
            return str(error)
        return None

    return forget


def _bytecode(known: References, everything: bool) -> Iterator[Item]:
    kept = (folder for folder in _folders(environments.root()) if _is_needed(folder, known))
    linked = {path for folder in kept for path in environments.made_of(folder).get("bytecode", ())}
    for build in _folders(bytecode.root()):
        for folder in _folders(build):
            needed = folder.name.partition("-")[0] in known.files or str(folder) in linked
            if everything or not (needed and bytecode.is_whole(folder)):
                brought = ", ".join(path.name for path in _folders(folder)) or folder.name[:8]
                name = f"bytecode of {brought}"
                item = items.of_folder("wheels", folder, _why(everything, UNREFERENCED), name)
                yield replace(item, remove=_discarding(folder))


def _discarding(folder: Path) -> Callable[[], str | None]:
    def discard() -> str | None:
        bytecode.discard(folder)
        return items.remove_tree(folder)

    return discard


def _runners() -> Iterator[Item]:
    current = staging.digest()
    for folder in _folders(places.cache("runners")):
        if folder.name != current:
            why = "a runner of another version of this program"
            yield items.of_folder("runner", folder, why, folder.name[:8])


def _unfinished() -> Iterator[Item]:
    """What processes make first under another name, and then rename or remove."""
    partial = ("wheels/.partial-*", "built/*/.partial-*", "bytecode/.partial-*")
    patterns = ("contexts/*", *partial, "datasets/.*-*/")
    for pattern in patterns:
        for path in sorted(places.cache().glob(pattern)):
            if path.is_dir():
                yield items.of_folder("folder", path, UNFINISHED)


def _why(everything: bool, reason: str) -> str:
    return "everything was asked for" if everything else reason


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
    return [folder / name for name in names if not name.startswith(".")]
