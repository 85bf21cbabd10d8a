"""Each setting broken on purpose, in a real training: the run is found invalid, never as asked."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from runner.runner_host import Answer, Runner, request_for

from harness.executors import staging

pytestmark = pytest.mark.tensorflow

BREAKABLE = """

import importlib, os
_train_rightly = _train


def axis(name):
    return importlib.import_module("harness.runner.backends.tensorflow.axes." + name)


def _train(request, *others):
    import tensorflow as tf
    from harness.runner.backends.tensorflow import api, driver, fitting, generators
    globals().update(tf=tf, api=api, driver=driver, fitting=fitting, generators=generators)
    exec(request.get("breakage", ""), globals())
    _train_rightly(request, *others)
"""

LEFT_OUT = "axis({!r}).apply = lambda value, run: None"
NOT_COMPILED = "fitting._compile = lambda model, own, asked: model.compile(**own)"
SET_LATER = "os.environ[{!r}] = {!r}"
FIT = """
_noting = fitting.noting_arguments
def noting(fit, noted):
    call = _noting(fit, noted)
    return lambda *data, {0}, **named: call(*data, **named{1})
fitting.noting_arguments = noting
"""
POLICY_TOO_LATE = """
axis("precision").apply = lambda value, run: None
_build_rightly = driver.build
def _build(*arguments):
    _build_rightly(*arguments)
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
driver.build = _build
"""


WITHOUT_XLA = """
_compile = tf.keras.Model.compile
def compile(model, *others, jit_compile=None, **named):
    _compile(model, *others, jit_compile=False, **named)
tf.keras.Model.compile = compile
"""

SEEN_ONLY = """
class Seen:
    device_type = "GPU"
    get_visible_devices = staticmethod(lambda kind=None: [Seen])
api.visibility = axis("device").visibility = Seen
axis("device").apply = print
"""

NESTED = """
class Doubled(tf.keras.Model):
    def __init__(self, inner):
        super().__init__(name="doubled")
        self.inner = inner
    def call(self, images):
        return 2 * self.inner(images)
_build_rightly = driver.build
def _build(run, data):
    _build_rightly(run, data)
    run.model = Doubled(run.model)
    run.model.compile(**run.workload.COMPILE)
driver.build = _build
"""

ONE_ORDER = """
from harness.runner.backends.tensorflow import pipelines
class First:
    @staticmethod
    def permutation(seed, epoch, length):
        return axis("shuffle").shared_random.permutation(seed, 0, length)
pipelines.shared_random = First
"""

OTHER_WEIGHTS = """
_apply_rightly = axis("initial_weights").apply
def apply(value, run):
    run.asked["seed"] += 1
    _apply_rightly(value, run)
    run.asked["seed"] -= 1
axis("initial_weights").apply = apply
"""

NUDGED_DOWN = """
import numpy
def apply(value, run):
    kernel, *others = run.model.get_weights()
    kernel[0, 0] = numpy.nextafter(kernel[0, 0], numpy.float32(-1))
    run.model.set_weights([kernel, *others])
axis("nudge").apply = apply
"""

CHANGED_LATER = """
_build_rightly = driver.build
def _build(run, data):
    _build_rightly(run, data)
    run.model.set_weights([2 * each for each in run.model.get_weights()])
driver.build = _build
"""

LOAD_ENDED_EARLY = """
_fit_rightly = fitting.fit
def _fit(run, data):
    os.kill(run.load.pids[-1], 9)
    return _fit_rightly(run, data)
fitting.fit = _fit
"""


@dataclass(frozen=True, kw_only=True)
class Breakage:
    """Code that breaks a setting, what is asked, and how the reason begins."""

    code: str
    asked: dict[str, Any] = field(default_factory=dict)
    reason: str


BREAKAGES = {
    "determinism left out": Breakage(
        code=LEFT_OUT.format("determinism"),
        asked={"determinism": "on"},
        reason="determinism: asked on, found off",
    ),
    "determinism not called": Breakage(
        code="axis('determinism').apply ="
        " lambda value, run: tf.config.experimental.enable_op_determinism",
        asked={"determinism": "on"},
        reason="determinism: asked on, found off",
    ),
    "threads set after the first operation": Breakage(
        code="tf.constant(1)",
        asked={"threads": 3},
        reason="threads: asked 3, found 0: Intra op parallelism cannot be modified",
    ),
    "threads set after the pool was made": Breakage(
        code="from tensorflow.python.client import device_lib; device_lib.list_local_devices()",
        asked={"threads": 7},
        reason="threads: asked 7, found ",
    ),
    "thread setter assigned to": Breakage(
        code="axis('threads').apply = lambda value, run: setattr("
        "tf.config.threading, 'set_intra_op_parallelism_threads', value)",
        asked={"threads": 7},
        reason="threads: asked 7, found ",
    ),
    "inter-op threads left out": Breakage(
        code=LEFT_OUT.format("inter_threads"),
        asked={"inter_threads": 7},
        reason="inter_threads: asked 7, found ",
    ),
    "scheduling left out": Breakage(
        code=LEFT_OUT.format("scheduling"),
        asked={"scheduling": "batch"},
        reason="scheduling: asked batch, found other",
    ),
    "affinity not set": Breakage(
        code="os.sched_setaffinity(0, range(os.cpu_count()))",
        asked={"cpus": 4096},
        reason="cpus: asked 4096, found ",
    ),
    "instruction set capped after the import": Breakage(
        code=SET_LATER.format("ONEDNN_MAX_CPU_ISA", "SSE41"),
        asked={"isa": "sse41"},
        reason="isa: asked sse41, found ",
    ),
    "kernel turned off after the import": Breakage(
        code=SET_LATER.format("TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL", "false"),
        asked={"contraction_kernel": "off"},
        reason="contraction_kernel: asked off, found on",
    ),
    "hash seed set after the start": Breakage(
        code=SET_LATER.format("PYTHONHASHSEED", "5"),
        asked={"hash_seed": 5},
        reason="hash_seed: asked 5, found random",
    ),
    "variable set after the import": Breakage(
        code=SET_LATER.format("A", "b"),
        asked={"env": {"A": "b"}},
        reason="env: asked {'A': 'b'}, found {'A': 'unset, then b'}",
    ),
    "variable changed after the import": Breakage(
        code=SET_LATER.format("LANG", "x"),
        asked={"env": {"LANG": "x"}},
        reason="env: asked {'LANG': 'x'}, found {'LANG': 'unset, then x'}",
    ),
    "eager left out": Breakage(
        code=LEFT_OUT.format("eager") + "\n" + NOT_COMPILED,
        asked={"eager": "on"},
        reason="eager: asked on, found off",
    ),
    "XLA left out": Breakage(
        code=NOT_COMPILED, asked={"jit": "on"}, reason="jit: asked on, found off"
    ),
    "policy set after the model was built": Breakage(
        code=POLICY_TOO_LATE,
        asked={"precision": "mixed_bfloat16"},
        reason="precision: asked mixed_bfloat16, found float32",
    ),
    "TF32 left out": Breakage(
        code=LEFT_OUT.format("tf32"), asked={"tf32": "off"}, reason="tf32: asked off, found on"
    ),
    "shuffling left to Keras": Breakage(
        code=FIT.format("shuffle", ""),
        asked={"shuffle": "off"},
        reason="shuffle: asked off, found on",
    ),
    "pipeline shuffled anyway": Breakage(
        code="from harness.runner.workloads import mnist_augmented\n_feed = mnist_augmented.feed\n"
        "mnist_augmented.feed = lambda examples, size: _feed(examples.shuffle(9), size)",
        asked={"workload": "mnist-augmented", "shuffle": "off"},
        reason="shuffle: asked off, found on",
    ),
    "shared order left out": Breakage(
        code=LEFT_OUT.format("shuffle"),
        asked={"shuffle": "shared"},
        reason="shuffle: asked shared, found on",
    ),
    "one shared order in every epoch": Breakage(
        code=ONE_ORDER,
        asked={"shuffle": "shared", "epochs": 2},
        reason="shuffle: asked shared, found other",
    ),
    "shared order shuffled again": Breakage(
        code="from harness.runner.backends.tensorflow import pipelines\n"
        "pipelines._batches = lambda examples, size: examples.shuffle(9).batch(size)",
        asked={"shuffle": "shared"},
        reason="shuffle: asked shared, found on",
    ),
    "shared weights left out": Breakage(
        code=LEFT_OUT.format("initial_weights"),
        asked={"initial_weights": "shared"},
        reason="initial_weights: asked shared, found own",
    ),
    "shared weights of another seed": Breakage(
        code=OTHER_WEIGHTS,
        asked={"initial_weights": "shared"},
        reason="initial_weights: asked shared, found own",
    ),
    "nudge left out": Breakage(
        code=LEFT_OUT.format("nudge"),
        asked={"nudge": "one-ulp"},
        reason="nudge: asked one-ulp, found none",
    ),
    "nudged twice": Breakage(
        code="_apply = axis('nudge').apply\n"
        "axis('nudge').apply = lambda *each: (_apply(*each), _apply(*each))",
        asked={"nudge": "one-ulp"},
        reason="nudge: asked one-ulp, found other",
    ),
    "nudged downwards": Breakage(
        code=NUDGED_DOWN,
        asked={"nudge": "one-ulp"},
        reason="nudge: asked one-ulp, found other",
    ),
    "weights changed before training": Breakage(
        code=CHANGED_LATER,
        reason="nudge: asked none, found other",
    ),
    "load left out": Breakage(
        code=LEFT_OUT.format("load"),
        asked={"load": "busy"},
        reason="load: asked busy, found none",
    ),
    "load that ended early": Breakage(
        code=LOAD_ENDED_EARLY,
        asked={"load": "busy"},
        reason="load: asked busy, found other",
    ),
    "batches of another size": Breakage(
        code=FIT.format("batch_size", ", batch_size=32"),
        asked={"batch_size": 8},
        reason="batch_size: asked 8, found 32",
    ),
    "fewer epochs": Breakage(
        code=FIT.format("epochs", ", epochs=1"),
        asked={"epochs": 2},
        reason="epochs: asked 2, found 1",
    ),
    "one generator not seeded": Breakage(
        code="generators._SEEDERS['numpy'] = lambda seed: None",
        reason="seeding: asked all, found python+tf",
    ),
    "another seed": Breakage(
        code="_seed_rightly = generators.seed\n"
        "generators.seed = lambda which, number: _seed_rightly(which, number + 1)",
        reason="seeding: asked all, found none",
    ),
}


@pytest.fixture(scope="module")
def breakable(trainer: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """Runs in children of one warm process, whose runner obeys what a request breaks."""
    root = tmp_path_factory.mktemp("breakable")
    staging.write(root)
    with (root / "harness" / "runner" / "training.py").open("a") as file:
        file.write(BREAKABLE)
    spoilt = replace(trainer, root=root, scratch=tmp_path_factory.mktemp("breakable-exchange"))
    with spoilt.warm() as serve_one:
        yield serve_one


Forked = Callable[[dict[str, Any]], Answer]


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
def test_a_setting_that_was_not_in_force_makes_the_run_invalid(
    breakable: Forked, breakage: Breakage
) -> None:
    request = {**request_for(samples=64), "breakage": breakage.code}
    request["settings"] |= breakage.asked
    reply = breakable(request).reply
    assert (reply["status"], reply["reason"][: len(breakage.reason)]) == (
        "invalid",
        breakage.reason,
    )


@pytest.mark.parametrize("name", ["python", "tensorflow", "numpy", "keras"])
def test_another_version_than_locked_makes_the_run_invalid(breakable: Forked, name: str) -> None:
    request = request_for(samples=64)
    request["versions"][name] = "1.2.3"
    reply = breakable(request).reply
    assert reply["status"] == "invalid"
    assert reply["reason"].startswith(f"{name}: asked 1.2.3, found ")


def test_a_keras_that_does_without_xla_is_unsupported(breakable: Forked) -> None:
    # Keras 3 does so under op determinism, and warns.
    reply = breakable({**request_for(samples=64, jit="on"), "breakage": WITHOUT_XLA}).reply
    assert reply["status"] == "unsupported"
    assert reply["reason"].startswith("jit: this Keras leaves the model without XLA")


def test_a_gpu_that_is_not_there_makes_the_run_invalid(breakable: Forked) -> None:
    request = {**request_for(samples=64, device="gpu"), "breakage": LEFT_OUT.format("device")}
    reply = breakable(request).reply
    assert reply["reason"].startswith("device: asked gpu, found cpu")


def test_a_gpu_on_which_no_layer_ran_makes_the_run_invalid(breakable: Forked) -> None:
    request = {**request_for(samples=64, device="gpu"), "breakage": SEEN_ONLY}
    reply = breakable(request).reply
    assert reply["reason"].startswith("device: asked gpu, found cpu (layers: "), reply["reason"]
    assert "hidden on cpu" in reply["reason"]


@pytest.mark.parametrize(
    ("workload", "layers"),
    [("co2-lstm", ["last_week", "lstm", "change", "forecast"]), ("co2-conv", ["conv_b"])],
    ids=["functional", "sequential"],
)
def test_where_the_layers_of_a_model_ran_is_known(
    breakable: Forked, workload: str, layers: list[str]
) -> None:
    request = request_for(samples=64, device="gpu", workload=workload)
    read = breakable({**request, "breakage": SEEN_ONLY}).reply["found"]["device"]
    assert read["value"] == "cpu", read["how"]
    assert all(f"{layer} on cpu" in read["how"] for layer in layers), read["how"]


def test_where_the_layers_within_a_layer_ran_is_known(breakable: Forked) -> None:
    # The harness names no weights of such a model yet; where it ran is known all the same.
    request = request_for(samples=64, device="gpu")
    read = breakable({**request, "breakage": SEEN_ONLY + NESTED}).reply["found"]["device"]
    assert read["value"] == "cpu", read["how"]
    assert "hidden on cpu" in read["how"]


def test_a_reader_that_fails_is_a_fault_of_the_harness(breakable: Forked) -> None:
    code = "def read(run): raise ValueError('the getter is gone')\naxis('eager').read = read"
    reply = breakable({**request_for(samples=64), "breakage": code}).reply
    text = "ValueError: the getter is gone"
    assert reply["reader_errors"] == {"eager": text}
    assert reply["found"]["eager"] == {"value": None, "how": f"the reader failed: {text}"}
    assert (reply["status"], reply["reason"]) == (
        "invalid",
        f"eager: the reader failed: {text}; a fault of the harness",
    )


def test_what_cannot_be_read_back_is_unknown(breakable: Forked) -> None:
    code = "del tf.config.experimental.tensor_float_32_execution_enabled"
    reply = breakable({**request_for(samples=64, tf32="off"), "breakage": code}).reply
    assert reply["status"] == "completed"
    assert reply["found"]["tf32"]["value"] is None
    assert "cannot be read back" in reply["found"]["tf32"]["how"]
    assert reply["reader_errors"] == {}


def test_a_run_that_ended_early_confirms_nothing(breakable: Forked) -> None:
    code = "def _describe_installation(*arguments): raise ValueError('early')"
    reply = breakable({**request_for(threads=1, seed=7), "breakage": code}).reply
    assert reply["status"] == "failed"
    unknown: tuple[str, ...] = (
        "threads",
        "inter_threads",
        "seed",
        "seeding",
        "jit",
        "shuffle",
        "samples",
        "epochs",
    )
    unknown += ("initial_weights", "nudge", "load")
    assert {reply["found"][name]["value"] for name in unknown} == {None}


def test_another_keras_in_the_environment_makes_the_run_invalid(
    trainer: Runner, tmp_path: Path
) -> None:
    code = "import keras; print(keras.__file__)"
    done = subprocess.run(
        [str(trainer.python), "-c", code], capture_output=True, text=True, check=True
    )
    installed = Path(done.stdout.splitlines()[-1]).parent
    other = tmp_path / "keras"
    other.mkdir()
    for path in installed.iterdir():
        (other / path.name).symlink_to(path)
    (other / "__init__.py").unlink()
    shutil.copy(installed / "__init__.py", other)
    request = request_for(samples=64)
    request["versions"]["keras"] = "2.15.0"
    # A variable that changes what is imported is none that can be asked for.
    reply = trainer.fresh(request, PYTHONPATH=str(tmp_path), XLA_FLAGS="").reply
    assert reply["status"] == "invalid"
    assert "keras: asked 2.15.0, found 2.15.0, from elsewhere" in reply["reason"]
    assert "env: asked {}, found {'XLA_FLAGS': ''}" in reply["reason"], json.dumps(reply["found"])
