"""Audits: equal hashes pass, unequal ones fail unless the cold run does not repeat itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from harness.executors.audits import Audit, Audits, compare, compare_unobserved
from harness.executors.replies import Reply
from harness.protocol import exchange


def reply(weights: str, status: str = "completed") -> Reply:
    content: dict[str, Any] = {
        "schema": exchange.SCHEMA,
        "status": status,
        "reason": "",
        "error": None,
        "found": {},
        "versions": {},
        "packages": {},
        "build": {},
        "devices": [],
        "cpu_flags": [],
        "glibc": "",
        "seconds": {},
        "data_sha256": "d",
        "init_sha256": "i",
        "weights_sha256": weights,
        "predictions_sha256": "p" + weights,
        "tensors": [],
        "history": {},
        "loss": "0x1p+0",
        "metric": "accuracy",
        "unit": "",
        "value": "0x1p-1",
        "parameters": 1,
    }
    return Reply.model_validate(content)


def never() -> Reply | None:
    raise AssertionError("the cold run is repeated only where the two differ")


def test_equal_hashes_pass_without_a_second_cold_run() -> None:
    assert compare(reply("a"), reply("a"), never).state == "passed"


def test_a_difference_fails_where_the_cold_run_repeats_itself() -> None:
    found = compare(reply("a"), reply("b"), lambda: reply("a"))
    assert found.state == "failed"
    assert "weights_sha256" in found.sentence and "init_sha256" not in found.sentence


def test_a_run_that_varies_cold_decides_nothing() -> None:
    assert compare(reply("a"), reply("b"), lambda: reply("c")).state == "undecided"


def test_a_run_that_did_not_complete_decides_nothing() -> None:
    assert compare(reply("a", "failed"), None, never).state == "undecided"
    assert compare(None, None, never).state == "undecided"


def test_a_forked_run_that_does_not_complete_fails_for_now_only() -> None:
    for forked in (None, reply("a", "failed")):
        found = compare(reply("a"), forked, never)
        assert (found.state, found.lasting) == ("failed", False)


def test_a_failure_for_now_is_forgotten_with_the_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    audits = Audits(code=lambda workload: "r", engine="local", machine="m")
    audits.remember("lock", "w", Audit(state="failed", sentence="killed", lasting=False))
    assert audits.failed("lock") is not None
    assert Audits(code=lambda workload: "r", engine="local", machine="m").failed("lock") is None


def test_audits_are_remembered_for_the_same_code_engine_and_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    audits = Audits(code=lambda workload: "r", engine="local", machine="m")
    audits.remember("lock", "mnist-mlp", Audit(state="passed", sentence="equal"))
    audits.remember("lock", "co2-lstm", Audit(state="undecided", sentence="varies"))
    same = Audits(code=lambda workload: "r", engine="local", machine="m")
    found = same.lookup("lock", "mnist-mlp")
    assert found is not None and found.state == "passed"
    assert same.lookup("lock", "co2-lstm") is None
    assert same.lookup("other", "mnist-mlp") is None
    changes: list[dict[str, Any]] = [
        {"code": lambda workload: "x"},
        {"engine": "docker"},
        {"machine": "n"},
    ]
    same_but = {"code": lambda workload: "r", "engine": "local", "machine": "m"}
    for change in changes:
        different = Audits(**{**same_but, **change})
        assert different.lookup("lock", "mnist-mlp") is None


@pytest.mark.slow
def test_sweeps_that_share_the_cache_may_write_the_same_audit_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    program = (
        "from harness.executors.audits import Audit, Audits\n"
        "audits = Audits(code=lambda workload: 'r', engine='local', machine='m')\n"
        "print(flush=True); input()\n"
        "for number in range(200):\n"
        "    audits.remember('lock', 'w', Audit(state='passed', sentence='equal'))\n"
        "    assert audits.lookup('lock', 'w').state == 'passed', number\n"
    )
    sweeps = [
        subprocess.Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE) for _ in range(2)
    ]
    for sweep in sweeps:
        assert sweep.stdout is not None and sweep.stdout.readline()
    for sweep in sweeps:
        assert sweep.stdin is not None
        sweep.stdin.write(b"\n")
        sweep.stdin.flush()
    assert [sweep.communicate(timeout=60) and sweep.returncode for sweep in sweeps] == [0, 0]
    assert len(list((tmp_path / "audits").iterdir())) == 1


def test_one_failed_workload_answers_for_its_whole_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    audits = Audits(code=lambda workload: "r", engine="local", machine="m")
    audits.remember("lock", "mnist-mlp", Audit(state="passed", sentence="equal"))
    audits.remember("lock", "co2-lstm", Audit(state="failed", sentence="differ"))
    found = audits.lookup("lock", "mnist-mlp")
    assert found is not None and found.state == "failed" and "co2-lstm" in found.sentence
    assert audits.lookup("other lock", "mnist-mlp") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"state": "passed", "sentence": "old"}', b'{"schema": 99, "state": "passed"}'],
    ids=["empty", "no object", "no schema", "another schema"],
)
def test_what_is_damaged_or_of_another_schema_vouches_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    audits = Audits(code=lambda workload: "r", engine="local", machine="m")
    audits.remember("lock", "mnist-mlp", Audit(state="passed", sentence="equal"))
    [remembered] = (tmp_path / "audits").glob("*.json")
    remembered.write_bytes(content)
    assert audits.lookup("lock", "mnist-mlp") is None


def script_reply(printed: str = "p", status: str = "completed", **written: str) -> Reply:
    script = {"arguments": [], "written": written}
    content = {"printed_sha256": printed, "script": script, "schema": exchange.SCHEMA}
    left = reply("a", status).model_dump(exclude={"measured", "script"})
    measured = reply("a").measured
    assert measured is not None
    return Reply.model_validate({**measured.model_dump(), **left, **content})


@pytest.mark.parametrize(
    ("plain", "again", "state"),
    [
        ({"model": "1"}, None, "passed"),
        ({"model": "2"}, {"model": "2"}, "failed"),
        ({"model": "1", "more": "1"}, {"model": "1", "more": "1"}, "failed"),
        ({}, {}, "failed"),
        ({"model": "2"}, {"model": "3"}, "undecided"),
        ({"model": "1", "log": "2"}, {"model": "1", "log": "3"}, "passed"),
        ({"model": "1", "printed": "q"}, {"model": "1", "printed": "r"}, "undecided"),
        ({"model": "1", "printed": "q"}, {"model": "1", "printed": "q"}, "failed"),
        ({"status": "failed"}, {"model": "1"}, "undecided"),
    ],
)
def test_observing_is_judged_by_all_that_a_script_writes_and_repeats(
    plain: dict[str, str], again: dict[str, str] | None, state: str
) -> None:
    observed = script_reply(model="1", **({"log": "1"} if "log" in plain else {}))
    replies = iter([script_reply(**each) for each in (plain, again) if each is not None])
    assert compare_unobserved(observed, lambda: next(replies)).state == state
