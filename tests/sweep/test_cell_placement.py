"""Placement: each cell on one machine per kind, all of it, and where its records are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from results_factory import cell, hardware

from harness.matrix.cells import Cell
from harness.matrix.machine_kinds import MachineKind
from harness.sweep.cell_placement import Candidate, RecordedRepeats, place_cells

CELLS = [
    cell(seed=seed, workload=workload, onednn=onednn)
    for seed in range(1, 9)
    for workload in ("mnist-mlp", "co2-conv", "mnist-cnn", "co2-lstm")
    for onednn in ("on", "off")
]
WIDE = MachineKind(isa="avx512")
GPU = MachineKind(gpu="h100")


def machine(
    name: str,
    cpus: int = 2,
    flags: tuple[str, ...] = (),
    gpus: tuple[str, ...] = (),
    recorded: Mapping[str, RecordedRepeats] | None = None,
    refused: str = "",
) -> Candidate:
    described = hardware(
        cpu_flags=["avx2", *flags],
        memory_bytes=8 << 30,
        gpus=[{"name": gpu, "memory_bytes": 1} for gpu in gpus],
    )

    def settle(cell: Cell) -> Cell:
        return replace(cell, status="unavailable", reason=refused) if refused else cell

    return Candidate(
        machine=name,
        hardware=described,
        cpus=cpus,
        settle=settle,
        progress=lambda cell: (recorded or {}).get(cell.id, "none"),
    )


AVX512 = ("avx512f", "avx512bw", "avx512vl", "avx512dq")


def test_every_cell_has_one_home_and_more_cpus_have_more() -> None:
    found = place_cells(CELLS, (), [machine("small", 2), machine("large", 30)])
    counts = {name: len(its) for name, its in found.cells.items()}
    assert sum(counts.values()) == len(CELLS) and not found.absent
    assert counts["large"] > counts["small"]
    every = Counter(each.id for its in found.cells.values() for each in its)
    assert set(every.values()) == {1}


def test_what_shares_a_process_shares_a_home() -> None:
    found = place_cells(CELLS, (), [machine(name) for name in "abc"])
    owners = {
        (each.workload, each.settings["onednn"]): name
        for name, its in found.cells.items()
        for each in its
    }
    for name, its in found.cells.items():
        assert {owners[each.workload, each.settings["onednn"]] for each in its} <= {name}


def test_a_further_machine_takes_cells_and_moves_none_between_the_others() -> None:
    before = place_cells(CELLS, (), [machine(name) for name in "ab"]).cells
    after = place_cells(CELLS, (), [machine(name) for name in "abc"]).cells
    for name in "ab":
        assert {each.id for each in after[name]} <= {each.id for each in before[name]}


def test_a_cell_stays_where_its_records_are() -> None:
    begun = {each.id: "begun" for each in CELLS}
    found = place_cells(CELLS, (), [machine("a"), machine("b", recorded=begun)])  # type: ignore[arg-type]
    assert [each.id for each in found.cells["b"]] == [each.id for each in CELLS]


def test_what_a_machine_without_a_worker_has_complete_is_not_done_again() -> None:
    complete: dict[str, RecordedRepeats] = {each.id: "complete" for each in CELLS[:5]}
    begun: dict[str, RecordedRepeats] = {each.id: "begun" for each in CELLS[5:9]}
    gone = machine("gone", cpus=0, recorded={**complete, **begun})
    found = place_cells(CELLS, (), [machine("here"), gone])
    assert found.done_elsewhere == 5
    assert [each.id for each in found.cells["here"]] == [each.id for each in CELLS[5:]]


def test_each_cell_once_per_kind_and_a_kind_that_nobody_is_has_the_reason() -> None:
    wide, plain = machine("wide", flags=AVX512), machine("plain", gpus=("NVIDIA H100 PCIe",))
    found = place_cells(CELLS, (WIDE, GPU), [wide, plain])
    assert len(found.cells["wide"]) == len(found.cells["plain"]) == len(CELLS)

    without = place_cells(CELLS, (WIDE, GPU), [wide])
    assert len(without.cells["wide"]) == len(CELLS)
    (absent,) = without.absent.values()
    assert len(absent) == len(CELLS)
    assert {each.status for each in absent} == {"unavailable"}
    assert "gpu=h100" in absent[0].reason and "wide: it has no GPU" in absent[0].reason


def test_two_kinds_that_are_one_machine_are_one_run() -> None:
    both = machine("both", flags=AVX512, gpus=("NVIDIA H100",))
    found = place_cells(CELLS, (WIDE, GPU), [both])
    assert len(found.cells["both"]) == len(CELLS) and not found.absent


def test_a_machine_that_cannot_run_a_cell_gets_it_only_where_no_other_can() -> None:
    unable = machine("unable", cpus=60, refused="no such GPU")
    found = place_cells(CELLS, (), [unable, machine("able")])
    assert not found.cells["unable"] and len(found.cells["able"]) == len(CELLS)
    alone = place_cells(CELLS, (), [unable]).cells["unable"]
    assert {(each.status, each.reason) for each in alone} == {("unavailable", "no such GPU")}
