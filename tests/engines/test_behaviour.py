"""The behaviour every engine promises: one suite, each test once per engine."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engines.engine_bench import MARK, MIB, NUMPY, Bench, make_lock

from harness.engines.docker.engine import DockerEngine
from harness.engines.protocol import Order, Outcome

WRITE_REPLY = "import json\ndef reply(x): json.dump(x, open(output + '/reply.json', 'w'))\n"

# Detaches twice, into a session of its own, and then leaves a sign of life every 20 ms.
DETACHED = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for n in range(100000):
            with open(output + "/alive", "w") as file: file.write(str(n))
            time.sleep(0.02)
    os._exit(0)
while not os.path.exists(output + "/alive"): time.sleep(0.01)
print("detached", flush=True)
"""


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that another process does; a failure if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def has_stopped(order: Order) -> bool:
    """Whether the detached process gives no sign of life any more."""
    before = (order.output / "alive").read_text()
    time.sleep(0.3)
    return (order.output / "alive").read_text() == before


def in_background(bench: Bench, order: Order) -> tuple[threading.Thread, list[Outcome]]:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.engine.run(order)))
    thread.start()
    return thread, outcomes


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_runners(bench: Bench, code: int) -> None:
    outcome = bench.engine.run(bench.order(f"sys.exit({code})"))
    assert (outcome.cause, outcome.exit_code) == ("exited", code)


def test_what_it_writes_is_there_afterwards_and_can_be_removed(bench: Bench) -> None:
    order = bench.order(
        "import os\nos.mkdir(output + '/new')\nopen(output + '/new/reply', 'w').write('yes')"
    )
    bench.engine.run(order)
    assert (order.output / "new" / "reply").read_text() == "yes"
    shutil.rmtree(order.output)


def test_both_streams_are_kept_in_the_log(bench: Bench) -> None:
    order = bench.order("print('to out')\nprint('to err', file=sys.stderr)")
    bench.engine.run(order)
    assert {"to out", "to err"} <= set(order.log.read_text().splitlines())


def test_the_runner_has_the_locked_packages(bench: Bench) -> None:
    found = bench.reply(
        WRITE_REPLY + "import numpy\nreply([numpy.__version__, '%d.%d' % sys.version_info[:2]])"
    )
    assert found == [NUMPY.version, "3.11"]


def test_the_runner_has_no_other_packages(bench: Bench) -> None:
    found = bench.reply(
        WRITE_REPLY
        + "from importlib.metadata import distributions\n"
        + "reply([one.metadata['Name'] for one in distributions()])"
    )
    assert found == ["numpy"]


def test_the_working_folder_is_the_root(bench: Bench) -> None:
    found = bench.reply(
        WRITE_REPLY + "import os\nreply([os.listdir('.'), open(data + '/x.bin').read()])"
    )
    assert found == [["harness"], "data"]


@pytest.mark.slow
def test_a_timeout_ends_the_whole_tree(bench: Bench) -> None:
    order = bench.order(DETACHED + "time.sleep(600)", timeout=4.0)
    outcome = bench.engine.run(order)
    assert (outcome.cause, outcome.exit_code) == ("timeout", -9)
    assert outcome.seconds >= 4.0
    assert "detached" in order.log.read_text()
    assert has_stopped(order)


def test_children_do_not_outlive_the_runner(bench: Bench) -> None:
    order = bench.order(DETACHED)
    outcome = bench.engine.run(order)
    assert (outcome.cause, outcome.exit_code) == ("exited", 0)
    assert has_stopped(order)


def test_there_is_no_network(bench: Bench) -> None:
    if bench.engine.describe()["network"] != "none":
        pytest.skip("this kernel does not let the local engine take the network away; it says so")
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = bench.reply(
            WRITE_REPLY
            + f"""
import os, socket
one = socket.socket()
up = socket.if_nameindex()
reply([one.connect_ex(("127.0.0.1", {server.getsockname()[1]})),
       socket.socket().connect_ex(("192.0.2.1", 80)), [name for _, name in up]])
"""
        )
    refused, unreachable, interfaces = found
    assert refused != 0
    assert unreachable != 0
    assert "lo" in interfaces
    assert not [name for name in interfaces if name.startswith(("eth", "en", "wl"))]


def test_root_data_and_environment_cannot_be_written(bench: Bench) -> None:
    if bench.engine.describe()["mounts"] != "read-only":
        pytest.skip("this kernel does not let the local engine protect files; it says so")
    found = bench.reply(
        WRITE_REPLY
        + """
import os, numpy
refused = []
bytecode = os.path.dirname(numpy.__cached__)
for folder in (os.getcwd(), os.getcwd() + "/harness", data, control, sys.prefix, bytecode):
    try: open(folder + "/new", "w")
    except OSError: refused.append(folder)
for file in (data + "/x.bin", __file__, numpy.__cached__):
    try: open(file, "a")
    except OSError: refused.append(file)
reply(len(refused))
"""
    )
    assert found == 9


@pytest.mark.slow
def test_too_much_memory_is_seen_as_such(bench: Bench) -> None:
    if not bench.enforces("memory"):
        pytest.skip("this engine cannot limit memory; it says so")
    program = """
import time
kept = []
for n in range(1000):
    kept.append(b"x" * (8 << 20))
    time.sleep(0.01)
"""
    outcome = bench.engine.run(bench.order(program, memory=200 * MIB))
    # Podman does not say that it was the memory; `harness doctor` says that of it.
    assert outcome.cause == ("killed" if bench.is_podman else "out_of_memory")
    assert outcome.exit_code == -9


@pytest.mark.slow
def test_memory_that_forks_share_counts_once(bench: Bench) -> None:
    program = """
import os, time
kept = b"x" * (100 << 20)
children = []
for n in range(4):
    child = os.fork()
    if child == 0:
        time.sleep(1.5)
        os._exit(0)
    children.append(child)
for child in children: os.waitpid(child, 0)
"""
    outcome = bench.engine.run(bench.order(program, memory=250 * MIB))
    assert (outcome.cause, outcome.exit_code) == ("exited", 0)


def test_the_cpu_set_is_the_orders(bench: Bench) -> None:
    last = max(os.sched_getaffinity(0))
    program = WRITE_REPLY + "import os\nreply(sorted(os.sched_getaffinity(0)))"
    assert bench.reply(program, cpus=(last,)) == [last]


def test_variables_are_the_minimum_and_the_orders(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    found = bench.reply(
        WRITE_REPLY + "import os\nreply(dict(os.environ))",
        variables={"TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONHASHSEED": "7"},
    )
    assert "SECRET_OF_THE_HOST" not in found
    assert (found["TF_ENABLE_ONEDNN_OPTS"], found["PYTHONHASHSEED"]) == ("0", "7")
    assert (found["CUDA_VISIBLE_DEVICES"], found["TF_CPP_MIN_LOG_LEVEL"]) == ("", "0")
    assert found["HOME"] != os.environ["HOME"]


def test_home_is_writable_and_goes_with_the_run(bench: Bench) -> None:
    program = (
        "import os\nh = os.environ['HOME']\nopen(h + '/x', 'w').write('x')\n" + WRITE_REPLY
    ) + "reply(h)"
    home = Path(bench.reply(program))
    assert not (home / "x").exists()


def test_a_crash_is_an_exit_with_its_signal(bench: Bench) -> None:
    outcome = bench.engine.run(bench.order("import os\nos.abort()"))
    assert (outcome.cause, outcome.exit_code) == ("exited", -signal.SIGABRT)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_from_elsewhere_is_seen_as_killed(bench: Bench, signum: int) -> None:
    thread, outcomes = in_background(bench, bench.order("import time\ntime.sleep(600)"))
    wait_until(bench.runners)
    bench.runners()[0].send_signal(signum)
    thread.join(30)
    assert [(one.cause, one.exit_code) for one in outcomes] == [("killed", -signum)]
    assert bench.alive() == []


def test_cancel_ends_every_order(bench: Bench) -> None:
    orders = [bench.order(DETACHED + "time.sleep(600)") for _ in range(2)]
    started = [in_background(bench, order) for order in orders]
    wait_until(lambda: all((order.output / "alive").exists() for order in orders))
    bench.engine.cancel()
    for thread, outcomes in started:
        thread.join(30)
        assert [one.cause for one in outcomes] == ["killed"]
    assert all(has_stopped(order) for order in orders)


def test_nothing_starts_after_a_cancel(bench: Bench) -> None:
    bench.engine.cancel()
    order = bench.order("open(output + '/started', 'w')")
    outcome = bench.engine.run(order)
    assert (outcome.cause, outcome.seconds) == ("killed", 0)
    assert not (order.output / "started").exists()
    assert not order.log.exists()


def test_orders_run_side_by_side(bench: Bench) -> None:
    # Each waits for a file that the test writes only when all three have started.
    program = (
        "import os, time\nopen(output + '/started', 'w')\n"
        "while not os.path.exists(control + '/go'): time.sleep(0.01)"
    )
    orders = [bench.order(program) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(bench.engine.run, order) for order in orders]
        wait_until(lambda: all((order.output / "started").exists() for order in orders))
        for order in orders:
            (order.control / "go").touch()
        assert [future.result(30).cause for future in futures] == ["exited"] * 3


def test_an_interrupt_leaves_nothing_behind(bench: Bench) -> None:
    order = bench.order(DETACHED + "time.sleep(600)")

    def interrupt() -> None:
        wait_until((order.output / "alive").exists)
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        bench.engine.run(order)
    interrupter.join()
    assert has_stopped(order)
    assert bench.alive() == []


def test_nothing_is_left_behind(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    bench.engine.run(bench.order("pass"))
    assert bench.alive() == []
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
def test_nothing_outlives_a_killed_harness(bench: Bench, request: pytest.FixtureRequest) -> None:
    order = bench.order(DETACHED + "time.sleep(600)")
    program = (
        "import pickle, sys; from harness.engines import choice;"
        " order = pickle.loads(sys.stdin.buffer.read());"
        " choice.choose(order.image.engine)[0].run(order)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as harness:
        assert harness.stdin is not None
        harness.stdin.write(pickle.dumps(order))
        harness.stdin.close()
        wait_until((order.output / "alive").exists)
        harness.kill()
    if bench.engine.name == "docker":
        # Containers belong to the engine: the next harness ends them when it starts.
        DockerEngine(request.getfixturevalue("docker_connect"))
    wait_until(lambda: not bench.alive())
    assert has_stopped(order)


def test_the_same_lock_is_assembled_once(bench: Bench, tmp_path: Path) -> None:
    log = tmp_path / "second.log"
    again = bench.engine.assemble(make_lock(NUMPY), log)
    assert again == bench.image
    assert not log.exists()


def test_a_runner_that_does_not_exist_says_so_in_the_log(bench: Bench) -> None:
    order = bench.order("pass")
    (order.root / "harness" / "runner" / "__main__.py").unlink()
    outcome = bench.engine.run(order)
    assert (outcome.cause, outcome.exit_code) == ("exited", 1)
    assert "No module named harness.runner.__main__" in order.log.read_text()


def test_describe_says_what_every_record_needs(bench: Bench) -> None:
    found = bench.engine.describe()
    assert found["name"] == bench.engine.name == bench.image.engine
    assert {"version", "network", "mounts"} <= found.keys()
    assert json.loads(json.dumps(found)) == found


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="there is an NVIDIA GPU here")
def test_without_a_gpu_its_cells_are_unavailable(bench: Bench) -> None:
    assert bench.engine.unavailable(device="cpu") is None
    reason = bench.engine.unavailable(device="gpu")
    assert reason is not None
    assert reason.startswith("no NVIDIA GPU")


def test_a_guard_that_is_killed_leaves_nothing(local_bench: Bench) -> None:
    bench = local_bench
    order = bench.order(DETACHED + "time.sleep(600)")
    thread, outcomes = in_background(bench, order)
    wait_until((order.output / "alive").exists)
    # The watcher must have seen the tree once, to know what to end.
    time.sleep(0.5)
    guard = next(one for one in bench.alive() if any("guard.py" in x for x in one.cmdline()))
    guard.kill()
    thread.join(30)
    assert [one.cause for one in outcomes] == ["killed"]
    wait_until(lambda: not bench.alive())


def test_every_process_carries_the_mark(bench: Bench) -> None:
    """The suite finds leftovers by a variable; this shows that it would."""
    thread, _ = in_background(bench, bench.order("import time\ntime.sleep(600)"))
    wait_until(bench.runners)
    assert all(one.environ()[MARK] == bench.mark for one in bench.runners())
    bench.engine.cancel()
    thread.join(30)
    assert bench.alive() == []
