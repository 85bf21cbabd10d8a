"""The section `workloads` of a matrix file: users' scripts, with what travels with them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from harness.matrix import text, value_nodes, workload_sources
from harness.matrix.text import Problems
from harness.matrix.values import ENVIRONMENT_KEYS, PARAMETER
from harness.protocol import script
from harness.protocol.axes import NAMES
from harness.subjects import reference
from harness.subjects.scripts import ScriptEntry

KEYS = (
    "script",
    "module",
    "folder",
    "arguments",
    "parameters",
    "packages",
    "data",
    "files",
    "hold",
    "working_folder",
)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
WORKING_FOLDERS = ("fresh", "kept")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_RESERVED = (*NAMES, *ENVIRONMENT_KEYS, "because")


@dataclass(frozen=True, kw_only=True)
class _Located:
    """Where a script is: as in `ScriptEntry`."""

    path: str = ""
    module: str = ""
    folder: Path


def read(node: yaml.Node | None, folder: Path | None, problems: Problems) -> dict[str, ScriptEntry]:
    """The scripts by name; also one with a problem is among them, so that its name is known.

    `folder` is that of the matrix file, None where the matrix is not read from a file.
    """
    if node is None or text.is_empty(node):
        return {}
    if folder is None:
        problems.add(node, "scripts are found from the matrix' folder: put the matrix into a file")
        return {}
    entries = text.mapping(node, "workloads", problems)
    keys = dict(text.key_nodes(node))
    return {
        name: _entry(name, keys[name], value, folder, problems) for name, value in entries.items()
    }


def _entry(
    name: str, key: yaml.Node, node: yaml.Node, folder: Path, problems: Problems
) -> ScriptEntry:
    _check_name(name, key, problems)
    written = {} if text.is_empty(node) else text.mapping(node, f"{name}", problems, KEYS)
    entries = {key: value for key, value in written.items() if not text.is_empty(value)}
    located = _located(key, entries, folder, problems)
    arguments = _arguments(entries.get("arguments"), problems)
    parameters = _parameters(entries.get("parameters"), problems)
    _check_placeholders(entries, arguments, parameters, problems)
    return ScriptEntry(
        name=name,
        path=located.path,
        module=located.module,
        folder=located.folder,
        arguments=tuple(arguments),
        parameters=parameters,
        requirements=workload_sources.packages(entries.get("packages"), folder, problems),
        data=workload_sources.data(entries.get("data"), folder, problems),
        files=_texts(entries.get("files"), "files", problems, _no_glob),
        hold=_texts(entries.get("hold"), "hold", problems, _not_holdable),
        keeps_folder=_keeps_folder(entries.get("working_folder"), problems),
        line=key.start_mark.line + 1,
        column=key.start_mark.column + 1,
    )


def _check_name(name: str, key: yaml.Node, problems: Problems) -> None:
    if not NAME.fullmatch(name):
        problems.add(
            key,
            f"the name {name!r} of a workload stands in file names: use small letters, digits, "
            "'.', '_' and '-', first a letter or digit, 64 at most",
        )
    elif not reference.is_script(name):
        problems.add(key, f"{name} is a reference workload; give the script another name")


def _located(
    key: yaml.Node, entries: Mapping[str, yaml.Node], folder: Path, problems: Problems
) -> _Located:
    named = [each for each in ("script", "module") if each in entries]
    if len(named) != 1:
        where = entries[named[1]] if named else key
        problems.add(where, "a workload needs either script: FILE or module: NAME")
        return _Located(folder=folder)
    node = entries[named[0]]
    word = text.scalar(node, named[0], problems)
    top = _folder(entries.get("folder"), folder, problems)
    if word is None or ("folder" in entries and top is None):
        return _Located(folder=folder)
    if named[0] == "module":
        return _of_module(word, node, top or folder, problems)
    return _of_script(word, node, folder, top, problems)


def _folder(node: yaml.Node | None, folder: Path, problems: Problems) -> Path | None:
    word = text.scalar(node, "folder", problems) if node is not None else None
    if node is None or word is None:
        return None
    found = Path(os.path.realpath(workload_sources.place(word, folder)))
    if not _is(Path.is_dir, found):
        problems.add(node, f"there is no folder {found}; name it from this file's folder")
        return None
    return found


def _of_script(
    word: str, node: yaml.Node, folder: Path, top: Path | None, problems: Problems
) -> _Located:
    path = Path(os.path.normpath(folder / word))
    real = Path(os.path.realpath(path))
    within = top or Path(os.path.realpath(folder))
    top = top or Path(os.path.realpath(path.parent))
    if not _is(Path.is_file, path):
        problems.add(node, f"there is no file {path}; name the script from this file's folder")
    elif not (real.is_relative_to(top) and real.is_relative_to(within)):
        problems.add(node, f"{word} leads out of the folder {within}; name its own with `folder`")
    else:
        return _Located(path=real.relative_to(top).as_posix(), folder=top)
    return _Located(folder=folder)


def _of_module(word: str, node: yaml.Node, folder: Path, problems: Problems) -> _Located:
    top = Path(os.path.realpath(folder))
    file = top.joinpath(*word.split("."))
    candidates = (file.with_name(f"{file.name}.py"), file / "__main__.py")
    found = [path for path in candidates if _is(Path.is_file, path)]
    if not _MODULE.fullmatch(word):
        problems.add(node, f"{word!r} is no module; write it as after `python -m`: churn.train")
    elif not found:
        problems.add(node, f"there is no module {word} in {top}: neither of its files is there")
    elif not Path(os.path.realpath(found[0])).is_relative_to(top):
        problems.add(node, f"{word} is a link out of the folder {top}; put the file there")
    return _Located(module=word, folder=top)


def _is(what: Callable[[Path], bool], path: Path) -> bool:
    try:
        return what(path)
    except (OSError, ValueError):
        # A name that no file system takes.
        return False


def _arguments(node: yaml.Node | None, problems: Problems) -> list[str]:
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        problems.add(node, "arguments must be a list, [--epochs, 5], never a line for a shell")
        return []
    return [word for each in node.value if (word := _argument(each, problems)) is not None]


def _argument(node: yaml.Node, problems: Problems) -> str | None:
    if isinstance(node, yaml.MappingNode):
        problems.add(node, 'an argument must be a text; put one with braces in quotes: "{epochs}"')
    elif isinstance(node, yaml.ScalarNode) and (node.value or node.style):
        return str(node.value)
    else:
        problems.add(node, f"an argument must be a text, not {text.kind_of(node)}")
    return None


def _parameters(node: yaml.Node | None, problems: Problems) -> dict[str, tuple[str, ...]]:
    if node is None:
        return {}
    keys = dict(text.key_nodes(node))
    found: dict[str, tuple[str, ...]] = {}
    for name, value in text.mapping(node, "parameters", problems).items():
        if name in _RESERVED:
            problems.add(keys[name], f"a parameter cannot bear the name of the axis or key {name}")
        elif not PARAMETER.fullmatch(name):
            what = "small letters, digits and '_', first a letter, 64 at most"
            problems.add(keys[name], f"the parameter {name!r} needs a name of {what}")
        else:
            found[name] = value_nodes.parameter(name, value, problems)
    return found


def _check_placeholders(
    entries: Mapping[str, yaml.Node],
    arguments: list[str],
    parameters: Mapping[str, tuple[str, ...]],
    problems: Problems,
) -> None:
    node = entries.get("arguments")
    used = set(_used(node, parameters, problems)) if node is not None else set()
    for name, key in text.key_nodes(entries.get("parameters")):
        if name in parameters and name not in used:
            problems.add(key, f'no argument uses the parameter {name}; add "{{{name}}}" to one')


def _used(
    node: yaml.Node, parameters: Mapping[str, tuple[str, ...]], problems: Problems
) -> Iterator[str]:
    """The placeholders in the arguments; those that stand for nothing are problems."""
    known = (*parameters, *script.PLACEHOLDER_AXES)
    for each in text.items(node):
        try:
            names = script.placeholders(str(each.value))
        except ValueError as error:
            problems.add(each, str(error))
            continue
        for name in names:
            if name not in known:
                hint = text.suggestion(name, known)
                what = "neither a parameter nor an axis that arguments can carry"
                problems.add(each, f"{{{name}}} is {what}{hint}")
            yield name


def _texts(
    node: yaml.Node | None, what: str, problems: Problems, refuse: Callable[[str], str | None]
) -> tuple[str, ...]:
    """The texts in a list; one that is refused is a problem."""
    found: dict[str, None] = {}
    for each in text.items(node) if node is not None else []:
        word = text.scalar(each, f"an entry of {what}", problems)
        refusal = refuse(word) if word is not None else None
        if refusal is not None:
            problems.add(each, refusal)
        elif word is not None:
            found[word] = None
    return tuple(found)


def _no_glob(word: str) -> str | None:
    path = PurePosixPath(word)
    if path.is_absolute() or ".." in path.parts or word.startswith("~"):
        return f"{word!r} must be relative to the script's working folder, without '..'"
    return None


def _not_holdable(word: str) -> str | None:
    if word in script.HOLDABLE:
        return None
    return f"{word!r} cannot be held{text.suggestion(word, script.HOLDABLE)}"


def _keeps_folder(node: yaml.Node | None, problems: Problems) -> bool:
    word = text.scalar(node, "working_folder", problems) if node is not None else "fresh"
    if node is not None and word is not None and word not in WORKING_FOLDERS:
        problems.add(node, f"working_folder must be fresh or kept, not {word!r}")
    return word == "kept"
