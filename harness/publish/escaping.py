"""Text made safe for where it goes. Names and reasons may come from anybody's records."""

from __future__ import annotations

import html as html_text
import re

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the end of a row TeX reads a bracket or a star as an argument of it.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    '"': r"\symbol{34}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≠": r"$\neq$",
    "∈": r"$\in$",
    "×": r"$\times$",
    "°": r"\textdegree{}",
    "…": r"\ldots{}",
    "“": "``",
    "”": "''",
}
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def visible(text: str) -> str:
    """The text on one line, with control and invisible characters written out (`\\x1b`).

    A terminal can be told to do things by such characters.
    """
    one_line = " ".join(text.split())
    if one_line.isprintable():
        return one_line
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "replace").decode("ascii")
        for sign in one_line
    )


def html(text: str) -> str:
    """The text so that a page shows it, also within an attribute, and it starts no markup."""
    return html_text.escape(visible(text))


def latex(text: str) -> str:
    """The text so that TeX prints it and runs none of it."""
    escaped = "".join(_LATEX.get(sign, sign) for sign in visible(text))
    # Two hyphens would become a dash, three a longer one.
    return re.sub("-(?=-)", "-{}", escaped)


def markdown(text: str) -> str:
    """The text so that a table cell shows it and it starts no markup, link or HTML."""
    return _MARKDOWN.sub(_markdown_sign, visible(text))


def _markdown_sign(match: re.Match[str]) -> str:
    entities = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
    return entities.get(match[0], f"\\{match[0]}")
