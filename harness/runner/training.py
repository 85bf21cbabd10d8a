"""One run: everything that happens after the framework is imported.

`train` may be called in a fresh process or in a child forked after the import, once per process:
TensorFlow's streams of random numbers cannot be reset.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List, Optional

import numpy as np

from harness.protocol import exchange, processor
from harness.runner import data, disk, findings, packages, weights, workloads
from harness.runner.backends import Backend
from harness.runner.hashing import PREDICTIONS_NAME, tensor_digest, write_arrays
from harness.runner.importing import Imported
from harness.runner.refusals import Invalid, Unsupported
from harness.runner.reply import Reply, empty_reply, failed, one_line
from harness.runner.run import Run
from harness.runner.stderr_copy import copy_of_standard_error
from harness.runner.trace import Trace, Watch

_PACKAGES_NAMED = 8
"""How many packages a reason names."""


def train(request: Dict[str, Any], data_root: str, folder: str, imported: Imported) -> Reply:
    """Train what the request asks for and say what happened.

    `data_root` holds the folder of each data set. Writes the weights and predictions into
    `folder`. What the training does is never raised: the reply then says so, and holds whatever
    was known by then.

    Raises:
        Exception: the disk is full (`disk.is_full`), which says nothing about the training.
    """
    reply = empty_reply()
    asked = {**request["versions"], **request["settings"], "device": request["device"]}
    run = Run(asked=asked, imported=imported, variables=request["variables"])
    run.trace = Trace() if request["trace"] else None
    run.watch = Watch(**request["watch"]) if request["watch"] else None
    run.state = _state(request["state"])
    backend = imported.backend
    try:
        with copy_of_standard_error(folder) as copied:
            _train(request, data_root, folder, run, backend, reply)
        run.log = copied[0]
    except Exception as error:
        if disk.is_full(error):
            raise
        _describe_failure(reply, error, backend)
    # A run that ends early cannot tell all; its trace shows that it went as the recorded one.
    if run.watch is None:
        _read_back(reply, run, backend)
    if imported.seconds is not None:
        reply["seconds"]["import"] = imported.seconds
    reply["seconds"]["total"] = time.perf_counter() - imported.started
    return reply


def _train(
    request: Dict[str, Any], data_root: str, folder: str, run: Run, backend: Backend, reply: Reply
) -> None:
    _describe_installation(reply, request["packages"], backend)
    run.workload = workloads.load(run.asked["workload"])
    run.subject = workloads.subject(run.asked["workload"])
    backend.start(run)
    reply["devices"] = backend.devices()
    arrays = data.load(os.path.join(data_root, request["data"]), run.samples)
    run.rows, run.example = len(arrays.train_x), arrays.test_x[:1]
    reply["data_sha256"] = arrays.sha256
    backend.seed(run)
    if run.watch is None:
        _fit_and_measure(arrays, folder, run, backend, reply)
    else:
        _watch(arrays, folder, run, backend, reply)


def _state(path: str) -> Optional[Dict[str, Any]]:
    if not path:
        return None
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _watch(arrays: data.Data, folder: str, run: Run, backend: Backend, reply: Reply) -> None:
    """Train up to a step, and leave what was recorded on the way instead of results."""
    begun = time.perf_counter()
    backend.build(run, arrays)
    run.initial = backend.named_weights(run.model)
    recorded = backend.watch(run, arrays)
    reply["seconds"]["fit"] = time.perf_counter() - begun
    if recorded:
        names, values = zip(*recorded)
        write_arrays(os.path.join(folder, exchange.STEP), names, values)
    assert run.trace is not None
    reply["watched"] = {"trace_sha256": run.trace.write(folder)}


def _describe_installation(reply: Reply, locked: Dict[str, str], backend: Backend) -> None:
    """Fill in what is installed.

    Raises:
        Invalid: it is not what was locked.
    """
    reply.update(
        backend.describe(),
        packages=packages.installed(),
        cpu_flags=processor.cpu_flags(),
        glibc=processor.glibc(),
    )
    sentences = packages.differences(locked, reply["packages"])
    if sentences:
        left_out = len(sentences) - _PACKAGES_NAMED
        more = ["and %d more" % left_out] if left_out > 0 else []
        raise Invalid("; ".join(sentences[:_PACKAGES_NAMED] + more))


def _fit_and_measure(
    arrays: data.Data, folder: str, run: Run, backend: Backend, reply: Reply
) -> None:
    seconds = reply["seconds"]
    begun = time.perf_counter()
    backend.build(run, arrays)
    initial = run.initial = backend.named_weights(run.model)
    seconds["build"] = time.perf_counter() - begun

    begun, cpu_begun = time.perf_counter(), time.process_time()
    history = backend.fit(run, arrays)
    seconds["fit"] = time.perf_counter() - begun
    seconds["fit_cpu"] = time.process_time() - cpu_begun
    final = backend.named_weights(run.model)

    begun = time.perf_counter()
    predictions = backend.predict(run, arrays)
    seconds["predict"] = time.perf_counter() - begun

    run.epochs_done = len(history["loss"])
    results = _results(arrays, run, history, predictions)
    # The reply names no hash of a file that is not there.
    _write(folder, final, predictions)
    reply.update(results, **weights.as_reply(initial, final))
    reply["trace_sha256"] = run.trace.write(folder) if run.trace is not None else ""


def _results(
    arrays: data.Data, run: Run, history: Dict[str, List[float]], predictions: Any
) -> Reply:
    value = run.workload.measure(predictions, arrays.test_y, arrays.description)
    return {
        "history": {name: [entry.hex() for entry in each] for name, each in history.items()},
        "loss": history["loss"][-1].hex(),
        "metric": run.workload.SUBJECT.metric,
        "unit": run.workload.SUBJECT.unit,
        "scale": arrays.description.get("scale", {}).get("std"),
        "value": value.hex(),
        "predictions_sha256": tensor_digest(PREDICTIONS_NAME, predictions),
    }


def _write(folder: str, final: weights.Named, predictions: Any) -> None:
    names, arrays = zip(*final)
    write_arrays(os.path.join(folder, exchange.WEIGHTS), names, arrays)
    write_arrays(os.path.join(folder, exchange.PREDICTIONS), [PREDICTIONS_NAME], [predictions])


def _describe_failure(reply: Reply, error: Exception, backend: Backend) -> None:
    if isinstance(error, Invalid):
        failed(reply, exchange.INVALID, str(error), None)
    elif isinstance(error, Unsupported):
        failed(reply, exchange.UNSUPPORTED, str(error), None)
    elif backend.is_missing_kernel(error):
        failed(reply, exchange.UNSUPPORTED, one_line(error), error)
    else:
        failed(reply, exchange.FAILED, one_line(error), error)


def _read_back(reply: Reply, run: Run, backend: Backend) -> None:
    """Fill in what was in force; a completed run that cannot be vouched for does not count."""
    values, errors = findings.read_back(backend.readers(), run)
    reply.update(found=values, reader_errors=errors)
    sentences = findings.mismatches(run.asked, values) + findings.faults(errors)
    if sentences and reply["status"] == exchange.COMPLETED:
        failed(reply, exchange.INVALID, "; ".join(sentences), None)
