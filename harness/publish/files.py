"""The tables of a publication as files: Markdown, LaTeX, CSV and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from harness.publish import escaping, tables

_SUFFIXES = {"markdown": "md", "latex": "tex", "csv": "csv"}

_PREAMBLE = r"""% pdflatex document.tex; a single table: \usepackage{booktabs} and \input{classes}
\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\setlength{\parindent}{0pt}
\newsavebox{\fitted}
\newcommand{\fit}[1]{\sbox{\fitted}{\input{#1}}%
  \ifdim\wd\fitted>\linewidth\resizebox{\linewidth}{!}{\usebox{\fitted}}\else\usebox{\fitted}\fi}
\begin{document}
"""
_MOST_LATEX_ROWS = 60
"""More than this fits on no page; CSV and Parquet have every row."""


def write(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write each frame in the four formats, named by its key, and a document with the LaTeX ones.

    Frames with more rows than a page holds are cut in LaTeX, and say so. Equal frames give equal
    bytes, with one version of pyarrow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        for format, suffix in _SUFFIXES.items():
            text = "".join(_texts(frame, format))
            (folder / f"{name}.{suffix}").write_text(text, "utf-8")
        _parquet(frame, folder / f"{name}.parquet")
    (folder / "document.tex").write_text(_document(frames), "utf-8")


def _texts(frame: pd.DataFrame, format: str) -> Iterator[str]:
    if format == "latex" and len(frame) > _MOST_LATEX_ROWS:
        yield f"% the first {_MOST_LATEX_ROWS} of {len(frame)} rows; the CSV file has all\n"
        frame = frame.head(_MOST_LATEX_ROWS)
    yield tables.render(frame, format)


def _document(frames: Mapping[str, pd.DataFrame]) -> str:
    parts = [
        f"\\section*{{{escaping.latex(name.capitalize())}{_cut(frame)}}}\n\\fit{{{name}}}\n\\clearpage\n"
        for name, frame in frames.items()
    ]
    return "".join([_PREAMBLE, *parts, "\\end{document}\n"])


def _cut(frame: pd.DataFrame) -> str:
    return f" (first {_MOST_LATEX_ROWS} of {len(frame)})" if len(frame) > _MOST_LATEX_ROWS else ""


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    """Every column, exactly; without pandas' own notes, which name its version."""
    # pyarrow takes a while to import, and only this command needs it.
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    parquet.write_table(table, path, compression="zstd")
