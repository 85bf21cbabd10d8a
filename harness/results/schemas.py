"""From the content of an older file to today's: one function per schema number, applied in turn.

A function takes the JSON object of one schema and returns that of the next one; it never changes
what was measured. Records of every schema ever written stay readable this way. The content may be
anybody's: what has the wrong type is left as it is, and refused later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.results.json_digest import KEY

Content = dict[str, Any]
Steps = Mapping[int, Callable[[Content], Content]]
"""From schema number to the function that makes the next one."""

_UNITS = ("ppm",)
"""Units that the name of a metric could end with before records said the unit."""

_SCALES = {
    "d1308e13f9ad91cc2e687a43dc7fc979a8670047b9cb51a981479eb040abc44e": "0x1.8c4aafcd03fe7p+3"
}
"""The scale of predictions by the data set, before records said it: the CO2 series, in ppm."""

_AUDITS = {
    "not asked for": "not asked for",
    "the cold side of an audit": "cold side",
    "this cell decided no audit": "undecided",
    "the forked run left the same hashes as a cold one": "passed",
}
"""The states of audits by the sentences that records had before they said the state."""

_FAILED_AUDIT = "forked and cold runs differ"


def upgraded(content: Content, steps: Steps) -> Content:
    """The content in the newest schema that `steps` lead to, with its number."""
    while (step := steps.get(content["schema"])) is not None:
        content = {**step(content), "schema": content["schema"] + 1}
    return content


def unit_of(metric: object) -> str:
    """The unit that the name of a metric ends with, "" where it has none."""
    name = metric if isinstance(metric, str) else ""
    return next((unit for unit in _UNITS if name.endswith(f"_{unit}")), "")


def scale_of(data_sha256: object) -> str | None:
    """What one step of the stored predictions is in their unit, None where they have none."""
    return _SCALES.get(data_sha256) if isinstance(data_sha256, str) else None


def _without_digest(content: Content) -> Content:
    """Schema 1 had no digest; None says that nothing vouches for the content."""
    return {**content, KEY: None}


def _with_fields_for_sentences(content: Content) -> Content:
    """Schema 2 had the digest of the whole runner, sentences on audits, and no unit.

    Where a run was forked, it gave 0 for an import that it did not do.
    """
    process = content.get("process", {})
    changed = {
        **{key: value for key, value in content.items() if key != "runner_sha256"},
        "program": {"runner_sha256": content.get("runner_sha256")},
        "code_sha256": "",
    }
    if isinstance(process, dict):
        changed["process"] = {key: value for key, value in process.items() if key != "audit"}
        changed["audit"] = _audit(process.get("audit"))
        if process.get("isolation") == "forked":
            changed["seconds"] = _without_import(content.get("seconds", {}))
    measured = content.get("measured")
    if isinstance(measured, dict):
        unit, scale = unit_of(measured.get("metric")), scale_of(measured.get("data_sha256"))
        changed["measured"] = {**measured, "unit": unit, "scale": scale}
    return changed


def _audit(sentence: object) -> Content | None:
    if not isinstance(sentence, str):
        return None
    # What was remembered of an audit began with the workload that it was made of.
    plain = sentence.partition(": ")[2] or sentence
    state = "failed" if plain.startswith(_FAILED_AUDIT) else _AUDITS.get(plain, "undecided")
    return {"state": state, "sentence": sentence}


def _without_import(seconds: Any) -> Any:
    is_missing = isinstance(seconds, dict) and seconds.get("import") == 0
    return {k: v for k, v in seconds.items() if k != "import"} if is_missing else seconds


RECORD: Steps = {1: _without_digest, 2: _with_fields_for_sentences}
MACHINE: Steps = {1: _without_digest}
