"""Data that the matrix puts in place: Keras takes them as they are.

`get_file` downloads a file again whose digest is not the one that Keras knows. What is declared is
known by a digest of its own, as our MNIST is, which is made of the same numbers.
"""

from __future__ import annotations

import functools
import os
from typing import Any

from harness.runner.scripts.observing.notes import Notes

MODULES = (
    "keras.utils.data_utils",
    "keras.src.utils.data_utils",
    "tf_keras.src.utils.data_utils",
    "keras.src.utils.file_utils",
    "tensorflow.python.keras.utils.data_utils",
)
"""Where versions of Keras have `get_file`."""


def accept(notes: Notes, module: Any) -> None:
    """Let a module, imported just now, take the declared files for what it expects."""
    usual = module.validate_file
    declared = {os.path.abspath(path) for path in notes.settings["data"]}

    @functools.wraps(usual)
    def validate_file(fpath: Any, *arguments: Any, **named: Any) -> Any:
        is_declared = os.path.abspath(os.fspath(fpath)) in declared
        return is_declared or usual(fpath, *arguments, **named)

    module.validate_file = validate_file
