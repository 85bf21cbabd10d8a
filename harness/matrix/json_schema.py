"""The JSON Schema of matrix files, for editors: generated from the catalogue, never by hand."""

from __future__ import annotations

import json
from typing import Any

from harness.matrix.matrix import SCHEMA
from harness.matrix.reading import KEYS, MAX_REPEATS, NAME, REQUIRED
from harness.matrix.values import ENVIRONMENT_KEYS
from harness.protocol.axes import CATALOGUE, Axis
from harness.subjects.reference import with_names

FILE_NAME = "schema.json"

_SENTENCES = {
    "python": 'Python minor versions such as "3.10"; left out: the newest that fits.',
    "tensorflow": "Exact TensorFlow releases such as 2.10.0.",
    "numpy": "Exact NumPy releases; left out: the newest that fits at that TensorFlow's date.",
    "keras": "Exact Keras releases; left out: the newest that fits at that TensorFlow's date.",
}


def text() -> str:
    """The schema as it is shipped in `matrices/schema.json`."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """The schema as a value. Editors read YAML's own types, so numbers may be numbers."""
    axes = {axis.name: _axis(with_names(axis)) for axis in CATALOGUE}
    versions = {key: _version(key) for key in ENVIRONMENT_KEYS}
    environment = _closed(versions, required=["tensorflow"])
    because = {"type": "string", "minLength": 1, "description": "Why; shown in the tables."}
    properties = {
        "schema": {"enum": [SCHEMA, str(SCHEMA)], "description": "The format of this file."},
        "name": {"type": "string", "pattern": NAME.pattern, "description": "Names its results."},
        "description": {"type": "string"},
        "environments": _one_or_more(environment),
        "axes": _closed(axes),
        "repeats": {"type": ["integer", "string"], "minimum": 1, "maximum": MAX_REPEATS},
        "consent": {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "description": "Environment variables that are set although they could load code or "
            "write files, each with the reason; every record names them.",
        },
        "include": _one_or_more(_closed({**versions, **axes})),
        "exclude": _one_or_more(
            _closed({**versions, **axes, "because": because}, required=["because"])
        ),
    }
    assert set(properties) == set(KEYS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Matrix of the reproducibility harness",
        **_closed(properties, required=list(REQUIRED)),
    }


def _closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return {**part, "required": required} if required else part


def _one_or_more(part: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [part, {"type": "array", "items": part, "minItems": 1}]}


def _axis(axis: Axis) -> dict[str, Any]:
    options: list[dict[str, Any]] = []
    if axis.words:
        # YAML 1.1 editors read on and off as truth values; the harness reads them as words.
        truths = [True, False] if "on" in axis.words else []
        options.append({"enum": [*axis.words, *truths]})
    if axis.minimum is not None:
        upper = {} if axis.maximum is None else {"maximum": axis.maximum}
        options.append({"type": "integer", "minimum": axis.minimum, **upper})
    if axis.is_mapping:
        options.append({"type": "object", "additionalProperties": {"type": ["string", "number"]}})
    one = options[0] if len(options) == 1 else {"anyOf": options}
    return {**_one_or_more(one), "description": f"{axis.sentence} Allowed: {axis.allowed}."}


def _version(key: str) -> dict[str, Any]:
    kinds = ["string", "number"] if key == "python" else "string"
    return {**_one_or_more({"type": kinds}), "description": _SENTENCES[key]}
