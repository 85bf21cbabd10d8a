"""From a lock to a filled site-packages, with real packages from the real package index.

Small ones: six (pure), markupsafe (compiled, one wheel per Python) and termcolor (source only).
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import uv

from harness import compatibility, stamps, trees
from harness.environments import lockfile, resolving, source_builds, wheelhouse, wheels
from harness.environments.lock import Lock, Package
from harness.errors import BuildError, LockError
from harness.matrix.environment import Environment

pytestmark = pytest.mark.network

REQUIREMENTS = ("six==1.16.0", "markupsafe==2.1.1", "termcolor==1.1.0")
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
"""Of these, markupsafe 2.1.1 has wheels up to 3.10, so later ones get a later release."""

NOBODY_LISTENS = "http://127.0.0.1:9/simple"


def small_lock(python: str, folder: Path) -> Lock:
    """A lock of the three packages, resolved by uv as an environment's would be."""
    newer = python in ("3.11", "3.12", "3.13")
    request = resolving.Request(
        python=python,
        platform=compatibility.platform(),
        date="2025-01-01",
        requirements=tuple(
            "markupsafe==3.0.2" if newer and name.startswith("markupsafe") else name
            for name in REQUIREMENTS
        ),
        constraints=(),
        undated=(),
        sources=("termcolor",),
        without=(),
    )
    environment = Environment(python=python, tensorflow="2.4.4")
    header = {"environment": environment.id, "platform": request.platform}
    path = folder / f"{python}.txt"
    lockfile.write(path, lockfile.render(header, resolving.resolve(request, python)))
    return lockfile.parse(path, environment, header)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the tests of this file share; each thing is fetched once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(cache))


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    """The small lock for Python 3.10."""
    return small_lock("3.10", tmp_path_factory.mktemp("lock"))


def package(lock: Lock, name: str) -> Package:
    return next(package for package in lock.packages if package.name == name)


def changed(lock: Lock, name: str) -> Lock:
    """The lock with one digit of one hash changed."""
    old = package(lock, name)
    digit = "0" if old.sha256[0] != "0" else "1"
    new = dataclasses.replace(old, sha256=digit + old.sha256[1:])
    packages = tuple(new if p == old else p for p in lock.packages)
    return dataclasses.replace(lock, packages=packages)


def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", NOBODY_LISTENS)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("python", PYTHONS)
def test_site_packages_are_filled_for_every_python(python: str, tmp_path: Path) -> None:
    lock = small_lock(python, tmp_path)
    site = tmp_path / "site-packages"
    wheels.install(lock, site)
    found = {
        d.metadata["Name"].lower(): d.version
        for d in importlib.metadata.distributions(path=[str(site)])
    }
    assert found == {package.name: package.version for package in lock.packages}
    compiled = [path.name for path in site.rglob("_speedups*.so")]
    assert [f"cpython-{python.replace('.', '')}" in name for name in compiled] == [True]
    assert not list(site.rglob("__pycache__"))


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_installed_can_be_imported_by_that_python(python: str, tmp_path: Path) -> None:
    interpreter = find(python)
    if interpreter is None:
        pytest.skip(f"no Python {python} on this machine")
    wheels.install(small_lock(python, tmp_path), tmp_path / "site")
    code = "import markupsafe._speedups, termcolor, six; print(six.__version__)"
    done = subprocess.run(
        [
            interpreter,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {code}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "1.16.0"


def find(python: str) -> str | None:
    """An interpreter that really runs: a shim of a version manager may not."""
    places = [*Path("~/.pyenv/versions").expanduser().glob(f"{python}.*/bin/python")]
    command = [uv.find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", python]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    names = [*map(str, places), *done.stdout.split()]
    return next(iter(names), None)


def test_equal_locks_give_equal_bytes_everywhere(
    lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.install(lock, tmp_path / "one")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "another cache"))
    mask = os.umask(0o077)
    try:
        wheels.install(lock, tmp_path / "two")
    finally:
        os.umask(mask)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one")


def test_what_was_gathered_installs_without_a_network(
    lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.gather(lock)
    no_index(monkeypatch)
    wheels.install(lock, tmp_path / "site")
    assert (tmp_path / "site" / "six.py").exists()


def test_progress_is_told(lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "empty"))
    told: list[str] = []
    wheels.install(lock, tmp_path / "site", told.append)
    assert told[-2:] == ["fetched 3 of 3 files", "installing 3 packages"]


@pytest.mark.parametrize("name", ["six", "markupsafe", "termcolor"])
def test_changed_hash_is_refused_before_anything_is_installed(
    lock: Lock, tmp_path: Path, name: str
) -> None:
    with pytest.raises(LockError, match=rf"^{name} .*hash the lock asks for"):
        wheels.install(changed(lock, name), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_version_that_the_index_does_not_have_is_refused(lock: Lock, tmp_path: Path) -> None:
    old = package(lock, "six")
    gone = dataclasses.replace(
        old, version="1.99.0", file="six-1.99.0-py3-none-any.whl", sha256="0" * 64
    )
    with pytest.raises(LockError, match=r"six 1\.99\.0: the package index does not have"):
        wheels.install(dataclasses.replace(lock, packages=(gone,)), tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("six", b""), ("markupsafe", b"another wheel"), ("termcolor", b"another source")],
)
def test_swapped_file_in_the_cache_is_noticed_and_fetched_again(
    lock: Lock, tmp_path: Path, name: str, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    wheels.gather(lock)
    spoiled = package(lock, name)
    wheelhouse.place(spoiled).write_bytes(content)
    wheels.install(lock, tmp_path / "site")
    assert trees.sha256_of(wheelhouse.place(spoiled)) == spoiled.sha256
    assert "not the bytes the lock asks for; thrown away" in capfd.readouterr().err


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are hashed from now on."""
    hashed: list[Path] = []
    sha256_of = trees.sha256_of

    def counting(path: Path) -> str:
        hashed.append(path)
        return sha256_of(path)

    monkeypatch.setattr(trees, "sha256_of", counting)
    return hashed


def test_a_file_that_is_as_it_was_is_hashed_once(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.gather(lock)
    monkeypatch.setattr(stamps, "TICK_NS", 0)
    hashed = _counted(monkeypatch)
    six = package(lock, "six")
    wheelhouse.place(six).touch()
    assert wheelhouse.holds(six) and wheelhouse.holds(six)
    assert hashed == [wheelhouse.place(six)]


def test_an_edit_that_puts_the_time_back_is_noticed(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.gather(lock)
    monkeypatch.setattr(stamps, "TICK_NS", 0)
    six = package(lock, "six")
    path = wheelhouse.place(six)
    assert wheelhouse.holds(six)
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not wheelhouse.holds(six)


def test_a_file_too_recent_to_tell_is_hashed_again(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.gather(lock)
    hashed = _counted(monkeypatch)
    monkeypatch.setattr(stamps, "TICK_NS", 3600 * 10**9)
    six = package(lock, "six")
    assert wheelhouse.holds(six) and wheelhouse.holds(six)
    assert len(hashed) == 2


def test_wheel_of_another_release_in_the_cache_is_never_installed(
    lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.gather(lock)
    six, compiled = package(lock, "six"), package(lock, "markupsafe")
    shutil.copyfile(wheelhouse.place(compiled), wheelhouse.place(six))
    no_index(monkeypatch)
    with pytest.raises(BuildError, match="the package index cannot be reached"):
        wheels.install(lock, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_source_is_built_into_a_pure_wheel_once(lock: Lock) -> None:
    wheels.gather(lock)
    wheel = wheels.wheel_of(package(lock, "termcolor"))
    before = wheel.stat()
    assert wheel.name == "termcolor-1.1.0-py3-none-any.whl"
    assert wheels.wheel_of(package(lock, "termcolor")).stat() == before


def test_swapped_built_wheel_is_noticed_and_built_again(
    lock: Lock, capfd: pytest.CaptureFixture[str]
) -> None:
    wheels.gather(lock)
    wheel = wheels.wheel_of(package(lock, "termcolor"))
    sound = trees.sha256_of(wheel)
    wheel.write_bytes(b"another wheel")
    assert trees.sha256_of(wheels.wheel_of(package(lock, "termcolor"))) == sound
    assert "built again" in capfd.readouterr().err


def test_source_that_does_not_build_is_said_with_its_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken-1.0.tar.gz"
    (tmp_path / "broken-1.0").mkdir()
    (tmp_path / "broken-1.0" / "setup.py").write_text("raise SystemExit('error: no such compiler')")
    shutil.make_archive(str(tmp_path / "broken-1.0"), "gztar", tmp_path, "broken-1.0")
    wanted = Package(name="broken", version="1.0", file=broken.name, sha256=trees.sha256_of(broken))
    wheelhouse.keep(wanted, broken)
    with pytest.raises(BuildError, match=r"broken 1\.0: its source does not build"):
        source_builds.built(wanted)


def test_two_processes_share_one_cache(lock: Lock, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from harness.environments import lockfile, wheels;"
        "from harness.matrix.environment import Environment as E;"
        "e = E(python='3.10', tensorflow='2.4.4');"
        "h = {'environment': e.id, 'platform': 'manylinux_2_28_x86_64'};"
        "wheels.install(lockfile.parse(Path(sys.argv[1]), e, h), Path(sys.argv[2]))"
    )
    variables = {**os.environ, "HARNESS_CACHE": str(tmp_path / "shared")}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(lock.path), str(tmp_path / name)], env=variables
        )
        for name in ("one", "two", "three")
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    assert contents(tmp_path / "one") == contents(tmp_path / "three")


def test_folder_with_other_packages_is_not_what_the_lock_says(lock: Lock, tmp_path: Path) -> None:
    extra = tmp_path / "site" / "extra-1.0.dist-info"
    extra.mkdir(parents=True)
    (extra / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    with pytest.raises(BuildError, match=r"extra 1\.0 \(lock: nothing\)"):
        wheels.install(lock, tmp_path / "site")


def test_missing_package_is_noticed(lock: Lock, tmp_path: Path) -> None:
    wheels.install(lock, tmp_path / "site")
    shutil.rmtree(next((tmp_path / "site").glob("six-*.dist-info")))
    with pytest.raises(BuildError, match=r"six missing \(lock: 1\.16\.0\)"):
        wheels.check_installed(lock, tmp_path / "site")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_full_disk_is_said(lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96k", "none", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setenv("HARNESS_CACHE", str(small))
    try:
        with pytest.raises(BuildError, match="no space left on the disk"):
            wheels.install(lock, tmp_path / "site")
    finally:
        # This process holds the cache's lock to its end, so the mount goes then.
        subprocess.run(["umount", "--lazy", str(small)], check=True)
