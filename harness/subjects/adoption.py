"""From a script nobody described to a workload: what its source says of what it needs.

Only its text is read; nothing of it runs. What cannot be seen in the text, the first run shows.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from harness.errors import UsageError
from harness.matrix import legacy_keras
from harness.subjects import notebooks

_OF_THE_ENVIRONMENT = frozenset({"tensorflow", "keras", "tf_keras", "numpy"})
"""What an environment names itself; `tf_keras` comes by `keras: tf-keras`."""

_WITH_TENSORFLOW = frozenset({"google", "h5py", "absl", "six", "tensorboard", "wrapt", "packaging"})
"""What every TensorFlow brings along."""

_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "dateutil": "python-dateutil",
    "tensorflow_probability": "tensorflow-probability",
    "tensorflow_datasets": "tensorflow-datasets",
    "tensorflow_addons": "tensorflow-addons",
    "sonnet": "dm-sonnet",
    "tree": "dm-tree",
    "official": "tf-models-official",
    "imblearn": "imbalanced-learn",
    "umap": "umap-learn",
    "mpl_toolkits": "matplotlib",
    "pkg_resources": "setuptools",
    "attr": "attrs",
}
"""Packages whose distribution has another name than what is imported."""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What a script's text says that it needs.

    `packages` are requirements, with the version where the package is installed beside this
    program; `unversioned` are those without one. `uses_legacy_keras`: it imports `tf_keras`, or
    sets the variable for it. `loads_mnist`: it asks Keras for its MNIST, which it would download.
    `outside` are modules that it imports and that lie above its folder.
    """

    script: Path
    packages: tuple[str, ...]
    uses_legacy_keras: bool
    loads_mnist: bool
    outside: tuple[Path, ...] = ()

    @property
    def unversioned(self) -> tuple[str, ...]:
        """The packages of which no version is known."""
        return tuple(each for each in self.packages if "==" not in each)

    @property
    def name(self) -> str:
        """A name for the workload."""
        plain = re.sub(r"[^a-z0-9._-]+", "-", self.script.stem.lower()).strip("-._")
        return (plain or "script")[:40]


def read(script: Path, folder: Path | None = None) -> Adoption:
    """What the text of a script says; `folder` travels with it, if not its own alone.

    Raises:
        UsageError: there is no such script or notebook, or it is no Python.
    """
    folders = tuple(dict.fromkeys((script.parent, folder or script.parent)))
    files = list(_own_files(script, folders, set()))
    imported = frozenset(name for _, names in files for name in names)
    foreign = imported - sys.stdlib_module_names - _OF_THE_ENVIRONMENT - _WITH_TENSORFLOW
    installed = metadata.packages_distributions()
    # Python looks for what is installed, and not in the folder above or in the current one.
    missing = foreign - installed.keys()
    outside = {name: path for name in missing if (path := _above(name, script.parent))}
    foreign -= outside.keys()
    packages = sorted({_requirement(name, installed) for name in foreign})
    return Adoption(
        script=script,
        packages=tuple(packages),
        uses_legacy_keras="tf_keras" in imported
        or any(_sets_legacy_keras(tree) for tree, _ in files),
        loads_mnist=any(_loads_mnist(tree) for tree, _ in files),
        outside=tuple(sorted(outside.values())),
    )


def _above(name: str, folder: Path) -> Path | None:
    """The module of this name in the folder above, or in the current one."""
    places = (folder.absolute().parent, Path.cwd())
    candidates = (each for place in places for each in _modules(place, name))
    return next((path for path in candidates if path.is_file()), None)


def _modules(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.py", folder / name / "__init__.py"


def _own_files(
    script: Path, folders: Sequence[Path], seen: set[Path]
) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """The script and each module of its folders that it imports, with the other top-level names
    that it imports."""
    seen.add(script)
    tree = _tree(script)
    others: list[str] = []
    for name in _names(tree):
        own = (path for folder in folders for path in _modules(folder, name))
        local = next((path for path in own if path.is_file()), None)
        if local is None and any((folder / name).is_dir() for folder in folders):
            continue
        if local is None:
            others.append(name)
        elif local not in seen:
            below = local.parent.rglob("*.py") if local.name == "__init__.py" else (local,)
            for path in below:
                if path not in seen:
                    yield from _own_files(path, folders, seen)
    yield tree, tuple(others)


def _tree(script: Path) -> ast.AST:
    try:
        return ast.parse(_text(script), str(script))
    except OSError as error:
        raise UsageError(f"{script}: cannot be read: {error.strerror}") from error
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise UsageError(f"{script}{line}: is no Python that can be read: {error.msg}") from error
    except ValueError as error:
        raise UsageError(f"{script}: is no Python that can be read: {error}") from error


def _text(script: Path) -> bytes:
    return notebooks.script_of(script) if notebooks.is_notebook(script) else script.read_bytes()


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _loads_mnist(tree: ast.AST) -> bool:
    """Whether there is a call of `…mnist.load_data`."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "load_data"
        and _last_name(node.value) == "mnist"
        for node in ast.walk(tree)
    )


def _sets_legacy_keras(tree: ast.AST) -> bool:
    """Whether the variable for it is set, in `os.environ` or by a call."""
    return any(
        legacy_keras.is_asked_for({key: value})
        for pair in _pairs(tree)
        for key, value in [tuple(str(getattr(each, "value", "")) for each in pair)]
    )


def _pairs(tree: ast.AST) -> Iterator[Sequence[ast.AST]]:
    """What is assigned under which key, and the arguments of calls that have two."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            yield node.targets[0].slice, node.value
        elif isinstance(node, ast.Call) and len(node.args) == 2:
            yield node.args


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _requirement(name: str, installed: Mapping[str, list[str]]) -> str:
    distribution = _DISTRIBUTIONS.get(name) or next(iter(installed.get(name, ())), name)
    try:
        version = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return distribution
    return f"{distribution}=={version}"
