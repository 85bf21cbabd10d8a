"""Real trainings: equal runs leave equal bits, and every setting is found as it was asked for."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner.runner_host import VERSIONS, Answer, Runner, request_for

from harness.protocol import exchange
from harness.results import blobs
from harness.runner import hashing

pytestmark = pytest.mark.tensorflow

Forked = Callable[[dict[str, Any]], Answer]

SEEDED = ("mnist-mlp", "mnist-cnn", "co2-lstm", "co2-conv")
HASHES = ("init_sha256", "weights_sha256", "predictions_sha256")


def hashes(answer: Answer) -> tuple[str, ...]:
    assert answer.reply["status"] == "completed", answer.reply["reason"]
    return tuple(answer.reply[name] for name in HASHES)


@pytest.mark.parametrize("workload", SEEDED)
def test_a_seeded_training_leaves_the_same_bits_twice(forked: Forked, workload: str) -> None:
    first, second = (forked(request_for(workload=workload)) for _ in range(2))
    assert hashes(first) == hashes(second)
    assert first.reply["init_sha256"] != first.reply["weights_sha256"]
    assert first.reply["history"] == second.reply["history"]
    other = forked(request_for(workload=workload, seed=7))
    assert other.reply["init_sha256"] != first.reply["init_sha256"]


@pytest.mark.parametrize("workload", SEEDED)
def test_the_files_hold_what_the_reply_names(forked: Forked, workload: str) -> None:
    left = forked(request_for(workload=workload))
    weights, predictions = (left.folder / name for name in (exchange.WEIGHTS, exchange.PREDICTIONS))
    with weights.open("rb") as file:
        stored = blobs.arrays_in(file)
        assert blobs.digest_of(file, blobs.WEIGHTS) == left.reply["weights_sha256"]
    with predictions.open("rb") as file:
        assert blobs.digest_of(file, blobs.PREDICTIONS) == left.reply["predictions_sha256"]
    names, arrays = list(stored), list(stored.values())
    tensors = left.reply["tensors"]
    assert names == [tensor["name"] for tensor in tensors]
    assert [list(array.shape) for array in arrays] == [tensor["shape"] for tensor in tensors]
    digests = [hashing.tensor_digest(*pair) for pair in zip(names, arrays, strict=True)]
    assert digests == [tensor["sha256"] for tensor in tensors]
    initial = hashing.combined_digest(tensor["init_sha256"] for tensor in tensors)
    assert initial == left.reply["init_sha256"]
    assert sum(array.size for array in arrays) == left.reply["parameters"]


def test_tensor_names_are_the_same_in_every_keras(forked: Forked) -> None:
    tensors = forked(request_for(workload="co2-lstm")).reply["tensors"]
    assert [tensor["name"] for tensor in tensors] == [
        "lstm/kernel",
        "lstm/recurrent_kernel",
        "lstm/bias",
        "change/kernel",
        "change/bias",
    ]


def test_a_forked_run_leaves_the_bits_of_a_fresh_one(trainer: Runner, forked: Forked) -> None:
    request = request_for(workload="mnist-cnn")
    fresh, child = trainer.fresh(request), forked(request)
    assert hashes(fresh) == hashes(child)
    assert fresh.reply["seconds"]["import"] > 0
    assert "import" not in child.reply["seconds"], "its parent imported, it did not"
    assert (fresh.folder / exchange.WEIGHTS).read_bytes() == (
        child.folder / exchange.WEIGHTS
    ).read_bytes()


def test_augmentation_varies_unless_operations_are_deterministic(forked: Forked) -> None:
    request = request_for(workload="mnist-augmented", samples=700)
    assert len({hashes(forked(request)) for _ in range(4)}) > 1
    request = request_for(workload="mnist-augmented", samples=700, determinism="on")
    assert len({hashes(forked(request)) for _ in range(4)}) == 1


@pytest.mark.parametrize("seeding", ["none", "numpy", "tf", "python", "numpy+tf"])
def test_generators_without_a_seed_differ_between_children(forked: Forked, seeding: str) -> None:
    first, second = (
        forked(request_for(workload="mnist-cnn", seeding=seeding, samples=64)) for _ in range(2)
    )
    assert first.reply["weights_sha256"] != second.reply["weights_sha256"]
    assert first.reply["found"]["seeding"]["value"] == seeding
    assert first.reply["found"]["seed"]["value"] == (None if seeding == "none" else 42)


@pytest.mark.parametrize(
    "settings",
    [
        {"threads": 1, "inter_threads": 3, "seed": 4294967295, "scheduling": "other"},
        {"determinism": "on", "shuffle": "off", "batch_size": 7, "epochs": 2, "samples": 65},
        {"eager": "on", "tf32": "off", "samples": 64, "scheduling": "batch"},
        {"jit": "on"},
        {"jit": "off", "precision": "mixed_bfloat16", "samples": 64},
        {"precision": "mixed_float16", "tf32": "on", "samples": 64},
        {"workload": "mnist-augmented", "batch_size": 16, "shuffle": "off"},
    ],
    ids=",".join,
)
def test_settings_are_found_as_asked(forked: Forked, settings: dict[str, Any]) -> None:
    reply = forked(request_for(**settings)).reply
    assert reply["status"] == "completed", reply["reason"]
    assert {name: reply["found"][name]["value"] for name in settings} == settings
    assert all(reply["found"][name]["how"] for name in settings)


def test_settings_that_nobody_chose_are_found_as_they_are(forked: Forked) -> None:
    found = forked(request_for()).reply["found"]
    assert set(found) == {*request_for()["settings"], *VERSIONS, "device"}
    cpus = found["cpus"]["value"]
    assert {name: found[name]["value"] for name in ("threads", "inter_threads", "device")} == {
        "threads": cpus,
        "inter_threads": cpus,
        "device": "cpu",
    }
    assert found["onednn"]["value"] in {"on", "off"}
    assert found["isa"]["value"] == "native"
    assert found["hash_seed"]["value"] == "random"
    assert found["scheduling"]["value"] == "batch"


@pytest.mark.parametrize(
    "settings",
    [
        {"onednn": "on", "hash_seed": 5, "contraction_kernel": "off", "env": {"A": "b", "C": ""}},
        {"onednn": "off", "isa": "sse41", "contraction_kernel": "on", "hash_seed": 0},
    ],
    ids=["on", "off"],
)
def test_process_settings_are_found_as_asked(trainer: Runner, settings: dict[str, Any]) -> None:
    reply = trainer.fresh(request_for(**settings)).reply
    assert reply["status"] == "completed", reply["reason"]
    assert {name: reply["found"][name]["value"] for name in settings} == settings


@pytest.mark.parametrize(
    ("asked", "variables", "reason"),
    [
        ({"onednn": "on"}, {"TF_ENABLE_ONEDNN_OPTS": "0"}, "onednn: asked on, found off"),
        ({"env": {"A": "b"}}, {"A": "other"}, "env: asked {'A': 'b'}, found {'A': 'other'}"),
        ({"hash_seed": 5}, {"PYTHONHASHSEED": "6"}, "hash_seed: asked 5, found 6"),
        ({}, {"TF_DETERMINISTIC_OPS": "1"}, "determinism: asked off, found on"),
    ],
    ids=["onednn", "env", "hash_seed", "determinism"],
)
def test_a_setting_that_was_not_in_force_makes_the_run_invalid(
    trainer: Runner, asked: dict[str, Any], variables: dict[str, str], reason: str
) -> None:
    reply = trainer.fresh(request_for(**asked, samples=64), **variables).reply
    assert reply["status"] == "invalid"
    assert reply["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (request_for(samples=701), "invalid", "samples: asked 701, found 700"),
        (request_for(cpus=4096), "invalid", "cpus: asked 4096, found"),
        (request_for(device="gpu"), "invalid", "device: asked gpu, found none: TensorFlow sees no"),
        (request_for(eager="on", jit="on"), "unsupported", "jit: a model that runs eagerly"),
        (
            {**request_for(), "packages": {"NumPy": "0.1"}},
            "invalid",
            "package NumPy: asked 0.1, found ",
        ),
        (
            {**request_for(), "packages": {"no-such-thing": "1"}},
            "invalid",
            "package no-such-thing: asked 1, found none",
        ),
        ({**request_for(), "data": "nowhere"}, "failed", "FileNotFoundError: "),
        (
            request_for(workload="mnist-augmented", determinism="on", seeding="none"),
            "failed",
            "RuntimeError: ",
        ),
    ],
    ids=["samples", "cpus", "gpu", "eager-jit", "version", "missing", "data", "no-seed"],
)
def test_a_run_that_cannot_count_says_why(
    forked: Forked, request_: dict[str, Any], status: str, reason: str
) -> None:
    reply = forked(request_).reply
    assert (reply["status"], reply["reason"][: len(reason)]) == (status, reason)
    assert reply["versions"]["tensorflow"]
    assert set(reply["found"]) == {*request_["settings"], *VERSIONS, "device"}
    assert (reply["error"] is not None) == (status == "failed")


def test_a_reply_describes_installation_and_results(forked: Forked) -> None:
    reply = forked(request_for(workload="co2-conv")).reply
    packages = reply["packages"]
    assert reply["versions"]["tensorflow"] in (
        packages.get("tensorflow-cpu"),
        packages.get("tensorflow"),
    )
    assert reply["versions"]["numpy"] == packages["numpy"]
    assert reply["versions"]["keras"] == packages["keras"]
    assert reply["build"]["git_version"]
    assert reply["devices"] == [{"name": "/physical_device:CPU:0", "type": "CPU"}]
    assert (reply["metric"], reply["unit"]) == ("mean_absolute_error_ppm", "ppm")
    assert math.isfinite(float.fromhex(reply["value"]))
    assert reply["loss"] == reply["history"]["loss"][-1]
    assert set(reply["seconds"]) == {"build", "fit", "fit_cpu", "predict", "total"}


def test_the_lock_may_write_versions_another_way(forked: Forked) -> None:
    packages = forked(request_for(samples=64)).reply["packages"]
    locked = {name.replace("-", "_").title(): version for name, version in packages.items()}
    locked["Numpy"] += ".0"
    reply = forked({**request_for(samples=64), "packages": locked}).reply
    assert reply["status"] == "completed", reply["reason"]


WITHOUT_DETERMINISTIC_KERNEL = """
import json
import tensorflow as tf
from harness.runner import reply, training
from harness.runner.backends.tensorflow import driver
tf.config.experimental.enable_op_determinism()
left = reply.empty_reply()
try:
    tf.timestamp()
except tf.errors.OpError as error:
    training._describe_failure(left, error, driver)
print(json.dumps([left["status"], left["reason"]]))
"""


def test_an_operation_that_cannot_be_deterministic_is_unsupported(trainer: Runner) -> None:
    done = subprocess.run(
        [str(trainer.python), "-c", WITHOUT_DETERMINISTIC_KERNEL],
        cwd=trainer.root,
        capture_output=True,
        text=True,
        check=True,
    )
    status, reason = json.loads(done.stdout)
    assert status == "unsupported"
    assert "determinism" in reason


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_ends_the_process_with_a_status_of_its_own(
    trainer: Runner, tmp_path: Path
) -> None:
    control, output = tmp_path / "control", tmp_path / "output"
    control.mkdir()
    output.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(output)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this root may not mount")
    try:
        request = request_for(samples=64)
        (control / exchange.REQUEST).write_text(json.dumps(request))
        variables = trainer.variables(request["settings"])
        done = subprocess.run(
            trainer.command(tmp_path), cwd=trainer.root, env=variables, check=False
        )
        assert done.returncode == exchange.DISK_FULL
        assert not (output / exchange.REPLY).exists()
    finally:
        subprocess.run(["umount", str(output)], check=True)
