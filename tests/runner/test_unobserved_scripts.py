"""What the observer cannot follow never ends a script: it goes on, and the reply says that."""

from __future__ import annotations

import pytest
from runner.script_host import SMALL, Ended, ScriptRunner

LABELLED = (
    SMALL
    + """
class Labelled(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.last = tf.keras.layers.Dense(1)
        self.label = tf.Variable("a text, which no digest is made of", trainable=False)
    def call(self, inputs):
        return self.last(inputs)
model = Labelled()
model.compile("sgd", "mse")
"""
)

KINDS = {
    "fit": LABELLED + "model.fit(x, y, epochs=2, verbose=0)\n",
    "train_on_batch": LABELLED + "model.train_on_batch(x, y)\nmodel.train_on_batch(x, y)\n",
    "tape": SMALL
    + """
w, text = tf.Variable([[1.0]] * 4), tf.Variable("a text")
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ w - y) ** 2)
    w.assign_sub(0.1 * tape.gradient(loss, [w, text])[0])
""",
    "in a step": SMALL
    + """
model = make()
model.build((None, 4))
read = type(model.optimizer).variables
def variables(self):
    raise RuntimeError("not now")
type(model.optimizer).variables = property(variables)
model.fit(x, y, epochs=2, verbose=0)
""",
}


@pytest.fixture(scope="module", params=sorted(KINDS))
def unobserved(scripts: ScriptRunner, request: pytest.FixtureRequest) -> Ended:
    return scripts.run(KINDS[request.param] + "print('the last line')\n")


def test_a_fault_of_the_observer_leaves_the_script_alone(unobserved: Ended) -> None:
    assert unobserved.out == "the last line\n"
    reply = unobserved.reply
    assert (reply["status"], reply["reason"]) == ("completed", "")
    assert ": " in reply["script"]["unobserved"]


def test_what_was_not_seen_to_the_end_counts_as_unknown(unobserved: Ended) -> None:
    reply = unobserved.reply
    assert (reply["weights_sha256"], reply["init_sha256"], reply["trace_sha256"]) == ("", "", "")
    assert (reply["fits"], reply["outputs"], reply["tensors"], reply["loss"]) == ([], [], [], None)
    assert reply["printed_sha256"]
    assert reply["found"]["tensorflow"]["value"]
    assert not (unobserved.folder / "weights.npz").exists()


def test_what_the_script_sets_is_held_all_the_same(scripts: ScriptRunner) -> None:
    text = KINDS["fit"] + "import random\nrandom.seed(3)\nprint(random.random())\n"
    held = [scripts.run(text, hold=("seed",), asked={"seeding": "all"}) for _ in range(2)]
    assert held[0].out == held[1].out != scripts.run(text).out


def test_weights_in_bfloat16_are_hashed_by_their_bits(scripts: ScriptRunner) -> None:
    text = SMALL + "tf.keras.utils.set_random_seed(1)\n"
    text += "model = tf.keras.Sequential([tf.keras.layers.Dense(1, dtype='bfloat16')])\n"
    text += "model.compile('sgd', 'mse')\nmodel.fit(x, y, verbose=0)\nmodel.predict(x, verbose=0)\n"
    reply = scripts.run(text).reply
    assert (reply["status"], reply["script"]["unobserved"]) == ("completed", ""), reply["reason"]
    assert {each["dtype"] for each in reply["tensors"]} == {"bfloat16"}
    assert all(each["sha256"] != each["init_sha256"] for each in reply["tensors"][:1])
    assert [each["call"] for each in reply["outputs"]] == ["predict"]
    again = scripts.run(text).reply
    assert again["weights_sha256"] == reply["weights_sha256"] != ""
