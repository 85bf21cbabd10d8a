"""The runner is read, and refuses properly, under every Python from 3.7 to 3.13 found here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from runner.runner_host import request_for

WITHOUT_NUMPY = """
import json, os, sys
from harness.protocol import exchange, processor
from harness.runner import refusals, reply, variables
from harness.runner.importing import Imported, as_forked
from harness.runner.stderr_copy import copy_of_standard_error

folder = sys.argv[1]
with copy_of_standard_error(folder) as copied:
    os.write(2, b"from C++\\n")
    sys.stderr.write("from Python\\n")
    os.system("echo from a child >&2")
os.write(2, b"afterwards\\n")
with open(os.path.join(folder, "log"), "ab") as log:
    log.write(b"before\\n")
    log.flush()
    real = os.dup(2)
    os.dup2(log.fileno(), 2)
with copy_of_standard_error(folder) as from_file:
    os.write(2, b"to a file\\n")
os.dup2(real, 2)
with copy_of_standard_error(folder) as kept_open:
    os.write(2, b"before the end\\n")
    os.system("sleep 60 >/dev/null </dev/null &")
os.unlink(os.path.join(folder, "log"))
left = reply.empty_reply()
try:
    raise ValueError("first line\\nsecond")
except ValueError as error:
    reply.failed(left, exchange.FAILED, reply.one_line(error), error)
left["copied"] = [*copied, *from_file, *kept_open]
left["cpus"] = processor.usable_cpus()
left["files"] = os.listdir(folder)
os.environ["SET_LATER"] = "1"
seen = [variables.at_start().get("SET_LATER"), variables.now("SET_LATER"), variables.now("NEVER")]
left["variables"] = seen
imported = Imported(
    started=0.0, seconds=5.0, log="", variables={}, at_start={}, backend=None, probed=None,
    threads=None,
)
left["import"] = as_forked(imported).seconds
left["threads"] = as_forked(imported).threads
reply.write_reply(folder, left)
"""


def test_every_file_compiles(any_python: Path, runner_root: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "files = sorted(pathlib.Path(sys.argv[1]).rglob('*.py'))\n"
        "for file in files: compile(file.read_bytes(), str(file), 'exec')\n"
        "print(len(files))"
    )
    done = subprocess.run(
        [str(any_python), "-W", "error", "-c", code, str(runner_root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(list(runner_root.rglob("*.py")))


def test_the_parts_without_numpy_work(any_python: Path, runner_root: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(any_python), "-c", WITHOUT_NUMPY, str(tmp_path)],
        cwd=runner_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "from C++\nfrom Python\nfrom a child\nafterwards\nbefore the end\n"
    reply = json.loads((tmp_path / "reply.json").read_text())
    # The third although a process that was started meanwhile still has standard error open.
    expected = ["from C++\nfrom Python\nfrom a child\n", "to a file\n", "before the end\n"]
    assert reply["copied"] == expected
    assert (reply["status"], reply["reason"]) == ("failed", "ValueError: first line second")
    assert reply["error"]["message"] == "first line\nsecond"
    assert "ValueError" in reply["error"]["traceback"]
    assert reply["files"] == []
    assert reply["import"] is None
    assert reply["threads"] == 1
    assert reply["variables"] == [None, "1", None]


def test_an_environment_that_cannot_import_is_a_failed_run(
    any_python: Path, runner_root: Path, tmp_path: Path
) -> None:
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "request.json").write_text(json.dumps(request_for()))
    folders = [str(tmp_path / "control"), str(tmp_path), "/nowhere"]
    # -I keeps packages of the user and of the environment away; the copy is put on the path.
    code = f"import sys; sys.path.insert(0, {str(runner_root)!r}); sys.modules['tensorflow'] = None"
    code += "; from harness.runner.__main__ import main"
    code += f"; sys.exit(main({folders}))"
    done = subprocess.run(
        [str(any_python), "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reply = json.loads((tmp_path / "reply.json").read_text())
    assert reply["status"] == "failed"
    assert reply["reason"].startswith("importing TensorFlow: ")
    assert reply["error"]["type"] in {"ImportError", "ModuleNotFoundError"}


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema": 99}'])
def test_an_unreadable_request_ends_with_status_two(
    runner_root: Path, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "request.json").write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "harness.runner", str(tmp_path), str(tmp_path), "/nowhere"],
        cwd=runner_root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "request.json" in done.stderr
    assert not (tmp_path / "reply.json").exists()
