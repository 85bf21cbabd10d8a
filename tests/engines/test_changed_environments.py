"""A virtual environment that is not what was made is noticed at its next use, and made anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from engines.engine_bench import SIX, Bench, make_lock

from harness import places
from harness.engines.local.engine import LocalEngine
from harness.environments import wheelhouse, wheels
from harness.environments.lock import Lock

INSIDE = Path("lib/python3.11/site-packages")


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lock:
    """A lock of one package, whose wheel is all that the test's own cache has."""
    wheels.gather(make_lock(SIX))
    wheel = wheelhouse.place(SIX)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    wheelhouse.place(SIX).parent.mkdir(parents=True)
    shutil.copy(wheel, wheelhouse.place(SIX))
    return make_lock(SIX)


def one_byte(path: Path) -> None:
    """Another last byte, in the file itself, and the time of modification as it was."""
    content, before = path.read_bytes(), path.stat()
    with path.open("r+b") as file:
        file.write(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte of bytecode": lambda site: one_byte(site / "__pycache__" / "six.cpython-311.pyc"),
    "a byte of a source": lambda site: one_byte(site / "six.py"),
    "no link to the bytecode": lambda site: (site / "__pycache__").unlink(),
    "a module more": lambda site: (site / "sitecustomize.py").write_text("1 / 0"),
    "a link elsewhere": lambda site: _replaced_by_link(site / "six.py"),
}


def _replaced_by_link(path: Path) -> None:
    other = path.rename(path.parents[4] / "other.py")
    path.symlink_to(other)


def test_a_new_environment_is_made_once_and_without_a_word(
    lock: Lock, local_engine: LocalEngine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = local_engine.assemble(lock, tmp_path / "build.log")
    local_engine.assemble(lock, tmp_path / "build.log")
    said = capfd.readouterr().err
    assert "again" not in said and "anew" not in said
    names = {path.name for path in Path(image.reference).glob("lib/python*/site-packages/*")}
    assert names == {"six.py", "six-1.16.0.dist-info", "__pycache__"}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_environment_is_made_anew(
    change: str,
    lock: Lock,
    local_engine: LocalEngine,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    site = Path(local_engine.assemble(lock, tmp_path / "1.log").reference) / INSIDE
    right = _files(site)
    capfd.readouterr()
    assert local_engine.assemble(lock, tmp_path / "2.log")
    assert capfd.readouterr().err == ""
    CHANGES[change](site)
    image = local_engine.assemble(lock, tmp_path / "3.log")
    assert "the virtual environment is made anew" in " ".join(capfd.readouterr().err.split())
    assert _files(site) == right
    program = "import json, six; json.dump(six.__version__, open(output + '/reply.json', 'w'))"
    assert Bench(local_engine, image, tmp_path).reply(program) == "1.16.0"


def _files(site: Path) -> dict[str, bytes]:
    # Not with rglob, which leaves out what lies behind links.
    return {
        os.path.relpath(Path(folder, name), site): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(site, followlinks=True)
        for name in names
    }


def test_what_was_edited_in_one_environment_is_not_installed_into_the_next(
    lock: Lock, local_engine: LocalEngine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    site = Path(local_engine.assemble(lock, tmp_path / "log").reference) / INSIDE
    right = _files(site)
    # The file is shared with uv's cache, as installing is linking.
    assert (site / "six.py").stat().st_nlink > 1
    one_byte(site / "six.py")
    wheels.install(lock, tmp_path / "other")
    assert (tmp_path / "other" / "six.py").read_bytes() == right["six.py"]
    assert "not as in its wheel; unpacked again" in " ".join(capfd.readouterr().err.split())
