"""`harness worker` whose runs only sleep: see `simulated_job`.

    simulated_worker.py ADDRESS NAME TLS CHANGES COMMAND...

TLS is a folder with certificates or "", CHANGES a JSON object that replaces parts of what the
worker says it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.cli import failures, wiring
from harness.executors.cluster import addresses, identity, serving


def main(address: str, name: str, tls: str, changes: str, *command: str) -> None:
    """Be a worker until interrupted."""
    where = addresses.parse(address)
    machine = wiring.this_machine()
    description = {
        "program": identity.program_to_json(),
        "machine": machine.id,
        "hardware": machine.hardware,
        "engine": {"name": "local", "version": "simulated"},
        "lacks": {},
    }
    serving.serve(
        where,
        addresses.security(where, Path(tls) if tls else None),
        command=command,
        description={**description, **json.loads(changes)},
        presence=serving.Presence(name=name),
    )


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        sys.exit(failures.report(error))
