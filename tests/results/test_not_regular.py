"""Links, pipes and folders in the place of files: nothing waits, nothing is read or written
through a link that lies inside a results folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import bundled
import pytest
from results.made import array_files
from results_factory import SweepOnDisk, cell

import harness
from harness.errors import HarnessError, RecordError, UsageError
from harness.publish.bundle import signing, unpacking
from harness.results import checking, locks, migration
from harness.results.store import Store

pytestmark = pytest.mark.timeout(60)

MATRIX = "quickstart"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return bundled.results(tmp_path / "results")


def sweep(root: Path) -> Path:
    return root / MATRIX / SweepOnDisk(root=root).machine


def files(root: Path) -> list[Path]:
    """One file of each kind that a results folder has."""
    (record, log) = sweep(root) / cell().id / "1.json", sweep(root) / cell().id / "1.log"
    log.write_text("a log\n")
    matrix = root / MATRIX
    arrays = [sorted((matrix / "blobs" / kind).iterdir())[0] for kind in ("weights", "predictions")]
    lock = next((matrix / "locks").iterdir())
    build_log = next((sweep(root) / "logs").iterdir())
    named = [sweep(root) / name for name in ("machine.json", "plan.jsonl", ".sweep.lock")]
    return [record, log, *arrays, lock, build_log, *named, sweep(root) / ".sweep.json"]


def readers(root: Path) -> list[Callable[[], object]]:
    """Everything that reads a whole results folder."""
    store = Store(root, MATRIX, SweepOnDisk(root=root).machine)

    def run() -> None:
        with store.lock():
            store.read(cell().id, 1)

    return [
        lambda: checking.check(root),
        lambda: harness.load(root),
        lambda: bundled.bundle(root, root.parent / "b.zip"),
        lambda: locks.by_digest([locks.folder_of(root / MATRIX)]),
        lambda: migration.migrate(root),
        run,
    ]


@pytest.mark.slow
def test_a_pipe_in_the_place_of_any_file_is_not_waited_for(root: Path) -> None:
    for number in range(len(files(root))):
        copy = Path(shutil.copytree(root, root.parent / f"copy{number}"))
        path = files(copy)[number]
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        for read in readers(copy):
            try:
                read()
            except HarnessError:
                continue


def test_no_file_is_read_through_a_link(root: Path) -> None:
    """What the link leads to has the right content; still the link is named or left out."""
    for number in range(len(files(root)) - 2):
        copy = Path(shutil.copytree(root, root.parent / f"copy{number}"))
        path = files(copy)[number]
        real = path.rename(root.parent / f"elsewhere{number}")
        path.symlink_to(real)
        if not path.name.endswith(".log"):
            assert checking.check(copy).findings, path
        try:
            bundled.bundle(copy, root.parent / "b.zip")
        except HarnessError:
            continue
        with unpacked(root.parent / "b.zip", root.parent / f"unpacked{number}") as folder:
            assert not (folder / "results" / path.relative_to(copy)).exists()


class unpacked:
    """The files of a bundle in a folder."""

    def __init__(self, archive: Path, folder: Path) -> None:
        folder.mkdir()
        self.folder = unpacking.opened(archive, folder).folder

    def __enter__(self) -> Path:
        return self.folder

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)


def folders(root: Path) -> list[Path]:
    """The folders in a results folder that the store writes to."""
    blobs = root / MATRIX / "blobs"
    own = [blobs, blobs / "weights", blobs / "predictions", sweep(root) / "logs"]
    return [root / MATRIX, sweep(root), sweep(root) / cell().id, sweep(root) / ".partial", *own]


@pytest.mark.parametrize("number", range(8))
def test_nothing_is_written_through_a_link(root: Path, tmp_path: Path, number: int) -> None:
    folder = folders(root)[number]
    shutil.copytree(folder, tmp_path / "real")
    shutil.rmtree(folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    on = SweepOnDisk(root=root)
    store = Store(root, MATRIX, on.machine)
    weights, predictions, measured = array_files(tmp_path / "arrays", 1)
    record = on.record(cell(), 1, "completed", measured=measured)
    with pytest.raises(HarnessError, match="is a link"), store.lock():
        store.write(record, weights, predictions)
        store.make_logs()
    assert list(elsewhere.iterdir()) == []


def test_locks_are_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "r" / "m").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "r" / "m" / "locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match="is a link"):
        locks.store(b"# schema: 1\n", "tf", tmp_path / "r" / "m" / "locks", partial=tmp_path / "p")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_lock_file_that_is_a_link_is_not_opened(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "precious"
    other.write_text("mine")
    (sweep(root) / ".sweep.lock").symlink_to(other)
    store = Store(root, MATRIX, SweepOnDisk(root=root).machine)
    with pytest.raises(UsageError, match=r"\.sweep\.lock is not a regular file"), store.lock():
        pass
    assert other.read_text() == "mine"


@pytest.mark.slow
def test_links_that_the_user_names_are_followed(root: Path, tmp_path: Path) -> None:
    for number, real in enumerate((root, root / MATRIX, sweep(root))):
        link = tmp_path / f"link{number}"
        link.symlink_to(real)
        assert len(harness.load(link)) == len(harness.load(real)) > 0
        assert checking.check(link).findings == []


def test_links_inside_are_not_followed(root: Path, tmp_path: Path) -> None:
    before = len(harness.load(root))
    for link in (sweep(root) / cell(threads=16).id, root / MATRIX / "zen9-2cpu-00000000"):
        link.symlink_to(sweep(root))
    (root / "other").symlink_to(root / MATRIX)
    assert len(harness.load(root)) == before
    assert [finding.kind for finding in checking.check(root).findings] == ["foreign"] * 3


def test_a_signature_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.zip.sig")
    with pytest.raises(UsageError, match="not a regular file"):
        signing.check(b"", tmp_path / "b.zip.sig", None)


def test_a_manifest_that_is_a_link_is_refused(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    unpacking.opened(bundled.bundle(root, tmp_path / "b.zip"), folder)
    manifest = folder / "manifest-sha256.txt"
    manifest.symlink_to(manifest.rename(tmp_path / "real.txt"))
    with pytest.raises(HarnessError, match="not a regular file"):
        unpacking.opened(folder, tmp_path)
