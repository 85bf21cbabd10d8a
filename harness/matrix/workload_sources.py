"""What a script needs besides its folder: its packages, and its data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import yaml

from harness.errors import DataError
from harness.matrix import text, values
from harness.matrix.text import Problems
from harness.matrix.values import InvalidValueError
from harness.protocol import untrusted
from harness.subjects import file_digests
from harness.subjects.reference import SUBJECTS
from harness.subjects.scripts import DataSource

MNIST = "mnist"
_MNIST_FILE = "mnist.npz"
_DATA_SETS = frozenset(subject.data for subject in SUBJECTS.values())
_SHA256_DIGITS = frozenset("0123456789abcdef")
_LARGEST_FILE = 1 << 20
_ENVIRONMENTS = {
    "keras": "keras",
    "keras-nightly": "keras",
    "numpy": "numpy",
    "python": "python",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-intel": "tensorflow",
    "tf-nightly": "tensorflow",
    "tf-keras": "keras",
    "tf-keras-nightly": "keras",
}
"""Packages that are a key of an environment, and which one."""


def place(word: str, folder: Path) -> Path:
    """The path that a matrix file in `folder` names by `word`."""
    # A user that does not exist is left as written, where pathlib raises an error.
    return folder / os.path.expanduser(word)  # noqa: PTH111


def packages(node: yaml.Node | None, folder: Path, problems: Problems) -> tuple[str, ...]:
    """The packages in a list, or in the requirements file that is named instead; sorted."""
    if node is None:
        return ()
    found: dict[str, str] = {}
    for source, where, word in _written(node, folder, problems):
        try:
            requirement = _requirement(word)
        except InvalidValueError as error:
            problems.add(source, f"{where}{error}")
            continue
        name = requirement.partition("==")[0]
        if found.setdefault(name, requirement) != requirement:
            problems.add(source, f"{where}{name} stands there twice, as {found[name]} too")
    return tuple(sorted(found.values()))


def _written(
    node: yaml.Node, folder: Path, problems: Problems
) -> Iterator[tuple[yaml.Node, str, str]]:
    """Each package with its node and, for those of a file, its place there."""
    if isinstance(node, yaml.ScalarNode) and _names_file(str(node.value), folder):
        for where, word in _lines(folder / str(node.value), node, problems):
            yield node, where, word
        return
    for each in text.items(node):
        name = text.scalar(each, "a package", problems)
        if name is not None:
            yield each, "", name


def _names_file(word: str, folder: Path) -> bool:
    return "/" in word or word.endswith((".txt", ".in")) or os.path.lexists(folder / word)


def _lines(path: Path, node: yaml.Node, problems: Problems) -> Iterator[tuple[str, str]]:
    try:
        content = untrusted.read_regular(path, _LARGEST_FILE, follow_links=True).decode("utf-8")
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or "it is not UTF-8 text"
        problems.add(node, f"{path}: this file of packages cannot be read: {what}")
        return
    for number, line in enumerate(content.splitlines(), start=1):
        word = line.partition("#")[0].strip()
        if word:
            yield f"{path.name}:{number}: ", word


def _requirement(word: str) -> str:
    requirement = values.requirement(word)
    key = _ENVIRONMENTS.get(requirement.partition("==")[0])
    if key is not None:
        raise InvalidValueError(f"{word} is no further package; put it under environments: {key}")
    return requirement


def data(node: yaml.Node | None, folder: Path, problems: Problems) -> tuple[DataSource, ...]:
    """Where each file comes from that the script is to find."""
    if node is None:
        return ()
    keys = dict(text.key_nodes(node))
    found: dict[str, DataSource] = {}
    for written, value in text.mapping(node, "data", problems).items():
        target = _target(written, keys[written], found, problems)
        source = _source(target or "", value, folder, problems)
        if target is not None and source is not None:
            found[target] = source
    return tuple(found.values())


def _target(
    written: str, key: yaml.Node, others: dict[str, DataSource], problems: Problems
) -> str | None:
    path = PurePosixPath(written)
    target = path.as_posix()
    lies_in = target.startswith("~/") or (target != "." and not target.startswith("~"))
    if path.is_absolute() or ".." in path.parts or not lies_in:
        problems.add(key, f"{written!r} must lie in the script's working folder, or below ~/")
    elif any(_clash(target, other) for other in others):
        problems.add(key, f"{written!r} is, or lies in, another file of data")
    else:
        return target
    return None


def _clash(one: str, other: str) -> bool:
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a in b.parents or b in a.parents


def _source(target: str, node: yaml.Node, folder: Path, problems: Problems) -> DataSource | None:
    if not isinstance(node, yaml.MappingNode):
        word = text.scalar(node, "a source of data", problems)
        return None if word is None else _named(target, word, None, node, folder, problems)
    entries = text.mapping(node, "a source of data", problems, ("from", "sha256"))
    if "from" not in entries:
        problems.add(node, "a source of data needs `from: FILE`")
        return None
    word = text.scalar(entries["from"], "from", problems)
    sha256 = _sha256(entries.get("sha256"), problems)
    if word is None:
        return None
    source = _named(target, word, sha256, entries["from"], folder, problems)
    if source is not None and sha256 is not None:
        _check_digest(source, entries["sha256"], problems)
    return source


def _check_digest(source: DataSource, node: yaml.Node, problems: Problems) -> None:
    try:
        file_digests.checked(source.path or Path(), source)
    except DataError as error:
        problems.add(node, str(error))


def _sha256(node: yaml.Node | None, problems: Problems) -> str | None:
    if node is None or text.is_empty(node):
        return None
    word = text.scalar(node, "sha256", problems)
    if word is not None and (len(word) != 64 or not set(word.lower()) <= _SHA256_DIGITS):
        problems.add(node, f"sha256 must be 64 hexadecimal digits, not {word[:80]!r}")
        return None
    return word.lower() if word else None


def _named(
    target: str,
    word: str,
    sha256: str | None,
    node: yaml.Node,
    folder: Path,
    problems: Problems,
) -> DataSource | None:
    if word in _DATA_SETS:
        return _data_set(target, word, sha256, node, problems)
    path = place(word, folder)
    if not os.path.isfile(path):  # noqa: PTH113  # it takes any text for a path
        known = ", ".join(sorted(_DATA_SETS))
        problems.add(node, f"there is no file {path}, and no such data set; there are {known}")
        return None
    return DataSource(target=target, path=path, sha256=sha256)


def _data_set(
    target: str, word: str, sha256: str | None, node: yaml.Node, problems: Problems
) -> DataSource | None:
    if word != MNIST:
        problems.add(node, f"{word} cannot be given to a script as a file; only {MNIST} can")
    elif PurePosixPath(target or _MNIST_FILE).name != _MNIST_FILE:
        problems.add(node, f"{MNIST} is a file {_MNIST_FILE}: name one, such as ~/.keras/datasets/")
    elif sha256 is not None:
        problems.add(node, f"{MNIST} is known by its digest; leave sha256 out")
    else:
        return DataSource(target=target, dataset=word)
    return None
