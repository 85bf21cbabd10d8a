"""Threads and processes of a script: each training is seen, wherever it happens."""

from __future__ import annotations

import pytest
from runner.script_host import FIT, SMALL, ScriptRunner

WORK = (
    SMALL
    + """
def fit(seed):
    model = make(seed)
    model.fit(x, y, verbose=0)
    return float(model.get_weights()[0].sum())

def loop(seed):
    tf.random.set_seed(seed)
    w = tf.Variable(tf.random.normal([4, 1]))
    for _ in range(2):
        with tf.GradientTape() as t:
            loss = tf.reduce_mean((tf.constant(x) @ w - y) ** 2)
        w.assign_sub(0.1 * t.gradient(loss, w))
    return float(tf.reduce_sum(w))
"""
)

POOL = """
if __name__ == "__main__":
    import multiprocessing
    context = multiprocessing.get_context("{start}")
    with context.Pool(1) as pool:
        print(len(pool.map({work}, [1, 2])))
"""

EXECUTOR = """
if __name__ == "__main__":
    import concurrent.futures, multiprocessing
    context = multiprocessing.get_context("{start}")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        print(len(list(pool.map({work}, [1, 2]))))
"""

PROCESS = """
if __name__ == "__main__":
    import multiprocessing
    context = multiprocessing.get_context("{start}")
    processes = [context.Process(target={work}, args=(seed,)) for seed in (1, 2)]
    for each in processes:
        each.start()
    for each in processes:
        each.join()
    print(len(processes))
"""


@pytest.mark.parametrize("start", ["spawn", "fork"])
@pytest.mark.parametrize("work", ["fit", "loop"])
@pytest.mark.parametrize("kind", [POOL, EXECUTOR, PROCESS], ids=["pool", "executor", "process"])
def test_worker_processes_are_seen(scripts: ScriptRunner, start: str, work: str, kind: str) -> None:
    ended = scripts.run(WORK + kind.format(start=start, work=work))
    assert ended.reply["status"] == "completed", ended.reply["reason"] + ended.err
    fits = ended.reply["fits"]
    assert [each["model"] for each in fits] == [1, 2]
    names = ["child 1", "child 2"] if kind is PROCESS else ["child 1"] * 2
    assert [each["process"] for each in fits] == names
    assert ended.out == "2\n"


def test_what_the_parent_trained_is_not_its_children_s(scripts: ScriptRunner) -> None:
    ended = scripts.run(WORK + "loop(5)\n" + PROCESS.format(start="fork", work="loop"))
    assert ended.reply["status"] == "completed", ended.reply["reason"]
    processes = [each["process"] for each in ended.reply["fits"]]
    assert processes == ["", "child 1", "child 2"]
    assert len({each["weights_sha256"] for each in ended.reply["fits"]}) == 3


def test_a_child_started_as_a_program_is_seen(scripts: ScriptRunner) -> None:
    text = "import subprocess, sys\nsubprocess.run([sys.executable, 'work.py'], check=True)\n"
    reply = scripts.run({"train.py": text, "work.py": FIT}).reply
    assert reply["status"] == "completed", reply["reason"]
    assert [each["process"] for each in reply["fits"]] == ["child 1"]
    assert reply["found"]["threads"]["value"] is not None


def test_a_thread_that_trains_is_seen(scripts: ScriptRunner) -> None:
    text = "import threading\nt = threading.Thread(target=fit, args=(1,))\nt.start()\nt.join()\n"
    reply = scripts.run(WORK + text).reply
    assert (reply["status"], len(reply["fits"])) == ("completed", 1)


def test_models_that_are_gone_are_kept(scripts: ScriptRunner) -> None:
    text = "import gc\nfor seed in (1, 2, 3):\n    print(fit(seed))\n    gc.collect()\n"
    ended = scripts.run(WORK + text)
    fits = ended.reply["fits"]
    assert [(each["model"], each["fit"]) for each in fits] == [(1, 1), (2, 1), (3, 1)]
    assert len({each["weights_sha256"] for each in fits}) == 3
    assert len(ended.reply["tensors"]) == 12


def test_fits_of_one_model_are_numbered(scripts: ScriptRunner) -> None:
    text = "a, b = make(1), make(2)\n"
    text += "for m in (a, b, a):\n    m.fit(x, y, verbose=0)\n"
    fits = scripts.run(SMALL + text).reply["fits"]
    assert [(each["model"], each["fit"]) for each in fits] == [(1, 1), (1, 2), (2, 1)]
    assert fits[1]["init_sha256"] == fits[0]["weights_sha256"]


def test_what_models_return_is_noted(scripts: ScriptRunner) -> None:
    text = "m = make()\nm.fit(x, y, verbose=0)\nm.predict(x, verbose=0)\n"
    text += "m.evaluate(x, y, verbose=0)\nm.predict_on_batch(x)\n"
    one, other = (scripts.run(SMALL + text).reply["outputs"] for _ in range(2))
    assert [each["call"] for each in one] == ["predict", "evaluate", "predict_on_batch"]
    assert one == other
    assert one[0]["sha256"] == one[2]["sha256"]
