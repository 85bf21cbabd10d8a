"""The catalogue: every axis is complete, and process axes become environment variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from harness.matrix import json_schema
from harness.protocol.axes import CATALOGUE, Axis, process_variables
from harness.subjects.reference import with_names

MATRICES = Path(__file__).parents[2] / "matrices"
DATA = Path(__file__).parent.parent / "data" / "matrices"


@pytest.mark.parametrize("axis", [*map(with_names, CATALOGUE)], ids=lambda axis: axis.name)
def test_an_axis_says_how_it_is_applied_and_read_back(axis: Axis) -> None:
    assert axis.sentence.endswith(".") and axis.applied and axis.read_back
    assert axis.words or axis.minimum is not None or axis.is_mapping
    assert not axis.variables or axis.scope == "process"


def test_process_axes_become_variables() -> None:
    variables = process_variables(
        {
            "onednn": "off",
            "isa": "avx2",
            "contraction_kernel": "off",
            "hash_seed": 7,
            "env": (("OMP_NUM_THREADS", "2"), ("ONEDNN_MAX_CPU_ISA", "SSE41")),
        }
    )
    assert variables == {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "DNNL_MAX_CPU_ISA": "AVX2",
        "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "false",
        "PYTHONHASHSEED": "7",
        "OMP_NUM_THREADS": "2",
    }


def test_defaults_set_nothing_but_a_random_hash_seed() -> None:
    assert process_variables({}) == {"PYTHONHASHSEED": "random"}


def test_the_shipped_schema_is_current() -> None:
    shipped = (MATRICES / json_schema.FILE_NAME).read_text()
    assert shipped == json_schema.text(), "run: harness schema > matrices/schema.json"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(MATRICES.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_schema_accepts_the_shipped_matrices(path: Path) -> None:
    jsonschema.validate(_as_an_editor_reads(path), json.loads(json_schema.text()))


def test_the_schema_refuses_what_the_harness_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json_schema.schema())
    assert len(list(validator.iter_errors(_as_an_editor_reads(DATA / "ten_mistakes.yaml")))) >= 5


def _as_an_editor_reads(path: Path) -> Any:
    return yaml.safe_load(path.read_text())
