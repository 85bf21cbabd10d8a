"""What a script's processes noted, put together: its own first, then its children's."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from harness.protocol.histories import history_digest
from harness.runner.hashing import combined_digest, write_arrays
from harness.runner.trace import COLUMNS, Trace


@dataclass(frozen=True)
class Observed:
    """The fields of a reply that come from notes; `arrays` are weights by name, in order.

    `error` is the exception that ended the script, with the `reason` in one line; `fit_seconds` is
    the time in all fits of Keras. `unobserved` says which error of ours ended the observing; then
    fits, outputs and weights are not known, and missing.
    """

    error: Optional[Dict[str, str]]
    calls: List[Dict[str, Any]]
    connections: List[Dict[str, str]]
    found: Dict[str, Any]
    fits: List[Dict[str, Any]]
    fit_seconds: float
    outputs: List[Dict[str, str]]
    loss: Optional[str]
    tensors: List[Dict[str, Any]]
    arrays: List[Tuple[str, Any]]
    trace: Trace
    unobserved: str = ""


def read(folder: str, pid: int) -> Observed:
    """Read what the process `pid` and those that it started left in a folder."""
    notes = _notes(folder)
    unobserved = next(filter(None, (each["unobserved"] for each in notes.values())), "")
    if unobserved:
        notes = {number: _without_results(each) for number, each in notes.items()}
    own = notes.pop(pid, {})
    # Numbers of processes say nothing; what they did puts children in order.
    others = sorted(notes.values(), key=lambda each: json.dumps(each["fits"], sort_keys=True))
    children = [each for each in others if each["fits"]]
    parts = [*([own] if own else []), *children]
    names = [*([""] if own else []), *("child %d" % (k + 1) for k in range(len(children)))]
    fits: List[Dict[str, Any]] = []
    tensors: List[Dict[str, Any]] = []
    arrays: List[Tuple[str, Any]] = []
    trace = Trace()
    for name, part in zip(names, parts):
        _add(part, name, fits, tensors, arrays, trace)
    losses = [part["loss"] for part in parts if part.get("loss")]
    everyone = [*([own] if own else []), *others]
    return Observed(
        error=own.get("error"),
        calls=[call for part in everyone for call in part["calls"]],
        connections=[each for part in everyone for each in part["connections"]],
        found=own.get("found") or next((part["found"] for part in parts if part["found"]), {}),
        fits=fits,
        fit_seconds=sum(fit["seconds"] for part in parts for fit in part["fits"]),
        outputs=[each for part in parts for each in part["outputs"]],
        loss=losses[-1] if losses else None,
        tensors=tensors,
        arrays=arrays,
        trace=trace,
        unobserved=unobserved,
    )


def _without_results(part: Dict[str, Any]) -> Dict[str, Any]:
    return dict(part, fits=[], outputs=[], tensors={}, loss=None)


def _notes(folder: str) -> Dict[int, Dict[str, Any]]:
    notes = {}
    for name in os.listdir(folder):
        stem, extension = os.path.splitext(name)
        if extension == ".json" and stem.isdigit():
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                notes[int(stem)] = dict(json.load(file), base=os.path.join(folder, stem))
    return notes


def _add(
    part: Dict[str, Any],
    process: str,
    fits: List[Dict[str, Any]],
    tensors: List[Dict[str, Any]],
    arrays: List[Tuple[str, Any]],
    trace: Trace,
) -> None:
    """Add the fits and weights of one process; its models count on from those before it."""
    offset = max((each["model"] for each in fits), default=0)
    # A model may be numbered whose gradients were taken and that never trained.
    numbers = {number: place for place, number in enumerate(_in_order(part), start=offset + 1)}
    for fit in sorted(part["fits"], key=lambda each: (each["model"], each["fit"])):
        fits.append(_fit(fit, numbers[fit["model"]], process))
    stored = _stored(part)
    for number, place in numbers.items():
        for index, tensor in enumerate(part["tensors"].get(str(number), ())):
            array = stored.get("%d/%d" % (number, index))
            if array is not None:
                name = "%d/%s" % (place, tensor["name"])
                tensors.append(dict(tensor, name=name))
                arrays.append((name, array))
    columns = {name: stored.get("trace/%s" % name, ()) for name in COLUMNS}
    trace.add_columns(columns, numbers)


def _in_order(part: Dict[str, Any]) -> List[int]:
    return sorted({fit["model"] for fit in part["fits"]})


def _fit(fit: Dict[str, Any], model: int, process: str) -> Dict[str, Any]:
    history = fit["history"]
    own = {name: fit[name] for name in ("fit", "name", "steps", "init_sha256", "weights_sha256")}
    digest = history_digest(history)
    return dict(own, model=model, process=process, history=history, history_sha256=digest)


def _stored(part: Dict[str, Any]) -> Dict[str, Any]:
    path = part["base"] + ".npz"
    if not os.path.exists(path):
        return {}
    import numpy as np

    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def weights(observed: Observed, path: str) -> Dict[str, Any]:
    """The fields of a reply that describe the weights; writes them to `path`, if there are any."""
    if not observed.arrays:
        return {"init_sha256": "", "weights_sha256": "", "tensors": [], "parameters": 0}
    from harness.runner.hashing import tensor_digest

    tensors = [
        dict(tensor, sha256=tensor_digest(name, array))
        for tensor, (name, array) in zip(observed.tensors, observed.arrays)
    ]
    write_arrays(path, [name for name, _ in observed.arrays], [a for _, a in observed.arrays])
    return {
        "init_sha256": combined_digest(each["init_sha256"] for each in tensors),
        "weights_sha256": combined_digest(each["sha256"] for each in tensors),
        "tensors": tensors,
        "parameters": sum(int(array.size) for _, array in observed.arrays),
    }
