"""Bells: who waits is woken, once, and nothing but a bell is rung."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.runner import bells

LONG = 60.0


@pytest.fixture
def bell(tmp_path: Path) -> Path:
    path = tmp_path / "bell"
    bells.hang(str(path))
    return path


@pytest.fixture
def listener(bell: Path) -> Iterator[bells.Listener]:
    listener = bells.Listener(str(bell))
    yield listener
    listener.close()


def _waited(listener: bells.Listener, seconds: float) -> float:
    began = time.monotonic()
    listener.wait(seconds)
    return time.monotonic() - began


def test_a_ring_wakes_who_waits(bell: Path, listener: bells.Listener) -> None:
    threading.Timer(0.1, bells.ring, [str(bell)]).start()
    assert 0.05 < _waited(listener, LONG) < LONG / 2


def test_a_ring_before_the_wait_counts_and_only_once(bell: Path, listener: bells.Listener) -> None:
    bells.ring(str(bell))
    bells.ring(str(bell))
    assert _waited(listener, LONG) < LONG / 2
    assert _waited(listener, 0.1) >= 0.1


def test_a_bell_that_never_stops_keeps_nobody(bell: Path, listener: bells.Listener) -> None:
    # More than the pipe holds: those who ring are not kept either.
    for _ in range(70_000):
        bells.ring(str(bell))
    assert _waited(listener, LONG) < LONG / 2


def test_nobody_need_listen(bell: Path, tmp_path: Path) -> None:
    bells.ring(str(bell))
    bells.ring(str(tmp_path / "nothing"))


def test_without_a_bell_the_waits_are_short(tmp_path: Path) -> None:
    listener = bells.Listener(str(tmp_path / "nothing"))
    assert listener.number is None
    assert _waited(listener, LONG) < LONG / 2
    listener.close()


@pytest.mark.parametrize("link", [False, True])
def test_what_lies_in_the_place_of_a_bell_stays_as_it_is(tmp_path: Path, link: bool) -> None:
    target = tmp_path / "target"
    target.write_text("kept")
    path = tmp_path / "bell" if link else target
    if link:
        path.symlink_to(target)
    bells.ring(str(path))
    assert target.read_text() == "kept"
