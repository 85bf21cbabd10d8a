"""Which code a run used: a digest over the meaning of the modules that it loads.

Comments, docstrings and layout have no meaning, and neither have modules that a run does not load:
other workloads, and axes that a record does not name because they came later. Runs of users'
scripts load what observes them, and no other runs do.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import harness
from harness.protocol import exchange

_ROOT = Path(str(harness.__file__)).parent
_ENTRY = "harness.runner.__main__"
_BACKEND = "harness.runner.backends.tensorflow"
_WORKLOADS = "harness.runner.workloads"
_AXES = f"{_BACKEND}.axes"
_SCRIPTS = "harness.runner.scripts"
_MEASURED = ("harness.protocol", "harness.runner")
_CATALOGUE = "harness.protocol.axes"
"""What it says of a value reaches a run as settings and variables, which records have anyway."""


def code_sha256(workload: str, axes: Iterable[str]) -> str:
    """The digest of what a run of this workload loads, with the modules of these axes.

    With "" for the workload: of what every run of a reference workload loads. A workload that is
    none of these is a user's script.
    """
    its_axes = tuple(_module(_AXES, axis) for axis in sorted(axes))
    if workload and _path(_module(_WORKLOADS, workload)) is None:
        return _digest(_closure((*_modules_below(_SCRIPTS), _BACKEND, *its_axes), ""))
    own = [_module(_WORKLOADS, workload)] if workload else []
    return _digest(_closure((_ENTRY, _BACKEND, *own, *its_axes), _SCRIPTS))


@cache
def _modules_below(package: str) -> tuple[str, ...]:
    folder = _ROOT.joinpath(*package.split(".")[1:])
    files = sorted(file.relative_to(_ROOT).with_suffix("") for file in folder.rglob("*.py"))
    names = (".".join(("harness", *file.parts)).removesuffix(".__init__") for file in files)
    return tuple(names)


def _module(package: str, name: str) -> str:
    return f"{package}.{name.replace('-', '_')}"


@cache
def _digest(modules: frozenset[str]) -> str:
    lines = [f"{name} {_meaning(name)}\n" for name in sorted(modules)]
    return hashlib.sha256("".join([f"schema {exchange.SCHEMA}\n", *lines]).encode()).hexdigest()


@cache
def _closure(roots: tuple[str, ...], without: str) -> frozenset[str]:
    """These modules and all that they import of the measured side, directly or not.

    The package `without` is left out.
    """
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        left_out = name == _CATALOGUE or f"{name}.".startswith(f"{without or None}.")
        if name not in reached and not left_out and _path(name) is not None:
            reached.add(name)
            waiting += _imports(name)
    return frozenset(reached)


@cache
def _imports(name: str) -> tuple[str, ...]:
    imported = {each for node in ast.walk(_tree(name)) for each in _imported_by(node)}
    return tuple(sorted(each for each in imported if each.startswith(_MEASURED)))


def _imported_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _meaning(name: str) -> str:
    return hashlib.sha256(repr(_canonical(_tree(name))).encode()).hexdigest()


@cache
def _tree(name: str) -> ast.AST:
    path = _path(name)
    return ast.parse(path.read_bytes() if path is not None else b"")


def _path(name: str) -> Path | None:
    """The source of a module of ours, None if there is no such module."""
    base = _ROOT.joinpath(*name.split(".")[1:])
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _canonical(node: object) -> object:
    """A syntax tree as plain tuples, the same under every Python that the host may have."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return (type(node).__name__, *((name, _canonical(value)) for name, value in fields))
    if isinstance(node, list):
        return tuple(_canonical(each) for each in node if not _is_documentation(each))
    return node


def _is_documentation(node: object) -> bool:
    """Whether a statement is nothing but a text."""
    constant = node.value if isinstance(node, ast.Expr) else None
    return isinstance(constant, ast.Constant) and isinstance(constant.value, str)
