"""Build archives: streams that depend on names, content and nothing else."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from harness.engines.docker import archives


def fill(folder: Path, names: list[str]) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode() * 1000)
    (folder / "a" / "tool").chmod(0o700)
    (folder / "link").symlink_to("a/tool")
    return folder


def archived(files: dict[str, bytes], folder: Path) -> bytes:
    return b"".join(archives.stream(archives.entries(files, {"site": folder})))


NAMES = ["a/tool", "b.py", "a/" + "long" * 60 + "/é.txt", "empty/../z"]


def test_equal_files_give_equal_bytes(tmp_path: Path) -> None:
    one = fill(tmp_path / "one", NAMES)
    two = fill(tmp_path / "two", NAMES[::-1])
    os.utime(two / "b.py", (1, 1))
    (two / "b.py").chmod(0o600)
    dockerfile = {"Dockerfile": b"FROM x\n"}
    streams = [
        b"".join(archives.stream(archives.entries(dockerfile, {"site": folder})))
        for folder in (one, two)
    ]
    assert streams[0] == streams[1]


def test_the_stream_is_a_tar_archive_of_everything(tmp_path: Path) -> None:
    folder = fill(tmp_path / "one", NAMES)
    stream = b"".join(
        archives.stream(archives.entries({"Dockerfile": b"FROM x\n"}, {"site": folder}))
    )
    with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
        content = {one.name: one for one in archive.getmembers()}
        text = archive.extractfile("site/a/" + "long" * 60 + "/é.txt")
        assert text is not None
        assert text.read() == NAMES[2].encode() * 1000
    assert content["site/a/tool"].mode == 0o755
    assert content["site/b.py"].mode == 0o644
    assert content["site/link"].linkname == "a/tool"
    assert {(one.uid, one.gid, one.mtime) for one in content.values()} == {
        (0, 0, archives.MODIFIED)
    }


def test_a_large_file_comes_in_pieces(tmp_path: Path) -> None:
    size = 3 * archives.CHUNK_BYTES + 5
    (tmp_path / "large").write_bytes(bytes(size))
    pieces = list(archives.stream(archives.entries({}, {"site": tmp_path})))
    assert max(map(len, pieces)) <= archives.CHUNK_BYTES
    assert sum(map(len, pieces)) % tarfile.BLOCKSIZE == 0


def test_no_piece_is_empty(tmp_path: Path) -> None:
    members = archives.entries({}, {"site": fill(tmp_path / "one", NAMES)})
    size = archives.length(members)
    assert all(archives.stream(members))
    assert all(archives.padded(size, archives.stream(members)))


def test_the_length_is_known_before(tmp_path: Path) -> None:
    members = archives.entries({"a": b"b"}, {"site": fill(tmp_path / "one", NAMES)})
    assert archives.length(members) == sum(map(len, archives.stream(members)))
