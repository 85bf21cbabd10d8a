"""The reader of what others may have put on the disk: no link is followed, nothing blocks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import processes
from harness.protocol import untrusted

pytestmark = pytest.mark.timeout(20)

SECRET = "of the host\n"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that no log may be written to, or read from."""
    path = tmp_path / "victim"
    path.write_text(SECRET)
    return path


OTHERS: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda path, victim: path.symlink_to(victim),
    "a link to nothing": lambda path, victim: path.symlink_to(victim.with_name("new")),
    "a pipe": lambda path, victim: os.mkfifo(path),
    "a folder": lambda path, victim: path.mkdir(),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_log_is_never_something_else(tmp_path: Path, victim: Path, other: str) -> None:
    log = tmp_path / "log.txt"
    OTHERS[other](log, victim)
    with pytest.raises(untrusted.NotRegularError, match="not a regular file"):
        untrusted.open_log(log)
    # Build logs are no exception.
    with pytest.raises(untrusted.NotRegularError):
        processes.run(["true"], log=log)
    assert untrusted.tail(log) == ""
    assert victim.read_text() == SECRET and not (tmp_path / "new").exists()


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    for number in range(30):
        with untrusted.open_log(log) as file:
            file.write(f"line {number}\n".encode())
    assert untrusted.tail(log, 2) == "line 28\nline 29"
    assert len(untrusted.tail(log).splitlines()) == 20


def test_no_part_of_a_way_into_a_folder_is_a_link(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "output" / "runs" / "1").mkdir(parents=True)
    (tmp_path / "output" / "runs" / "1" / "log").write_text("of the run")
    with untrusted.folder(tmp_path / "output", "runs", "1") as entered:
        # Whatever a training does meanwhile to the names, the folder is the same.
        (tmp_path / "output" / "runs").rename(tmp_path / "before")
        (tmp_path / "output" / "runs").symlink_to(tmp_path)
        (tmp_path / "1").symlink_to(tmp_path)
        assert untrusted.tail(f"{entered}/log") == "of the run"
    for parts in (("runs",), ("runs", "1"), ("..", "1"), ("missing",)):
        with pytest.raises(OSError), untrusted.folder(tmp_path / "output", *parts):
            pass
    with untrusted.folder(tmp_path / "output") as entered:
        assert [path.name for path in Path(entered).iterdir()] == ["runs"]
