"""Dask says nothing itself: what matters of it, the program says."""

from __future__ import annotations

import logging

_LOGGERS = ("distributed", "tornado", "asyncio", "bokeh")


def quieten() -> None:
    """From now on no logger of Dask prints anything."""
    # Each has a level of its own, so silencing the one above them is not enough.
    for name in [*_LOGGERS, *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
