"""Installed files are compared with their wheels, whatever state the RECORDs of those are in."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from harness.environments import records
from harness.errors import BuildError

INFO = "p-1.dist-info"
CONTENT = {
    "p/__init__.py": b"one",
    "p-1.data/purelib/p/more.py": b"two",
    "p-1.data/headers/p.h": b"three",
    "p-1.data/scripts/p": b"four",
    f"{INFO}/METADATA": b"five",
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


INSTALLED = {
    "p/__init__.py": digest(b"one"),
    "p/more.py": digest(b"two"),
    "include/p.h": digest(b"three"),
    f"{INFO}/METADATA": digest(b"five"),
    f"{INFO}/RECORD": digest(b"of the installer"),
    f"{INFO}/INSTALLER": digest(b"uv"),
}


def row(name: str, content: bytes) -> str:
    encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    return f"{name},sha256={encoded},{len(content)}"


RECORDS = {
    "right": "\n".join(row(name, content) for name, content in CONTENT.items()),
    "without digests": "\n".join(f"{name},," for name in CONTENT),
    "wrong": "\n".join(row(name, b"other") for name in CONTENT if "headers" not in name),
    "nonsense": "\0,sha256=%,\n",
    "empty": "",
}


@pytest.fixture(params=[*RECORDS, "none"])
def wheel(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "p-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(name, content)
        if request.param in RECORDS:
            archive.writestr(f"{INFO}/RECORD", RECORDS[request.param])
    return path


def test_what_was_installed_is_the_wheels(wheel: Path) -> None:
    assert records.wrong_files([wheel], INSTALLED) == []


def test_what_changed_is_missing_or_nobodys_is_named(wheel: Path) -> None:
    changed = {**INSTALLED, "p/more.py": digest(b"twO"), "sitecustomize.py": digest(b"1 / 0")}
    del changed["p/__init__.py"]
    found = {(one.path, one.wheel) for one in records.wrong_files([wheel], changed)}
    assert found == {("p/__init__.py", wheel), ("p/more.py", wheel), ("sitecustomize.py", None)}


def test_of_two_wheels_with_one_path_either_may_have_brought_it(tmp_path: Path) -> None:
    wheels = [tmp_path / "a.whl", tmp_path / "b.whl"]
    for path in wheels:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("shared.py", path.name)
    for path in wheels:
        assert records.wrong_files(wheels, {"shared.py": digest(path.name.encode())}) == []
    assert len(records.wrong_files(wheels, {"shared.py": digest(b"c.whl")})) == 1


def test_a_wheel_that_is_none_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_bytes(b"PK")
    with pytest.raises(BuildError, match=r"cannot be read: .*; remove it, and it is fetched"):
        records.wrong_files([tmp_path / "x.whl"], {})
