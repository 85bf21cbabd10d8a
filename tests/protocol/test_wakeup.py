"""Wake-up pipes: who waits is woken, once, and nothing but a pipe is written to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.protocol import wakeup

LONG = 60.0


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    wakeup.create(str(path))
    return path


@pytest.fixture
def waiter(pipe: Path) -> Iterator[wakeup.Waiter]:
    waiter = wakeup.Waiter(str(pipe))
    yield waiter
    waiter.close()


def _waited(waiter: wakeup.Waiter, seconds: float) -> float:
    began = time.monotonic()
    waiter.wait(seconds)
    return time.monotonic() - began


def test_a_notification_ends_the_wait(pipe: Path, waiter: wakeup.Waiter) -> None:
    threading.Timer(0.1, wakeup.notify, [str(pipe)]).start()
    assert 0.05 < _waited(waiter, LONG) < LONG / 2


def test_one_before_the_wait_counts_and_only_once(pipe: Path, waiter: wakeup.Waiter) -> None:
    wakeup.notify(str(pipe))
    wakeup.notify(str(pipe))
    assert _waited(waiter, LONG) < LONG / 2
    assert _waited(waiter, 0.1) >= 0.1


@pytest.mark.slow
def test_a_full_pipe_blocks_nobody(pipe: Path, waiter: wakeup.Waiter) -> None:
    # More than the pipe holds: those who write are not blocked either.
    for _ in range(70_000):
        wakeup.notify(str(pipe))
    assert _waited(waiter, LONG) < LONG / 2


def test_nobody_need_wait(pipe: Path, tmp_path: Path) -> None:
    wakeup.notify(str(pipe))
    wakeup.notify(str(tmp_path / "nothing"))


def test_without_a_pipe_the_waits_are_short(tmp_path: Path) -> None:
    waiter = wakeup.Waiter(str(tmp_path / "nothing"))
    assert waiter.descriptor is None
    assert _waited(waiter, LONG) < LONG / 2
    waiter.close()


@pytest.mark.parametrize("link", [False, True])
def test_what_lies_in_the_place_of_a_pipe_is_left_alone(tmp_path: Path, link: bool) -> None:
    target = tmp_path / "target"
    target.write_text("content")
    path = tmp_path / "pipe" if link else target
    if link:
        path.symlink_to(target)
    wakeup.notify(str(path))
    assert wakeup.Waiter(str(path)).descriptor is None
    assert target.read_text() == "content"
