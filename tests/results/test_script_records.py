"""Records of users' scripts: accepted as left, refused where they contradict themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from results_factory import (
    SCRIPT,
    SweepOnDisk,
    cell,
    fit,
    observed,
    outputs,
    script_cell,
    sha256,
    tensors,
)

from harness.analysis.model_differences import difference
from harness.errors import RecordError
from harness.publish.bundle import contents, crate
from harness.results import checking, json_digest, plan_file
from harness.results.reading import read_record
from harness.results.store import Store
from harness.runner import hashing
from harness.studies import reference
from harness.studies.record_cells import cell_of

Content = dict[str, Any]

CHURN = script_cell(parameters={"workers": "4"}, requirements=["pandas==2.2.2", "scikit-learn"])


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path / "results", repeats=1)


def _whole() -> Any:
    return observed(
        [fit("v", "g"), fit("w", "h", number=2), fit("u", "", model=2, history={})],
        outputs=outputs("o", "p"),
        files={"predictions.npy": sha256("file")},
    )


def _path(on: SweepOnDisk) -> Path:
    on.complete_script(CHURN, _whole())
    return on.folder / CHURN.id / "1.json"


def test_a_record_of_a_script_is_read_as_it_was_written(on: SweepOnDisk) -> None:
    record = read_record(_path(on))
    assert record is not None and record.measured is not None
    assert record.script == SCRIPT
    assert record.measured == _whole()
    assert record.environment.requirements == ("pandas==2.2.2", "scikit-learn")


def test_a_script_that_only_loops_over_a_tape_has_no_loss(on: SweepOnDisk) -> None:
    loop = fit("w", name="", init_sha256="", history={})
    on.complete_script(script_cell(), observed([loop]))
    record = read_record(on.folder / script_cell().id / "1.json")
    assert record is not None and record.measured is not None
    assert record.measured.loss is None


def test_a_setting_that_is_missing_is_left_to_the_script(on: SweepOnDisk) -> None:
    path = _path(on)
    content = json.loads(path.read_bytes())
    for name in ("determinism", "eager", "seeding"):
        del content["settings"][name]
    path.write_bytes(json_digest.with_digest(content))
    assert read_record(path) is not None


def _in_measured(name: str, value: object) -> Callable[[Content], None]:
    return lambda content: content["measured"].update({name: value})


def _in_fit(name: str, value: object) -> Callable[[Content], None]:
    return lambda content: content["measured"]["fits"][1].update({name: value})


def _an_inexact_history(content: Content) -> None:
    content["measured"]["fits"][2]["history"] = {"accuracy": ["0.5"]}


def _in_script(name: str, value: object) -> Callable[[Content], None]:
    return lambda content: content["script"].update({name: value})


def _no_script(content: Content) -> None:
    content["script"] = None


CONTRADICTIONS: list[tuple[Callable[[Content], object], str]] = [
    (_in_measured("loss", (0.5).hex()), "no fit of it ended with that"),
    (_in_measured("loss", None), "its loss is None"),
    (_in_measured("printed_sha256", "hello"), "printed_sha256 has the digest 'hello'"),
    (_in_measured("files", {"a": ""}), "file a has the digest ''"),
    (_in_measured("outputs", [{"call": "predict", "sha256": "x"}]), "output of predict has the"),
    (_in_measured("weights_sha256", "0" * 64), "not its weights_sha256"),
    (_in_measured("init_sha256", "0" * 64), "not its init_sha256"),
    (_an_inexact_history, "accuracy is '0.5'"),
    (_in_fit("history_sha256", "0" * 64), "the history of fit 2 of model 1 is not what its digest"),
    (_in_fit("history_sha256", ""), "history_sha256 of a fit has the digest ''"),
    (_in_fit("weights_sha256", "w"), "weights_sha256 of a fit has the digest 'w'"),
    (_in_fit("init_sha256", "w"), "init_sha256 of a fit has the digest 'w'"),
    (_in_fit("fit", 1), "two of its fits have the same numbers"),
    (_in_script("folder_sha256", "f"), "folder_sha256 has the digest 'f'"),
    (_in_script("sha256", "f"), "script has the digest 'f'"),
    (_in_script("data", {"rows.csv": "f"}), "data file rows.csv has the digest 'f'"),
    (_no_script, "is of no user's script|which is not its name|is another"),
]


@pytest.mark.parametrize(("change", "said"), CONTRADICTIONS)
def test_a_record_of_a_script_that_contradicts_itself_is_refused(
    on: SweepOnDisk, change: Callable[[Content], object], said: str
) -> None:
    path = _path(on)
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(json_digest.with_digest(content))
    with pytest.raises(RecordError, match=rf"contradicts itself: .*({said})"):
        read_record(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"predictions_sha256": ""}, "no predictions"),
        ({"metric": None}, "no metric"),
        ({"value": None}, "no metric"),
        ({"loss": None}, "its loss is None"),
        ({"printed_sha256": sha256("p")}, "observed of a user's script"),
    ],
)
def test_only_a_script_may_lack_what_a_reference_training_leaves(
    on: SweepOnDisk, changes: Content, said: str
) -> None:
    on.complete(cell(), "w")
    path = on.folder / cell().id / "1.json"
    content = json.loads(path.read_bytes())
    content["measured"].update(changes)
    path.write_bytes(json_digest.with_digest(content))
    with pytest.raises(RecordError, match=said):
        read_record(path)


def _stored(on: SweepOnDisk, tmp_path: Path) -> Store:
    """A run of a script whose weights are stored, written as a sweep does."""
    arrays = {"1/w": np.arange(6, dtype="<f4")}
    hashing.write_arrays(str(tmp_path / "w.npz"), list(arrays), list(arrays.values()))
    found = tensors(arrays, "init")
    whole = _whole()
    measured = whole.model_copy(
        update={
            "tensors": found,
            "parameters": 6,
            "init_sha256": hashing.combined_digest(one.init_sha256 for one in found),
            "weights_sha256": hashing.combined_digest(one.sha256 for one in found),
        }
    )
    on.plan([CHURN])
    record = on.script_record(CHURN, 1, measured)
    lock = f"# lock of {CHURN.environment.id}\n".encode()
    (on.folder.parent / "locks").mkdir()
    (on.folder.parent / "locks" / "one.txt").write_bytes(lock)
    named = record.environment.model_copy(update={"lock_sha256": sha256(lock.decode())})
    store = Store(on.root, on.matrix, on.machine)
    store.write(record.model_copy(update={"environment": named}), tmp_path / "w.npz", None)
    return store


def test_weights_are_stored_and_no_predictions_are_asked_for(
    on: SweepOnDisk, tmp_path: Path
) -> None:
    store = _stored(on, tmp_path)
    assert len(list((store.blobs / "weights").iterdir())) == 1
    assert not (store.blobs / "predictions").exists()
    report = checking.check(on.root)
    assert report.findings == []
    assert report.counts["arrays"] == 1
    bundled = contents.collect(on.root, lock_folders=[], arrays="all")
    assert sum("/blobs/" in name for name in bundled.files) == 1
    assert "but for the scripts" in crate.sentence(bundled)


def test_models_without_predictions_are_compared_by_their_weights(
    on: SweepOnDisk, tmp_path: Path
) -> None:
    store = _stored(on, tmp_path)
    record = store.read(CHURN.id, 1)
    assert record is not None and record.measured is not None
    model = reference.model_of(record.measured, store.folder)
    apart = difference(model, model)
    assert (apart.weights is not None, apart.predictions) == (True, None)
    assert (apart.metric, apart.missing) == (None, "")


def test_a_plan_keeps_the_further_packages_of_an_environment(on: SweepOnDisk) -> None:
    on.plan([CHURN, cell()])
    _, cells = plan_file.read(on.folder / "plan.jsonl")
    assert [one.environment for one in cells] == [CHURN.environment, cell().environment]


def test_verify_says_that_the_script_is_not_in_the_results(on: SweepOnDisk) -> None:
    on.plan([CHURN, cell()])
    on.complete_script(CHURN, _whole())
    on.complete(cell(), "w")
    obstacles = {one.id: one.obstacle for one in reference.read(on.root)}
    assert obstacles[CHURN.id] == ("a user's script, which is not in these results; run its matrix")
    assert obstacles[cell().id] == ""


def test_the_cell_of_a_reference_training_has_the_further_packages(on: SweepOnDisk) -> None:
    environment = CHURN.environment
    one = type(CHURN)(environment=environment, values=cell().values)
    assert cell_of(on.record(one, 1, "completed")) == one
