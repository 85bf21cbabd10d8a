"""Scripts as they are when they run: what counts for their digest, and their copies."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.protocol.script import DataFile, Script
from harness.subjects import data_files, folder_files, snapshots
from harness.subjects.scripts import DataSource, ScriptEntry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script and its module, and a cache of its own beside it."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    made = tmp_path / "mine"
    for name in ("train.py", "lib/model.py", "settings.yaml"):
        write(made / name, f"# {name}\n")
    return made


def write(path: Path, text: str = "x\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def entry(folder: Path, *data: DataSource, path: str = "train.py") -> ScriptEntry:
    return ScriptEntry(name="churn", path=path, folder=folder, data=data)


def digest(folder: Path) -> str:
    return snapshots.describe(entry(folder)).folder_sha256


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_a_script_is_described_as_it_is(folder: Path) -> None:
    write(folder.parent / "churn.csv", "1,2\n")
    source = DataSource(target="data/train.csv", path=folder.parent / "churn.csv")
    found = snapshots.describe(
        ScriptEntry(
            name="churn",
            path="train.py",
            folder=folder,
            arguments=("{workers}",),
            data=(source,),
            files=("*.npy",),
            hold=("seed",),
            keeps_folder=True,
        )
    )
    assert found == Script(
        name="churn",
        path="train.py",
        module="",
        folder_sha256=digest(folder),
        arguments=("{workers}",),
        data=(DataFile(target="data/train.csv", sha256=hashlib.sha256(b"1,2\n").hexdigest()),),
        files=("*.npy",),
        hold=("seed",),
        keeps_folder=True,
    )
    assert not snapshots.folder_of(found).exists()


def test_the_digest_is_the_same_wherever_and_whenever(folder: Path) -> None:
    before = digest(folder)
    moved = folder.rename(folder.with_name("moved"))
    os.utime(moved / "train.py", (1, 1))
    (moved / "train.py").chmod(0o640)
    assert digest(moved) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write(folder / "train.py", "# other\n"),
        lambda folder: write(folder / "lib/more.py"),
        lambda folder: (folder / "lib/model.py").rename(folder / "model.py"),
        lambda folder: (folder / "train.py").chmod(0o755),
        lambda folder: write(folder / "locks/notes.txt"),
        lambda folder: write(folder / "results/plan.jsonl"),
    ],
)
def test_what_a_run_could_notice_changes_the_digest(
    folder: Path, change: Callable[[Path], None]
) -> None:
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


@pytest.mark.parametrize(
    "name",
    [
        "lib/__pycache__/model.cpython-311.pyc",
        ".git/config",
        ".venv/bin/python",
        ".pytest_cache/x",
        ".ipynb_checkpoints/x",
        "results/m/machine/plan.jsonl",
        "results/m/machine/.sweep.json",
        "m/machine/plan.jsonl",
        "locks/tf2.15.1,py3.11,cpu.txt",
        "locks/tf2.15.1,py3.11,cpu,with-pandas.txt",
    ],
)
@pytest.mark.parametrize("in_repository", [False, True])
def test_what_running_leaves_does_not(folder: Path, name: str, in_repository: bool) -> None:
    if in_repository:
        git(folder, "init", "-q")
    before = digest(folder)
    if not (in_repository and name.startswith(".git/")):
        write(folder / name)
        write(folder / "results/m/blobs/weights/0.npz" if "machine" in name else folder / name)
    write(folder / "m.yaml", "schema: 1\nname: m\nenvironments: {tensorflow: 2.15.1}\n")
    if name.startswith("m/"):
        (folder / "results/m/blobs/weights/0.npz").unlink()
    assert digest(folder) == before


def test_a_virtual_environment_of_any_name_stays_behind(folder: Path) -> None:
    before = digest(folder)
    write(folder / "env/pyvenv.cfg")
    (folder / "env/python").symlink_to("/usr/bin/python3")
    assert digest(folder) == before


def test_what_git_ignores_stays_behind(folder: Path) -> None:
    git(folder, "init", "-q")
    write(folder / ".gitignore", "*.log\n/big\n")
    git(folder, "add", ".")
    before = digest(folder)
    write(folder / "run.log")
    write(folder / "big/data.bin")
    assert digest(folder) == before
    write(folder / "new.py")
    assert digest(folder) != before
    (folder / "new.py").unlink()
    (folder / "settings.yaml").unlink()
    assert digest(folder) != before


def test_a_part_of_a_repository_travels_alone(folder: Path) -> None:
    write(folder.parent / ".gitignore", "*.log\n")
    plain = digest(folder)
    git(folder.parent, "init", "-q")
    write(folder / "run.log")
    write(folder.parent / "elsewhere.py")
    assert digest(folder) == plain


def test_a_repository_within_the_folder_travels(folder: Path) -> None:
    git(folder, "init", "-q")
    write(folder / "vendor/code.py")
    before = digest(folder)
    git(folder / "vendor", "init", "-q")
    assert digest(folder) == before


def test_git_runs_no_program_that_a_folder_names(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "config", "core.fsmonitor", f"touch {folder.parent}/ran; false")
    digest(folder)
    assert not (folder.parent / "ran").exists()


def test_a_script_that_git_ignores_is_said_to_be(folder: Path) -> None:
    git(folder, "init", "-q")
    write(folder / ".gitignore", "train.py\n")
    with pytest.raises(UsageError, match="does git ignore it"):
        digest(folder)


def test_a_module_is_found_as_file_or_package(folder: Path) -> None:
    assert snapshots.describe(ScriptEntry(name="x", module="lib.model", folder=folder))
    write(folder / "app/__main__.py")
    assert snapshots.describe(ScriptEntry(name="x", module="app", folder=folder))
    with pytest.raises(UsageError, match=r"lib/nothing\.py"):
        snapshots.describe(ScriptEntry(name="x", module="lib.nothing", folder=folder))


def test_links_and_pipes_are_refused(folder: Path) -> None:
    (folder / "link").symlink_to("train.py")
    with pytest.raises(UsageError, match="link: a link, and only files travel"):
        digest(folder)
    (folder / "link").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(UsageError, match="pipe: no regular file"):
        digest(folder)


@pytest.mark.parametrize("in_repository", [False, True])
def test_a_name_that_is_no_text_is_refused(folder: Path, in_repository: bool) -> None:
    if in_repository:
        git(folder, "init", "-q")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).write_text("")
    with pytest.raises(UsageError, match="is no text"):
        digest(folder)


@pytest.mark.slow
def test_a_folder_that_is_too_large_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "big").open("wb") as file:
        file.truncate(folder_files.MAX_BYTES)
    with pytest.raises(UsageError, match="may have 256 MiB; name a smaller one with `folder`"):
        digest(folder)
    (folder / "big").unlink()
    monkeypatch.setattr(folder_files, "MAX_FILES", 2)
    with pytest.raises(UsageError, match="may have 2 files"):
        digest(folder)


def test_data_that_lie_in_the_folder_are_not_taken_from_there(folder: Path) -> None:
    before = digest(folder)
    write(folder / "data/train.csv")
    source = DataSource(target="data/train.csv", path=folder / "data/train.csv")
    assert snapshots.describe(entry(folder, source)).folder_sha256 == before


def test_a_copy_is_made_for_everybody_to_read(folder: Path) -> None:
    (folder / "train.py").chmod(0o700)
    write(folder.parent / "churn.csv")
    (folder.parent / "churn.csv").chmod(0o600)
    source = DataSource(target="data/train.csv", path=folder.parent / "churn.csv")
    mask = os.umask(0o077)
    try:
        script = snapshots.stage(entry(folder, source))
    finally:
        os.umask(mask)
    assert script == snapshots.describe(entry(folder, source))
    copy = snapshots.folder_of(script)
    listed = {str(p.relative_to(copy)): p.stat().st_mode & 0o777 for p in copy.rglob("*")}
    assert listed == {
        "train.py": 0o755,
        "lib": 0o755,
        "lib/model.py": 0o644,
        "settings.yaml": 0o644,
    }
    for path in (copy, copy.parent, copy.parent.parent, copy.parent.parent / "files"):
        assert path.stat().st_mode & 0o777 == 0o755
    file = snapshots.file_of(script.data[0])
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("x\n", 0o644)
    assert not list(copy.parent.parent.glob(".scripts-*"))


def test_a_copy_that_was_changed_is_made_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder.parent / "churn.csv")
    source = DataSource(target="data/train.csv", path=folder.parent / "churn.csv")
    script = snapshots.stage(entry(folder, source))
    copy, file = snapshots.folder_of(script), snapshots.file_of(script.data[0])
    inode = copy.stat().st_ino
    snapshots.stage(entry(folder, source))
    assert copy.stat().st_ino == inode
    write(copy / "train.py", "# changed\n")
    write(file, "changed")
    snapshots.stage(entry(folder, source))
    assert (copy / "train.py").read_text() == "# train.py\n"
    assert file.read_text() == "x\n"
    assert capsys.readouterr().err.count("was changed; it is made again") == 2
    write(copy / "more.py")
    snapshots.stage(entry(folder, source))
    assert not (copy / "more.py").exists()


def test_data_with_another_digest_are_refused_with_both(folder: Path) -> None:
    write(folder / "churn.csv")
    source = DataSource(target="c.csv", path=folder / "churn.csv", sha256="0" * 64)
    own = hashlib.sha256(b"x\n").hexdigest()
    with pytest.raises(DataError, match=f"has SHA-256 {own}, and the matrix asks for {'0' * 64}"):
        snapshots.describe(entry(folder, source))
    source = DataSource(target="c.csv", path=folder / "churn.csv", sha256=own)
    assert snapshots.describe(entry(folder, source)).data[0].sha256 == own
    write(folder / "churn.csv", "changed\n")
    with pytest.raises(DataError, match="and the matrix asks for"):
        snapshots.describe(entry(folder, source))
    (folder / "churn.csv").unlink()
    with pytest.raises(DataError, match=r"churn\.csv: cannot be read: No such file"):
        snapshots.describe(entry(folder, source))


@pytest.mark.network
def test_mnist_is_the_file_that_keras_reads(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    data_files.writer(DataSource(target="mnist.npz", dataset="mnist"))(path)
    assert data_files.has(path, data_files.MNIST_SHA256)
    with np.load(path, allow_pickle=False) as arrays:
        shapes = {name: (arrays[name].shape, str(arrays[name].dtype)) for name in arrays.files}
        assert int(arrays["x_train"].max()) == 255
    assert shapes == {
        "x_train": ((60000, 28, 28), "uint8"),
        "y_train": ((60000,), "uint8"),
        "x_test": ((10000, 28, 28), "uint8"),
        "y_test": ((10000,), "uint8"),
    }
