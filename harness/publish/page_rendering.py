"""The page of a publication: a template, the style and the scripts beside it, and the data."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "page"
SCRIPTS = (
    "elements.js",
    "data.js",
    "address.js",
    "axes.js",
    "tiles.js",
    "matrix.js",
    "keyboard.js",
    "filters.js",
    "plots.js",
    "distances.js",
    "pairs.js",
    "curves.js",
    "cell_details.js",
    "comparison.js",
    "panel.js",
    "tables.js",
    "start.js",
)
"""In the order in which they need each other."""


def render(context: Mapping[str, Any], data: object) -> str:
    """The page as one HTML file; `data` becomes JSON that the scripts read.

    Everything in `context` is escaped by the template, and the scripts set text only as text. A
    content security policy names the one script by its hash, so that nothing else can run.
    """
    # Jinja2 takes a while to import, and only this command needs it.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = "".join(_text(name) for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("index.html.jinja").render(
        **context,
        style=_text("page.css"),
        script=script,
        script_sha256=digest,
        data=safe_json(data),
    )


def safe_json(value: object) -> str:
    """JSON that may stand in a script: it cannot end one, and has no line ends of JavaScript."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.encode("utf-8", "replace").decode()


def data_file(name: str, value: object) -> str:
    """A script that hands `value` to the page under `name`: it works where fetching does not."""
    return f"harnessData({safe_json(name)},{safe_json(value)});\n"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")
