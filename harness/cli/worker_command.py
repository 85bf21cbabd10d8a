"""`worker`: carry out what a Dask scheduler hands out."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import console
from harness.cli import options, wiring
from harness.engines import choice
from harness.engines.protocol import Engine
from harness.errors import UsageError


def worker(
    address: Annotated[
        str | None,
        typer.Argument(metavar="[ADDRESS]", help="The scheduler: tls://HOST:8786."),
    ] = None,
    new_ca: Annotated[
        Path | None,
        typer.Option(
            "--new-ca", metavar="DIR", help="Make the certificates of a new cluster, and end."
        ),
    ] = None,
    tls: options.Tls = None,
    engine: options.Engine = options.ENGINE,
    trust_jobs: Annotated[
        bool,
        typer.Option("--trust-jobs", help="Let what jobs bring run outside of a container."),
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="How progress calls this worker.")
    ] = None,
    interface: Annotated[
        str | None,
        typer.Option("--interface", metavar="NAME", help="Its network interface, such as ib0."),
    ] = None,
    give_up: Annotated[
        float | None,
        typer.Option(
            "--give-up",
            metavar="SECONDS",
            help="End after so long without a scheduler; else it waits for ever.",
            min=1,
        ),
    ] = None,
) -> None:
    """Carry out jobs for harness run --on, on this machine, until it is interrupted."""
    if new_ca is not None:
        _make_authority(new_ca)
    elif address is None:
        raise UsageError("name the scheduler, such as tls://HOST:8786, or give --new-ca DIR")
    else:
        how = {"name": name, "interface": interface, "give_up": give_up}
        _serve(address, tls, engine, trust=trust_jobs, how=how)


def _make_authority(folder: Path) -> None:
    certificates = importlib.import_module("harness.executors.cluster.certificates")
    certificates.new_authority(folder)
    authority, certificate, key = (
        folder / name
        for name in (certificates.AUTHORITY, certificates.CERTIFICATE, certificates.KEY)
    )
    console.result(
        f"{folder}: whoever has this folder belongs to the cluster; copy it to its machines\n"
        f"  dask scheduler --protocol tls --tls-ca-file {authority} --tls-cert {certificate}"
        f" --tls-key {key}\n"
        f"  harness worker tls://HOST:8786 --tls {folder}\n"
        f"  harness run MATRIX --on tls://HOST:8786 --tls {folder}\n"
    )


def _serve(
    address: str, tls: Path | None, engine: str, *, trust: bool, how: Mapping[str, Any]
) -> None:
    # Dask takes a second to import.
    addresses = importlib.import_module("harness.executors.cluster.addresses")
    serving = importlib.import_module("harness.executors.cluster.serving")
    where = addresses.parse(address)
    security = addresses.security(where, tls)
    if how["interface"] is not None and where.scheme == "tcp":
        raise UsageError("--interface is for TLS: without it nobody but this machine is served")
    chosen, why = choice.choose(engine)
    if not chosen.contains and not trust:
        raise UsageError(
            "this would install and run what jobs bring as you, in no container (--engine docker "
            "has one); if you trust who can reach the scheduler, say --trust-jobs"
        )
    options.engine_note(engine, chosen.name, why)
    job = ("job", "--engine", chosen.name, "--for-worker", *(["--trust-job"] if trust else []))
    serving.serve(
        where,
        security,
        command=(sys.executable, "-m", "harness", *job),
        description=_description(chosen),
        presence=serving.Presence(**how),
    )


def _description(engine: Engine) -> dict[str, Any]:
    """What this worker says it is: measured here, never a label."""
    identity = importlib.import_module("harness.executors.cluster.identity")
    machine = wiring.this_machine()
    reasons = {device: engine.unavailable(device=device) for device in ("cpu", "gpu")}
    return {
        "program": identity.program_to_json(),
        "machine": machine.id,
        "hardware": machine.hardware,
        "engine": engine.describe(),
        "lacks": {device: reason for device, reason in reasons.items() if reason},
    }
