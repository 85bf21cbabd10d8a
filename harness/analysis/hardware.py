"""What a results folder says about its machine, as far as arithmetic can depend on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.results import fingerprint, regular_files, schemas
from harness.results.reading import MAX_BYTES, content_of
from harness.results.scan import MACHINE
from harness.results.store import MACHINE_SCHEMA


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """A machine as described in `machine.json`; `fingerprint` ends with a digest of the rest."""

    fingerprint: str
    cpu_model: str
    microarchitecture: str
    cpus: int
    flags: frozenset[str]
    gpus: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that other hardware does not have."""
        return self.fingerprint.rsplit("-", 1)[-1]


def read(sweep: Path) -> Hardware | None:
    """The machine of a sweep folder, None where the folder does not describe it.

    Raises:
        RecordError: `machine.json` is damaged or of another schema.
    """
    path = sweep / MACHINE
    data = regular_files.content(path, MAX_BYTES)
    if data is None:
        return None
    content = content_of(path, data, newest=MACHINE_SCHEMA, steps=schemas.MACHINE)
    try:
        return _of(content["hardware"])
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"{path}: does not describe a machine ({error!r}); copy the file again from where "
            "the sweep ran"
        ) from error


def _of(hardware: Mapping[str, Any]) -> Hardware:
    return Hardware(
        fingerprint=fingerprint.identify(hardware),
        cpu_model=str(hardware["cpu_model"]),
        microarchitecture=str(hardware["microarchitecture"]),
        cpus=len(hardware["visible_cpus"]),
        flags=fingerprint.arithmetic_flags(hardware),
        gpus=tuple(sorted(str(gpu["name"]) for gpu in hardware["gpus"])),
    )


def unlike(first: Hardware | None, second: Hardware | None) -> str:
    """What the second machine has other than the first: `microarchitecture zen4 → haswell, …`.

    Empty where they are alike, or one of them is not known.
    """
    if first is None or second is None:
        return ""
    pairs = (
        ("microarchitecture", first.microarchitecture, second.microarchitecture),
        ("CPU", first.cpu_model, second.cpu_model),
        ("visible CPUs", str(first.cpus), str(second.cpus)),
        ("GPUs", ", ".join(first.gpus) or "none", ", ".join(second.gpus) or "none"),
    )
    parts = [f"{name} {ours} → {theirs}" for name, ours, theirs in pairs if ours != theirs]
    lost, gained = sorted(first.flags - second.flags), sorted(second.flags - first.flags)
    parts += [f"without {', '.join(lost)}"] if lost else []
    return ", ".join(parts + ([f"with {', '.join(gained)}"] if gained else []))
