"""Folders that must stay as they were made: each change is seen, and only changes cost reading."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import stamps, trees

NONE_TOO_YOUNG = -(10**9)
"""As ticks: files of this moment count as old, so that tests need not wait for two seconds."""


@pytest.fixture(params=["young files", "old files"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of everything, checked once; what is young has to be hashed again each time."""
    if request.param == "old files":
        monkeypatch.setattr(stamps, "TICK_NS", NONE_TOO_YOUNG)
    folder = tmp_path / "tree"
    (folder / "inner" / "empty").mkdir(parents=True)
    (folder / "a.py").write_text("one")
    (folder / "inner" / "b.pyc").write_bytes(b"two")
    (folder / "link").symlink_to("inner")
    trees.seal(folder, trees.contents(folder))
    assert trees.change(folder) is None
    return folder


def rewritten(path: Path, content: bytes) -> None:
    """Another content of the same size, with the time of modification put back."""
    before = path.stat()
    assert len(content) == before.st_size
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (lambda folder: rewritten(folder / "inner/b.pyc", b"twO"), "inner/b.pyc: changed"),
    "a file gone": (lambda folder: (folder / "a.py").unlink(), "a.py: is missing"),
    "a file more": (lambda folder: (folder / "inner/c").touch(), "inner/c: was not there"),
    "a link gone": (lambda folder: (folder / "link").unlink(), "link: is missing"),
    "a folder more": (lambda folder: (folder / "new").mkdir(), "new: was not there"),
    "a folder gone": (lambda folder: (folder / "inner/empty").rmdir(), "inner/empty: is missing"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("thorough", [False, True])
def test_each_change_is_named(sealed: Path, name: str, thorough: bool) -> None:
    change, said = CHANGES[name]
    change(sealed)
    assert said in (trees.change(sealed, thorough=thorough) or "")


def test_a_manifest_that_is_gone_or_nonsense_is_no_manifest(sealed: Path) -> None:
    (sealed / trees.MANIFEST).write_text("[1]")
    assert "damaged" in (trees.change(sealed, thorough=True) or "")
    trees.unseal(sealed)
    assert "No such file" in (trees.change(sealed, thorough=True) or "")
    assert not trees.is_sealed(sealed)


def test_a_link_that_leads_elsewhere_is_named(sealed: Path) -> None:
    (sealed / "link").unlink()
    (sealed / "link").symlink_to("/etc")
    assert trees.change(sealed) == f"{sealed / 'link'}: changed"


def test_a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for(sealed: Path) -> None:
    (sealed / "a.py").unlink()
    os.mkfifo(sealed / "a.py")
    assert "not a regular file" in (trees.change(sealed) or "")


def test_a_file_that_was_touched_is_as_it_was_and_hashed_once(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "TICK_NS", NONE_TOO_YOUNG)
    read: list[Path] = []
    real = trees.sha256_of

    def noting(path: Path) -> str:
        read.append(path)
        return real(path)

    monkeypatch.setattr(trees, "sha256_of", noting)
    assert trees.change(sealed) is None
    read.clear()
    os.link(sealed / "a.py", sealed.with_name("elsewhere"))
    assert trees.change(sealed) is None and read == [sealed / "a.py"]
    assert trees.change(sealed) is None and read == [sealed / "a.py"]
    assert trees.change(sealed, thorough=True) is None and len(read) == 3


def test_young_files_are_hashed_until_their_stamps_can_be_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    trees.seal(tmp_path, trees.contents(tmp_path))
    assert not (tmp_path / trees.LISTING).exists()
    monkeypatch.setattr(stamps, "TICK_NS", NONE_TOO_YOUNG)
    assert trees.change(tmp_path) is None and (tmp_path / trees.LISTING).exists()


def test_what_was_hashed_earlier_further_down_is_not_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in" / "ner").mkdir(parents=True)
    (tmp_path / "in" / "ner" / "a").write_text("one")
    earlier = trees.contents(tmp_path / "in" / "ner").below("in/ner")
    monkeypatch.delattr(trees, "sha256_of")
    assert trees.contents(tmp_path, earlier).digests == earlier.digests
