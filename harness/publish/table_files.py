"""The tables of a publication as files: Markdown, LaTeX, CSV and Parquet."""

from __future__ import annotations

import itertools
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
% A table as large as it is, smaller where the page is.
\newcommand{\fit}[1]{\sbox{\fitted}{#1}%
  \ifdim\wd\fitted>\linewidth\sbox{\fitted}{\resizebox{\linewidth}{!}{\usebox{\fitted}}}\fi
  \ifdim\dimexpr\ht\fitted+\dp\fitted\relax>0.9\textheight
    \resizebox*{!}{0.9\textheight}{\usebox{\fitted}}\else\usebox{\fitted}\fi}
\begin{document}
"""
_ROWS_ON_A_PAGE = 24
_MOST_PAGES = 40
"""Nobody prints more; the single tables have every row."""


def write(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write each frame in the four formats, named by its key, and a document to print from LaTeX.

    Equal frames give equal bytes, with one version of pyarrow.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        for format, suffix in _SUFFIXES.items():
            (folder / f"{name}.{suffix}").write_text(tables.render(frame, format), "utf-8")
        _parquet(frame, folder / f"{name}.parquet")
    pages = itertools.islice(_pages(frames), _MOST_PAGES)
    text = "".join([_PREAMBLE, *pages, "\\end{document}\n"])
    (folder / "document.tex").write_text(text, "utf-8")


def _pages(frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Every table in pieces that fit on a page, those about one workload together."""
    for name, frame in frames.items():
        for workload, rows in frame.groupby("workload", sort=False):
            title = escaping.latex(f"{name.capitalize()} of {workload}")
            for start in range(0, len(rows), _ROWS_ON_A_PAGE):
                table = tables.render(rows.iloc[start : start + _ROWS_ON_A_PAGE], "latex")
                begins = table.index("\\begin{tabular}")
                yield f"\\section*{{{title}}}\n\\fit{{%\n{table[begins:]}}}\n\\clearpage\n"


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    """Every column, exactly; without pandas' own notes, which name its version."""
    # pyarrow takes a while to import, and only this command needs it.
    import pyarrow as pa
    from pyarrow import parquet

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    parquet.write_table(table, path, compression="zstd")
