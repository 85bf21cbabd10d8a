"""The JSON Schema of matrix files, for editors: generated from the catalogue, never by hand."""

from __future__ import annotations

import json
from typing import Any

from harness.matrix.claim_entries import COMPARED
from harness.matrix.claim_entries import KEYS as CLAIM_KEYS
from harness.matrix.claim_entries import NAME as CLAIM_NAME
from harness.matrix.claim_entries import OVER as CLAIM_OVER
from harness.matrix.claim_entries import REQUIRED as CLAIM_REQUIRED
from harness.matrix.claim_entries import WITH as CLAIM_WITH
from harness.matrix.claim_entries import WORDS as CLAIM_WORDS
from harness.matrix.machine_kinds import ISAS
from harness.matrix.machine_kinds import KEYS as MACHINE_KEYS
from harness.matrix.matrix import SCHEMA
from harness.matrix.reading import KEYS, MAX_REPEATS, NAME, REQUIRED
from harness.matrix.value_nodes import AXIS_KEYS
from harness.matrix.values import ENVIRONMENT_KEYS, PARAMETER
from harness.matrix.workload_entries import KEYS as WORKLOAD_KEYS
from harness.matrix.workload_entries import NAME as WORKLOAD_NAME
from harness.matrix.workload_entries import WORKING_FOLDERS
from harness.protocol.axes import BY_NAME, Axis
from harness.protocol.script import HOLDABLE
from harness.subjects.reference import with_names

FILE_NAME = "schema.json"

_SENTENCES = {
    "python": 'Python minor versions such as "3.10"; left out: the newest that fits.',
    "tensorflow": "Exact TensorFlow releases such as 2.10.0.",
    "numpy": "Exact NumPy releases; left out: the newest that fits at that TensorFlow's date.",
    "keras": "Exact Keras releases, or tf-keras (with ==VERSION or without) for Keras 2; left out: "
    "the newest that fits at that TensorFlow's date.",
}

_SCALAR = {"type": ["string", "number", "boolean"]}
_VALUES: dict[str, Any] = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}


def text() -> str:
    """The schema as it is shipped in `matrices/schema.json`."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """The schema as a value. Editors read YAML's own types, so numbers may be numbers."""
    axes = {name: _axis(with_names(BY_NAME[name])) for name in AXIS_KEYS}
    own = {PARAMETER.pattern: {**_VALUES, "description": "The values of a script's parameter."}}
    versions = {key: _version(key) for key in ENVIRONMENT_KEYS}
    environment = _closed(versions, required=["tensorflow"])
    because = {"type": "string", "minLength": 1, "description": "Why; shown in the tables."}
    properties = {
        "schema": {"enum": [SCHEMA, str(SCHEMA)], "description": "The format of this file."},
        "name": {"type": "string", "pattern": NAME.pattern, "description": "Names its results."},
        "description": {"type": "string"},
        "environments": _one_or_more(environment),
        "workloads": _named(_workload(), WORKLOAD_NAME.pattern),
        "axes": _closed(axes, own=own),
        "repeats": {"type": ["integer", "string"], "minimum": 1, "maximum": MAX_REPEATS},
        "consent": {
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1},
            "description": "Environment variables that are set although they could load code or "
            "write files, each with the reason; every record names them.",
        },
        "include": _one_or_more(_closed({**versions, **axes}, own=own)),
        "exclude": _one_or_more(
            _closed({**versions, **axes, "because": because}, required=["because"], own=own)
        ),
    }
    properties["machines"] = _one_or_more(_machine())
    properties["claims"] = _one_or_more(_claim({**versions, **axes}, own))
    assert set(properties) == set(KEYS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Matrix of the reproducibility harness",
        **_closed(properties, required=list(REQUIRED)),
    }


def _closed(
    properties: dict[str, Any],
    required: list[str] | None = None,
    own: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An object with these properties, and those whose names match a pattern of `own`."""
    part: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    names = {"patternProperties": {f"^{name}$": of for name, of in own.items()}} if own else {}
    return {**part, **names, "required": required} if required else {**part, **names}


def _named(part: dict[str, Any], name: str) -> dict[str, Any]:
    """A mapping from names of one's own."""
    return _closed({}, own={name: part})


def _workload() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    source = _closed({"from": text, "sha256": text}, required=["from"])
    properties = {
        "script": {**text, "description": "The script, from this file's folder."},
        "module": {**text, "description": "Instead of a script: a module, as after python -m."},
        "folder": _or_nothing(text, "What travels with it; left out: the script's folder."),
        "arguments": _or_nothing(
            {"type": "array", "items": _SCALAR},
            'Its arguments; "{name}" is the value of a parameter or axis, {{ is a brace.',
        ),
        "parameters": _or_nothing(
            _named(_VALUES, PARAMETER.pattern), "Names of its own for arguments, with values."
        ),
        "packages": _or_nothing(
            {"anyOf": [text, {"type": "array", "items": text}]},
            "NAME or NAME==VERSION, or a requirements file with such lines.",
        ),
        "data": _or_nothing(
            {"type": "object", "additionalProperties": {"anyOf": [text, source]}},
            "Where the script finds a file, and the file or data set that it is.",
        ),
        "files": _or_nothing(
            {"anyOf": [text, {"type": "array", "items": text}]},
            "Files that it writes and that count as results; globs.",
        ),
        "hold": _or_nothing(
            _one_or_more({"enum": list(HOLDABLE)}), "Settings that its calls do not change."
        ),
        "working_folder": _or_nothing(
            {"enum": list(WORKING_FOLDERS)}, "kept: the repeats of a cell share one folder."
        ),
    }
    assert set(properties) == set(WORKLOAD_KEYS)
    return {**_closed(properties), "oneOf": [{"required": [key]} for key in ("script", "module")]}


def _machine() -> dict[str, Any]:
    word, number = {"type": "string", "minLength": 1}, {"type": ["integer", "string"]}
    properties = {
        "cpu": {**word, "description": "A glob for the generation or model of the CPU."},
        "isa": {"enum": list(ISAS), "description": "What the CPU has."},
        "gpu": {**word, "description": "Part of the name of a GPU."},
        "cpus": {**number, "description": "How many CPUs it shows."},
        "memory": {**word, "description": "How much memory it has at least, such as 64G."},
    }
    assert set(properties) == set(MACHINE_KEYS)
    return {**_closed(properties), "minProperties": 1}


def _claim(properties: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    where = _closed(properties, own=own)
    over = {"enum": list(COMPARED)}
    parameter = {"type": "string", "pattern": f"^{PARAMETER.pattern}$"}
    compared = [_closed({key: {"anyOf": [over, parameter]}}, required=[key]) for key in CLAIM_OVER]
    divided = _closed(dict.fromkeys(CLAIM_WITH, where), required=list(CLAIM_WITH))
    line = {"type": "string", "minLength": 1}
    of_claim = {
        "id": {"type": "string", "pattern": CLAIM_NAME.pattern, "description": "Its name."},
        "says": {**line, "description": "The sentence that is put to the test."},
        "source": {**line, "description": "Who says so, and where."},
        "where": {**where, "description": "The cells it is about; versions may be globs."},
        "expect": {
            "anyOf": [{"enum": list(CLAIM_WORDS)}, *compared, divided],
            "description": "What should be seen of these cells, or of pairs of them.",
        },
    }
    assert set(of_claim) == set(CLAIM_KEYS)
    return _closed(of_claim, required=list(CLAIM_REQUIRED))


def _or_nothing(part: dict[str, Any], description: str) -> dict[str, Any]:
    return {"anyOf": [part, {"type": "null"}], "description": description}


def _one_or_more(part: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [part, {"type": "array", "items": part, "minItems": 1}]}


def _axis(axis: Axis) -> dict[str, Any]:
    options: list[dict[str, Any]] = []
    if axis.words:
        # YAML 1.1 editors read on and off as truth values; the harness reads them as words.
        truths = [True, False] if "on" in axis.words else []
        options.append({"enum": [*axis.words, *truths]})
    if axis.name == "workload":
        options.append({"type": "string", "pattern": f"^{WORKLOAD_NAME.pattern}$"})
    if axis.minimum is not None:
        upper = {} if axis.maximum is None else {"maximum": axis.maximum}
        options.append({"type": "integer", "minimum": axis.minimum, **upper})
    if axis.parts:
        options.append({"type": "array", "items": {"enum": list(axis.parts)}})
    if axis.is_mapping:
        options.append({"type": "object", "additionalProperties": {"type": ["string", "number"]}})
    one = options[0] if len(options) == 1 else {"anyOf": options}
    return {**_one_or_more(one), "description": f"{axis.sentence} Allowed: {axis.allowed}."}


def _version(key: str) -> dict[str, Any]:
    kinds = ["string", "number"] if key == "python" else "string"
    return {**_one_or_more({"type": kinds}), "description": _SENTENCES[key]}
