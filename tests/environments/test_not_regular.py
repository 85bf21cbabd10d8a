"""A pipe, a device or a folder in the place of a file is an error at once, and never waited for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from harness import places, trees
from harness.environments import bases, bytecode, locking, wheelhouse
from harness.environments.lock import Package
from harness.errors import LockError, UsageError
from harness.matrix.environment import Environment

SECONDS = 20
ENVIRONMENT = Environment(python="3.11", tensorflow="2.15.1")
PACKAGE = Package(
    name="six", version="1.16.0", file="six-1.16.0-py2.py3-none-any.whl", sha256="0" * 64
)


@pytest.fixture(autouse=True)
def bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What opens a pipe hangs: that ends the test as a failure."""

    def hangs(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"still waiting after {SECONDS} s")

    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


MADE: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
}


@pytest.fixture(params=MADE)
def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Path], Path]:
    """Puts something else in the place of a file."""

    def put(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        MADE[request.param](path)
        return path

    return put


def test_a_lock(stranger: Callable[[Path], Path], tmp_path: Path) -> None:
    path = stranger(locking.path_of(ENVIRONMENT, tmp_path))
    with pytest.raises(LockError, match="cannot be read: "):
        locking.read(path, ENVIRONMENT)
    with pytest.raises(LockError, match="cannot be read: "):
        locking.ensure(ENVIRONMENT, [tmp_path])


def test_a_file_of_bases(
    stranger: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(bases.BASES_VARIABLE, str(stranger(tmp_path / "bases.yaml")))
    with pytest.raises(UsageError, match="not a bases file"):
        bases.base_for(ENVIRONMENT)


def test_a_wheel_in_the_cache_is_thrown_away(stranger: Callable[[Path], Path]) -> None:
    path = stranger(wheelhouse.place(PACKAGE))
    assert not wheelhouse.holds(PACKAGE)
    assert not os.path.lexists(path)


def test_the_record_of_a_package(stranger: Callable[[Path], Path], tmp_path: Path) -> None:
    record = stranger(tmp_path / "six-1.16.0.dist-info" / "RECORD")
    with pytest.raises(OSError, match="not a regular file"):
        bytecode._modules_in(record)


def test_what_is_hashed(stranger: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        trees.sha256_of(stranger(tmp_path / "file"))
