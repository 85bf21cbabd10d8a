"""Cleaning: lists first, removes what nobody needs, and nothing that somebody does."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import harness
from engines.engine_bench import SIX, make_lock
from results_factory import SweepOnDisk, cell, sha256, weights_sha256
from upkeep.cleaning import cleaned, running

from harness import places, trees
from harness.cli import upkeep_commands
from harness.engines.local import virtual_environments
from harness.engines.local.engine import LocalEngine
from harness.environments import bytecode, interpreters, locking, users, wheelhouse
from harness.environments.lock import Lock
from harness.errors import SelectionError, UsageError
from harness.matrix import environment
from harness.results.store import Store
from harness.upkeep import cached
from harness.upkeep.cached import Question
from harness.upkeep.references import References


def lock_in(home: Path) -> Lock:
    path = next((home / "locks").glob("tf2.15.1,py3.11*.txt"))
    return locking.read(path, environment.from_id(path.stem))


def made(name: str, lock_sha256: str) -> Path:
    """A virtual environment in the cache, as far as `clean` looks at it."""
    folder = virtual_environments.root() / name
    folder.mkdir()
    (folder / "library.so").write_bytes(b"x" * 100_000)
    says(folder, {"lock": lock_sha256, "environment": "tf2.15.1,py3.11,cpu", "base": "CPython"})
    return folder


def says(environment: Path, content: dict[str, Any]) -> None:
    """Have an environment say what it is made of."""
    (environment / virtual_environments.MADE_OF).write_text(json.dumps(content))
    trees.seal(environment, trees.contents(environment))


def used(folder: Path, *names: str) -> None:
    """Have a folder of locks that used what has these names."""
    users._note("locks", folder, names)


def wheel(sha256_of: str) -> Path:
    folder = wheelhouse.root() / sha256_of
    folder.mkdir(parents=True)
    (folder / "x-1-py3-none-any.whl").write_bytes(b"x" * 10_000)
    return folder


@pytest.fixture
def needed(home: Path) -> list[Path]:
    """An environment and a wheel of a lock, and an environment that a record names."""
    lock = lock_in(home)
    users.note_lock(lock)
    interpreter = interpreters.find("3.11")
    sweep = SweepOnDisk(root=home / "results", matrix="m")
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    record = next((home / "results").rglob("1.json"))
    content = json.loads(record.read_text())
    content["environment"]["image"] = f"venv-{sha256('recorded')}"
    record.write_text(json.dumps(content))
    users.note_results(home / "results" / "m", lock)
    return [
        made(virtual_environments.digest(lock, interpreter), lock.sha256),
        made(sha256("recorded"), sha256("an old lock")),
        wheel(lock.packages[0].sha256),
    ]


@pytest.fixture
def unneeded(home: Path) -> list[Path]:
    """What a lock that is not there any more named."""
    used(home / "locks", sha256("no lock"), sha256("no wheel"))
    return [made(sha256("unneeded"), sha256("no lock")), wheel(sha256("no wheel"))]


@pytest.fixture
def bytecode_of_the_recorded(home: Path) -> Path:
    """What the environment that a record names has its links to; no lock names that wheel."""
    folder = bytecode.root() / "build" / sha256("a wheel of an old lock")
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "modules.json").write_text("{}")
    trees.seal(folder, trees.contents(folder))
    environment = virtual_environments.root() / sha256("recorded")
    says(environment, {**virtual_environments.made_of(environment), "bytecode": [str(folder)]})
    return folder


@pytest.mark.slow
def test_bytecode_stays_with_the_environments_that_link_to_it(
    needed: list[Path], bytecode_of_the_recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cleaned(capsys) == []
    cleaned(capsys, yes=True, everything=True)
    assert not bytecode_of_the_recorded.exists()


@pytest.mark.slow
def test_bytecode_that_is_not_whole_goes_whatever_names_it(
    needed: list[Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bytecode.root() / "build" / lock_in(home).packages[0].sha256
    (folder / "__pycache__").mkdir(parents=True)
    assert [row["outcome"] for row in cleaned(capsys, yes=True)] == ["removed"]
    assert not folder.exists()


@pytest.mark.slow
def test_it_only_lists_and_says_what_to_type(needed: list[Path], unneeded: list[Path]) -> None:
    ended = harness("clean")
    assert ended.code == 0, ended.err
    assert "tf2.15.1,py3.11,cpu" in ended.out and "x-1-py3-none-any.whl" in ended.out
    assert "harness clean --yes" in ended.err and "2 things" in ended.err
    assert all(path.exists() for path in [*needed, *unneeded])


@pytest.mark.slow
def test_what_locks_and_records_name_is_kept(
    needed: list[Path], unneeded: list[Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = sorted((home / "results").rglob("*.json"))
    found = cleaned(capsys, yes=True)
    assert {row["outcome"] for row in found} == {"removed"} and len(found) == 2
    assert sum(row["bytes"] for row in found) >= 110_000
    assert all(path.exists() for path in needed)
    assert not any(path.exists() for path in unneeded)
    assert sorted((home / "results").rglob("*.json")) == records


@pytest.mark.slow
def test_what_a_stale_lock_names_is_kept(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lock_in(home).path
    path.write_text(path.read_text().replace("# request: ", "# request: 0"))
    folder = made(sha256("stale"), hashlib.sha256(path.read_bytes()).hexdigest())
    used(path.parent, hashlib.sha256(path.read_bytes()).hexdigest())
    assert cleaned(capsys) == [] and folder.exists()


@pytest.mark.slow
def test_all_takes_also_what_is_named_but_no_record(
    needed: list[Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned(capsys, yes=True, everything=True)
    assert not any(path.exists() for path in needed)
    assert len(list((home / "results").rglob("[12].json"))) == 1


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work goes on in a folder without locks and results."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere")
def test_what_is_kept_is_the_same_in_every_folder(
    needed: list[Path], unneeded: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert {row["outcome"] for row in cleaned(capsys, yes=True)} == {"removed"}
    assert all(path.exists() for path in needed)
    assert not any(path.exists() for path in unneeded)


def test_what_nobody_is_known_to_use_stays_until_it_is_asked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = [made(sha256(name), sha256(f"lock {name}")) for name in ("one", "two", "three")]
    assert {row["outcome"] for row in cleaned(capsys, yes=True)} == {upkeep_commands.KEPT}
    assert all(path.exists() for path in theirs)
    named = [f"tf2.15.1,py3.11,cpu ({theirs[0].name[:8]})"]
    cleaned(capsys, yes=True, item=named)
    assert [path.exists() for path in theirs] == [False, True, True]
    with pytest.raises(SelectionError, match="nothing that may go has the name"):
        upkeep_commands.clean(yes=True, item=named)
    assert [row["outcome"] for row in cleaned(capsys, unknown=True)] == ["listed", "listed"]
    cleaned(capsys, yes=True, unknown=True)
    assert not any(path.exists() for path in theirs)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["locks", "results"])
@pytest.mark.usefixtures("elsewhere")
def test_what_a_folder_used_that_is_gone_stays(
    needed: list[Path], home: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Perhaps on a disk that is not there today.
    (home / folder).rename(home / "away")
    upkeep_commands.clean(yes=True)
    assert f"{home / folder}" in capsys.readouterr().err.replace("\n", "")
    assert needed[0].exists() and needed[2].exists()


def test_a_registry_that_cannot_be_read_vouches_for_nothing(
    needed: list[Path], unneeded: list[Path], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "cache" / users.NAME).write_text("{}")
    assert {row["outcome"] for row in cleaned(capsys, yes=True)} == {upkeep_commands.KEPT}
    assert all(path.exists() for path in [*needed, *unneeded])


@pytest.mark.usefixtures("elsewhere")
def test_the_environment_of_another_project_survives(
    home: Path, local_engine: LocalEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it happened: two projects share the cache, and one is cleaned from an empty folder."""
    project = tmp_path / "project"
    project.mkdir()
    lock = replace(make_lock(SIX), path=project / "locks" / "tf2.15.0,py3.11,cpu.txt")
    lock.path.parent.mkdir()
    lock.path.write_text("# a lock of tomorrow's schema\n")
    image = local_engine.assemble(lock, tmp_path / "log")
    before = {path for path in (home / "cache").rglob("*") if path.is_file()}
    upkeep_commands.clean(yes=True)
    upkeep_commands.clean(yes=True, format="json")
    capsys.readouterr()
    assert before <= {path for path in (home / "cache").rglob("*") if path.is_file()}
    assert local_engine.existing(lock) == image
    shutil.rmtree(project)
    cleaned(capsys, yes=True)
    assert local_engine.existing(lock) == image


@pytest.mark.slow
def test_several_processes_note_what_they_use_at_once(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from harness.environments import users\n"
        "for n in range(20): users._note('locks', Path('/x'), [sys.argv[1] + str(n)])"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "abc"]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert len(users.read().locks[Path("/x")]) == 60


@pytest.mark.slow
def test_nothing_that_a_running_process_may_use_is_removed(
    home: Path, unneeded: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    program = "import time, harness.scratch as s; s.use_cache(); print(flush=True); time.sleep(600)"
    with running(program) as process:
        assert process.stdout is not None and process.stdout.readline()
        assert cleaned(capsys, yes=True) == []
    assert all(path.exists() for path in unneeded)
    assert len(cleaned(capsys, yes=True)) == 2


def test_blobs_that_no_record_names_go_and_others_stay(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = SweepOnDisk(root=home / "results", matrix="m")
    sweep.plan([cell()])
    sweep.complete(cell(), "w", "v")
    blobs = home / "results" / "m" / "blobs" / "weights"
    blobs.mkdir(parents=True)
    for word in ("w", "v", "nobody"):
        (blobs / f"{weights_sha256(word)}.npz").write_bytes(b"x" * 5000)
    # Superseded, and yet a record.
    again = sweep.record(cell(), 2, "failed", reason="the second time")
    Store(home / "results", "m", sweep.machine).write(again, None, None)
    with Store(home / "results", "m", sweep.machine).lock():
        (row,) = cleaned(capsys, yes=True)
        assert row["outcome"].startswith("kept: ") and "another sweep is running" in row["outcome"]
        assert len(list(blobs.iterdir())) == 3
    (row,) = cleaned(capsys, yes=True)
    assert (row["kind"], row["outcome"]) == ("blobs", "removed")
    assert sorted(path.stem for path in blobs.iterdir()) == sorted(map(weights_sha256, "wv"))


@pytest.mark.parametrize("link", ["blobs", "blobs/weights", "{machine}", "{machine}/.partial"])
def test_what_is_behind_a_link_stays_and_so_do_blobs_that_it_may_name(
    home: Path, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = SweepOnDisk(root=home / "results", matrix="m")
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    place = home / "results" / "m" / link.format(machine=sweep.machine)
    blob = home / "results" / "m" / "blobs" / "weights" / f"{weights_sha256('w')}.npz"
    for path in (blob, sweep.folder / ".partial" / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    elsewhere = home / "elsewhere"
    place.rename(elsewhere)
    foreign = elsewhere / f"{weights_sha256('nobody')}.npz"
    foreign.write_bytes(b"x")
    place.symlink_to(elsewhere)
    there = sorted(elsewhere.rglob("*"))
    upkeep_commands.clean(format="json", yes=True)
    assert f"{place} is a link" in capsys.readouterr().err
    assert sorted(elsewhere.rglob("*")) == there and blob.exists()


@pytest.mark.slow
def test_uv_still_installs_after_its_cache_was_cleaned(home: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from engine_bench import *; from pathlib import Path\n"
        "from harness.environments import wheels\n"
        "wheels.install(make_lock(SIX), Path(sys.argv[2]))"
    )
    bench = str(Path(__file__).parents[1] / "engines")
    for name in ("first", "second"):
        site = tmp_path / name
        subprocess.run([sys.executable, "-c", program, bench, str(site)], check=True)
        assert (site / "six.py").exists()
        found = cached.unreferenced(Question(references=References(), everything=False))
        (unpacked,) = (item for item in found if item.name == "six, as uv unpacked it")
        assert unpacked.size > 10_000 and unpacked.remove() is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"folders": [Path("missing")]}, "missing: no such file or folder"),
        ({"folders": [Path("tmp")]}, "there are no locks here"),
        ({"yes": True, "dry_run": True}, "exclude each other"),
        ({"results": [Path("missing")]}, "--results names a folder"),
        ({"results": [Path("small.yaml")]}, "--results names a folder"),
        ({"format": "xml"}, "choose one of"),
    ],
)
def test_a_mistake_is_said_in_words(home: Path, asked: dict[str, Any], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        upkeep_commands.clean(**asked)


def test_copies_of_scripts_that_no_record_names_may_go(home: Path) -> None:
    root = places.cache("datasets")
    for path in (root / "scripts" / sha256("script") / "train.py", root / "files" / sha256("data")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    names = {f"scripts/{sha256('script')[:8]}", f"files/{sha256('data')[:8]}"}
    recorded = References(digests=frozenset({sha256("data")}))
    found = {
        item.name: item
        for item in cached.unreferenced(Question(references=References(), everything=False))
        if item.name in names
    }
    assert found.keys() == names
    assert all(item.disputed for item in found.values())
    kept = cached.unreferenced(Question(references=recorded, everything=False))
    assert names & {item.name for item in kept} == {f"scripts/{sha256('script')[:8]}"}
