"""Shared initial weights and orders, the nudge and the load, in real trainings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runner.runner_host import Answer, Runner, request_for

from harness.runner import shared_random
from harness.runner.hashing import combined_digest, tensor_digest

pytestmark = pytest.mark.tensorflow

Forked = Callable[[dict[str, Any]], Answer]
SHARED = {"initial_weights": "shared", "shuffle": "shared"}


def completed(answer: Answer) -> dict[str, Any]:
    assert answer.reply["status"] == "completed", answer.reply["reason"]
    return answer.reply


def initial_digests(reply: dict[str, Any]) -> dict[str, str]:
    return {tensor["name"]: tensor["init_sha256"] for tensor in reply["tensors"]}


@pytest.mark.parametrize(
    "settings",
    [
        {**SHARED, "epochs": 2, "batch_size": 7},
        {**SHARED, "nudge": "one-ulp", "seeding": "none"},
        {**SHARED, "nudge": "one-ulp", "workload": "co2-lstm"},
        {**SHARED, "workload": "mnist-augmented", "epochs": 2, "determinism": "on"},
        {**SHARED, "workload": "mnist-cnn", "eager": "on", "epochs": 2},
        {**SHARED, "jit": "on", "precision": "mixed_bfloat16"},
        {"load": "busy", "threads": 1},
    ],
    ids=",".join,
)
def test_they_are_found_as_asked(forked: Forked, settings: dict[str, Any]) -> None:
    reply = completed(forked(request_for(**settings)))
    assert {name: reply["found"][name]["value"] for name in settings if name != "jit"} == {
        name: settings[name] for name in settings if name != "jit"
    }


def test_what_nobody_asked_for_is_found_as_it_is(forked: Forked) -> None:
    found = completed(forked(request_for()))["found"]
    names = ("initial_weights", "shuffle", "nudge", "load")
    assert {name: found[name]["value"] for name in names} == {
        "initial_weights": "own",
        "shuffle": "on",
        "nudge": "none",
        "load": "none",
    }


def test_shared_weights_are_those_of_the_definition(forked: Forked) -> None:
    reply = completed(forked(request_for(workload="co2-lstm", initial_weights="shared", seed=7)))
    forget = np.zeros(128, np.float32)
    forget[32:64] = 1
    expected = [
        ("lstm/kernel", shared_random.uniform(7, "lstm/kernel", (1, 128), "<f4")),
        (
            "lstm/recurrent_kernel",
            shared_random.uniform(7, "lstm/recurrent_kernel", (32, 128), "<f4"),
        ),
        ("lstm/bias", forget),
        ("change/kernel", shared_random.uniform(7, "change/kernel", (32, 4), "<f4")),
        ("change/bias", np.zeros(4, np.float32)),
    ]
    digests = [tensor_digest(*each) for each in expected]
    assert list(initial_digests(reply).values()) == digests
    assert reply["init_sha256"] == combined_digest(digests)


def test_the_seed_rules_what_is_shared(forked: Forked) -> None:
    replies = [
        completed(forked(request_for(**SHARED, seed=seed, seeding="none"))) for seed in (42, 42, 43)
    ]
    starts = [reply["init_sha256"] for reply in replies]
    ends = [reply["weights_sha256"] for reply in replies]
    assert starts[0] == starts[1] != starts[2]
    # A dense network draws nothing else at random, so these runs repeat without any generator.
    assert ends[0] == ends[1] != ends[2]


def in_order(data: Path, folder: Path, epochs: int, rows: int) -> Path:
    """The digits once per epoch, each time in the shared order, as one data set."""
    shutil.copytree(data, folder)
    order = np.concatenate([shared_random.permutation(42, epoch, rows) for epoch in range(epochs)])
    for name in ("train_x", "train_y"):
        path = folder / "mnist" / f"{name}.npy"
        np.save(path, np.load(path)[order])
    return folder


@pytest.mark.parametrize("workload", ["mnist-mlp", "mnist-augmented"])
def test_a_model_sees_the_rows_in_the_shared_order(
    trainer: Runner, forked: Forked, tmp_path: Path, workload: str
) -> None:
    asked: dict[str, Any] = {"workload": workload, "initial_weights": "shared", "batch_size": 32}
    if workload == "mnist-augmented":
        # Deterministic, and one epoch: the shifts of the second are drawn anew.
        asked |= {"determinism": "on"}
    epochs = 1 if workload == "mnist-augmented" else 3
    ordered = replace(trainer, data=in_order(trainer.data, tmp_path / "data", epochs, 256))
    written_out = ordered.fresh(request_for(**asked, shuffle="off", epochs=1, samples=256 * epochs))
    shared = forked(request_for(**asked, shuffle="shared", epochs=epochs))
    ends = [completed(answer)["weights_sha256"] for answer in (written_out, shared)]
    assert ends[0] == ends[1]
    for other in ("on", "off"):
        control = completed(forked(request_for(**asked, shuffle=other, epochs=epochs)))
        assert control["weights_sha256"] != ends[0]


def test_a_nudge_is_one_ulp_of_one_element(forked: Forked) -> None:
    asked = {"workload": "mnist-cnn", "initial_weights": "shared", "shuffle": "off"}
    plain = completed(forked(request_for(**asked)))
    nudged = completed(forked(request_for(**asked, nudge="one-ulp")))
    before, after = map(initial_digests, (plain, nudged))
    assert [name for name in before if before[name] != after[name]] == ["conv_a/kernel"]
    kernel = shared_random.uniform(42, "conv_a/kernel", (3, 3, 1, 16), "<f4")
    bits = kernel.view(np.uint32).reshape(-1)
    # Larger by one unit in the last place: a negative number's bits count downwards.
    bits[0] += 1 if kernel.flat[0] > 0 else -1
    assert after["conv_a/kernel"] == tensor_digest("conv_a/kernel", kernel)
    assert nudged["weights_sha256"] != plain["weights_sha256"]


def test_a_nudge_of_own_weights_starts_from_them(forked: Forked) -> None:
    plain, nudged = (completed(forked(request_for(nudge=n))) for n in ("none", "one-ulp"))
    before, after = map(initial_digests, (plain, nudged))
    assert [name for name in before if before[name] != after[name]] == ["hidden/kernel"]


def test_history_and_steps_are_as_without_a_shared_order(forked: Forked) -> None:
    own, shared = (
        completed(forked(request_for(shuffle=shuffle, epochs=3, batch_size=100)))
        for shuffle in ("on", "shared")
    )
    assert {name: len(values) for name, values in own["history"].items()} == {
        name: len(values) for name, values in shared["history"].items()
    }
    assert own["found"]["batch_size"] == shared["found"]["batch_size"]
    assert shared["found"]["batch_size"]["how"] == "3 steps for 256 examples"


def test_a_load_leaves_the_bits_of_a_stable_training(trainer: Runner, forked: Forked) -> None:
    asked = request_for(workload="co2-conv", threads=1)
    alone = completed(forked(asked))
    asked["settings"]["load"] = "busy"
    for loaded in (completed(forked(asked)), completed(trainer.fresh(asked))):
        assert loaded["found"]["load"]["value"] == "busy", loaded["found"]["load"]
        assert loaded["weights_sha256"] == alone["weights_sha256"]
        assert json.dumps(loaded["history"]) == json.dumps(alone["history"])
