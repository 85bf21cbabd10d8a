"""A script's folder as one file: the same bytes each time, and nothing that could do harm."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.subjects import folder_archives, folder_files

LONG = "very/" * 30 + "deep.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    for name in ("train.py", "lib/model.py", "größe.txt", "empty", LONG):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("" if name == "empty" else f"# {name}\n")
    (made / "train.py").chmod(0o744)
    return made


def digest(folder: Path) -> str:
    return folder_files.digest(folder_files.hashed(folder, folder_files.everything(folder)))


def packed(folder: Path) -> Path:
    target = folder.with_suffix(".tar")
    folder_archives.pack(folder, target)
    return target


def test_what_is_packed_has_the_digest_of_its_folder_and_is_unpacked_again(
    folder: Path, tmp_path: Path
) -> None:
    with packed(folder).open("rb") as file:
        assert folder_archives.digest_of(file) == digest(folder)
        file.seek(0)
        folder_archives.unpack(file, tmp_path / "again")
    assert digest(tmp_path / "again") == digest(folder)
    assert os.access(tmp_path / "again" / "train.py", os.X_OK)
    assert not os.access(tmp_path / "again" / LONG, os.X_OK)


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    before = packed(folder).read_bytes()
    os.utime(folder / "train.py", (1, 1))
    (folder / "empty").chmod(0o600)
    assert packed(folder).read_bytes() == before
    (folder / "empty").chmod(0o700)
    assert packed(folder).read_bytes() != before


def test_its_size_is_known_before(folder: Path) -> None:
    (folder / "large").write_bytes(os.urandom(100_000))
    assert 100_000 < packed(folder).stat().st_size <= folder_archives.size_of(folder) < 200_000


def of_type(kind: bytes, **more: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo("train.py")
    entry.type = kind
    for name, value in more.items():
        setattr(entry, name, value)
    return entry


def named(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = 1
    return entry


HOSTILE: dict[str, tuple[list[tarfile.TarInfo], str]] = {
    "link": ([of_type(tarfile.SYMTYPE, linkname="/etc/passwd")], "is no regular file"),
    "hard link": ([named("a"), of_type(tarfile.LNKTYPE, linkname="a")], "is no regular file"),
    "pipe": ([of_type(tarfile.FIFOTYPE)], "is no regular file"),
    "device": ([of_type(tarfile.CHRTYPE)], "is no regular file"),
    "folder": ([of_type(tarfile.DIRTYPE)], "is no regular file"),
    "above": ([named("../outside")], "could lie outside"),
    "above, later": ([named("a/../../outside")], "could lie outside"),
    "absolute": ([named("/tmp/outside")], "could lie outside"),
    "not plain": ([named("./outside")], "could lie outside"),
    "twice": ([named("a"), named("a")], "is there twice"),
}


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_what_is_no_file_below_the_folder_is_refused(
    tmp_path: Path, what: str, format: int
) -> None:
    entries, said = HOSTILE[what]
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=format) as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(b"x"))
    refused(path, said, tmp_path / "place")
    assert not (tmp_path / "outside").exists() and not Path("/tmp/outside").exists()


def refused(path: Path, said: str, place: Path) -> None:
    reads: tuple[Callable[[io.BufferedReader], object], ...] = (
        folder_archives.digest_of,
        lambda file: folder_archives.unpack(file, place),
    )
    for read in reads:
        with path.open("rb") as file, pytest.raises(ValueError, match=said):
            read(file)


def test_a_file_that_says_to_be_larger_than_it_is_fills_no_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    entry = tarfile.TarInfo("sparse")
    entry.type, entry.size = tarfile.GNUTYPE_SPARSE, 1 << 40
    path.write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    refused(path, "sparse|no regular file|end of|truncated|invalid", tmp_path / "place")
    entry.type = tarfile.REGTYPE
    path.write_bytes(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    refused(path, "more than 256 MiB|unexpected end", tmp_path / "other")


@pytest.mark.parametrize("damage", ["cut", "one byte", "no archive"])
def test_damage_is_noticed(folder: Path, damage: str) -> None:
    path, before = packed(folder), digest(folder)
    data = bytearray(path.read_bytes())
    place = data.index(b"# train.py")
    data[place] ^= 1
    damaged: dict[str, bytes] = {
        "cut": bytes(data[:place]),
        "one byte": bytes(data),
        "no archive": b"PK" * 512,
    }
    path.write_bytes(damaged[damage])
    with path.open("rb") as file:
        try:
            assert folder_archives.digest_of(file) != before
        except ValueError:
            assert damage != "one byte"


def test_an_archive_that_is_too_large_is_not_looked_at(folder: Path) -> None:
    path = packed(folder)
    with path.open("rb") as file, pytest.raises(ValueError, match="larger than"):
        folder_archives.digest_of(file, path.stat().st_size - 1)


def test_more_files_than_a_script_may_have_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = packed(folder)
    monkeypatch.setattr(folder_files, "MAX_FILES", 4)
    refused(path, "more than 4 files", tmp_path / "place")
