"""A DataFrame that shows itself in a notebook with what is worth reading."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from harness.notebook import table_html


class Table(pd.DataFrame):
    """A DataFrame in every respect; a notebook shows the columns that people read, and few rows.

    So do its parts, as long as they have all columns of the table; others show what they have.
    """

    @property
    def _constructor(self) -> Callable[..., Table]:
        return Table

    def _repr_html_(self) -> str | None:
        if table_html.is_known(self):
            return table_html.of_table(self)
        shown: str | None = super()._repr_html_()  # type: ignore[misc]
        return shown
