"""Functions that are called right after a module was imported, before its importer goes on."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from typing import Any, Callable, Dict, List, Optional

Hook = Callable[[Any], None]
"""Gets the module."""


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: it lets the others find a module, and wraps its loader."""

    def __init__(self, hooks: Dict[str, List[Hook]]) -> None:
        self._hooks = hooks
        self._looking: List[str] = []

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if name not in self._hooks or name in self._looking:
            return None
        self._looking.append(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking.remove(name)
        if spec is not None and spec.loader is not None:
            _wrap(spec.loader, self._hooks[name])
        return spec


def _wrap(loader: Any, hooks: List[Hook]) -> None:
    load = loader.exec_module

    def exec_module(module: Any) -> None:
        load(module)
        for hook in hooks:
            hook(module)

    loader.exec_module = exec_module


def install(hooks: Dict[str, List[Hook]]) -> None:
    """Have these functions called after the import of the modules with these names."""
    sys.meta_path.insert(0, _Finder(hooks))
