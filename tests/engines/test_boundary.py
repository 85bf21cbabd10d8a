"""A training that tries to reach the host through the folders it shares, on both engines.

The real runner's warm process serves it, and the real host reads what it left: nothing of the
host's is written or read, nothing blocks, and each attempt costs only its own run.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from engines.engine_bench import Bench

from harness.executors import run_processes, staging
from harness.executors.run_processes import Ending, Limits, ProcessTemplate, WarmProcess
from harness.executors.staging import StagedRunner
from harness.protocol import exchange
from harness.runner import confining

SECRET = "a secret of the host"
SECONDS = 30.0
"""Each attempt must be over in this time: an open that blocks is a hang."""

PROGRAM = """
import json, os, signal, subprocess, sys, time
from harness.protocol import exchange
from harness.protocol.files import write_json
from harness.runner import serving

VICTIM = {victim!r}
control, output, data = sys.argv[1:]
if "UNCONFINED" in os.environ:
    serving.confining.confine = lambda folder, shared: "not confined: an old kernel"

def swap(path, what):
    if os.path.lexists(path): os.unlink(path)
    if what == "link": os.symlink(VICTIM, path)
    if what == "pipe": os.mkfifo(path)
    if what == "folder": os.mkdir(path)
    if what == "large":
        with open(path, "w") as file: file.truncate(1 << 30)
    if what == "nested":
        with open(path, "w") as file: file.write("[" * 100000)

def train(request, folder, confined):
    attempt, refused = request["attempt"], []
    print("trying", attempt, flush=True)
    if attempt == "detach":
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(600)
            os._exit(0)
        time.sleep(0.2)
    elif attempt == "forge":
        # The ending and reply of another run, and the pieces that they are made from.
        for path in ("endings/000001.json", "endings/000099.json", "endings/.000001.json.draft",
                     "runs/000001/reply.json", "runs/000001/log.txt", "ready.json"):
            for what in ("link", "file"):
                try:
                    target = os.path.join(output, path)
                    os.symlink(VICTIM, target) if what == "link" else open(target, "w").close()
                except OSError as error: refused.append(error.errno)
                else: refused.append(path)
    elif attempt == "crash":
        # The parent only waits for this run; its parent is the process that forks the runs.
        with open("/proc/%d/stat" % os.getppid()) as file: above = file.read().rpartition(")")[2]
        try: os.kill(int(above.split()[1]), signal.SIGSEGV)
        except OSError as error: refused.append(error.errno)
        else: time.sleep(600)
    elif attempt == "control":
        for path in (exchange.STOP, exchange.ALIVE, "requests/000001.json", "requests/000077.json"):
            try: open(os.path.join(control, path), "w").close()
            except OSError as error: refused.append(error.errno)
            else: refused.append(path)
    elif attempt.startswith("elsewhere"):
        # A folder that the host enters leads to one of the host's, which has all that it looks for.
        shared = os.path.join(output, attempt.split()[1])
        os.rename(shared, shared + ".before")
        os.symlink(os.path.dirname(VICTIM), shared)
        os._exit(0)
    elif attempt != "nothing":
        name, what = attempt.split()
        swap(os.path.join(folder, name), what)
        if name == "reply.json": return
    write_json(os.path.join(folder, "reply.json"), dict(request["reply"], confined=confined,
               reason=json.dumps(refused)))

if os.path.isdir(os.path.join(control, exchange.REQUESTS)):
    serving.serve(control, output, train, 0.0)
else:
    with open(os.path.join(control, exchange.REQUEST)) as file: request = json.load(file)
    train(request, output, "")
"""

REPLY = {
    **{"schema": exchange.SCHEMA, "status": "failed", "reason": "", "error": None, "found": {}},
    **{"versions": {}, "packages": {}, "build": {}, "devices": [], "cpu_flags": [], "glibc": ""},
    "seconds": {},
}

KINDS = ("link", "pipe", "folder", "large")
ATTEMPTS = [
    *(f"log.txt {kind}" for kind in KINDS),
    *(f"reply.json {kind}" for kind in (*KINDS, "nested")),
]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of the host that no training may read or change."""
    path = tmp_path / "victim"
    path.write_text(SECRET)
    return path


@pytest.fixture
def template(
    bench: Bench, victim: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ProcessTemplate:
    """The engine, ready to serve a hostile training."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "root"
    staging.write(root)
    (root / "harness" / "runner" / "__main__.py").write_text(PROGRAM.format(victim=str(victim)))
    (tmp_path / "data").mkdir()
    return ProcessTemplate(
        engine=bench.engine,
        image=bench.image,
        runner=StagedRunner(root=root, sha256="0" * 64),
        data=tmp_path / "data",
        variables={"BOUNDARY_MARK": bench.mark},
        gpu=False,
    )


CPUS = tuple(sorted(os.sched_getaffinity(0)))
LIMITS = Limits(timeout=60.0, memory=1 << 30)


def request(attempt: str) -> dict[str, Any]:
    return {"schema": exchange.SCHEMA, "attempt": attempt, "reply": REPLY}


@contextmanager
def warm(template: ProcessTemplate) -> Iterator[WarmProcess]:
    process = WarmProcess(template, CPUS, LIMITS, runs=20, slots=2)
    try:
        process.wait_ready()
        yield process
    finally:
        process.close()


@contextmanager
def tried(process: WarmProcess, attempt: str) -> Iterator[Ending]:
    began = time.monotonic()
    with process.forked(request(attempt), CPUS) as ending:
        assert time.monotonic() - began < SECONDS
        yield ending


@pytest.mark.slow
def test_nothing_in_the_place_of_a_file_reaches_the_host(
    template: ProcessTemplate, victim: Path
) -> None:
    before = victim.stat()
    with warm(template) as process:
        for attempt in ATTEMPTS:
            with tried(process, attempt) as ending:
                assert ending.outcome.exit_code == 0, (attempt, ending.log)
                assert SECRET not in ending.log + ending.complaint, attempt
                if attempt.startswith("reply.json"):
                    assert ending.reply is None and ending.complaint, attempt
                else:
                    assert ending.reply is not None, (attempt, ending.complaint)
        with tried(process, "nothing") as ending:
            assert ending.reply is not None and ending.log == "trying nothing"
    assert (victim.read_text(), victim.stat().st_mtime_ns) == (SECRET, before.st_mtime_ns)


def test_one_run_cannot_speak_for_another(template: ProcessTemplate, victim: Path) -> None:
    with warm(template) as process:
        with tried(process, "nothing") as first:
            reply, log = first.reply, first.log
            with tried(process, "forge") as ending:
                assert ending.reply is not None, ending.complaint
                if ending.reply.confined != confining.CONFINED:
                    pytest.skip(f"this kernel cannot confine a run: {ending.reply.confined}")
                assert set(json.loads(ending.reply.reason)) <= {1, 2, 13, 17}
            assert reply is not None and log == "trying nothing"
            assert json.loads((first.folder / exchange.REPLY).read_text())["reason"] == "[]"
        with tried(process, "nothing") as ending:
            assert ending.outcome.cause == "exited"
    assert victim.read_text() == SECRET


@pytest.mark.parametrize("name", [exchange.RUNS, exchange.ENDINGS])
def test_no_folder_that_the_host_enters_leads_elsewhere(
    template: ProcessTemplate, victim: Path, name: str
) -> None:
    # What a run that nothing confines could do; the host must not depend on the kernel.
    (victim.parent / "000001").mkdir()
    (victim.parent / "000001" / exchange.LOG).write_text(SECRET)
    (victim.parent / "000001" / exchange.REPLY).write_text(json.dumps(REPLY))
    (victim.parent / "000001.json").write_text(SECRET)
    unconfined = replace(template, variables={**template.variables, "UNCONFINED": "1"})
    with warm(unconfined) as process, tried(process, f"elsewhere {name}") as ended:
        assert ended.reply is None and SECRET not in ended.log
        assert ("gone" in ended.complaint) == (name == exchange.ENDINGS)


def test_a_run_that_crashes_the_process_it_was_forked_from_convicts_no_other(
    template: ProcessTemplate,
) -> None:
    with warm(template) as process, tried(process, "crash") as ending:
        if ending.reply is not None:
            assert json.loads(ending.reply.reason) == [1]
            pytest.skip("this kernel keeps a run from sending signals")
        assert ending.outcome.cause == "killed"
        assert ending.outcome.reason == "the process that it was forked from ended"


def test_the_hosts_own_folder_cannot_be_written(template: ProcessTemplate, bench: Bench) -> None:
    if bench.engine.describe()["mounts"] != "read-only":
        pytest.skip("this kernel does not let the local engine protect files; it says so")
    with warm(template) as process, tried(process, "control") as ending:
        assert ending.reply is not None, ending.complaint
        assert set(json.loads(ending.reply.reason)) <= {2, 13, 30}
    with run_processes.fresh(template, request("control"), CPUS, LIMITS) as alone:
        assert alone.reply is not None and set(json.loads(alone.reply.reason)) <= {2, 30}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_process_of_its_own_reaches_no_further(
    template: ProcessTemplate, victim: Path, attempt: str
) -> None:
    began = time.monotonic()
    with run_processes.fresh(template, request(attempt), CPUS, LIMITS) as ending:
        assert SECRET not in ending.log + ending.complaint
        assert ending.log == f"trying {attempt}"
    assert time.monotonic() - began < SECONDS
    assert victim.read_text() == SECRET


def test_nothing_computes_on_after_its_run(template: ProcessTemplate, bench: Bench) -> None:
    with warm(template) as process:
        before = len(_alive(bench))
        with tried(process, "detach") as ending:
            assert ending.outcome.exit_code == 0
            assert len(_alive(bench)) == before


def _alive(bench: Bench) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("BOUNDARY_MARK") == bench.mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_strict_umask_keeps_no_container_out(template: ProcessTemplate) -> None:
    before = os.umask(0o077)
    try:
        with warm(template) as process, tried(process, "nothing") as ending:
            assert ending.reply is not None, ending.log
    finally:
        os.umask(before)
