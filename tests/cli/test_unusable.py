"""What a command says where uv is gone, or the cache cannot be written: a code, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from commands import Ended

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data" / "matrices"
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
ROOT = os.geteuid() == 0
PROGRAM = "from harness.cli import main; main()"
WITHOUT_UV = f"""
import uv
def gone(): raise FileNotFoundError("uv")
uv.find_uv_bin = gone
{PROGRAM}
"""
COMMANDS = {
    "lock": ("lock", "small.yaml", "--renew"),
    "build": ("build", "small.yaml", "--engine", "local", "--only", "*tf2.15*"),
    "run": ("run", "small.yaml", "--engine", "local", "--only", "mnist-mlp,tf2.15.1*threads=1,*"),
    "doctor": ("doctor", "small.yaml", "--engine", "local", "--format", "csv"),
    "plan": ("plan", "small.yaml", "--engine", "local"),
    "clean": ("clean",),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a matrix and its locks, where everybody may write."""
    shutil.copy(DATA / "small.yaml", tmp_path)
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(0o755)
    for folder in (tmp_path, tmp_path / "locks"):
        folder.chmod(0o777)
    return tmp_path


def ended(
    home: Path, name: str, cache: Path, program: str = PROGRAM, before: tuple[str, ...] = ()
) -> Ended:
    variables = {
        **os.environ,
        "HARNESS_CACHE": str(cache),
        "HOME": str(home),
        "DOCKER_HOST": f"unix://{home}/no.sock",
        "COLUMNS": "1000",
    }
    done = subprocess.run(
        [*before, sys.executable, "-c", program, *COMMANDS[name]],
        capture_output=True,
        text=True,
        cwd=home,
        check=False,
        env=variables,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.mark.parametrize(
    ("name", "code"),
    [("lock", 5), ("build", 5), ("run", 5), ("doctor", 5), ("plan", 0), ("clean", 0)],
)
def test_without_uv(home: Path, name: str, code: int) -> None:
    found = ended(home, name, home / "cache", WITHOUT_UV)
    assert found.code == code, found.err
    assert code == 0 or "uv is not where it was installed" in found.err + found.out
    assert code == 0 or "pip install --force-reinstall uv" in found.err + found.out


@pytest.fixture
def forbidden(home: Path) -> Path:
    """A cache that was made by somebody else, who lets others only read."""
    cache = home / "cache"
    folders = ["wheels", "environments", "uv", "runners", "audits", "exchange", "datasets"]
    for folder in (cache, *(cache / name for name in folders)):
        folder.mkdir()
        folder.chmod(0o555)
    return cache


@pytest.mark.parametrize(
    ("name", "code"),
    [("lock", 4), ("build", 2), ("run", 2), ("doctor", 2), ("plan", 2), ("clean", 2)],
)
def test_where_the_cache_may_not_be_written(
    home: Path, forbidden: Path, name: str, code: int
) -> None:
    # Root may write anywhere, but not where the file system lets nobody.
    before = ("unshare", "--mount", "sh", "-c", READ_ONLY, str(forbidden)) if ROOT else ()
    found = ended(home, name, forbidden, before=before)
    assert found.code == code, found.err
    refusal = "Read-only file system" if ROOT else "Permission denied"
    assert code == 0 or refusal in found.err + found.out
    said = "let HARNESS_CACHE name a folder that can be written"
    assert code != 2 or said in " ".join((found.err + found.out).split())


@pytest.fixture
def full(home: Path) -> Iterator[Path]:
    """A cache on a disk with no room left."""
    cache = home / "full"
    cache.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(cache)]
    if not ROOT or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with (cache / "filling").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        yield cache
    finally:
        subprocess.run(["umount", str(cache)], check=True)


@pytest.mark.parametrize(
    ("name", "code"),
    [("lock", 4), ("build", 6), ("run", 6), ("doctor", 6), ("plan", 0), ("clean", 0)],
)
def test_on_a_full_disk(home: Path, full: Path, name: str, code: int) -> None:
    found = ended(home, name, full)
    assert found.code == code, found.err
    assert code in (0, 6) or "no space left" in found.err
