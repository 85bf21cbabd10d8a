"""`advise`: what results say to do, per workload."""

from __future__ import annotations

from harness import console
from harness.cli import options
from harness.errors import SelectionError


def advise(results: options.Sources, only: options.Only = None) -> None:
    """Say, per workload, what to set so that it repeats itself, what that costs, and which releases
    of TensorFlow leave the same bits: no more than these results show.
    """
    # pandas takes half a second to import, and most commands do not need it.
    from harness.analysis import advice, merging
    from harness.studies import result_sources

    with result_sources.opened(results) as folders:
        merged = merging.selected(merging.merge(folders), tuple(only or ()))
        found = advice.findings(merged)
    if not found:
        raise SelectionError("no cell here has weights; harness run makes them")
    several = len({(each.matrix, each.device) for each in found}) > 1
    for each in found:
        where = f" ({each.matrix}, {each.device})" if several else ""
        lines = "".join(f"  {line.text}\n" for line in each.lines)
        console.result(f"{each.workload}{where}\n{lines}")
