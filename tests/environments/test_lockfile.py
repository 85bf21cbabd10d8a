"""The lock as a file: what is read back, and what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from harness.environments import lockfile, locking
from harness.environments.lock import Package
from harness.errors import LockError
from harness.matrix.environment import Environment

ENVIRONMENT = Environment(python="3.10", tensorflow="2.10.0", numpy="1.23.5")
PACKAGES = (
    Package(
        name="numpy",
        version="1.23.5",
        file="numpy-1.23.5-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        sha256="a" * 64,
    ),
    Package(name="gast", version="0.4.0", file="gast-0.4.0-py3-none-any.whl", sha256="b" * 64),
    Package(name="termcolor", version="1.1.0", file="termcolor-1.1.0.tar.gz", sha256="c" * 64),
)
HEADER = {
    "environment": ENVIRONMENT.id,
    "platform": "manylinux_2_28_x86_64",
    "date": "2022-09-20",
    "request": "0" * 64,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound lock."""
    file = tmp_path / "locks" / f"{ENVIRONMENT.id}.txt"
    lockfile.write(file, lockfile.render(HEADER, PACKAGES))
    return file


def refused(path: Path) -> str:
    with pytest.raises(LockError) as caught:
        lockfile.parse(path, ENVIRONMENT, HEADER)
    assert caught.value.exit_code == 4
    assert str(path) in str(caught.value)
    return str(caught.value)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_written_is_read_back_sorted_by_name(path: Path) -> None:
    lock = lockfile.parse(path, ENVIRONMENT, HEADER)
    assert lock.packages == tuple(sorted(PACKAGES, key=lambda package: package.name))
    assert lock.environment == ENVIRONMENT
    assert lock.version_of("gast") == "0.4.0"
    assert lock.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_order_of_packages_does_not_change_the_bytes() -> None:
    assert lockfile.render(HEADER, PACKAGES) == lockfile.render(HEADER, reversed(PACKAGES))


def test_lock_carries_no_address(path: Path) -> None:
    assert "://" not in path.read_text()


def test_one_hash_per_package(path: Path) -> None:
    assert path.read_text().count("--hash=") == len(PACKAGES)


def test_nothing_else_is_left_beside_the_lock(path: Path) -> None:
    assert list(path.parent.iterdir()) == [path]


def test_missing_lock(tmp_path: Path) -> None:
    assert "`harness lock`" in refused(tmp_path / "none.txt")


@pytest.mark.parametrize("key", ["environment", "platform", "date", "request"])
def test_lock_of_another_request_is_stale(path: Path, key: str) -> None:
    edit(path, f"# {key}: {HEADER[key]}", f"# {key}: other")
    assert "stale" in refused(path)
    assert "harness lock --renew" in refused(path)


def test_lock_of_another_schema(path: Path) -> None:
    edit(path, "# schema: 1", "# schema: 2")
    assert "schema 1 (found: 2)" in refused(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("gast==0.4.0", "gast>=0.4.0", ":7: not a pinned package"),
        ("gast==0.4.0", "gast==0.4.1", ":7: the file is not one of gast 0.4.1"),
        ("gast-0.4.0-py3", "gast-0.4.0-py2", ":7: the file is not for Python 3.10"),
        ("numpy-1.23.5-cp310-cp310", "numpy-1.23.5-cp39-cp39", "the file is not for Python 3.10"),
        ("b" * 64, "b" * 63, ":7: not a pinned package"),
        ("gast-0.4.0-py3-none-any.whl", "../gast-0.4.0-py3-none-any.whl", "not a pinned package"),
        ("gast==0.4.0", "--index-url x gast==0.4.0", ":7: not a pinned package"),
        ("1.23.5", "1.23.4", "the environment asks for numpy 1.23.5"),
    ],
)
def test_malformed_line_is_refused_with_its_place(
    path: Path, old: str, new: str, said: str
) -> None:
    # Only the package lines: the header names NumPy's version too.
    head, _, body = path.read_text().partition("gast==")
    assert old in f"gast=={body}"
    path.write_text(head + f"gast=={body}".replace(old, new))
    assert said in refused(path)


def test_package_twice_is_refused(path: Path) -> None:
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    assert "twice" in refused(path)


def test_lock_without_packages_is_refused(path: Path) -> None:
    path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines()[:6]))
    assert "lists no packages" in refused(path)


def test_file_that_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(bytes(range(256)))
    assert "not a lock" in refused(path)


def test_request_covers_versions_device_and_python() -> None:
    changes: list[dict[str, str | None]] = [
        {"python": "3.9"},
        {"tensorflow": "2.10.1"},
        {"numpy": "1.23.4"},
        {"numpy": None},
        {"keras": "2.10.0"},
        {"device": "gpu"},
    ]
    others = [dataclasses.replace(ENVIRONMENT, **change) for change in changes]  # type: ignore[arg-type]
    requests = [locking.requirements(environment) for environment in [ENVIRONMENT, *others]]
    assert len({str(request.to_json()) for request in requests}) == len(requests)


def test_environment_that_cannot_exist_is_not_asked_for() -> None:
    with pytest.raises(LockError, match="Use Python"):
        locking.requirements(dataclasses.replace(ENVIRONMENT, python="3.13"))


def test_a_version_beyond_all_measure_is_no_version(path: Path) -> None:
    edit(path, "gast==0.4.0", f"gast=={'9' * 5000}")
    assert "not a pinned package" in refused(path)
