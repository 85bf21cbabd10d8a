"""However a script ends, the reply says what it was."""

from __future__ import annotations

import signal

import pytest
from runner.script_host import FIT, SMALL, ScriptRunner


def test_leaving_with_status_0_after_training_is_completed(scripts: ScriptRunner) -> None:
    reply = scripts.run(FIT + "import sys; sys.exit(0)\n").reply
    assert (reply["status"], reply["reason"]) == ("completed", "")


@pytest.mark.parametrize("text", ["import sys; sys.exit(0)\n", SMALL + "make()\n", ""])
def test_a_script_that_trains_nothing_is_not_stable(scripts: ScriptRunner, text: str) -> None:
    reply = scripts.run(text).reply
    assert (reply["status"], reply["reason"]) == ("failed", "no training was seen")


def test_another_status_is_a_failure(scripts: ScriptRunner) -> None:
    text = "import sys; sys.stderr.write('no such column\\n'); sys.exit(3)\n"
    reply = scripts.run(FIT + text).reply
    assert reply["status"] == "failed"
    assert reply["reason"] == "the script ended with status 3: no such column"


def test_leaving_with_words_is_a_failure_that_says_them(scripts: ScriptRunner) -> None:
    reply = scripts.run("raise SystemExit('no such column')\n").reply
    assert reply["reason"] == "the script ended with status 1: no such column"


def test_an_exception_is_in_the_reply(scripts: ScriptRunner) -> None:
    reply = scripts.run(FIT + "def f():\n    raise KeyError('price')\nf()\n").reply
    assert (reply["status"], reply["reason"]) == ("failed", "KeyError: 'price'")
    assert (reply["error"]["type"], reply["error"]["message"]) == ("KeyError", "'price'")
    assert 'train.py", line' in reply["error"]["traceback"]
    assert "harness" not in reply["error"]["traceback"]


def test_an_error_of_syntax_is_in_the_reply(scripts: ScriptRunner) -> None:
    reply = scripts.run("x = (\n").reply
    assert reply["status"] == "failed"
    assert reply["error"]["type"] == "SyntaxError"


def test_a_missing_module_is_named_with_advice(scripts: ScriptRunner) -> None:
    reply = scripts.run("import pandas_of_mine\n").reply
    assert reply["status"] == "failed"
    assert "No module named 'pandas_of_mine'" in reply["reason"]
    assert "`packages`" in reply["reason"]


LOOP = (
    SMALL
    + """
w = tf.Variable([[1.0]] * 4)
for _ in range(3):
    with tf.GradientTape() as t:
        loss = tf.reduce_mean((tf.constant(x) @ w - y) ** 2)
    w.assign_sub(0.1 * t.gradient(loss, w))
"""
)


@pytest.mark.parametrize("text", [FIT, LOOP])
def test_leaving_at_once_keeps_what_was_trained(scripts: ScriptRunner, text: str) -> None:
    reply = scripts.run(text + "import os; os._exit(0)\n").reply
    assert (reply["status"], reply["reason"]) == ("completed", "")
    assert len(reply["fits"]) == 1
    assert reply["found"]["threads"]["value"] is not None


def test_a_crash_is_called_by_its_signal(scripts: ScriptRunner) -> None:
    reply = scripts.run(FIT + "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n").reply
    assert (reply["status"], reply["reason"]) == ("failed", "the script crashed with SIGSEGV")


def test_a_killed_script_leaves_the_judgement_to_the_engine(scripts: ScriptRunner) -> None:
    ended = scripts.run(FIT + "import os; os.kill(os.getpid(), 9)\n")
    assert ended.reply == {}
    assert ended.code == -signal.SIGKILL


def test_a_script_that_becomes_itself_again_is_one(scripts: ScriptRunner) -> None:
    again = (
        "import os, sys\n"
        "if os.environ.get('PYTHONHASHSEED') != '7':\n"
        "    os.environ['PYTHONHASHSEED'] = '7'\n"
        "    os.execv(sys.executable, [sys.executable, *sys.argv])\n"
    )
    reply = scripts.run(again + FIT).reply
    assert reply["status"] == "completed"
    assert [each["process"] for each in reply["fits"]] == [""]
    assert reply["found"]["hash_seed"]["value"] == 7


def test_an_attempt_to_reach_the_network_is_a_reason(scripts: ScriptRunner) -> None:
    text = (
        "from urllib import request\n\nrequest.urlopen('http://data.example.invalid/x', None, 2)\n"
    )
    reply = scripts.run(text).reply
    assert reply["status"] == "failed"
    assert "it tried to reach data.example.invalid (train.py:3)" in reply["reason"]
    assert "`data`" in reply["reason"]
    assert reply["script"]["connections"] == [
        {"address": "data.example.invalid", "place": "train.py:3"}
    ]


def test_without_observing_only_files_and_print_are_described(scripts: ScriptRunner) -> None:
    text = FIT + "print(tf.config.threading.get_intra_op_parallelism_threads())\n"
    text += "open('out.txt', 'w').write('1')\n"
    ended = scripts.run(text, observe=False, asked={"threads": 1}, files=("*.txt",))
    reply = ended.reply
    assert (reply["status"], ended.out) == ("completed", "1\n")
    assert (reply["fits"], reply["tensors"], reply["outputs"]) == ([], [], [])
    assert list(reply["files"]) == ["out.txt"]
    watched = scripts.run(text, asked={"threads": 1}, files=("*.txt",)).reply
    for name in ("files", "printed_sha256"):
        assert watched[name] == reply[name]


def test_what_tensorflow_logs_is_no_reason(scripts: ScriptRunner) -> None:
    log = "2026-01-01 00:00:00.000001: W tensorflow/core/x.cc:1] a warning\\n"
    text = f"import sys; sys.stderr.write('no such column\\n{log}'); sys.exit(3)\n"
    assert scripts.run(text).reply["reason"] == "the script ended with status 3: no such column"


def test_without_its_end_a_script_does_not_count(scripts: ScriptRunner) -> None:
    """Nothing says then what was in force."""
    reply = scripts.run(FIT + "import os; os.execv('/bin/true', ['true'])\n").reply
    assert (reply["status"], reply["found"]) == ("invalid", {})
    assert reply["reason"].startswith("the end of the script was not seen")


STOPPED = (
    SMALL
    + """
class Stop(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt
model = make()
try:
    model.fit(x, y, epochs=3, verbose=0, callbacks=[%s])
except (KeyboardInterrupt, ValueError):
    pass
"""
)


def test_a_fit_that_an_exception_ends_was_a_training(scripts: ScriptRunner) -> None:
    [fit] = scripts.run(STOPPED % "Stop()").reply["fits"]
    assert fit["init_sha256"] != fit["weights_sha256"]


def test_a_fit_that_fails_before_its_first_step_was_none(scripts: ScriptRunner) -> None:
    reply = scripts.run((STOPPED % "").replace("fit(x, y,", "fit(x, y[:3],")).reply
    assert (reply["status"], reply["reason"]) == ("failed", "no training was seen")
