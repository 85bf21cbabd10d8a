"""What the matrix asks of a script acts before its first line, and what the script sets wins."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
from runner.script_host import FIT, SMALL, Ended, ScriptRunner

OWN_THREADS = (
    "import os\nimport tensorflow as tf\n\n"
    "tf.config.threading.set_intra_op_parallelism_threads(3)\n"
    "print(tf.config.threading.get_intra_op_parallelism_threads())\n" + FIT
)


def found(ended: Ended, setting: str) -> Any:
    return ended.reply["found"][setting]["value"]


def test_a_setting_of_the_script_against_the_matrix_is_invalid(scripts: ScriptRunner) -> None:
    ended = scripts.run(OWN_THREADS, asked={"threads": 1})
    assert ended.reply["status"] == "invalid"
    assert ended.reply["reason"] == "threads: asked 1, the script set 3 (train.py:4)"
    assert (ended.out, found(ended, "threads")) == ("3\n", 3)


def test_a_held_setting_is_the_matrix_s(scripts: ScriptRunner) -> None:
    ended = scripts.run(OWN_THREADS, asked={"threads": 1}, hold=("threads",))
    assert (ended.reply["status"], ended.out) == ("completed", "1\n")
    call = {"setting": "threads", "value": 3, "place": "train.py:4", "effect": "held"}
    assert call in ended.reply["script"]["calls"]


def test_a_setting_that_nobody_asked_for_is_noted(scripts: ScriptRunner) -> None:
    ended = scripts.run(OWN_THREADS)
    assert ended.reply["status"] == "completed"
    calls = [(c["setting"], c["value"], c["effect"]) for c in ended.reply["script"]["calls"]]
    assert calls == [("threads", 3, "applied"), ("seed", 1, "applied")]


def test_determinism_after_the_first_operation_is_late(scripts: ScriptRunner) -> None:
    text = "import tensorflow as tf\ntf.constant(1) + 1\n"
    text += "tf.config.experimental.enable_op_determinism()\n"
    ended = scripts.run(text + FIT)
    assert ended.reply["status"] == "completed"
    assert found(ended, "determinism") == "late"
    assert ended.reply["script"]["calls"][0]["effect"] == "late"


def test_determinism_in_time_is_on(scripts: ScriptRunner) -> None:
    text = "import tensorflow as tf\ntf.config.experimental.enable_op_determinism()\n"
    assert found(scripts.run(text + FIT), "determinism") == "on"


def test_variables_set_before_the_import_act(scripts: ScriptRunner) -> None:
    text = (
        "import os\n"
        "os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'\n"
        "os.environ['TF_NUM_INTRAOP_THREADS'] = '2'\n"
    )
    ended = scripts.run(text + FIT)
    assert ended.reply["status"] == "completed", ended.reply["reason"]
    assert "oneDNN custom operations are on" not in ended.err
    assert found(ended, "onednn") == "off"
    assert found(ended, "threads") == 2
    calls = [(c["setting"], c["value"], c["place"]) for c in ended.reply["script"]["calls"]]
    assert calls[:2] == [
        ("$TF_ENABLE_ONEDNN_OPTS", "0", "train.py:2"),
        ("$TF_NUM_INTRAOP_THREADS", "2", "train.py:3"),
    ]


def test_variables_are_noted_however_they_are_set_but_not_what_is_secret(
    scripts: ScriptRunner,
) -> None:
    text = "import os\nos.environ.setdefault('A', '1')\nos.environ.update(MY_TOKEN='x')\n"
    calls = scripts.run(text + FIT, asked={"env": {"B": "2"}}).reply["script"]["calls"]
    assert [(c["setting"], c["value"], c["place"]) for c in calls if c["setting"][0] == "$"] == [
        ("$A", "1", "train.py:2"),
        ("$MY_TOKEN", "(not recorded)", "train.py:3"),
    ]


def test_a_variable_set_against_the_matrix_is_invalid(scripts: ScriptRunner) -> None:
    text = "import os\nos.environ['A'] = '1'\n" + FIT
    reply = scripts.run(text, asked={"env": {"A": "2"}}).reply
    assert reply["reason"].startswith("$A: asked 2, the script set 1 (train.py:2)")


def test_what_compile_is_told_is_noted_and_can_be_held(scripts: ScriptRunner) -> None:
    text = SMALL + "m = make()\nm.compile('sgd', 'mse', run_eagerly=True)\nm.fit(x, y, verbose=0)\n"
    text += "print(m.run_eagerly)\n"
    free = scripts.run(text)
    assert free.out == "True\n"
    line = text[: text.index("m.compile")].count("\n") + 1
    call = {"setting": "eager", "value": "on", "place": f"train.py:{line}", "effect": "applied"}
    assert call in free.reply["script"]["calls"]
    held = scripts.run(text, hold=("eager",))
    assert (held.reply["status"], held.out) == ("completed", "False\n")
    assert dict(call, effect="held") in held.reply["script"]["calls"]


DRAWS = (
    "import random\nprint(random.random())\n"
    "import numpy as np\nprint(np.random.rand())\n"
    "import tensorflow as tf\nprint(float(tf.random.uniform([])))\n"
    "m = tf.keras.Sequential([tf.keras.layers.Dense(1)])\n"
    "m.compile('sgd', 'mse')\nm.fit(np.ones((4, 2)), np.ones(4), verbose=0)\n"
)


@pytest.mark.parametrize(
    ("seeding", "equal"),
    [
        ("all", [True, True, True]),
        ("tf", [False, False, True]),
        ("numpy+tf", [False, True, True]),
        ("none", [False, False, False]),
    ],
)
def test_seeds_are_given_before_the_first_line(
    scripts: ScriptRunner, seeding: str, equal: list[bool]
) -> None:
    runs = [scripts.run(DRAWS, asked={"seeding": seeding, "seed": 7}) for _ in range(2)]
    assert [run.reply["status"] for run in runs] == ["completed"] * 2, runs[0].reply["reason"]
    one, other = (run.out.split() for run in runs)
    assert [a == b for a, b in zip(one, other, strict=True)] == equal
    assert found(runs[0], "seeding") == seeding


def test_the_seed_makes_a_difference(scripts: ScriptRunner) -> None:
    one, other = (scripts.run(DRAWS, asked={"seeding": "all", "seed": k}).out for k in (7, 8))
    assert not set(one.split()) & set(other.split())


def test_a_held_seed_leaves_the_generators_to_the_matrix(scripts: ScriptRunner) -> None:
    text = "import random\nrandom.seed(5)\nprint(random.random())\n" + FIT
    asked = {"seeding": "python", "seed": 7}
    free = scripts.run(text, asked=asked)
    assert free.reply["reason"].startswith("seed: asked 7, the script set ")
    held = scripts.run(text, asked=asked, hold=("seed",))
    assert held.reply["status"] == "completed", held.reply["reason"]
    assert held.out != free.out


MODEL = SMALL + "m = make()\nm.fit(x, y, verbose=0)\n"


def test_xla_is_what_compile_gets(scripts: ScriptRunner) -> None:
    ended = scripts.run(MODEL + "print(m.jit_compile)\n", asked={"jit": "on"})
    assert (ended.reply["status"], ended.out) == ("completed", "True\n"), ended.reply["reason"]
    assert found(ended, "jit") == "on"


def test_functions_run_eagerly_where_asked(scripts: ScriptRunner) -> None:
    ended = scripts.run(MODEL + "print(m.run_eagerly)\n", asked={"eager": "on"})
    assert (ended.reply["status"], ended.out) == ("completed", "True\n"), ended.reply["reason"]
    assert found(ended, "eager") == "on"


def test_precision_is_the_policy_of_the_layers(scripts: ScriptRunner) -> None:
    text = MODEL + "print(m.layers[0].compute_dtype)\n"
    ended = scripts.run(text, asked={"precision": "mixed_bfloat16"})
    assert (ended.reply["status"], ended.out) == ("completed", "bfloat16\n")
    assert found(ended, "precision") == "mixed_bfloat16"


def test_arguments_carry_what_stands_in_them(scripts: ScriptRunner) -> None:
    text = FIT + "import sys; print(sys.argv[1:])\n"
    asked = {"epochs": 3, "parameters": {"rate": "0.5"}}
    ended = scripts.run(text, arguments=("--epochs={epochs}", "{rate}", "{{}}"), asked=asked)
    assert ended.out == "['--epochs=3', '0.5', '{}']\n"
    assert ended.reply["script"]["arguments"] == ["--epochs=3", "0.5", "{}"]
    assert ended.reply["status"] == "completed", ended.reply["reason"]


def test_keras_imported_first_gets_its_settings_too(scripts_of_keras_3: ScriptRunner) -> None:
    text = "import keras\n" + MODEL + "print(m.layers[0].compute_dtype)\n"
    asked = {"precision": "mixed_bfloat16", "threads": 1}
    ended = scripts_of_keras_3.run(text, asked=asked)
    assert (ended.reply["status"], ended.out) == ("completed", "bfloat16\n"), ended.reply["reason"]


def test_keras_3_compiles_with_xla_and_loads_as_ever(scripts_of_keras_3: ScriptRunner) -> None:
    text = "import keras\n" + MODEL + "m.save('m.keras')\n"
    text += "n = keras.models.load_model('m.keras')\nprint(m.jit_compile, n.compiled)\n"
    ended = scripts_of_keras_3.run(text, asked={"jit": "on"})
    assert (ended.reply["status"], ended.out) == ("completed", "True True\n"), ended.reply["reason"]
    assert found(ended, "jit") == "on"


def test_a_seed_of_a_generator_that_the_matrix_leaves_alone_is_the_scripts(
    scripts: ScriptRunner,
) -> None:
    text = "import random\nrandom.seed(5)\n" + FIT
    left = scripts.run(text, asked={"seeding": "numpy", "seed": 1})
    assert left.reply["reason"] == "" and left.reply["status"] == "completed"
    given = scripts.run(text, asked={"seeding": "python", "seed": 1})
    assert given.reply["reason"].startswith("seed: asked 1, the script set 5 ")


def test_a_script_that_seeds_in_each_step_leaves_a_short_reply(scripts: ScriptRunner) -> None:
    text = "import random\nfor number in range(5000):\n    random.seed(number)\n" + FIT
    reply = scripts.run(text).reply
    assert reply["status"] == "completed" and len(reply["script"]["calls"]) == 100


@pytest.mark.parametrize("load", ["none", "busy"])
def test_a_script_runs_beside_the_load_that_is_asked_for(scripts: ScriptRunner, load: str) -> None:
    ended = scripts.run(FIT, asked={"load": load})
    assert ended.reply["status"] == "completed", ended.reply["reason"]
    assert found(ended, "load") == load
    assert {name: found(ended, name) for name in ("initial_weights", "nudge", "shuffle")} == {
        "initial_weights": None,
        "nudge": None,
        "shuffle": None,
    }
    assert not [each for each in psutil.process_iter(["cmdline"]) if _is_load_of(each, scripts)]


def _is_load_of(process: psutil.Process, scripts: ScriptRunner) -> bool:
    return str(scripts.root / "harness/runner/busy_processes.py") in (process.info["cmdline"] or ())
