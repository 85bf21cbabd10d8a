"""A small document of headings, paragraphs, lists, tables and commands, as Markdown or LaTeX.

Texts are plain: they are escaped for where they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.publish import markdown
from harness.publish.escaping import latex, visible
from harness.publish.escaping import markdown as markdown_text

MARK = "reproducibility-harness: artifact appendix"
"""In the first line of every appendix: only what has it is replaced."""

_ROWS_OF_A_PIECE = 18
_ON_A_LINE = 90
"""So many characters of the size of footnotes fit on a line of the usual A4 page."""
_GAP, _WIDEST = 3, 40
_LONGEST, _PIECE = 16, 8


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A title of level 1, 2, …"""

    level: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Some sentences."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A question or term, and what is said of it."""

    term: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Items:
    """A list."""

    texts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Lines for a shell."""

    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of as many texts as there are headers; `numeric` names the columns that hold numbers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = frozenset()


Block = Heading | Paragraph | Entry | Items | Commands | Table


def to_markdown(blocks: Sequence[Block]) -> str:
    """The document as Markdown, in the dialect of GitHub."""
    return "\n\n".join([f"<!-- {MARK} -->", *map(_markdown, blocks)]) + "\n"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {markdown_text(block.text)}"
    if isinstance(block, Paragraph):
        return markdown_text(block.text)
    if isinstance(block, Entry):
        return f"**{markdown_text(block.term)}** {markdown_text(block.text)}"
    if isinstance(block, Items):
        return "\n".join(f"- {markdown_text(text)}" for text in block.texts)
    if isinstance(block, Commands):
        return "\n".join(["```sh", *map(visible, block.lines), "```"])
    headers = [markdown_text(header) for header in block.headers]
    rows = [[markdown_text(text) for text in row] for row in block.rows]
    return markdown.table(headers, rows, [name in block.numeric for name in block.headers])


def to_latex(blocks: Sequence[Block]) -> str:
    """The document as LaTeX for `\\input`, in one column, with the package booktabs."""
    above = (
        f"% {MARK}\n% \\usepackage{{booktabs}} \\usepackage{{textcomp}} … \\appendix \\input{{…}}"
    )
    return "\n\n".join([above, *map(_latex, blocks)]) + "\n"


def _latex(block: Block) -> str:
    if isinstance(block, Heading):
        return f"\\{'sub' * (block.level - 1)}section{{{latex(block.text)}}}"
    if isinstance(block, Paragraph):
        return _breakable(block.text)
    if isinstance(block, Entry):
        return f"\\paragraph{{{latex(block.term)}}} {_breakable(block.text)}"
    if isinstance(block, Items):
        items = [f"\\item {_breakable(text)}" for text in block.texts]
        return "\n".join(["\\begin{itemize}", *items, "\\end{itemize}"])
    if isinstance(block, Commands):
        # Not verbatim, which ends where a stranger's text says so.
        lines = [f"{_breakable(line)}\\par" for line in block.lines]
        return "\n".join([r"{\parindent0pt\raggedright\small\ttfamily", *lines, "}"])
    return "\n\n".join(_latex_table(block))


def _latex_table(table: Table) -> Iterator[str]:
    widths = [_width([header, *column]) for header, column in _columns(table)]
    is_too_wide = sum(widths) > _ON_A_LINE
    return _latex_entries(table) if is_too_wide else _latex_pieces(table, widths)


def _columns(table: Table) -> Iterator[tuple[str, list[str]]]:
    for place, header in enumerate(table.headers):
        yield header, [row[place] for row in table.rows]


def _width(texts: Sequence[str]) -> int:
    """The characters of the longest word, as far as words are not broken, and a gap."""
    words = (len(word) for text in texts for word in text.split())
    return min(_LONGEST, max(words, default=1)) + _GAP


def _latex_entries(table: Table) -> Iterator[str]:
    """A table that no page is wide enough for: row by row, with the headers before each value."""
    first, *others = table.headers
    for row in table.rows:
        said = [f"{name}: {text}" for name, text in zip(others, row[1:], strict=True) if text]
        yield f"\\paragraph{{{latex(f'{first} {row[0]}')}}} {_breakable('; '.join(said))}"


def _latex_pieces(table: Table, narrowest: Sequence[int]) -> Iterator[str]:
    """The table in pieces that fit on a page, columns as wide as what they hold."""
    longest = [max(map(len, [header, *column])) for header, column in _columns(table)]
    widths = [
        max(least, min(_WIDEST, most)) for least, most in zip(narrowest, longest, strict=True)
    ]
    align = "".join(
        rf"p{{\dimexpr {width / sum(widths):.3f}\linewidth-2\tabcolsep}}" for width in widths
    )
    header = _latex_row(table.headers)
    for start in range(0, len(table.rows), _ROWS_OF_A_PIECE):
        rows = map(_latex_row, table.rows[start : start + _ROWS_OF_A_PIECE])
        begin = [r"{\noindent\footnotesize\raggedright", rf"\begin{{tabular}}{{{align}}}"]
        lines = [*begin, r"\toprule", header, r"\midrule", *rows, r"\bottomrule"]
        yield "\n".join([*lines, r"\end{tabular}\par}"])


def _latex_row(texts: Sequence[str]) -> str:
    return " & ".join(rf"\raggedright {_breakable(text)}" for text in texts) + r" \tabularnewline"


def _breakable(text: str) -> str:
    """The text for TeX, which may break long words: a digest is wider than a column."""
    return " ".join(map(_word, visible(text).split()))


def _word(word: str) -> str:
    if len(word) <= _LONGEST:
        return latex(word)
    pieces = [word[start : start + _PIECE] for start in range(0, len(word), _PIECE)]
    return "\\allowbreak{}".join(map(latex, pieces))
