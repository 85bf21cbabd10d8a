"""`advise`: what results say to do, per workload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from harness import console
from harness.cli import bundle_commands, options, wiring
from harness.cli.sweeps import Setting
from harness.engines import choice
from harness.errors import SelectionError, UsageError
from harness.executors.run_processes import Limits

_REPEATS = 3


def advise(
    sources: options.Sources,
    only: options.Only = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Also run cells with each setting and without it here, in turn, alone.",
        ),
    ] = False,
    repeats: Annotated[
        int | None, typer.Option(help="Pairs of runs that --measure takes: 3.", min=2, max=100)
    ] = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    locks: bundle_commands.Locks = None,
    data: options.Data = None,
    trust_bundle: options.TrustBundle = False,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
) -> None:
    """Say, per workload, what to set so that it repeats itself, what that costs, and which releases
    of TensorFlow leave the same bits: no more than these results show.
    """
    if repeats is not None and not measure:
        raise UsageError("--repeats says how many pairs --measure runs: add --measure")
    # pandas takes half a second to import, and most commands do not need it.
    from harness.analysis import advice, merging
    from harness.studies import result_sources

    with result_sources.opened(sources) as folders:
        merged = merging.selected(merging.merge(folders), tuple(only or ()))
        found = advice.findings(merged)
        if not found:
            raise SelectionError("no cell here has weights; harness run makes them")
        measured: Mapping[str, list[str]] = {}
        if measure:
            from harness.cli import price_measurement
            from harness.cli.cell_scripts import Allowed

            request = price_measurement.Request(
                setting=_setting(engine, timeout, memory),
                repeats=repeats or _REPEATS,
                results=results,
                locks=locks or (),
                allowed=Allowed(data=data or (), trusted=trust_bundle),
            )
            measured = price_measurement.sentences(merged, folders, request)
    console.result(advice.text(found, measured))


def _setting(engine: str, timeout: float, memory: str) -> Setting:
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, reason = choice.choose(engine)
    console.note(f"engine: {chosen.name}; {reason}")
    return Setting(
        engine=chosen, named=options.named(engine), machine=wiring.this_machine(), limits=limits
    )
