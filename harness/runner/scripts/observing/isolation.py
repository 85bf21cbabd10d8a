"""Our modules stay out of the script's sight: a user may have a module `harness`, too."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any, Dict, Iterator, List

_PACKAGE = "harness"
_LOCK = threading.RLock()
_hidden: Dict[str, Any] = {}
_roots: List[str] = []
_nested: List[bool] = []


def hide(root: str) -> None:
    """Take our modules out of `sys.modules`; `root` is the folder that holds our package."""
    _roots.append(root)
    # No child begins in the middle of another thread's block.
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
    _hidden.update(_taken_out())


@contextlib.contextmanager
def visible() -> Iterator[None]:
    """Within the block, `import harness…` means our package."""
    with _LOCK:
        if _nested:
            # Visible already, further out on this thread's stack.
            yield
            return
        _nested.append(True)
        theirs = _taken_out()
        sys.modules.update(_hidden)
        sys.path[:0] = _roots
        try:
            yield
        finally:
            _nested.pop()
            sys.path.remove(_roots[0])
            _hidden.update(_taken_out())
            sys.modules.update(theirs)


def _taken_out() -> Dict[str, Any]:
    names = [n for n in sys.modules if n == _PACKAGE or n.startswith(_PACKAGE + ".")]
    return {name: sys.modules.pop(name) for name in names}
