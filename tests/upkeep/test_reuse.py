"""What of an environment is reused and what is not, and why, on real engines."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import harness
from engines.engine_bench import NUMPY, SIX, make_lock

from harness import places
from harness.cli import plan_command, wiring
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import virtual_environments
from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Engine, Image
from harness.environments import bases, interpreters, wheelhouse
from harness.environments.lock import Lock
from harness.executors.audits import Audit
from harness.executors.run_processes import Limits
from harness.results.store import Store
from harness.upkeep import reuse
from harness.upkeep.reuse import Lookup

DATA = Path(__file__).parents[1] / "data" / "matrices"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own that has one file: the wheel of six."""
    kept = wheelhouse.place(SIX)
    wheelhouse.holds(SIX)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    if kept.exists():
        wheelhouse.place(SIX).parent.mkdir(parents=True)
        shutil.copy(kept, wheelhouse.place(SIX))
    return tmp_path / "cache"


def parts(engine: Engine, lock: Lock, audit: Audit | None = None) -> dict[str, tuple[bool, str]]:
    known = Lookup(engine=engine, lock=lambda e: lock, audit=lambda sha256, workload: audit)
    found = reuse.of_environment(lock.environment, {"mnist-mlp"}, known)
    return {part.part: (part.reused, part.why) for part in found}


def test_everything_there_is_reused(local_engine: LocalEngine, tmp_path: Path) -> None:
    lock = make_lock(SIX)
    local_engine.assemble(lock, tmp_path / "log")
    found = parts(local_engine, lock, Audit(state="passed", sentence="equal"))
    assert [part for part, (reused, _) in found.items() if not reused] == []
    assert found["lock"][1] == lock.sha256[:8]
    assert found["audit"][1] == "equal"


def test_nothing_there_is_said_and_nothing_is_made(
    local_engine: LocalEngine, own_cache: Path
) -> None:
    found = parts(local_engine, make_lock(SIX, NUMPY))
    assert found["wheels"] == (False, "1 of 2 not in the cache: numpy 1.26.4")
    assert found["image"] == (False, "no virtual environment of it yet")
    assert found["audit"][0] is False
    assert not list((own_cache / "environments").glob("*"))


def test_a_changed_lock_is_named_with_both_digests(
    local_engine: LocalEngine, own_cache: Path, tmp_path: Path
) -> None:
    old = make_lock(SIX)
    local_engine.assemble(old, tmp_path / "log")
    new = replace(old, sha256="f" * 64)
    said = f"the lock changed ({old.sha256[:8]} → ffffffff)"
    assert local_engine.existing(new) == said
    assert parts(local_engine, new)["image"] == (False, said)


def test_another_build_of_the_interpreter_is_named(
    local_engine: LocalEngine, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_engine.assemble(make_lock(SIX), tmp_path / "log")
    here = interpreters.present("3.11")
    assert here is not None
    other = replace(here, build="3.11.99 (other)")
    monkeypatch.setattr(interpreters, "present", lambda python: other)
    assert local_engine.existing(make_lock(SIX)) == (
        f"the base changed ({here.description} → CPython 3.11.99 (other))"
    )


def test_an_interpreter_that_would_be_fetched_is_said(local_engine: LocalEngine) -> None:
    found = parts(local_engine, make_lock(SIX, python="3.99"))
    assert found["base"] == (False, "its interpreter is not here; uv would fetch it")
    assert found["image"] == (False, "no Python 3.99 here yet; uv would fetch it")


@pytest.mark.docker
def test_another_base_of_an_image_is_named(
    docker_engine: DockerEngine, docker_base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = make_lock(SIX)
    assert isinstance(docker_engine.assemble(lock, tmp_path / "log"), Image)
    assert isinstance(docker_engine.existing(lock), Image)
    file = tmp_path / "bases.yaml"
    file.write_text(json.dumps({"schema": 1, "cpu": {"3.11": "sha256:" + "a" * 64}}))
    monkeypatch.setenv(bases.BASES_VARIABLE, str(file))
    short = docker_base.removeprefix("sha256:")[:8]
    assert docker_engine.existing(lock) == f"the base changed ({short} → aaaaaaaa)"


@pytest.mark.docker
def test_an_image_nobody_made_is_said(docker_engine: DockerEngine) -> None:
    lock = make_lock(SIX)
    other = replace(lock, environment=replace(lock.environment, numpy="1.2.3"))
    assert docker_engine.existing(other) == "no image of it yet"


def test_plan_tells_environments_and_cells_in_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(DATA / "small.yaml", tmp_path)
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    plan_command.plan(tmp_path / "small.yaml", engine="local", as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    told = {part["environment"] for part in found["environments"]}
    assert told == {cell["environment"] for cell in found["cells"]}
    names = {"base", "lock", "wheels", "image", "audit"}
    assert {part["part"] for part in found["environments"]} == names


@pytest.mark.slow
def test_plan_names_what_is_missing_without_a_lock(tmp_path: Path) -> None:
    matrix = tmp_path / "m.yaml"
    # Of this one no lock is shipped.
    matrix.write_text("schema: 1\nname: m\nenvironments: {python: '3.9', tensorflow: 2.15.1}\n")
    arguments = ("plan", matrix, "--engine", "local", "--by", "environment")
    ended = harness(*arguments)
    assert ended.code == 0 and "no lock yet; it would be made" in ended.out


def test_the_base_counts_where_the_engine_that_recorded_would_run(
    local_engine: LocalEngine, tmp_path: Path
) -> None:
    wanted = wiring.wanted(
        wiring.lock_reader(tmp_path / "m.yaml"),
        wiring.this_machine(),
        engine=None,
        running=local_engine,
        audited=True,
        limits=Limits(timeout=1, memory=1),
        store=Store(tmp_path, "m", "here"),
        scripts={},
    )
    environment = make_lock(SIX).environment
    here = interpreters.present("3.11")
    assert here is not None and wanted.base(environment, "local") == here.description
    assert wanted.base(environment, "docker") is None


def test_a_virtual_environment_says_what_it_is_made_of(
    local_engine: LocalEngine, tmp_path: Path
) -> None:
    lock = make_lock(SIX)
    image = local_engine.assemble(lock, tmp_path / "log")
    made = virtual_environments.made_of(Path(image.reference))
    told = {"lock": lock.sha256, "environment": lock.environment.id, "base": image.base}
    assert made == {**told, "bytecode": made["bytecode"]}
    assert virtual_environments.made_of(tmp_path) == {}
