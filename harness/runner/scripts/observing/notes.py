"""What is observed in one process, and the files that say so.

A process writes `PID.json` and `PID.npz` into the folder of observations: whole, at the end of each
fit and when it ends. A process that becomes another program (`os.execv`) starts anew under its
number; a forked child forgets what its parent had noted.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from typing import Any, Dict, Iterator, List, Optional

_OUTPUTS = 100
"""So many outputs are noted one by one; what comes later is folded into one digest."""
_ARRAY_BYTES = 64 << 20
"""Weights up to this size are written after each fit, larger ones only when the process ends."""
_LONGEST_REASON = 300


class Notes:
    """What is known of this process so far. `settings` is what the runner wrote down for it.

    `run` is what the axes need to know once TensorFlow is imported (None: it is not). `models` is
    how many have a number, and `numbered` has a weak reference to each model of Keras, and its
    number, by `id`. `batch_loops` are models that are trained batch by batch, by number,
    `tape_loops` loops of the script's own, by the `id`s of their variables. `trace` has the rows of
    all of them (None: TensorFlow is not imported, and with it NumPy, which the trace needs).
    `unobserved` is the error of ours that ended the observing ("": none did).
    """

    def __init__(self, settings: Dict[str, Any]) -> None:
        self.settings = settings
        self.work = os.path.realpath(str(settings["work"]))
        self.applying = threading.local()
        self.is_forked = False
        self.run: Any = None
        self.trace: Any = None
        self.clear()
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        self.is_forked = True
        self.clear()

    def clear(self) -> None:
        """Forget everything; the process is another one now."""
        self.models = 0
        self.numbered: Dict[int, Any] = {}
        self.batch_loops: Dict[int, Dict[str, Any]] = {}
        self.tape_loops: Dict[Any, Dict[str, Any]] = {}
        self.error: Optional[Dict[str, str]] = None
        self.calls: List[Dict[str, Any]] = []
        self.connections: List[Dict[str, str]] = []
        self.fits: List[Dict[str, Any]] = []
        self.outputs: List[Dict[str, str]] = []
        self.found: Dict[str, Any] = {}
        self.arrays: Dict[int, Any] = {}
        self.trace = self.trace and type(self.trace)()
        self.loss: Optional[str] = None
        self.seeded: List[str] = []
        self.unobserved = ""

    def clear_results(self) -> None:
        """Forget what was trained, and keep what was set."""
        self.fits, self.outputs, self.arrays, self.found = [], [], {}, {}

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Within the `with` block an error is ours: it ends the observing, never the script."""
        try:
            yield
        except Exception as error:
            text = "%s: %s" % (type(error).__name__, " ".join(str(error).split()))
            self.unobserved = self.unobserved or text[:_LONGEST_REASON]

    def place(self) -> str:
        """`FILE:LINE` of the innermost line of the script, or of its folder, that is running."""
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            path = os.path.realpath(name)
            # What is frozen into the interpreter has no file, and would lie in the current folder.
            if path.startswith(self.work + os.sep) and not name.startswith("<frozen "):
                return "%s:%d" % (os.path.relpath(path, self.work), frame.f_lineno)
            frame = frame.f_back  # type: ignore[assignment]
        return ""

    def add_output(self, call: str, sha256: str) -> None:
        """Note what was returned to the script."""
        if len(self.outputs) < _OUTPUTS:
            self.outputs.append({"call": call, "sha256": sha256})
            return
        from hashlib import sha256 as digest

        last = self.outputs[-1]
        text = "%s %s %s" % (last["sha256"], call, sha256)
        self.outputs[-1] = {"call": "more", "sha256": digest(text.encode("ascii")).hexdigest()}

    def write(self, *, is_end: bool = False) -> None:
        """Write down what is known."""
        base = os.path.join(str(self.settings["observed"]), "%d" % os.getpid())
        content = {
            "error": self.error,
            "calls": self.calls,
            "connections": self.connections,
            "fits": self.fits,
            "outputs": self.outputs,
            "found": self.found,
            "loss": self.loss,
            "unobserved": self.unobserved,
            "tensors": {number: part["tensors"] for number, part in self.arrays.items()},
        }
        if self.arrays and (is_end or self._array_bytes() <= _ARRAY_BYTES):
            self._write_arrays(base + ".npz")
        _write_text(base + ".json", json.dumps(content))

    def _array_bytes(self) -> int:
        arrays = (array for part in self.arrays.values() for array in part["arrays"])
        return sum(int(array.nbytes) for array in arrays)

    def _write_arrays(self, path: str) -> None:
        from numpy import savez

        named = {
            "%d/%d" % (number, place): array
            for number, part in self.arrays.items()
            for place, array in enumerate(part["arrays"])
        }
        columns = self.trace.columns() if self.trace is not None else ()
        named.update(("trace/%s" % name, column) for name, column in columns)
        with open(path + ".unfinished", "wb") as file:
            savez(file, **named)
        os.replace(path + ".unfinished", path)


def _write_text(path: str, text: str) -> None:
    with open(path + ".unfinished", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".unfinished", path)
