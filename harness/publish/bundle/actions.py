"""The runs of a bundle as a Process Run Crate has them: a `CreateAction` for each.

The instrument is TensorFlow as its environment's lock installs it, which requires Python, NumPy,
Keras and this program; the object is what went in (matrix, lock, data set, script), the result is
what the run left. https://w3id.org/ro/wfrun/process/0.5
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from harness.publish.bundle.runs import RecordedRun

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"

Properties = dict[str, Any]

_PROGRAMS = {
    "python": ("Python", "https://www.python.org/"),
    "tensorflow": ("TensorFlow", "https://www.tensorflow.org/"),
    "numpy": ("NumPy", "https://numpy.org/"),
    "keras": ("Keras", "https://keras.io/"),
    "harness": ("reproducibility-harness", ""),
}
_COMPLETED = "http://schema.org/CompletedActionStatus"
_FAILED = "http://schema.org/FailedActionStatus"


def add(
    crate: Any,
    runs: Iterable[RecordedRun],
    ids: Mapping[str, str],
    authors: Sequence[str],
    titles: Mapping[str, str],
) -> None:
    """Add the runs to a crate, and say that it conforms to the profile.

    `ids` gives the id of every file of the crate by its path, `authors` those of who made the
    results, `titles` what a data set is by the digest that records name.
    """
    from rocrate.model.contextentity import ContextEntity

    crate.root_dataset["conformsTo"] = _reference(PROFILE)
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    entities: dict[str, Properties] = {PROFILE: profile}
    mentions = []
    for run in runs:
        inputs = dict(_inputs(run, ids, titles))
        entities.update((id, properties) for id, properties in inputs.items() if properties)
        entities.update(_software(run))
        id = f"#run-{ids[run.path].removesuffix('.json')}"
        entities[id] = _action(run, ids, authors, list(inputs))
        mentions.append(_reference(id))
    for id, properties in entities.items():
        crate.add(ContextEntity(crate, id, properties=properties))
    crate.root_dataset["mentions"] = mentions


def _action(
    run: RecordedRun, ids: Mapping[str, str], authors: Sequence[str], inputs: Sequence[str]
) -> Properties:
    optional = {
        "startTime": _time(run.started),
        "endTime": _time(run.ended),
        "error": run.error,
        "object": _references(inputs),
        "agent": _references(authors),
    }
    return {
        "@type": "CreateAction",
        "name": f"{run.cell} #{run.repeat} on {run.machine}",
        "description": f"{run.settings}; engine {run.engine}",
        "instrument": _reference(_instrument(run)),
        "result": _references([ids[path] for path in (run.path, *run.files)]),
        "actionStatus": _FAILED if run.error else _COMPLETED,
        **{name: value for name, value in optional.items() if value},
    }


def _inputs(
    run: RecordedRun, ids: Mapping[str, str], titles: Mapping[str, str]
) -> Iterator[tuple[str, Properties]]:
    """The ids of what went into a run; with properties, where it is no file of the bundle."""
    for path in (run.matrix_path, run.lock_path, run.script_path):
        if path:
            yield ids[path], {}
    if run.data_sha256:
        title = titles.get(run.data_sha256, "A data set that is not in this bundle")
        yield _id("data", run.data_sha256[:16]), _outside(title, run.data_sha256)
    if run.script and not run.script_path:
        title = f"The script {run.script}, which is not in this bundle"
        yield _id("script", run.script_sha256[:16]), _outside(title, run.script_sha256)


def _id(*words: str) -> str:
    """The id of an entity; records may be anybody's, and an id is part of an address."""
    return f"#{quote('-'.join(words), safe='')}"


def _outside(title: str, sha256: str) -> Properties:
    said = f"Known by its digest, SHA-256 {sha256}"
    return {"@type": "CreativeWork", "name": title, "description": said, "identifier": sha256}


def _software(run: RecordedRun) -> Iterator[tuple[str, Properties]]:
    """TensorFlow as it was installed, and what it needs."""
    others = [(name, text) for name, text in run.versions if name != "tensorflow"]
    needed = {_id(name, text): (name, text) for name, text in others}
    for id, (name, text) in needed.items():
        yield id, _application(name, text)
    lock = f", lock {run.lock_sha256}" if run.lock_sha256 else ""
    base = f" on {run.base}" if run.base else ""
    yield (
        _instrument(run),
        {
            **_application("tensorflow", dict(run.versions).get("tensorflow", "")),
            "description": f"The environment {run.environment}{base}{lock}; code {run.code}",
            "softwareRequirements": _references(list(needed)),
        },
    )


def _instrument(run: RecordedRun) -> str:
    versions = [text for _, text in run.versions]
    return _id("environment", *versions, run.lock_sha256[:16], run.code[-16:])


def _application(name: str, version: str) -> Properties:
    title, url = _PROGRAMS[name]
    return {
        "@type": "SoftwareApplication",
        "name": title,
        **({"url": url} if url else {}),
        **({"softwareVersion": version} if version else {}),
    }


def _time(moment: datetime.datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="seconds")


def _reference(id: str) -> dict[str, str]:
    return {"@id": id}


def _references(ids: Sequence[str]) -> dict[str, str] | list[dict[str, str]]:
    """A list has several entries in an RO-Crate: of one, the one is written."""
    return _reference(ids[0]) if len(ids) == 1 else [_reference(id) for id in ids]
