"""What a results folder says about its machine, as far as arithmetic can depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """A machine as described in `machine.json`; `fingerprint` ends with a digest of the rest.

    But for `caches` (`{"L1d": "32 KiB"}` in pairs) and `cpuid`, which machines of one fingerprint
    may differ in, and which are empty where the folder does not say them.
    """

    fingerprint: str
    cpu_model: str
    microarchitecture: str
    cpus: int
    flags: frozenset[str]
    gpus: tuple[str, ...]
    caches: tuple[tuple[str, str], ...] = ()
    cpuid: str = ""

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
        caches=tuple(sorted((name, _size(n)) for name, n in _caches(hardware).items())),
        cpuid=_cpuid(hardware.get("cpuid")),
    )


def _caches(hardware: Mapping[str, Any]) -> Mapping[str, int]:
    return hardware.get("caches") or {}


def _size(size: int) -> str:
    return f"{size >> 20} MiB" if size >= 1 << 20 and size % (1 << 20) == 0 else f"{size >> 10} KiB"


def _cpuid(said: Mapping[str, Any] | None) -> str:
    if not said:
        return ""
    return "{vendor} family {family} model {model} stepping {stepping}".format_map(said)


def is_alike(first: Hardware, second: Hardware) -> bool:
    """Whether both can be one machine: what is not known of one of them does not count."""
    if first.fingerprint != second.fingerprint:
        return False
    return not any(_unlike_details(first, second))


def distinction(one: Hardware, other: Hardware) -> str:
    """A word for a machine that another one does not share."""
    if one.fingerprint != other.fingerprint:
        return one.digest
    words = (f"{name.split()[0]}={ours}" for name, _, ours in _unlike_details(other, one))
    return "+".join(words).replace(" ", "")


def _unlike_details(first: Hardware, second: Hardware) -> Iterator[tuple[str, str, str]]:
    """The caches, and what the processor says it is, where both are known and differ."""
    theirs = dict(second.caches)
    for name, size in first.caches:
        if theirs.get(name, size) != size:
            yield f"{name} cache", size, theirs[name]
    if first.cpuid and second.cpuid and first.cpuid != second.cpuid:
        yield "CPUID", first.cpuid, second.cpuid


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
    parts += [f"{name} {ours} → {theirs}" for name, ours, theirs in _unlike_details(first, second)]
    lost, gained = sorted(first.flags - second.flags), sorted(second.flags - first.flags)
    parts += [f"without {', '.join(lost)}"] if lost else []
    return ", ".join(parts + ([f"with {', '.join(gained)}"] if gained else []))
