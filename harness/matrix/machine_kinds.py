"""Kinds of machines that a matrix asks for: `machines:`, for sweeps on a cluster."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from harness.matrix import text, values
from harness.matrix.text import Problems
from harness.protocol.processor import INSTRUCTION_SETS

KEYS = ("cpu", "isa", "gpu", "cpus", "memory")
MAX_CPUS = 1 << 16
ISAS = {**INSTRUCTION_SETS, "avx512": INSTRUCTION_SETS["avx512_core"]}
"""Instruction sets by name, with the CPU flags that they are."""

_SIZE = re.compile(r"([1-9][0-9]{0,5})([GT])", re.ASCII)
_GIBIBYTES = {"G": 1, "T": 1 << 10}


@dataclass(frozen=True, kw_only=True)
class MachineKind:
    """A kind of machine, by what it must have; what is None does not matter.

    `cpu` is a glob for the generation or the model of the CPU, `isa` an instruction set that it
    has, `gpu` a part of the name of a GPU, `cpus` how many CPUs it shows, `memory` how many GiB it
    has at least.
    """

    cpu: str | None = None
    isa: str | None = None
    gpu: str | None = None
    cpus: int | None = None
    memory: int | None = None

    def __str__(self) -> str:
        parts = {key: getattr(self, key) for key in KEYS if getattr(self, key) is not None}
        if self.memory is not None:
            parts["memory"] = f"{self.memory}G"
        return ", ".join(f"{key}={value}" for key, value in parts.items()) or "any"

    def lacks(self, hardware: Mapping[str, Any]) -> str | None:
        """Why a machine that describes itself so is not of this kind, None where it is."""
        cpus, memory = len(hardware["visible_cpus"]), hardware["memory_bytes"] >> 30
        flags = set(hardware["cpu_flags"])
        names = [hardware["microarchitecture"], hardware["cpu_model"]]
        gpus = [str(gpu["name"]) for gpu in hardware["gpus"]]
        missing = [flag for flag in ISAS.get(self.isa or "", ()) if flag not in flags]
        if self.cpu is not None and not any(_matches(self.cpu, str(name)) for name in names):
            return f"its CPU is {' or '.join(map(str, names))}"
        if missing:
            return f"its CPU lacks {missing[0]}"
        if self.gpu is not None and not any(self.gpu.casefold() in gpu.casefold() for gpu in gpus):
            return f"its GPUs are {', '.join(gpus)}" if gpus else "it has no GPU"
        if self.cpus is not None and self.cpus != cpus:
            return f"it shows {cpus} CPUs"
        if self.memory is not None and memory < self.memory:
            return f"it has {memory} GiB of memory"
        return None


ANY = MachineKind()
"""What a matrix without `machines:` asks for."""


def _matches(glob: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name.casefold(), glob.casefold())


def read(node: yaml.Node | None, problems: Problems) -> tuple[MachineKind, ...]:
    """The kinds that a list in a matrix file names, none where there is no list."""
    if node is None:
        return ()
    members = text.items(node)
    if not members:
        problems.add(node, "machines is empty; leave it out, and any machine will do")
    kinds = [_kind(member, problems) for member in members]
    for place, kind in enumerate(kinds):
        if kind in kinds[:place]:
            problems.add(members[place], f"machines has this kind twice: {kind}")
    return tuple(kinds)


def _kind(node: yaml.Node, problems: Problems) -> MachineKind:
    entries = text.mapping(node, "a kind of machine", problems, KEYS)
    if isinstance(node, yaml.MappingNode) and not entries:
        problems.add(node, f"a kind of machine needs one of {', '.join(KEYS)}")
    words = {key: text.scalar(value, key, problems) for key, value in entries.items()}
    return MachineKind(
        cpu=words.get("cpu"),
        gpu=words.get("gpu"),
        isa=_isa(entries.get("isa"), words.get("isa"), problems),
        cpus=_cpus(entries.get("cpus"), words.get("cpus"), problems),
        memory=_memory(entries.get("memory"), words.get("memory"), problems),
    )


def _isa(node: yaml.Node | None, word: str | None, problems: Problems) -> str | None:
    if node is not None and word is not None and word not in ISAS:
        problems.add(node, f"unknown instruction set {word!r}{text.suggestion(word, ISAS)}")
    return word


def _cpus(node: yaml.Node | None, word: str | None, problems: Problems) -> int | None:
    if node is None or word is None:
        return None
    number = values.whole_number(word)
    if number is None or not 1 <= number <= MAX_CPUS:
        problems.add(node, f"cpus of a machine must be a whole number from 1 on, not {word!r}")
    return number


def _memory(node: yaml.Node | None, word: str | None, problems: Problems) -> int | None:
    if node is None or word is None:
        return None
    match = _SIZE.fullmatch(word)
    if match is None:
        problems.add(node, f"memory of a machine must be a size such as 64G, not {word!r}")
        return None
    return int(match[1]) * _GIBIBYTES[match[2]]
