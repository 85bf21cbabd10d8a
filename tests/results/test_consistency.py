"""A record that contradicts itself is refused, however well its digest fits."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import harness as program
from results.made import array_files, completed

from harness.errors import RecordError
from harness.results import json_digest, migration
from harness.results.reading import read_record
from harness.results.store import Store

SCHEMA1 = Path(__file__).parents[1] / "data" / "schema1"
CELL = "co2-lstm,tf2.17.1,py3.12,cpu,threads=1"

Content = dict[str, Any]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real results, in today's schema."""
    root = tmp_path_factory.mktemp("real") / "results"
    shutil.copytree(SCHEMA1, root)
    migration.migrate(root)
    return root


@pytest.fixture
def path(results: Path, tmp_path: Path) -> Path:
    """One record of a copy of the results."""
    shutil.copytree(results, tmp_path / "results")
    (found,) = (tmp_path / "results").glob(f"versions/*/{CELL}/1.json")
    return found


def _measured(**changes: Any) -> Callable[[Content], object]:
    return lambda content: content["measured"].update(changes)


def _completed_without_measurements(content: Content) -> None:
    content["measured"] = None


def _completed_with_a_failure(content: Content) -> None:
    content["failure"] = {"type": "ValueError", "message": "", "traceback": "", "log": ""}


def _a_tensor_of_other_bits(content: Content) -> None:
    content["measured"]["tensors"][0]["sha256"] = "0" * 64


def _a_tensor_of_another_start(content: Content) -> None:
    content["measured"]["tensors"][0]["init_sha256"] = "0" * 64


def _one_tensor_less(content: Content) -> None:
    content["measured"]["tensors"].pop()


def _a_loss_that_is_a_decimal(content: Content) -> None:
    content["measured"]["history"]["loss"][-1] = content["measured"]["loss"] = "0.25"


def _a_history_that_ends_elsewhere(content: Content) -> None:
    content["measured"]["history"]["loss"].append((0.25).hex())


def _other_settings(content: Content) -> None:
    content["settings"]["seed"] = 43
    content["found"]["seed"]["value"] = 43


def _settings_of_another_kind(content: Content) -> None:
    content["settings"]["seed"] = "42"


def _another_setting_in_force(content: Content) -> None:
    content["found"]["threads"]["value"] = 2


def _another_version_in_force(content: Content) -> None:
    content["found"]["tensorflow"] = {"value": "2.10.0", "how": "tf.version.VERSION"}


def _another_version_asked(content: Content) -> None:
    content["environment"]["tensorflow"] = "2.10.0"


def _more_cpus(content: Content) -> None:
    content["process"]["cpus"] = [0, 1]


def _of(name: str, **changes: Any) -> Callable[[Content], object]:
    return lambda content: content[name].update(changes)


def _changed(**changes: Any) -> Callable[[Content], object]:
    return lambda content: content.update(changes)


def _another_processor(content: Content) -> None:
    content["hardware"]["cpu_model"] = "an abacus"


def _no_processor(content: Content) -> None:
    del content["hardware"]["cpu_flags"]


CONTRADICTIONS: dict[Callable[[Content], object], str] = {
    _completed_without_measurements: "completed, and has no measurements",
    _completed_with_a_failure: "completed, and has a failure",
    _a_tensor_of_other_bits: "not its weights_sha256",
    _a_tensor_of_another_start: "not its init_sha256",
    _one_tensor_less: "not its weights_sha256",
    _a_loss_that_is_a_decimal: "loss is '0.25', which is not an exact number",
    _a_history_that_ends_elsewhere: "the last one of its history is another",
    _other_settings: "settings are those of .*seed=43",
    _settings_of_another_kind: "settings are those of .*seed=42",
    _another_setting_in_force: "of threads 1 was asked and 2 found",
    _another_version_in_force: "of tensorflow 2.17.1 was asked and 2.10.0 found",
    _another_version_asked: "its environment is tf2.10.0,py3.12,cpu",
    _more_cpus: "of cpus 2 was asked and 1 found",
    _another_processor: "its hardware is that of ",
    _no_processor: "values that no run leaves",
    _measured(weights_sha256="0" * 64): "not its weights_sha256",
    _measured(value="nan "): "value is 'nan '",
    _measured(value="much"): "values that no run leaves",
    _measured(scale="12.4"): "scale is '12.4'",
    _measured(parameters=1): "and it counts 1",
    _measured(history={}): "the last one of its history is another",
    _measured(data_sha256="mnist"): "data_sha256 has the digest 'mnist'",
    _changed(code_sha256="new"): "code_sha256 has the digest 'new'",
    _changed(reason="it stopped"): "completed, and has a reason: it stopped",
    _changed(found={}): "completed, and nothing was read back",
    _changed(status="failed"): "is failed, and does not say why",
    _changed(status="failed", reason="it stopped"): "is failed, and does not say why",
    _of("settings", mood="good"): "has the setting 'mood', which is no axis",
    _of("process", exit_code=3): "completed, and its process ended with status 3",
    _of("environment", packages={"tensorflow-cpu": "2.9.0"}): "TensorFlow 2.17.1, its packages",
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
def test_a_record_that_contradicts_itself_is_refused(
    path: Path, change: Callable[[Content], object]
) -> None:
    content = json.loads(path.read_bytes())
    before = copy.deepcopy(content)
    change(content)
    assert content != before
    path.write_bytes(json_digest.with_digest(content))
    with pytest.raises(RecordError, match=rf"1\.json: contradicts.*{CONTRADICTIONS[change]}"):
        read_record(path)


@pytest.mark.slow
def test_every_command_that_reads_says_so(path: Path) -> None:
    content = json.loads(path.read_bytes())
    content["measured"] = None
    path.write_bytes(json_digest.with_digest(content))
    root = path.parents[3]
    for command in ("check", "table", "compare", "migrate"):
        ended = program(command, root)
        assert ended.code == 8, (command, ended.err)
        assert "1.json: " in ended.err and "has no measurements" in ended.err


def test_what_older_programs_did_not_know_is_at_its_default(path: Path) -> None:
    content = json.loads(path.read_bytes())
    del content["settings"]["shuffle"]
    path.write_bytes(json_digest.with_digest(content))
    assert read_record(path) is not None


def test_what_could_not_be_read_back_contradicts_nothing(path: Path) -> None:
    content = json.loads(path.read_bytes())
    content["found"]["threads"]["value"] = None
    del content["found"]["seed"]
    path.write_bytes(json_digest.with_digest(content))
    assert read_record(path) is not None


def test_no_contradiction_is_written(tmp_path: Path) -> None:
    weights, predictions, measured = array_files(tmp_path, 1)
    done = completed(measured.model_copy(update={"parameters": 7}))
    store = Store(tmp_path / "results", done.matrix, done.machine)
    with pytest.raises(RecordError, match="contradicts itself"):
        store.write(done, weights, predictions)
    assert not store.folder.exists()
