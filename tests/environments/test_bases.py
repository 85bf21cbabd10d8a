"""Bases: which image an environment stands on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import places
from harness.environments import bases
from harness.errors import BuildError, UsageError
from harness.matrix.environment import Environment

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture(autouse=True)
def only_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(bases.BASES_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def environment(
    python: str = "3.11", tensorflow: str = "2.15.0", device: str = "cpu"
) -> Environment:
    return Environment(python=python, tensorflow=tensorflow, device=device)


def use(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> Path:
    file = folder / "bases.yaml"
    file.write_text("schema: 1\n" + text)
    monkeypatch.setenv(bases.BASES_VARIABLE, str(file))
    return file


@pytest.mark.parametrize("python", ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_every_python_has_a_pinned_base(python: str) -> None:
    base = bases.base_for(environment(python))
    assert base.reference.startswith(f"python:{python}-slim")
    assert base.engine_reference == f"python@{base.digest}"
    assert not base.is_local


def test_a_cuda_base_is_taken_where_wheels_bring_no_cuda() -> None:
    old = bases.base_for(environment("3.8", "2.10.1", "gpu"))
    assert old.reference.startswith("tensorflow/tensorflow:2.10.0-gpu@sha256:")
    assert not bases.cuda_in_wheels("2.10.1")


def test_the_plain_base_is_taken_where_wheels_bring_cuda() -> None:
    assert bases.cuda_in_wheels("2.15.0")
    new = bases.base_for(environment("3.11", "2.15.0", "gpu"))
    assert new == bases.base_for(environment("3.11", "2.15.0", "cpu"))


def test_a_base_without_a_digest_is_refused_with_the_command_that_pins_it() -> None:
    with pytest.raises(BuildError, match="harness bases --renew"):
        bases.base_for(environment("3.8", "2.12.0", "gpu"))


def test_a_python_without_a_base_is_refused() -> None:
    with pytest.raises(BuildError, match=r"Python 3\.6"):
        bases.base_for(environment("3.6"))


def test_an_own_file_wins_and_the_shipped_one_serves_the_rest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = use(monkeypatch, tmp_path, f'cpu:\n  "3.10": own.example:5000/py:1@{ONE}\n')
    base = bases.base_for(environment("3.10"))
    assert (base.source, base.digest) == (file, ONE)
    assert base.engine_reference == f"own.example:5000/py@{ONE}"
    assert bases.base_for(environment("3.11")).reference.startswith("python:3.11")


def test_an_image_can_be_named_by_its_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, tmp_path, f"cpu:\n  3.10: {ONE}\n")
    base = bases.base_for(environment("3.10"))
    assert base.is_local
    assert base.engine_reference == base.digest == ONE


def test_the_users_own_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "reproducibility-harness"
    folder.mkdir(parents=True)
    use(monkeypatch, folder, f"cpu:\n  3.10: {TWO}\n")
    monkeypatch.delenv(bases.BASES_VARIABLE)
    assert bases.base_for(environment("3.10")).digest == TWO


@pytest.mark.parametrize("text", ["cpu: 3\n", "cpus: {}\n", "cpu: [\n", "cpu: {3.10: [a]}\n"])
def test_a_malformed_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    file = use(monkeypatch, tmp_path, text)
    with pytest.raises(UsageError, match=str(file)):
        bases.base_for(environment())


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bases.BASES_VARIABLE, "/no/bases.yaml")
    with pytest.raises(UsageError, match=r"/no/bases\.yaml"):
        bases.base_for(environment())


def test_renewing_pins_every_tag_and_keeps_the_rest_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bases.yaml"
    shutil.copy(places.dockerfiles() / "bases.yaml", file)
    before = file.read_text().splitlines()
    asked: list[str] = []

    def pin(tagged: str) -> str:
        asked.append(tagged)
        return ONE

    renewals = bases.renew(pin, file)
    after = file.read_text().splitlines()
    assert "python:3.9-slim-bookworm" in asked
    assert "tensorflow/tensorflow:2.12.0-gpu" in asked
    assert [line for line in before if "#" in line] == [line for line in after if "#" in line]
    assert sum(ONE in line for line in after) == len(asked) == len(renewals)
    assert bases.renew(pin, file) == ()


def test_renewing_leaves_image_ids_alone(tmp_path: Path) -> None:
    file = tmp_path / "bases.yaml"
    file.write_text(f'schema: 1\ncpu: {{"3.10": "{TWO}", "3.11": "a:1", "3.12": "a:10"}}\n')
    bases.renew(lambda tagged: ONE if tagged == "a:1" else TWO, file)
    text = file.read_text()
    assert f'"3.10": "{TWO}", "3.11": "a:1@{ONE}", "3.12": "a:10@{TWO}"' in text
