"""Digests of records: anybody can recompute them, and a changed record is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from results.made import CELL, MACHINE, MATRIX, record

from harness.errors import RecordError
from harness.results import json_digest
from harness.results.reading import read_record
from harness.results.store import Store

_TEXT = st.text(st.characters(codec=None), max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Store(tmp_path, MATRIX, MACHINE).write(record(), None, None)


def test_three_lines_of_python_recompute_the_digest(path: Path, tmp_path: Path) -> None:
    lines = re.findall(r"^    (.+)$", json_digest.__doc__ or "", re.MULTILINE)
    assert len(lines) == 3
    script = [sys.executable, "-c", "\n".join(lines), str(path)]
    assert subprocess.run(script, check=True, capture_output=True).stdout == b"True\n"
    path.write_text(path.read_text().replace("ValueError", "TypeError"))
    assert subprocess.run(script, check=True, capture_output=True).stdout == b"False\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"status": "failed"', '"status": "completed"'),
        ('"flag7"', '"flag8"'),
        ('"sha256": "', '"sha256": "0'),
        ('"repeat": 1', '"repeat": 1.0'),
    ],
)
def test_a_changed_record_is_refused(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RecordError) as caught:
        read_record(path)
    assert str(caught.value).startswith(f"{path}: was changed after it was written: its digest")
    assert "move the file out of the folder, and harness run makes it again" in str(caught.value)


def test_a_record_of_today_without_a_digest_is_refused(path: Path) -> None:
    content = json.loads(path.read_bytes())
    for digest in ({}, {"sha256": None}, {"sha256": 5}):
        path.write_text(json.dumps({**_without(content), **digest}))
        with pytest.raises(RecordError, match="its digest does not fit"):
            read_record(path)


def _without(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != json_digest.KEY}


def test_the_layout_of_the_file_does_not_matter(path: Path) -> None:
    before = read_record(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n").replace(b'": ', b'":   '))
    assert read_record(path) == before


def test_the_digest_read_is_kept_with_the_record(path: Path) -> None:
    found = read_record(path)
    assert found is not None and found.cell == CELL
    assert found.sha256 == json.loads(path.read_bytes())["sha256"]


@pytest.mark.slow
@given(st.dictionaries(_TEXT, _JSON, max_size=3))
def test_whatever_is_sealed_is_read_with_a_digest_that_fits(content: dict[str, Any]) -> None:
    found = json.loads(json_digest.with_digest(content))
    assert json_digest.digest(found) == found[json_digest.KEY]
