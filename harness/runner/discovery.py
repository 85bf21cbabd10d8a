"""The modules of a package by name: what is added to the folder is found, and listed nowhere."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any, List


def names(package: ModuleType) -> List[str]:
    """The names of the package's modules, sorted. None of them is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def module(package: ModuleType, name: str) -> Any:
    """A module of the package, imported."""
    return importlib.import_module("%s.%s" % (package.__name__, name))
