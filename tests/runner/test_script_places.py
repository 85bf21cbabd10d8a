"""A script is started as `python train.py` starts it: its modules, paths, data and files."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from runner.script_host import FIT, SMALL, ScriptRunner

START = """
import json, os, sys
print(json.dumps({
    "name": __name__,
    "file": os.path.relpath(__file__),
    "is_absolute": os.path.isabs(__file__),
    "argv": sys.argv,
    "first": os.path.relpath(sys.path[0]),
    "paths": len(sys.path),
    "is_ours": any("harness" in p and "site-packages" not in p for p in sys.path[1:]),
    "modules": sorted(m for m in sys.modules if m.split(".")[0] == "harness"),
    "read": open("data.txt").read(),
}))
"""


def test_the_script_is_started_as_by_hand(scripts: ScriptRunner) -> None:
    files = {"train.py": START + FIT, "data.txt": "7"}
    observed, plain = scripts.run(files).out, scripts.plain(files)
    assert json.loads(observed) == json.loads(plain)
    assert json.loads(observed)["read"] == "7"


def test_a_module_is_started_as_with_m(scripts: ScriptRunner) -> None:
    files = {"churn/__init__.py": "", "churn/other.py": "N = 3\n"}
    text = "from churn.other import N\nimport sys\nprint(__name__, sys.argv[1:], N)\n"
    ended = scripts.run({**files, "churn/train.py": text + FIT}, module="churn.train")
    assert (ended.reply["status"], ended.out) == ("completed", "__main__ [] 3\n")


def test_a_script_below_its_folder_finds_its_neighbours(scripts: ScriptRunner) -> None:
    files = {"src/train.py": "import near\n" + FIT, "src/near.py": "print('near')\n"}
    ended = scripts.run(files, path="src/train.py")
    assert (ended.reply["status"], ended.out) == ("completed", "near\n")


@pytest.mark.parametrize("path", ["harness.py", "harness/__init__.py"])
def test_a_module_of_our_name_is_the_user_s(scripts: ScriptRunner, path: str) -> None:
    text = (
        "import harness\n" + FIT + "import harness as again\nprint(again.MINE, again is harness)\n"
    )
    ended = scripts.run({"train.py": text, path: "MINE = 5\n"})
    assert ended.out == "5 True\n", ended.err
    assert ended.reply["status"] == "completed", ended.reply["reason"]


def test_names_of_our_modules_are_free(scripts: ScriptRunner) -> None:
    names = ("fits", "notes", "calls", "seeds", "tapes", "start", "printed", "reply", "weights")
    files = {f"{name}.py": f"NAME = {name!r}\n" for name in names}
    text = FIT + "".join(f"import {name}\nassert {name}.NAME == {name!r}\n" for name in names)
    reply = scripts.run({**files, "train.py": text}).reply
    assert reply["status"] == "completed", reply["reason"]


def test_a_sitecustomize_of_the_environment_is_run(scripts: ScriptRunner, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.OF_SITE = 9\n")
    text = "import sys\nprint(OF_SITE, sys.modules['sitecustomize'].__file__)\n"
    ended = scripts.run(text + FIT, variables={"PYTHONPATH": str(tmp_path)})
    assert ended.out == f"9 {tmp_path / 'sitecustomize.py'}\n"
    assert ended.reply["status"] == "completed", ended.reply["reason"]


def test_a_run_sees_nothing_of_the_one_before(scripts: ScriptRunner) -> None:
    text = "import os\nprint(os.path.exists('left'))\nopen('left', 'w').close()\n" + FIT
    assert [scripts.run(text).out for _ in range(2)] == ["False\n", "False\n"]


def test_data_lie_where_the_script_looks(scripts: ScriptRunner) -> None:
    text = (
        "import os\nprint(open('data/a.txt').read(), open(os.path.expanduser('~/b.txt')).read())\n"
    )
    ended = scripts.run(text + FIT, data={"data/a.txt": b"one", "~/b.txt": b"two"})
    assert (ended.out, ended.reply["status"]) == ("one two\n", "completed")


def test_files_are_results_by_their_digests(scripts: ScriptRunner) -> None:
    text = (
        "import os\nos.makedirs('out/deep')\nopen('out/a.csv', 'w').write('1')\n"
        "open('out/deep/b.csv', 'w').write('2')\nopen('c.txt', 'w').write('3')\n"
    )
    reply = scripts.run(text + FIT, files=("out/**/*.csv", "c.txt", "missing.npy")).reply
    expected = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in (("c.txt", b"3"), ("out/a.csv", b"1"), ("out/deep/b.csv", b"2"))
    }
    assert reply["files"] == {**expected, "missing.npy": ""}


def test_links_are_not_followed(scripts: ScriptRunner, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    text = (
        f"import os\nos.symlink({str(tmp_path / 'secret.txt')!r}, 'a.txt')\n"
        f"os.symlink({str(tmp_path)!r}, 'folder')\nos.mkfifo('b.txt')\n"
    )
    reply = scripts.run(text + FIT, files=("*.txt", "folder/*.txt", "**/secret.txt")).reply
    assert reply["files"] == dict.fromkeys(("*.txt", "folder/*.txt", "**/secret.txt"), "")


DIGITS = (
    "from tensorflow import keras\n"
    "(a, b), (c, d) = keras.datasets.mnist.load_data()\nprint(a.shape, int(d[-1]))\n"
)


def digits() -> bytes:
    file = io.BytesIO()
    x = np.arange(4 * 28 * 28, dtype="u1").reshape(4, 28, 28)
    labels = np.array([1, 2, 3, 4], "u1")
    np.savez(file, x_train=x, y_train=labels, x_test=x[:2], y_test=labels[:2])
    return file.getvalue()


def test_digits_are_read_from_our_file(scripts: ScriptRunner) -> None:
    data = {"~/.keras/datasets/mnist.npz": digits()}
    ended = scripts.run(DIGITS + FIT, data=data)
    assert ended.reply["status"] == "completed", ended.reply["reason"]
    assert ended.out == "(4, 28, 28) 2\n"
    assert ended.reply["script"]["connections"] == []


def test_a_file_that_was_not_declared_is_checked_as_ever(scripts: ScriptRunner) -> None:
    text = (
        "import os\nos.makedirs(os.path.expanduser('~/.keras/datasets'))\n"
        "open(os.path.expanduser('~/.keras/datasets/mnist.npz'), 'wb').write(b'x')\n"
    )
    reply = scripts.run(text + DIGITS).reply
    assert reply["status"] == "failed"
    assert reply["script"]["connections"][0]["place"] == "train.py:5"


def test_keras_3_reads_digits_from_our_file(scripts_of_keras_3: ScriptRunner) -> None:
    data = {"~/.keras/datasets/mnist.npz": digits()}
    ended = scripts_of_keras_3.run(DIGITS + FIT, data=data)
    assert ended.reply["status"] == "completed", ended.reply["reason"]
    assert ended.out == "(4, 28, 28) 2\n"


def test_without_observing_data_are_there_too(scripts: ScriptRunner) -> None:
    data = {"~/.keras/datasets/mnist.npz": digits()}
    ended = scripts.run(DIGITS + SMALL, data=data, observe=False)
    assert (ended.reply["status"], ended.out) == ("completed", "(4, 28, 28) 2\n")
