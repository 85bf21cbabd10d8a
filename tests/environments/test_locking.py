"""Locks made by the real uv from the real package index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.environments import lockfile, locking
from harness.errors import LockError
from harness.matrix.environment import Environment

pytestmark = pytest.mark.network

ENVIRONMENT = Environment(python="3.10", tensorflow="2.10.0", numpy="1.26.4")
OLD = Environment(python="3.8", tensorflow="2.4.4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locks of two environments."""
    found = tmp_path_factory.mktemp("locks")
    for environment in (ENVIRONMENT, OLD):
        locking.make(environment, found)
    return found


def test_lock_answers_the_environment(folder: Path) -> None:
    lock = locking.read(locking.path_of(ENVIRONMENT, folder), ENVIRONMENT)
    assert lock.version_of("tensorflow-cpu") == "2.10.0"
    assert lock.version_of("keras") == "2.10.0"
    assert len(lock.packages) > 30


def test_stated_numpy_may_be_newer_than_the_date_and_nothing_else_is(folder: Path) -> None:
    lock = locking.read(locking.path_of(ENVIRONMENT, folder), ENVIRONMENT)
    assert lock.version_of("numpy") == "1.26.4"
    assert lock.version_of("certifi") == "2022.9.14"


def test_protobuf_is_one_that_old_tensorflow_can_import(folder: Path) -> None:
    lock = locking.read(locking.path_of(OLD, folder), OLD)
    assert (lock.version_of("protobuf") or "").startswith("3.19.")


def test_only_packages_without_a_wheel_are_taken_as_source(folder: Path) -> None:
    lock = locking.read(locking.path_of(OLD, folder), OLD)
    sources = [package.name for package in lock.packages if not package.file.endswith(".whl")]
    assert sources == ["termcolor", "wrapt"]


def test_making_a_lock_again_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = locking.make(OLD, tmp_path)
    assert again.path.read_bytes() == locking.path_of(OLD, folder).read_bytes()


def test_pip_reads_a_lock_by_hand(folder: Path) -> None:
    code = (
        "from pip._internal.network.session import PipSession as S;"
        "from pip._internal.req.req_file import parse_requirements as p;import sys;"
        "print(sum(len(r.options['hashes']['sha256']) for r in p(sys.argv[1], S())))"
    )
    path = locking.path_of(ENVIRONMENT, folder)
    printed = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert int(printed.stdout) == len(locking.read(path, ENVIRONMENT).packages)


def test_lock_that_is_there_is_used_and_not_renewed(folder: Path, tmp_path: Path) -> None:
    path = locking.path_of(OLD, folder)
    before = path.stat()
    lock = locking.ensure(OLD, [tmp_path, folder])
    assert lock.path == path
    assert path.stat() == before
    assert not list(tmp_path.iterdir())


def test_stale_lock_is_refused_and_left_alone(folder: Path, tmp_path: Path) -> None:
    text = locking.path_of(OLD, folder).read_text()
    stale = text.replace("# date: 2021-11-15", "# date: 2021-11-14")
    path = locking.path_of(OLD, tmp_path)
    path.write_text(stale)
    with pytest.raises(LockError, match="stale"):
        locking.ensure(OLD, [tmp_path, folder])
    assert path.read_text() == stale


def test_missing_lock_is_made_in_the_first_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = locking.ensure(OLD, [tmp_path / "first", tmp_path / "second"])
    assert lock.path == locking.path_of(OLD, tmp_path / "first")
    assert not (tmp_path / "second").exists()


def test_what_uv_cannot_resolve_is_explained(tmp_path: Path) -> None:
    # Within the range, of a known minor version, and never released.
    missing = Environment(python="3.13", tensorflow="2.20.0", numpy="2.4.99")
    with pytest.raises(LockError, match=r"no version of numpy==2\.4\.99"):
        locking.make(missing, tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_network_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(LockError, match="the package index cannot be reached"):
        locking.make(OLD, tmp_path)


def test_settings_of_the_shell_do_not_change_a_lock(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2021-01-01")
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_CONSTRAINT", "/nowhere/constraints.txt")
    (tmp_path / "uv.toml").write_text('resolution = "lowest"\n')
    monkeypatch.chdir(tmp_path)
    again = locking.make(OLD, tmp_path / "locks")
    assert again.path.read_bytes() == locking.path_of(OLD, folder).read_bytes()


def test_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LockError, match="cannot be written"):
        lockfile.write(tmp_path / "file" / "lock.txt", "")
