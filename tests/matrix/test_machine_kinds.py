"""`machines:`: what a matrix may ask of machines, and which machines are that."""

from __future__ import annotations

import pytest
from results_factory import hardware

from harness.matrix import reading
from harness.matrix.machine_kinds import ANY, MachineKind
from harness.matrix.text import Problems

WIDE = ["avx512f", "avx512bw", "avx512vl", "avx512dq"]
HERE = {**hardware(cpu_model="AMD EPYC 7B13", cpu_flags=["avx2", *WIDE]), "memory_bytes": 64 << 30}


def read(machines: str) -> tuple[tuple[MachineKind, ...] | None, list[str]]:
    problems = Problems()
    source = f"schema: 1\nname: x\nenvironments: {{tensorflow: 2.15.1}}\nmachines: {machines}\n"
    matrix = reading.parse(source, problems)
    found = [f"{each.line}:{each.column}: {each.message}" for each in problems.found]
    return (matrix.machines if matrix else None), found


def test_kinds_are_read_as_they_stand() -> None:
    kinds, problems = read("[{isa: avx512}, {gpu: H100, memory: 1T}, {cpu: zen*, cpus: 2}]")
    assert not problems
    assert kinds == (
        MachineKind(isa="avx512"),
        MachineKind(gpu="H100", memory=1024),
        MachineKind(cpu="zen*", cpus=2),
    )
    assert [str(kind) for kind in kinds or ()] == [
        "isa=avx512",
        "gpu=H100, memory=1024G",
        "cpu=zen*, cpus=2",
    ]


def test_one_kind_may_stand_without_brackets_and_none_is_any() -> None:
    assert read("{isa: avx2}")[0] == (MachineKind(isa="avx2"),)
    assert ANY.lacks(HERE) is None and str(ANY) == "any"


@pytest.mark.parametrize(
    ("machines", "what"),
    [
        ("[]", "4:11: machines is empty"),
        ("[{}]", "4:12: a kind of machine needs one of cpu"),
        ("[{isa: avx521}]", "4:18: unknown instruction set 'avx521'; perhaps you meant 'avx512'"),
        ("[{gpus: H100}]", "4:13: unknown key 'gpus'"),
        ("[{cpus: none}]", "4:19: cpus of a machine must be a whole number"),
        ("[{memory: 64}]", "4:21: memory of a machine must be a size such as 64G"),
        ("[{gpu: H100}, {gpu: H100}]", "4:25: machines has this kind twice"),
        ("H100", "4:11: a kind of machine must be a mapping"),
    ],
)
def test_what_is_no_kind_is_said_with_its_place(machines: str, what: str) -> None:
    kinds, problems = read(machines)
    assert kinds is None and any(what in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (MachineKind(isa="avx512"), None),
        (MachineKind(cpu="zen*"), None),
        (MachineKind(cpu="*epyc*"), None),
        (MachineKind(cpus=2, memory=64), None),
        (MachineKind(cpu="haswell"), "its CPU is zen4 or AMD EPYC 7B13"),
        (MachineKind(gpu="H100"), "it has no GPU"),
        (MachineKind(cpus=4), "it shows 2 CPUs"),
        (MachineKind(memory=65), "it has 64 GiB of memory"),
    ],
)
def test_a_machine_is_of_a_kind_or_it_is_said_why_not(
    kind: MachineKind, reason: str | None
) -> None:
    assert kind.lacks(HERE) == reason


def test_a_machine_without_an_instruction_set_or_with_another_gpu_lacks_it() -> None:
    narrow = {**HERE, "cpu_flags": ["avx2"]}
    assert MachineKind(isa="avx512").lacks(narrow) == "its CPU lacks avx512f"
    other = {**HERE, "gpus": [{"name": "Tesla T4", "memory_bytes": 1}]}
    assert MachineKind(gpu="H100").lacks(other) == "its GPUs are Tesla T4"
    assert MachineKind(gpu="t4").lacks(other) is None
