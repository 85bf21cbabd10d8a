"""The store: records whole or not at all, nothing lost, nothing outside, one sweep at a time."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from results.made import CELL, MACHINE, MATRIX, array_files, completed, record

from harness.errors import RecordError, UsageError
from harness.results import blobs
from harness.results.record import Record
from harness.results.scan import SweepFolder, sweeps
from harness.results.store import Store
from results import made

KILLS = 6
STEPS = 100


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results", MATRIX, MACHINE)


def writer(root: Path, arrays: Path) -> subprocess.Popen[str]:
    """A process that holds the lock and writes."""
    command = [sys.executable, made.__file__, str(root), str(arrays)]
    variables = {**os.environ, "PYTHONPATH": str(Path(made.__file__).parents[1])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_record_comes_back_as_it_was_written(store: Store, tmp_path: Path) -> None:
    weights, predictions, measured = array_files(tmp_path, 1)
    done = completed(measured)
    path = store.write(done, weights, predictions)
    assert path == tmp_path / "results" / MATRIX / MACHINE / CELL / "1.json"
    assert read_without_digest(store) == done
    assert store.blob_path("weights", measured.weights_sha256).read_bytes() == weights.read_bytes()
    assert (
        store.blob_path("predictions", measured.predictions_sha256).read_bytes()
        == predictions.read_bytes()
    )
    assert store.read(CELL, 2) is None


def read_without_digest(store: Store) -> Record | None:
    found = store.read(CELL, 1)
    return found and found.model_copy(update={"sha256": None})


def test_the_same_record_is_the_same_bytes(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other", MATRIX, MACHINE)
    content = store.write(record(), None, None).read_bytes()
    assert other.write(record(), None, None).read_bytes() == content
    keys = list(json.loads(content))
    assert keys == sorted(keys)


def test_text_that_is_no_unicode_makes_no_unreadable_record(store: Store) -> None:
    store.write(record(reason="a file named \udcff"), None, None)
    found = store.read(CELL, 1)
    assert found is not None and found.reason == "a file named ?"


def test_equal_weights_are_stored_once(store: Store, tmp_path: Path) -> None:
    for repeat in (1, 2):
        weights, predictions, measured = array_files(tmp_path / str(repeat), 5)
        done = completed(measured, repeat=repeat)
        store.write(done, weights, predictions)
    assert [path.name for path in (store.blobs / "weights").iterdir()] == [
        f"{measured.weights_sha256}.npz"
    ]


def test_arrays_that_are_not_what_the_record_says_are_refused(store: Store, tmp_path: Path) -> None:
    weights, predictions, measured = array_files(tmp_path, 1)
    other, _, others = array_files(tmp_path, 2)
    done = completed(measured)
    with pytest.raises(
        RecordError, match=f"the digest {others.weights_sha256}, not {measured.weights_sha256}"
    ):
        store.write(done, other, predictions)
    weights.write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(RecordError, match="weights cannot be read"):
        store.write(done, weights, predictions)
    assert store.read(CELL, 1) is None
    assert not store.blob_path("weights", measured.weights_sha256).exists()


def test_a_record_that_measured_brings_its_arrays(store: Store, tmp_path: Path) -> None:
    weights, predictions, measured = array_files(tmp_path, 1)
    done = completed(measured)
    with pytest.raises(
        RecordError, match="the record names weights, and no file of them was given"
    ):
        store.write(done, None, predictions)
    with pytest.raises(
        RecordError, match="the record names predictions, and no file of them was given"
    ):
        store.write(done, weights, None)
    assert store.read(CELL, 1) is None
    store.write(done, weights, predictions)
    store.write(done, None, None)
    assert read_without_digest(store) == done


def test_a_link_in_the_place_of_arrays_is_not_followed(store: Store, tmp_path: Path) -> None:
    weights, predictions, measured = array_files(tmp_path, 1)
    link = tmp_path / "link.npz"
    link.symlink_to(weights)
    done = completed(measured)
    with pytest.raises(RecordError, match="weights cannot be read: not a regular file"):
        store.write(done, link, predictions)


def test_arrays_of_a_run_that_measured_nothing_are_not_kept(store: Store, tmp_path: Path) -> None:
    weights, predictions, _ = array_files(tmp_path, 1)
    store.write(record(), weights, predictions)
    assert not store.blobs.exists()


def test_a_second_record_supersedes_the_first(store: Store) -> None:
    first = store.write(record(reason="first"), None, None).read_bytes()
    store.write(record(reason="second"), None, None)
    found = store.read(CELL, 1)
    assert found is not None and found.reason == "second"
    (aside,) = store.record_path(CELL, 1).parent.glob("1.superseded-????????.json")
    assert aside.read_bytes() == first
    (sweep,) = sweeps_with_plan(store)
    assert [r.reason for r in sweep.records()] == ["second"]


def sweeps_with_plan(store: Store) -> list[SweepFolder]:
    store.write_machine({})
    return list(sweeps(store.folder))


@pytest.mark.slow
def test_at_no_moment_of_superseding_is_there_no_record(tmp_path: Path) -> None:
    for steps in range(1, 400):
        store = Store(tmp_path / str(steps), MATRIX, MACHINE)
        store.write(record(reason="first"), None, None)
        again = record(reason="second")
        killed = made.killed_within(partial(store.write, again, None, None), steps)
        found = store.read(CELL, 1)
        assert (found is not None and found.reason == ("first" if killed else "second")) or killed
        if not killed:
            break
    assert 10 < steps < 399


@pytest.mark.slow
def test_what_is_stored_is_what_was_checked(store: Store, tmp_path: Path) -> None:
    """A training that exchanges its file meanwhile is refused, or what it had before is stored."""
    good, predictions, measured = array_files(tmp_path, 1)
    other, _, _ = array_files(tmp_path, 2)
    shown, stop = tmp_path / "shown.npz", threading.Event()

    def exchange() -> None:
        for place in itertools.cycle((good, other)):
            os.link(place, tmp_path / "next")
            (tmp_path / "next").replace(shown)
            if stop.is_set():
                return

    shown.write_bytes(good.read_bytes())
    thread = threading.Thread(target=exchange)
    thread.start()
    done = completed(measured)
    stored = 0
    for _ in range(200):
        with contextlib.suppress(RecordError):
            store.write(done, shown, predictions)
            stored += 1
            assert (
                store.blob_path("weights", measured.weights_sha256).read_bytes()
                == good.read_bytes()
            )
            store.blob_path("weights", measured.weights_sha256).unlink()
    stop.set()
    thread.join()
    assert stored


def test_two_writers_of_one_run_leave_one_record_and_lose_none(store: Store) -> None:
    reasons = [f"writer {number}" for number in range(8)]
    threads = [
        threading.Thread(target=store.write, args=(record(reason=reason), None, None))
        for reason in reasons
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = store.record_path(CELL, 1).parent
    found = [json.loads(path.read_bytes())["reason"] for path in folder.glob("*.json")]
    assert sorted(found) == reasons
    assert store.read(CELL, 1) is not None


@pytest.mark.parametrize(
    "name", ["../x", "..", ".", "", "a/b", ".hidden", "a\\b", "a\nb", "x" * 300]
)
def test_no_name_leads_out_of_the_folder(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordError, match="cannot name a record"):
        store.write(record().model_copy(update={"cell": name}), None, None)
    with pytest.raises(RecordError, match="cannot name a record"):
        store.read(name, 1)
    with pytest.raises(UsageError, match="a folder"):
        Store(tmp_path, name, MACHINE)
    with pytest.raises(UsageError):
        Store(tmp_path, MATRIX, name)
    assert list(tmp_path.rglob("*.json")) == []


def test_a_digest_that_is_a_path_is_refused(store: Store, tmp_path: Path) -> None:
    weights, predictions, measured = array_files(tmp_path, 1)
    bad = record(
        measured=measured.model_copy(update={"weights_sha256": "../../x"}), status="completed"
    )
    with pytest.raises(RecordError, match="nothing is stored under 'weights'"):
        store.blob_path("weights", "../../x")
    with pytest.raises(RecordError, match="contradicts itself"):
        store.write(bad, weights, predictions)


def test_a_record_of_another_sweep_is_refused(store: Store) -> None:
    for changes in ({"matrix": "other"}, {"machine": "other"}, {"schema_number": 1}):
        with pytest.raises(RecordError, match="does not belong here"):
            store.write(record(**changes), None, None)


@pytest.mark.slow
def test_a_second_sweep_is_told_who_holds_the_folder(store: Store, tmp_path: Path) -> None:
    process = writer(tmp_path / "results", tmp_path / "arrays")
    try:
        with pytest.raises(UsageError) as caught, store.lock():
            pass
    finally:
        kill(process)
    text = str(caught.value)
    assert f"process {process.pid} on " in text and ", since 20" in text
    assert "give this one another folder with --results" in text
    with store.lock():
        assert not (store.folder / ".partial" / "left").exists()


def test_the_lock_of_one_machine_does_not_keep_out_another(store: Store, tmp_path: Path) -> None:
    with store.lock(), Store(tmp_path / "results", MATRIX, "other").lock():
        pass
    with store.lock():
        pass


def test_what_a_killed_process_left_is_ignored_and_removed(store: Store) -> None:
    store.write(record(), None, None)
    left = store.folder / ".partial" / "left"
    left.parent.mkdir(exist_ok=True)
    left.write_text('{"schema": 1, half a rec')
    (sweep,) = sweeps_with_plan(store)
    assert len(list(sweep.records())) == 1
    with store.lock():
        assert not left.exists()


@pytest.mark.slow
def test_kill_9_while_a_sweep_runs_leaves_no_half_record(store: Store, tmp_path: Path) -> None:
    moments = random.Random(20)
    for _ in range(KILLS):
        process = writer(tmp_path / "results", tmp_path / "arrays")
        time.sleep(moments.uniform(0, 0.15))
        kill(process)
        check_everything(store)
    with store.lock():
        pass
    assert [path for path in store.folder.rglob("*") if path.parent.name == ".partial"] == []


@pytest.mark.slow
def test_kill_9_at_any_step_of_writing_leaves_no_half_record(tmp_path: Path) -> None:
    for steps in sorted(random.Random(9).sample(range(1, 1000), STEPS)):
        store = Store(tmp_path / str(steps), MATRIX, MACHINE)
        killed = made.killed_within(partial(write_twice, store, tmp_path), steps)
        check_everything(store)
        write_twice(store, tmp_path)
        check_everything(store)
        assert store.read(CELL, 1) is not None
        if not killed:
            break
    assert steps > 200


def write_twice(store: Store, arrays: Path) -> None:
    """Two records of the same run: the second supersedes the first."""
    with store.lock():
        made.write_one(store, arrays, 0)
        made.write_one(store, arrays, 21)


def check_everything(store: Store) -> None:
    for path in store.folder.rglob("[0-9].json"):
        found = store.read(path.parent.name, int(path.stem))
        assert found is not None and found.measured is not None
        assert blobs.read_weights(store.blobs, found.measured.weights_sha256) is not None
        assert store.blob_path("predictions", found.measured.predictions_sha256).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_loses_nothing_and_is_said(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this root may not mount")
    try:
        store = Store(small, MATRIX, MACHINE)
        store.write(record(reason="kept"), None, None)
        big = record(reason="x" * 200_000)
        with pytest.raises(RecordError) as caught:
            store.write(big, None, None)
        text = str(caught.value)
        assert "1.json: cannot be written: No space left on device; make room" in text
        found = store.read(CELL, 1)
        assert found is not None and found.reason == "kept"
        store.write(record(repeat=2), None, None)
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    store = Store(tmp_path / "results", MATRIX, MACHINE)
    with pytest.raises(UsageError, match="cannot be written"), store.lock():
        pass
