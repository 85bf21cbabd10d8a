"""`hash_seed`: the seed of Python's string hashes. The host sets the variable."""

from __future__ import annotations

import sys

from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """The seed this interpreter was started with; one set later does nothing."""
    value = run.imported.at_start.get("PYTHONHASHSEED", "")
    randomised = sys.flags.hash_randomization
    how = "PYTHONHASHSEED=%s at the start, sys.flags.hash_randomization=%d" % (value, randomised)
    if value.isdigit():
        return int(value), how
    return "random" if randomised else None, how
