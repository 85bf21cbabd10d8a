"""What somebody ran outside of a container, and nothing else, may run so again unasked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from results_factory import sha256

from harness.protocol.script import DataFile, Script
from harness.subjects import uncontained_runs

SCRIPT = Script(
    name="churn",
    path="train.py",
    module="",
    folder_sha256=sha256("folder"),
    arguments=("{epochs}", "{rate}"),
)
SETTINGS = {"epochs": 1, "parameters": {"rate": "0.1"}, "threads": 2}


def test_only_the_same_bytes_with_the_same_arguments_ran_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert not uncontained_runs.has(SCRIPT, SETTINGS)
    uncontained_runs.note(SCRIPT, SETTINGS)
    assert uncontained_runs.has(SCRIPT, SETTINGS)
    assert uncontained_runs.has(SCRIPT, {**SETTINGS, "parameters": (("rate", "0.1"),)})
    # What another matrix calls it and with how many threads it runs gives nobody more rights.
    assert uncontained_runs.has(replace(SCRIPT, name="other"), {**SETTINGS, "threads": 1})
    others = (
        replace(SCRIPT, folder_sha256=sha256("other")),
        replace(SCRIPT, path="other.py"),
        replace(SCRIPT, arguments=("{epochs}", "{rate}", "--delete")),
        replace(SCRIPT, data=(DataFile(target="rows.csv", sha256=sha256("rows")),)),
    )
    assert not any(uncontained_runs.has(other, SETTINGS) for other in others)
    assert not uncontained_runs.has(SCRIPT, {**SETTINGS, "epochs": 2})
    assert not uncontained_runs.has(SCRIPT, {**SETTINGS, "parameters": {"rate": "0.2"}})
