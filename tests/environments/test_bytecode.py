"""Bytecode: compiled once, linked into each environment, and that of the installed modules."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness import places, processes, trees
from harness.environments import bytecode, interpreters, wheels
from harness.environments.bytecode import Compiler
from harness.environments.lock import Lock, Package
from harness.matrix.environment import Environment
from harness.processes import ProcessFailedError

SIX = Package(
    name="six",
    version="1.16.0",
    file="six-1.16.0-py2.py3-none-any.whl",
    sha256="8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
)


def make_lock(*packages: Package) -> Lock:
    """A lock by hand: only its packages are looked at."""
    return Lock(
        environment=Environment(python="3.11", tensorflow="2.15.0", device="cpu"),
        packages=packages,
        platform="manylinux_2_17_x86_64",
        sha256="0" * 64,
        path=Path("by-hand.txt"),
    )


LOCK = make_lock(SIX)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, with the wheels of the real one."""
    wheels.gather(LOCK)
    (tmp_path / "cache").mkdir()
    shutil.copytree(places.cache("wheels", SIX.sha256), tmp_path / "cache/wheels" / SIX.sha256)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))


def compiler(python: Path | None = None) -> Compiler:
    """That of Python 3.11 here; `python` starts in its stead."""
    found = interpreters.find("3.11")

    def run(arguments: Sequence[str], folder: Path, log: Path) -> None:
        processes.run([str(python or found.path), *arguments], log=log, cwd=folder)

    return Compiler(build=found.build, run=run)


Way = Callable[[Lock, Compiler, Path, Path], object]
WAYS = pytest.mark.parametrize("way", [bytecode.add, bytecode.share])


def installed(site_packages: Path, way: Way = bytecode.add) -> Path:
    """The bytecode of a module in a new site-packages folder."""
    wheels.install(LOCK, site_packages)
    way(LOCK, compiler(), site_packages, site_packages.with_suffix(".log"))
    return site_packages / "__pycache__" / "six.cpython-311.pyc"


@WAYS
@pytest.mark.usefixtures("own_cache")
def test_two_environments_share_one_compiled_file(tmp_path: Path, way: Way) -> None:
    one, two = installed(tmp_path / "one", way), installed(tmp_path / "two", way)
    assert one.samefile(two)
    assert one.parent.is_symlink() == (way is bytecode.share)
    assert not (tmp_path / "two.log").exists(), "the compiler ran again"
    assert not list(bytecode.root().glob(".partial-*"))


@WAYS
@pytest.mark.usefixtures("own_cache")
def test_bytecode_that_changed_in_the_cache_is_compiled_again(
    tmp_path: Path, way: Way, capfd: pytest.CaptureFixture[str]
) -> None:
    right = installed(tmp_path / "one", way).read_bytes()
    (folder,) = bytecode.root().glob(f"*/{SIX.sha256}")
    compiled = folder / "__pycache__" / "six.cpython-311.pyc"
    compiled.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    assert installed(tmp_path / "two", way).read_bytes() == right
    assert f"{compiled}: changed; compiled again" in " ".join(capfd.readouterr().err.split())


@WAYS
@pytest.mark.usefixtures("own_cache")
def test_what_was_removed_by_half_is_compiled_again(tmp_path: Path, way: Way) -> None:
    installed(tmp_path / "one", way)
    (folder,) = bytecode.root().glob(f"*/{SIX.sha256}")
    (folder / "modules.json").unlink()
    trees.unseal(folder)
    compiled = installed(tmp_path / "two", way)
    assert compiled.exists() and bytecode.is_whole(folder)


@pytest.mark.usefixtures("own_cache")
def test_what_is_shared_is_told_and_holds_the_bytecode(tmp_path: Path) -> None:
    wheels.install(LOCK, tmp_path / "one")
    shared = bytecode.share(LOCK, compiler(), tmp_path / "one", tmp_path / "log")
    assert [path.name for path in shared] == [SIX.sha256]
    assert (shared[0] / "__pycache__" / "six.cpython-311.pyc").exists()


@WAYS
@pytest.mark.usefixtures("own_cache")
def test_a_folder_of_bytecode_that_a_wheel_brings_stays(tmp_path: Path, way: Way) -> None:
    brought = tmp_path / "one" / "__pycache__" / "other.cpython-311.pyc"
    wheels.install(LOCK, tmp_path / "one")
    brought.parent.mkdir()
    brought.touch()
    way(LOCK, compiler(), tmp_path / "one", tmp_path / "log")
    assert brought.exists()
    assert brought.with_name("six.cpython-311.pyc").exists()


@WAYS
@pytest.mark.usefixtures("own_cache")
def test_an_imported_module_says_where_it_lies(tmp_path: Path, way: Way) -> None:
    installed(tmp_path / "one", way)
    shutil.move(tmp_path / "one", tmp_path / "other")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'other')!r}); import six;"
        "print(six.__cached__, six.add_move.__code__.co_filename)"
    )
    python = str(interpreters.find("3.11").path)
    said = subprocess.check_output([python, "-I", "-c", program], text=True)
    other = tmp_path / "other"
    assert said.split() == [
        str(other / "__pycache__" / "six.cpython-311.pyc"),
        str(other / "six.py"),
    ]


@WAYS
def test_a_module_that_two_packages_bring_is_never_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    packages = [replace(SIX, name=name, sha256=name * 64) for name in ("a", "b")]
    for content in ("WHOSE = 'a'", "WHOSE = 'b'"):
        site_packages = tmp_path / content[-2]
        for package in packages:
            record = site_packages / f"{package.name}-1.16.0.dist-info" / "RECORD"
            record.parent.mkdir(parents=True)
            record.write_text(f"{package.name}.py,,\nshared.py,,\n")
            (site_packages / f"{package.name}.py").touch()
        (site_packages / "shared.py").write_text(content)
        way(make_lock(*packages), compiler(), site_packages, tmp_path / "log")
        compiled = (site_packages / "__pycache__" / "shared.cpython-311.pyc").read_bytes()
        assert f"\x01{content[-2]}".encode() in compiled
    assert (site_packages / "__pycache__" / "b.cpython-311.pyc").exists()


def test_a_module_that_cannot_be_compiled_is_left_out_and_an_early_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    site_packages = tmp_path / "site"
    record = site_packages / "six-1.16.0.dist-info" / "RECORD"
    record.parent.mkdir(parents=True)
    record.write_text("template.py,,\nsix.py,,\n")
    (site_packages / "template.py").write_text("{{ name }} = = 1")
    (site_packages / "six.py").touch()
    ends_early = tmp_path / "python"
    ends_early.write_text("#!/bin/sh\nexit 1\n")
    ends_early.chmod(0o755)
    with pytest.raises(ProcessFailedError):
        bytecode.add(LOCK, compiler(ends_early), site_packages, tmp_path / "log")
    bytecode.add(LOCK, compiler(), site_packages, tmp_path / "log")
    names = [path.name for path in (site_packages / "__pycache__").iterdir()]
    assert names == ["six.cpython-311.pyc"]
