"""What the runner says about the processor."""

from __future__ import annotations

import os

import pytest

from harness.protocol import processor

AVX2 = ["avx2", "fma", "sse4_1"]
AVX512 = [*AVX2, "avx512bw", "avx512dq", "avx512f", "avx512vl"]


@pytest.mark.parametrize(
    ("flags", "best"), [(["sse4_1"], "sse41"), (AVX2, "avx2"), (AVX512, "avx512_core")]
)
def test_the_best_instruction_set_follows_from_the_flags(flags: list[str], best: str) -> None:
    assert processor.best_of(flags) == best


def test_a_part_of_avx512_is_not_enough() -> None:
    assert not processor.supports("avx512_core", [*AVX2, "avx512f"])
    assert processor.supports("avx512_core", AVX512)


def test_without_flags_nothing_is_denied() -> None:
    assert processor.supports("avx512_core", [])


def test_usable_cpus_are_those_of_the_affinity_mask() -> None:
    assert processor.usable_cpus() == len(os.sched_getaffinity(0))


def test_flags_are_sorted_and_belong_to_this_machine() -> None:
    flags = processor.cpu_flags()
    assert flags == sorted(flags)
    assert flags
