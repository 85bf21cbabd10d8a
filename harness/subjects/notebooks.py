"""Notebooks as the scripts that they are: their cells of code, one after the other.

What IPython adds to Python (`%magic`, `!command`) becomes a comment; outputs do not count.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from harness.errors import UsageError
from harness.protocol import untrusted

SUFFIX = ".ipynb"
_LARGEST = 256 << 20


def is_notebook(path: str | Path) -> bool:
    """Whether a path is that of a notebook, by its name."""
    return PurePosixPath(path).suffix == SUFFIX


def script_path(path: str) -> str:
    """What the script of a notebook is called."""
    return str(PurePosixPath(path).with_suffix(".py"))


def script_of(notebook: Path) -> bytes:
    """The script, the same bytes for equal cells.

    Raises:
        UsageError: it cannot be read, is no notebook, is not in Python, or jupytext is missing.
    """
    try:
        import jupytext
    except ImportError as error:
        extra = "pip install 'reproducibility-harness[notebook]'"
        raise UsageError(f"{notebook}: a notebook needs jupytext: {extra}") from error
    try:
        with untrusted.open_regular(notebook, follow_links=True) as file:
            content = json.loads(file.read(_LARGEST))
        read = jupytext.reads(json.dumps(content), fmt="ipynb")
    except OSError as error:
        raise UsageError(f"{notebook}: cannot be read: {error.strerror}") from error
    except Exception as error:
        # What is no notebook fails in as many ways as there are libraries below.
        raise UsageError(f"{notebook}: is no notebook that can be read: {error}") from error
    language = read.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise UsageError(f"{notebook}: is in {language}; only notebooks in Python can be run")
    # Of the metadata nothing is written: they name versions of programs and when they ran.
    nothing = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}
    read.metadata = {"jupytext": nothing}
    text: str = jupytext.writes(read, fmt="py:percent")
    return text.encode("utf-8")
