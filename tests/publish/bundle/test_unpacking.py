"""A bundle may be anybody's: what it must not be able to do, and what is said about it."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import bundled
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from results_factory import MACHINE

from harness.errors import HarnessError, RecordError, UsageError
from harness.publish.bundle import manifest, unpacking
from harness.publish.bundle.manifest import Manifest
from harness.publish.bundle.unpacking import Limits

RECORD = f"results/quickstart/{MACHINE}/mnist-mlp,tf2.10.0,py3.10,np1.23.5,cpu/1.json"
SMALL = Limits(files=30, directory=1 << 16, file=1 << 20, total=4 << 20, ratio=200, free=1 << 16)

Tamper = Callable[[zipfile.ZipFile], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    return bundled.bundle(bundled.results(folder / "results"), folder / "good.zip")


def opened(archive: Path, folder: Path, limits: Limits | None = None) -> unpacking.Bundle:
    out = folder / "deep" / "down" / "out"
    out.mkdir(parents=True)
    return unpacking.opened(archive, out, limits)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder", date_time=(1980, 1, 1, 0, 0, 0))
    # Set afterwards: the constructor would already change some of these names.
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    return info


def with_more(good: Path, target: Path, *tampers: Tamper) -> Path:
    """A copy of the good bundle with more entries."""
    target.write_bytes(good.read_bytes())
    with zipfile.ZipFile(target, "a") as archive:
        for tamper in tampers:
            tamper(archive)
    return target


@pytest.mark.parametrize(
    "name",
    [
        "../../x",
        "results/../../../x",
        "/tmp/x",
        "results//x",
        "./x",
        ".ssh/authorized_keys",
        "results/a\nb",
        "x" * 300,
    ],
)
def test_no_path_leads_outside_or_hides(good: Path, tmp_path: Path, name: str) -> None:
    archive = with_more(good, tmp_path / "bad.zip", lambda a: a.writestr(entry(name), b"x"))
    with pytest.raises(RecordError, match="is not allowed: it could lie outside, or hide"):
        opened(archive, tmp_path)
    assert files_of(tmp_path) == {"bad.zip"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("info", "said"),
    [
        (entry("x", stat.S_IFLNK | 0o777), "is a link or device"),
        (entry("x", stat.S_IFCHR | 0o666), "is a link or device"),
        (entry("x", stat.S_IFIFO | 0o666), "is a link or device"),
        (entry("README.md"), "are one and the same on some disks"),
        (entry("readme.MD"), "are one and the same on some disks"),
        (entry("results"), "is a file, and the path"),
        (entry("README.md/x"), "is a file, and the path"),
        (entry("safe.txt\0../../x"), "has a zero byte"),
    ],
)
def test_no_links_devices_or_names_that_mean_two_things(
    good: Path, tmp_path: Path, info: zipfile.ZipInfo, said: str
) -> None:
    archive = with_more(good, tmp_path / "bad.zip", lambda a: a.writestr(info, "/etc/passwd"))
    with pytest.raises(RecordError, match=said):
        opened(archive, tmp_path)
    assert files_of(tmp_path) == {"bad.zip"}


def deflated(archive: zipfile.ZipFile, name: str, size: int) -> None:
    archive.writestr(entry(name), b"\0" * size, zipfile.ZIP_DEFLATED)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (lambda a: deflated(a, "bomb", 1 << 19), "more than 200 times its size"),
        (lambda a: a.writestr(entry("large"), b"\1" * ((1 << 20) + 1)), "1,048,576 are allowed"),
        (
            lambda a: [a.writestr(entry(f"part{n}"), b"\1" * (1 << 20)) for n in range(4)],
            "all files unpack to",
        ),
        (lambda a: [a.writestr(entry(f"f{n}"), b"") for n in range(20)], "holds 3. files, 30 fit"),
        (lambda a: [a.writestr(entry(f"{n:0200}"), b"") for n in range(400)], "table of contents"),
    ],
    ids=["ratio", "file", "total", "number", "directory"],
)
def test_bombs_are_not_lit(good: Path, tmp_path: Path, tamper: Tamper, said: str) -> None:
    archive = with_more(good, tmp_path / "bomb.zip", tamper)
    with pytest.raises(RecordError, match=said):
        opened(archive, tmp_path, SMALL)
    assert files_of(tmp_path) == {"bomb.zip"}


def test_entries_that_share_their_bytes_are_refused(good: Path, tmp_path: Path) -> None:
    """The bomb of https://www.bamsoftware.com/hacks/zipbomb/ : one kernel, many entries."""

    def overlap(archive: zipfile.ZipFile) -> None:
        archive.writestr(entry("kernel"), b"\1" * 50_000)
        first = archive.getinfo("kernel")
        for number in range(8):
            copy = entry(f"again{number}")
            for field in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(copy, field, getattr(first, field))
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy

    archive = with_more(good, tmp_path / "bomb.zip", overlap)
    with pytest.raises(RecordError, match="share their bytes"):
        opened(archive, tmp_path)
    assert files_of(tmp_path) == {"bomb.zip"}


def test_an_entry_that_is_longer_than_it_says_is_noticed(good: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
        size = new.getinfo("README.md").file_size
    data = packed.read_bytes()
    assert data.count(struct.pack("<L", size)) >= 2
    packed.write_bytes(data.replace(struct.pack("<L", size), struct.pack("<L", 10)))
    with pytest.raises(RecordError, match=r"README\.md: is not what the manifest says"):
        opened(packed, tmp_path)


def test_a_bundle_that_somebody_packed_again_opens(good: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        new.mkdir("results") if hasattr(new, "mkdir") else None
        for info in reversed(old.infolist()):
            new.writestr(info.filename, old.read(info))
    assert packed.stat().st_size < good.stat().st_size
    found = opened(packed, tmp_path)
    assert files_of(found.folder) == set(zipfile.ZipFile(good).namelist())


def replaced(good: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """A copy of the good bundle with other contents; None leaves a file out."""
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = changes.get(info.filename, old.read(info))
            if content is not None:
                new.writestr(info, content)
    return target


def test_every_file_that_is_not_the_manifests_is_named(good: Path, tmp_path: Path) -> None:
    changes = {RECORD: b"{}", "data.json": None}
    bad = replaced(good, tmp_path / "bad.zip", {RECORD: b"{}"})
    with pytest.raises(RecordError, match="is not what the manifest says") as changed:
        opened(bad, tmp_path)
    assert RECORD in str(changed.value)
    bad = replaced(good, tmp_path / "worse.zip", changes)
    with_more(bad, tmp_path / "worst.zip", lambda a: a.writestr(entry("evil.py"), "1/0"))
    with pytest.raises(RecordError) as named:
        opened(tmp_path / "worst.zip", tmp_path / "second")
    assert "evil.py: is not in the manifest" in str(named.value)
    assert "data.json: is in the manifest, and missing" in str(named.value)
    assert not (tmp_path / "second" / "deep" / "down" / "out" / "evil.py").exists()


def test_an_unpacked_bundle_is_checked_where_it_lies(good: Path, tmp_path: Path) -> None:
    folder = opened(good, tmp_path).folder
    assert unpacking.is_bundle(folder)
    unpacking.opened(folder, tmp_path)
    (folder / RECORD).write_text("{}")
    (folder / "data.json").unlink()
    (folder / "evil.py").write_text("1/0")
    (folder / "README.md").unlink()
    (folder / "README.md").symlink_to("/etc/passwd")
    with pytest.raises(RecordError) as named:
        unpacking.opened(folder, tmp_path)
    said = str(named.value)
    assert f"{RECORD}: is not what the manifest says" in said
    assert "data.json: is in the manifest, and missing" in said
    assert "evil.py: is not in the manifest" in said
    assert "README.md: is a link or device" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no bundle"),
        (b"name: quickstart\n" * 10, "is no bundle"),
        (b"PK\5\6" + b"\0" * 18, "has no manifest-sha256.txt"),
        (b"PK\5\6" + b"\xff" * 16 + b"\0\0", "is no bundle"),
    ],
)
def test_other_files_are_no_bundles(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=said):
        opened(path, tmp_path)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        opened(tmp_path / "nothing.zip", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b"schema: 1", b"schema: 7"), "reads schema 1"),
        ((b"arrays: all", b"arrays: some"), "does not say which arrays"),
        ((b"bundle\n", b"thing\n"), "is not that of a bundle"),
        ((b"  data.json", b"  ../data.json"), "could lie outside"),
        ((b"  data.json", b" data.json"), "is no digest and path"),
        ((b"  data.json", b"  README.md"), "names a path twice"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    good: Path, tmp_path: Path, change: tuple[bytes, bytes], said: str
) -> None:
    data = zipfile.ZipFile(good).read(manifest.NAME)
    bad = replaced(good, tmp_path / "bad.zip", {manifest.NAME: data.replace(*change)})
    with pytest.raises(RecordError, match=said):
        opened(bad, tmp_path)


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    written = Manifest(files={"b,c=1/x y.json": "0" * 64, "a": "f" * 64}, arrays="none")
    assert manifest.parse(manifest.render(written), "here") == written


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_damage_gives_a_traceback_or_other_files(
    good: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Wherever bytes change, the bundle is refused, or its files are those of the manifest."""
    content = bytearray(good.read_bytes())
    # The table of contents and the end are what a reader follows, so half of the damage is there.
    start = data.draw(st.sampled_from([0, content.index(b"PK\1\2")]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(start, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(start, len(content) - 1)) :]
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "bad.zip").write_bytes(content)
    try:
        found = opened(folder / "bad.zip", folder)
    except HarnessError:
        return
    assert found.manifest_bytes == zipfile.ZipFile(good).read(manifest.NAME)
    assert files_of(found.folder) == {*found.manifest.files, manifest.NAME}
