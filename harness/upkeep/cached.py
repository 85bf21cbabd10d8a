"""What lies in the cache and serves nobody: environments, wheels, bytecode, runners."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from harness import places
from harness.engines.local import virtual_environments
from harness.environments import bytecode, commands, wheelhouse
from harness.executors import staging, working_folders
from harness.processes import ProcessFailedError
from harness.protocol.script import FILES, SCRIPTS
from harness.upkeep import items
from harness.upkeep.items import Item, Kind
from harness.upkeep.references import References

EVERYTHING = "everything was asked for"
UNNEEDED = "what used it names it no more"
DISPUTED = "who uses it is not known: --unknown or --item removes it"
UNFINISHED = "left unfinished by a process that ended"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is judged: what no reference needs, or with `everything` all of it."""

    references: References
    everything: bool

    def is_disputed(self, *names: str) -> bool:
        """Whether something that nobody needs, as far as is known, may be somebody's."""
        return not self.everything and self.references.accounted.isdisjoint(names)

    def why(self, *names: str) -> str:
        """Why something with one of these names may go, or why it may not without being asked."""
        if self.everything:
            return EVERYTHING
        return DISPUTED if self.is_disputed(*names) else UNNEEDED

    def item(self, kind: Kind, folder: Path, shown: str, *names: str) -> Item:
        """The item of a folder that is registered under one of these names."""
        why, disputed = self.why(*names), self.is_disputed(*names)
        return items.of_folder(kind, folder, why, shown, disputed=disputed)


def unreferenced(question: Question) -> Iterator[Item]:
    """What may go; only true while no other process uses the cache."""
    yield from _environments(question)
    yield from _wheels(question)
    yield from _unpacked(question)
    yield from _bytecode(question)
    yield from _scripts(question)
    yield from _working_folders(question)
    yield from _runners()
    yield from _unfinished()


def _environments(question: Question) -> Iterator[Item]:
    for folder in _folders(virtual_environments.root()):
        made = virtual_environments.made_of(folder)
        shown = f"{made.get('environment', '?')} ({folder.name[:8]})"
        if not made and not question.everything:
            yield items.of_folder("environment", folder, UNFINISHED, shown)
        elif question.everything or not _is_needed(folder, question.references):
            yield question.item("environment", folder, shown, str(made.get("lock")))


def _is_needed(environment: Path, references: References) -> bool:
    named = environment.name in references.environments | references.digests
    return named or virtual_environments.made_of(environment).get("lock") in references.stale


def _wheels(question: Question) -> Iterator[Item]:
    downloaded = [path for path in _folders(wheelhouse.root()) if len(path.name) == 64]
    for folder in [*downloaded, *_folders(places.cache("built"))]:
        sha256 = folder.name.partition("-")[0]
        if question.everything or sha256 not in question.references.files:
            shown = ", ".join(path.name for path in folder.glob("[!.]*.*")) or folder.name
            yield question.item("wheels", folder, shown, sha256)


def _unpacked(question: Question) -> Iterator[Item]:
    """uv's cache, by package: all versions of one whose name no lock has.

    uv forgets packages by name only, and fails where one of its folders is gone.
    """
    found: dict[str, list[Path]] = {}
    for archive in _folders(places.cache("uv") / "archive-v0"):
        found.setdefault(_package_of(archive), []).append(archive)
    for name, archives in sorted(found.items()):
        if name and (question.everything or name not in question.references.packages):
            yield Item(
                kind="wheels",
                name=f"{name}, as uv unpacked it",
                size=items.taken(*archives),
                paths=tuple(archives),
                why=question.why(name),
                disputed=question.is_disputed(name),
                remove=_forgetting(name),
            )


def _package_of(archive: Path) -> str:
    """The name of the package that uv unpacked there, "" where it is none."""
    described = next(archive.glob("*.dist-info"), None)
    return canonicalize_name(described.name.partition("-")[0]) if described else ""


def _forgetting(name: str) -> Callable[[], str | None]:
    def forget() -> str | None:
        try:
            commands.run(commands.uv_command("cache", "clean", name))
        except ProcessFailedError as error:
            return str(error)
        return None

    return forget


def _bytecode(question: Question) -> Iterator[Item]:
    references = question.references
    needed = (one for one in _folders(virtual_environments.root()) if _is_needed(one, references))
    linked = {path for one in needed for path in virtual_environments.bytecode_of(one)}
    for folder in [one for build in _folders(bytecode.root()) for one in _folders(build)]:
        sha256, whole = folder.name.partition("-")[0], bytecode.is_whole(folder)
        if question.everything or not (whole and (sha256 in references.files or folder in linked)):
            brought = ", ".join(path.name for path in _folders(folder)) or folder.name[:8]
            item = question.item("wheels", folder, f"bytecode of {brought}", sha256)
            item = item if whole else replace(item, why=UNFINISHED, disputed=False)
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


def _scripts(question: Question) -> Iterator[Item]:
    """Copies of users' scripts and of their data that no record names."""
    root = places.cache("datasets")
    for path in sorted([*root.glob(f"{SCRIPTS}/*/"), *root.glob(f"{FILES}/*")]):
        if question.everything or path.name not in question.references.digests:
            shown = f"{path.parent.name}/{path.name[:8]}"
            yield question.item("folder", path, shown, path.name)


def _working_folders(question: Question) -> Iterator[Item]:
    """Working folders that pass from one repeat to the next; who still needs one is not known."""
    for folder in _folders(working_folders.root()):
        yield question.item("folder", folder, f"working folder {folder.name[:8]}", folder.name)


def _unfinished() -> Iterator[Item]:
    """What processes make first under another name, and then rename or remove."""
    partial = ("wheels/.partial-*", "built/*/.partial-*", "bytecode/.partial-*")
    patterns = ("contexts/*", *partial, "datasets/.*-*/")
    for pattern in patterns:
        for path in sorted(places.cache().glob(pattern)):
            if path.is_dir():
                yield items.of_folder("folder", path, UNFINISHED)


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as found:
        names = sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
    return [folder / name for name in names if not name.startswith(".")]
