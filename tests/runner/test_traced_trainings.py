"""Real trainings leave a trace, which changes no bits and says what went into each step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runner.runner_host import Answer, Runner, request_for

from harness.protocol import exchange
from harness.results import blobs
from harness.runner import hashing, trace
from harness.runner.trace import PARTS, UNSEEN

pytestmark = pytest.mark.tensorflow

Forked = Callable[[dict[str, Any]], Answer]

HASHES = ("init_sha256", "weights_sha256", "predictions_sha256", "loss", "history")
SETTINGS: tuple[dict[str, Any], ...] = (
    {"workload": "mnist-mlp"},
    {"workload": "mnist-cnn", "epochs": 2},
    {"workload": "mnist-augmented", "determinism": "on"},
    {"workload": "co2-lstm"},
    {"workload": "co2-conv", "batch_size": 7},
    {"workload": "mnist-mlp", "eager": "on"},
    {"workload": "mnist-cnn", "jit": "on"},
)


def columns(answer: Answer) -> dict[str, Any]:
    with (answer.folder / exchange.TRACE).open("rb") as file:
        assert blobs.digest_of(file, blobs.TRACES) == answer.reply["trace_sha256"]
        return dict(blobs.arrays_in(file))


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: "-".join(map(str, each.values())))
def test_a_trace_changes_no_bits(forked: Forked, settings: dict[str, Any]) -> None:
    traced = forked(request_for(**settings))
    plain = forked({**request_for(**settings), "trace": False})
    assert traced.reply["status"] == "completed", traced.reply["reason"]
    assert [traced.reply[name] for name in HASHES] == [plain.reply[name] for name in HASHES]
    assert plain.reply["trace_sha256"] == ""
    assert not (plain.folder / exchange.TRACE).exists()
    # Control: the comparison sees another training.
    other = forked({**request_for(**settings, seed=43), "trace": False})
    assert other.reply["weights_sha256"] != traced.reply["weights_sha256"]


def test_rows_say_what_went_into_a_step_and_what_came_out(forked: Forked) -> None:
    found = columns(forked(request_for(workload="mnist-mlp", epochs=2)))
    assert found["step"].tolist() == [0, 1, 2, 3, 4, 6, 8, 9, 12, 16]
    assert found["epoch"].tolist() == [0, *[1] * 6, *[2] * 3]
    assert found["inputs"][0] == found["targets"][0] == UNSEEN
    read = found["inputs"] != UNSEEN
    assert read.tolist() == [False, *[True] * 9]
    for name in ("inputs", "trained", "slots"):
        seen = found[name][found[name] != UNSEEN]
        assert len(set(seen.tolist())) == len(seen), name
    assert np.isfinite(found["loss"][1:]).all()


def test_equal_runs_leave_equal_traces_and_another_seed_another_one(forked: Forked) -> None:
    first, second = (columns(forked(request_for(workload="mnist-cnn"))) for _ in range(2))
    assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
    other = columns(forked(request_for(workload="mnist-cnn", seed=7)))
    assert not any(np.array_equal(first[name], other[name]) for name in PARTS if name != "other")


def test_without_shuffling_batches_repeat_and_with_it_they_do_not(forked: Forked) -> None:
    def batches(**settings: Any) -> tuple[int, int]:
        found = columns(forked(request_for(workload="mnist-mlp", epochs=2, **settings)))
        first = [int(np.flatnonzero(found["epoch"] == epoch)[0]) for epoch in (1, 2)]
        return int(found["inputs"][first[0]]), int(found["inputs"][first[1]])

    same = batches(shuffle="off")
    assert same[0] == same[1]
    shuffled = batches()
    assert shuffled[0] != shuffled[1]


@pytest.mark.parametrize("workload", ["mnist-mlp", "mnist-augmented"])
def test_a_row_has_the_batch_of_its_own_step(
    forked: Forked, runner_data: Path, workload: str
) -> None:
    """TensorFlow fetches batches ahead of the steps that take them."""
    settings: dict[str, Any] = {"shuffle": "off", "epochs": 2, "determinism": "on"}
    found = columns(forked(request_for(workload=workload, **settings)))
    x, y = (np.load(runner_data / "mnist" / f"train_{name}.npy")[:256] for name in "xy")
    rows = [row for row in range(len(found["step"])) if found["inputs"][row] != UNSEEN]
    assert len(rows) > 8
    for row in rows:
        start = (int(found["step"][row]) - 1) % 8 * 32
        assert found["targets"][row] == digest(y[start : start + 32].astype("<i8"))
        if workload == "mnist-mlp":
            assert found["inputs"][row] == digest(x[start : start + 32])


def digest(array: Any) -> int:
    return trace.digest([hashing.tensor_digest("0", array)])


def test_dropout_has_random_numbers_and_models_that_draw_none_have_none(forked: Forked) -> None:
    """Keras 3 gives an LSTM a generator that it never draws from."""
    assert columns(forked(request_for(workload="mnist-cnn")))["random"][1] != UNSEEN
    assert columns(forked(request_for(workload="mnist-mlp")))["random"][1] == UNSEEN
    assert columns(forked(request_for(workload="co2-lstm")))["random"][1] == UNSEEN


def test_a_fresh_process_leaves_the_trace_of_a_forked_one(trainer: Runner, forked: Forked) -> None:
    request = request_for(workload="co2-conv")
    assert trainer.fresh(request).reply["trace_sha256"] == forked(request).reply["trace_sha256"]
