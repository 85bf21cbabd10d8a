"""What trials mean, in sentences; and where runs first differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.results.record import Fit, Measured, Output
from harness.studies import diagnosis, repetition
from harness.studies.diagnosis import Change, Diagnosis
from harness.studies.search import Cure, Settings, Trial


def trial(settings: Settings, weights: int, completed: int = 3, seconds: float = 2.0) -> Trial:
    return Trial(
        settings=settings,
        repeats=3,
        completed=completed,
        distinct={"weights": weights, "history": weights, "outputs": 1, "files": 1},
        seconds=seconds,
        reason="" if completed == 3 else "failed: ValueError: no",
    )


def diagnosed(base: Trial, **parts: Any) -> str:
    found = Diagnosis(
        script="train.py", environment="tf", base=base, first="", calls=(), connections=(), **parts
    )
    assert diagnosis.as_json(found)["sentences"]
    return "\n".join(diagnosis.sentences(found))


def test_a_cure_is_said_with_its_evidence_its_price_and_its_limit() -> None:
    cured = trial({"seeding": "all"}, 1, seconds=2.2)
    cure = Cure(trial=cured, without={}, tried=(cured,))
    text = diagnosed(trial({}, 3), cure=cure)
    assert text.startswith("Not repeatable: 3 runs left 3 different weights, 3 different histories")
    assert "Repeatable with seeding=all (3 of 3 equal)." in text
    assert "tf.keras.utils.set_random_seed(42)" in text
    assert "1.10 times" in text
    assert "up to 63% of runs" in text


def test_what_was_not_enough_alone_is_said() -> None:
    alone = trial({"seeding": "all"}, 2)
    both = trial({"seeding": "all", "hash_seed": 0}, 1)
    text = diagnosed(trial({}, 3), cure=Cure(trial=both, without={}, tried=(alone, both)))
    assert "Alone not enough: seeding=all: 2 different weights in 3 runs." in text
    assert "Start it so: PYTHONHASHSEED=0 python" in text


def test_without_a_cure_no_setting_is_recommended() -> None:
    tried = (trial({"seeding": "all"}, 3),)
    text = diagnosed(trial({}, 3), cure=Cure(trial=None, without={}, tried=tried))
    assert "No setting tried makes it repeatable (seeding=all: 3 different" in text
    assert "Put this" not in text


def test_a_stable_script_is_told_what_changes_its_bits() -> None:
    changes = (
        Change(what="threads=1", changed=("weights", "history")),
        Change(what="onednn=off", changed=()),
        Change(what="isa=avx2", changed=None, reason="no oneDNN"),
    )
    text = diagnosed(trial({}, 1), changes=changes)
    assert "Repeatable as it is: 3 of 3 equal" in text
    assert "Other bits with: threads=1 (other weights, history)." in text
    assert "Same bits with: onednn=off." in text
    assert "No result with: isa=avx2 (no oneDNN)." in text


def test_a_script_that_does_not_run_gets_no_verdict() -> None:
    assert diagnosed(trial({}, 0, completed=0)) == "It does not complete: failed: ValueError: no."


def test_equal_results_that_say_little_are_pointed_out() -> None:
    text = diagnosed(trial({}, 1), printed=3, not_finite=4)
    assert "4 of the tensors hold NaN or infinity" in text
    assert "the 3 runs printed 3 different texts" in text
    assert "printed" not in diagnosed(trial({}, 1))


def test_a_reason_that_is_a_sentence_ends_once() -> None:
    base = replace(trial({}, 0, completed=0), reason="2.15.1 has no wheel for Python 2.7.")
    assert diagnosed(base).endswith("Python 2.7.") and not diagnosed(base).endswith("..")


def measured(init: str, losses: tuple[str, ...], weights: str, output: str = "o") -> Measured:
    fit = Fit(
        model=1,
        fit=1,
        name="dense",
        steps=1,
        init_sha256=init,
        weights_sha256=weights,
        history={"loss": losses},
        history_sha256="/".join(losses),
    )
    return Measured(
        data_sha256="",
        init_sha256=init,
        weights_sha256=weights,
        predictions_sha256="",
        tensors=(),
        history={},
        loss=None,
        metric=None,
        unit="",
        value=None,
        parameters=0,
        fits=(fit,),
        outputs=(Output(call="predict", sha256=output),),
    )


def test_the_first_difference_is_the_earliest() -> None:
    one = measured("a", ("1", "2"), "w")
    for other, where in (
        (measured("b", ("1", "3"), "v"), "the initial weights of model 1 (dense)"),
        (measured("a", ("1", "3"), "v"), "loss in epoch 2 of fit 1 of model 1 (dense)"),
        (measured("a", ("1", "2"), "v"), "the weights after fit 1 of model 1 (dense)"),
        (measured("a", ("1", "2"), "w", "p"), "what predict returned"),
        (one, ""),
    ):
        assert repetition.first_difference([one, one, other]) == where


def test_what_does_not_repeat_is_counted_by_kind() -> None:
    one, other = measured("a", ("1",), "w"), measured("a", ("1",), "w", "p")
    assert repetition.changed(one, other) == ("outputs",)


def _unseen(printed: str, **files: str) -> Measured:
    blank = {"weights_sha256": "", "init_sha256": "", "fits": (), "outputs": ()}
    left = {**blank, "printed_sha256": printed, "files": files}
    return measured("a", ("1",), "w").model_copy(update=left)


def test_without_observing_files_and_printed_texts_decide() -> None:
    assert repetition.changed(_unseen("p", out="f"), _unseen("q", out="f")) == ("printed",)
    assert repetition.changed(_unseen("p", out="f"), _unseen("p", out="g")) == ("files",)
    assert repetition.changed(_unseen("p"), measured("a", ("1",), "w")) == ("printed",)
    assert repetition.first_difference([_unseen("p"), _unseen("q")]) == ""


def test_what_the_answer_rests_on_without_observing_is_said() -> None:
    base = replace(trial({}, 1), distinct={"files": 1, "printed": 1})
    text = diagnosed(base, unobserved="TypeError: no")
    assert text.startswith("Repeatable as it is: 3 of 3 equal (files, printed).")
    assert "It was not observed (TypeError: no), so its weights are not known" in text
    assert "judged by files and printed alone" in text


def test_without_anything_to_compare_there_is_no_verdict() -> None:
    found = replace(trial({}, 1), distinct={})
    assert not found.is_stable
    text = diagnosed(found, unobserved="TypeError: no")
    assert text.startswith("No verdict: it was not observed (TypeError: no)")
