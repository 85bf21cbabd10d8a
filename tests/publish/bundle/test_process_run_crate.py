"""A bundle is a Process Run Crate: what it says of its runs, and what a foreign validator says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bundled
import pytest
from results_factory import MACHINE, SweepOnDisk, cell, fit, observed, part_of, script_cell

from harness.environments import commands
from harness.protocol.script import Script
from harness.results.store import Store
from harness.subjects import folder_archives

PINS = Path(__file__).parents[3] / ".ci" / "crate-validator.txt"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
DESCRIPTION = "ro-crate-metadata.json"
PLACE = f"results/quickstart/{MACHINE}"
ID = "mnist-mlp,tf2.10.0,py3.10,np1.23.5,cpu"

Entities = dict[str, dict[str, Any]]
Validate = Callable[[Path], dict[str, Any]]


def crate(folder: Path, **credits: Any) -> Path:
    """A small bundle, unpacked: three completed runs, one that failed."""
    archive = folder / "a.zip"
    bundled.prepared(bundled.results(folder / "results"), **credits).write(archive)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder / "crate")
    return folder / "crate"


def entities(folder: Path) -> Entities:
    graph = json.loads((folder / DESCRIPTION).read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def actions(folder: Path) -> Entities:
    named = {one["name"]: one for one in entities(folder).values() if "actionStatus" in one}
    return {name.removesuffix(f" on {MACHINE}"): action for name, action in named.items()}


def test_every_run_is_an_action_with_what_went_in_and_what_came_out(tmp_path: Path) -> None:
    folder = crate(tmp_path)
    all_entities, found = entities(folder), actions(folder)
    assert all_entities["./"]["conformsTo"] == {"@id": PROFILE}
    assert sorted(found) == [f"{ID} #1", f"{ID} #2", f"{ID},threads=1 #1", f"{ID},threads=2 #1"]
    assert len(all_entities["./"]["mentions"]) == 4
    action = found[f"{ID} #2"]
    assert action["@type"] == "CreateAction"
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert action["startTime"] == "2024-05-01T12:00:00+00:00"
    assert "error" not in action
    results = [all_entities[one["@id"]] for one in action["result"]]
    assert results[0]["name"] == f"{PLACE}/{ID}/2.json"
    assert {one["name"].split("/")[3] for one in results[1:]} == {"weights", "predictions"}
    assert all((folder / one["name"]).is_file() for one in results)
    names = [all_entities[one["@id"]]["name"] for one in action["object"]]
    assert names[:2] == ["matrices/quickstart.yaml", f"results/quickstart/locks/{ID[10:]}.txt"]


def test_the_instrument_is_tensorflow_and_what_it_needs(tmp_path: Path) -> None:
    folder = crate(tmp_path)
    all_entities = entities(folder)
    instruments = {one["instrument"]["@id"] for one in actions(folder).values()}
    for id in instruments:
        tensorflow = all_entities[id]
        assert tensorflow["@type"] == "SoftwareApplication"
        assert (tensorflow["name"], tensorflow["softwareVersion"]) == ("TensorFlow", "2.10.0")
        needed = [all_entities[one["@id"]] for one in tensorflow["softwareRequirements"]]
        assert {"Python", "NumPy"} <= {one["name"] for one in needed}
        assert all(one["softwareVersion"] for one in needed)


def test_a_run_that_failed_is_a_failed_action_with_its_error(tmp_path: Path) -> None:
    action = actions(crate(tmp_path))[f"{ID},threads=2 #1"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert action["error"] == "failed: ValueError: the training raised ValueError"
    assert action["result"]["@id"].endswith("/1.json")


def crate_of_script(folder: Path, *, scripts: bool) -> tuple[Path, str]:
    """A bundle of one run of a user's script, unpacked, and the digest of the script's folder."""
    (folder / "mine").mkdir()
    (folder / "mine" / "train.py").write_text("x = 1\n")
    folder_archives.pack(folder / "mine", folder / "mine.tar")
    with (folder / "mine.tar").open("rb") as file:
        digest = folder_archives.digest_of(file)
    script = Script(name="churn", path="train.py", module="", folder_sha256=digest)
    on, one = SweepOnDisk(root=folder / "results"), script_cell()
    on.plan([one])
    on.write(on.script_record(one, 1, observed([fit("w")]), part_of(script)))
    bundled.keep_lock(on, one)
    Store(on.root, on.matrix, on.machine).store_script(digest, folder / "mine.tar")
    bundled.prepared(on.root, arrays="none", scripts=scripts).write(folder / "a.zip")
    with zipfile.ZipFile(folder / "a.zip") as packed:
        packed.extractall(folder / "crate")
    return folder / "crate", digest


def test_a_script_goes_in_as_a_file_of_the_bundle(tmp_path: Path) -> None:
    folder, digest = crate_of_script(tmp_path, scripts=True)
    all_entities = entities(folder)
    (action,) = actions(folder).values()
    path = f"results/quickstart/blobs/scripts/{digest}.tar"
    (script,) = (all_entities[o["@id"]] for o in action["object"] if ".tar" in o["@id"])
    assert (script["@type"], script["name"]) == ("File", path)
    assert script["encodingFormat"] == "application/x-tar"
    assert (folder / path).read_bytes() == (tmp_path / "mine.tar").read_bytes()
    assert "not in this bundle" not in json.dumps(script)
    assert "but for the scripts" not in all_entities["./"]["description"]


def test_a_script_that_is_left_out_is_known_by_its_digest(tmp_path: Path) -> None:
    folder, digest = crate_of_script(tmp_path, scripts=False)
    all_entities = entities(folder)
    assert digest not in (folder / "manifest-sha256.txt").read_text()
    titles = [one.get("name", "") for one in all_entities.values()]
    assert "The script train.py, which is not in this bundle" in titles
    assert "but for the scripts train.py" in all_entities["./"]["description"]


def test_ids_are_addresses_whatever_a_stranger_called_a_version(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path / "results")
    on.plan([cell()])
    record = on.record(cell(), 1, "failed", reason="x")
    versions = {"python": "3 <x>", "tensorflow": ["2"], "numpy": 'a"b\\', "keras": None}
    on.write(record.model_copy(update={"process": {"versions": versions}}))
    bundled.keep_lock(on, cell())
    graph = json.loads(bytes(bundled.prepared(on.root).files[DESCRIPTION]))["@graph"]
    ids = [entity["@id"] for entity in graph]
    assert len(set(ids)) == len(ids)
    assert not [id for id in ids if re.search(r'[\s<>"\\]', id)]


def test_who_started_the_runs_is_said_only_where_authors_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert not any("agent" in one for one in actions(crate(tmp_path / "a")).values())
    named = actions(crate(tmp_path / "b", authors=("Ada",)))
    assert {one["agent"]["@id"] for one in named.values()} == {"#author-1"}


@pytest.fixture(scope="session")
def validate(tmp_path_factory: pytest.TempPathFactory) -> Validate:
    """rocrate-validator without network, in an environment of its own: see the pins."""
    folder = tmp_path_factory.mktemp("crate-validator")
    python, cache = folder / "venv" / "bin" / "python", folder / "cache"
    made = commands.uv_command("venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    subprocess.run(made, check=True)
    target = ("--python", str(python), "-r", str(PINS))
    subprocess.run(commands.uv_command("pip", "install", "--quiet", *target), check=True)
    filler = Path(__file__).parents[2] / "data" / "crate_context.py"
    subprocess.run([str(python), str(filler), str(cache)], check=True)

    def run(crate: Path) -> dict[str, Any]:
        report = folder / "report.json"
        report.unlink(missing_ok=True)
        options = ["--offline", "--cache-path", str(cache), "--no-paging", "--verbose"]
        what = ["-p", "process-run-crate-0.5", "-l", "required", "-f", "json", "-o", str(report)]
        program = [str(python.with_name("rocrate-validator")), "-y", "validate"]
        done = subprocess.run(
            [*program, *options, *what, str(crate)],
            env={**os.environ, "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert report.is_file(), done.stdout + done.stderr
        said: dict[str, Any] = json.loads(report.read_text())
        assert (done.returncode == 0) == said["passed"], done.stdout
        return said

    return run


@pytest.mark.network
@pytest.mark.parametrize("licence", [None, "https://creativecommons.org/licenses/by/4.0/"])
def test_the_validator_finds_nothing_that_the_profile_requires_missing(
    tmp_path: Path, validate: Validate, licence: str | None
) -> None:
    folder = crate(tmp_path, licence=licence)
    (tmp_path / "of-script").mkdir()
    of_script, _ = crate_of_script(tmp_path / "of-script", scripts=True)
    assert validate(of_script)["passed"]
    said = validate(folder)
    assert said["passed"], said["issues"]
    assert said["validation_settings"]["profile_identifier"] == "process-run-crate-0.5"


def without_instrument(graph: Entities) -> None:
    next(one for one in graph.values() if "actionStatus" in one).pop("instrument")


def of_no_profile(graph: Entities) -> None:
    graph["./"].pop("conformsTo")


def without_a_root(graph: Entities) -> None:
    graph.pop("./")


@pytest.mark.network
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_instrument, "MUST have an instrument"),
        (of_no_profile, "MUST reference a CreativeWork entity"),
        (without_a_root, "root data entity"),
    ],
)
def test_the_validator_refuses_a_crate_that_is_none(
    tmp_path: Path, validate: Validate, spoil: Callable[[Entities], None], message: str
) -> None:
    folder = crate(tmp_path)
    file = folder / DESCRIPTION
    whole, graph = json.loads(file.read_text()), entities(folder)
    spoil(graph)
    file.write_text(json.dumps({**whole, "@graph": list(graph.values())}))
    said = validate(folder)
    assert not said["passed"]
    assert any(message.lower() in issue["message"].lower() for issue in said["issues"]), said


@pytest.mark.network
def test_the_validator_misses_a_file_that_is_not_there(tmp_path: Path, validate: Validate) -> None:
    folder = crate(tmp_path)
    (folder / PLACE / ID / "1.json").unlink()
    assert not validate(folder)["passed"]
