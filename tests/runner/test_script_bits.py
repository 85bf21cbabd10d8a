"""Observing changes no bits, and what is observed are the bits."""

from __future__ import annotations

import numpy as np
import pytest
from runner.script_host import SMALL, Ended, ScriptRunner

KINDS = (
    "fit",
    "subclassed",
    "compiled_tape",
    "eager_tape",
    "train_on_batch",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
    "model_in_a_loop",
    "two_tapes",
)

EVERY_KIND = """
import hashlib, sys
import numpy as np, tensorflow as tf

random = np.random.RandomState(0)
x = random.rand(64, 6).astype("float32")
y = random.rand(64, 1).astype("float32")

def network():
    layers = [tf.keras.layers.Dense(8, "tanh"), tf.keras.layers.Dropout(0.2)]
    return tf.keras.Sequential([*layers, tf.keras.layers.Dense(1)])

class Own(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.last = tf.keras.layers.Dense(8, "relu"), tf.keras.layers.Dense(1)
    def call(self, inputs, training=None):
        return self.last(self.inner(inputs))

def fitted(model, **named):
    model.compile("adam", "mse", **named)
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    model.evaluate(x, y, verbose=0)
    return model.get_weights()

def fit(): return fitted(network())
def subclassed(): return fitted(Own())
def run_eagerly(): return fitted(network(), run_eagerly=True)
def steps_per_execution(): return fitted(network(), steps_per_execution=2)
def jit_compile(): return fitted(network(), jit_compile=True)

def train_on_batch():
    model = network()
    model.compile("adam", "mse")
    for k in range(10):
        model.train_on_batch(x[k:k + 8], y[k:k + 8])
    return model.get_weights()

def tape(decorate):
    w = tf.Variable(tf.random.normal([6, 1]))
    @decorate
    def step(a, b):
        with tf.GradientTape() as t:
            loss = tf.reduce_mean((a @ w - b) ** 2)
        w.assign_sub(0.1 * t.gradient(loss, w))
    for k in range(10):
        step(tf.constant(x[k:k + 8]), tf.constant(y[k:k + 8]))
    return [w.numpy()]

def compiled_tape(): return tape(tf.function)
def eager_tape(): return tape(lambda function: function)

def model_in_a_loop():
    model, optimizer = network(), tf.keras.optimizers.Adam(0.01)
    model.build((None, 6))
    @tf.function
    def step(a, b):
        with tf.GradientTape() as t:
            loss = tf.reduce_mean((model(a, training=True) - b) ** 2)
        gradients = t.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss
    for k in range(10):
        step(tf.constant(x[k:k + 8]), tf.constant(y[k:k + 8]))
    return model.get_weights()

def two_tapes():
    one, other = network(), network()
    one.build((None, 6)), other.build((None, 1))
    @tf.function
    def step(a):
        with tf.GradientTape() as s, tf.GradientTape() as t:
            made = one(a, training=True)
            judged = other(made, training=True)
            first, second = tf.reduce_mean(judged), tf.reduce_mean((judged - 1) ** 2)
        for tape, loss, model in ((s, first, one), (t, second, other)):
            variables = model.trainable_variables
            for gradient, variable in zip(tape.gradient(loss, variables), variables):
                variable.assign_sub(0.1 * gradient)
    for k in range(10):
        step(tf.constant(x[k:k + 8]))
    return one.get_weights() + other.get_weights()

for name in "NAMES".split():
    tf.keras.utils.set_random_seed(int(sys.argv[1]))
    weights = globals()[name]()
    np.savez(name + ".npz", *weights)
    print(name, hashlib.sha256(b"".join(w.tobytes() for w in weights)).hexdigest(), flush=True)
""".replace("NAMES", " ".join(KINDS))


def by_kind(text: str) -> dict[str, str]:
    return dict(line.split() for line in text.splitlines())


@pytest.fixture(scope="module")
def observed(scripts: ScriptRunner) -> Ended:
    files = tuple(f"{kind}.npz" for kind in KINDS)
    ended = scripts.run(EVERY_KIND, arguments=("1",), files=files)
    assert ended.reply["status"] == "completed", (ended.reply["reason"], ended.err)
    return ended


@pytest.fixture(scope="module")
def plain(scripts: ScriptRunner) -> dict[str, str]:
    return by_kind(scripts.plain(EVERY_KIND, "1"))


@pytest.fixture(scope="module")
def other_seed(scripts: ScriptRunner) -> dict[str, str]:
    return by_kind(scripts.plain(EVERY_KIND, "2"))


@pytest.mark.parametrize("kind", KINDS)
def test_observing_changes_no_bits(
    observed: Ended, plain: dict[str, str], other_seed: dict[str, str], kind: str
) -> None:
    assert by_kind(observed.out)[kind] == plain[kind]
    assert other_seed[kind] != plain[kind]


def test_what_is_kept_are_the_weights_that_the_script_had(observed: Ended) -> None:
    kept = np.load(observed.folder / "weights.npz")
    names = [each["name"] for each in observed.reply["tensors"]]
    assert sorted(names) == sorted(kept.files)
    stored = {kept[name].tobytes() for name in names}
    for kind in KINDS:
        with np.load(observed.folder / "work" / f"{kind}.npz") as own:
            for name in own.files:
                assert own[name].tobytes() in stored, (kind, name)


def test_every_training_is_listed_with_its_steps(observed: Ended) -> None:
    fits = observed.reply["fits"]
    assert [each["model"] for each in fits] == list(range(1, len(KINDS) + 2))
    assert {each["fit"] for each in fits} == {1}
    steps = dict.fromkeys(KINDS, 10) | dict.fromkeys(
        ("fit", "subclassed", "run_eagerly", "steps_per_execution", "jit_compile"), 16
    )
    expected = [steps[kind] for kind in KINDS] + [10]
    assert [each["steps"] for each in fits] == expected
    assert all(each["init_sha256"] != each["weights_sha256"] for each in fits)


def test_what_was_evaluated_is_noted_once_each(observed: Ended) -> None:
    assert [each["call"] for each in observed.reply["outputs"]] == ["evaluate"] * 5


def test_losses_are_exact(scripts: ScriptRunner) -> None:
    text = (
        SMALL
        + "h = make().fit(x, y, epochs=3, verbose=0).history\nprint([v.hex() for v in h['loss']])\n"
    )
    ended = scripts.run(text)
    history = ended.reply["fits"][0]["history"]
    assert str(history["loss"]) == ended.out.strip()
    assert ended.reply["loss"] == history["loss"][-1]


@pytest.mark.parametrize("train", ["fit(x, y, epochs=2, verbose=0)", "train_on_batch(x, y)"])
def test_a_model_built_while_it_trains_has_its_first_weights(
    scripts: ScriptRunner, train: str
) -> None:
    unbuilt = scripts.run(SMALL + f"make().{train}\n").reply
    built = scripts.run(SMALL + f"m = make()\nm.build((None, 4))\nm.{train}\n").reply
    for name in ("init_sha256", "weights_sha256"):
        assert unbuilt["fits"][0][name] == built["fits"][0][name] != ""
    assert unbuilt["init_sha256"] == built["init_sha256"]
