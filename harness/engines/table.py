"""The engines by name, the one that contains most first: a new one is a folder and a line here."""

from __future__ import annotations

from collections.abc import Mapping

ENGINES: Mapping[str, str] = {
    "docker": "harness.engines.docker.engine",
    "local": "harness.engines.local.engine",
}
"""The module of each engine; it has a function `make`, see `harness.engines.protocol.Make`."""

AUTO = "auto"
NAMES = (AUTO, *ENGINES)
"""What `--engine` takes."""
