"""One run: everything that happens after TensorFlow is imported.

`train` may be called in a fresh process or in a child forked after the import, once per process:
TensorFlow's streams of random numbers cannot be reset.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict, List

import tensorflow as tf

from harness.protocol import exchange, processor
from harness.runner import data, disk, installed, readback, settings, weights
from harness.runner.found_training import noting
from harness.runner.hashing import PREDICTIONS_NAME, tensor_digest, write_arrays
from harness.runner.importing import Imported
from harness.runner.refusals import Invalid, Unsupported
from harness.runner.reply import Reply, empty_reply, failed, one_line
from harness.runner.run import Run
from harness.runner.workloads import WORKLOADS
from harness.runner.workloads.definition import Workload

PREDICTION_BATCH = 256
"""Fixed, so that predictions never depend on the axis `batch_size`."""

_SHOWN = 8
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
    try:
        _train(request, data_root, folder, run, reply)
    except Exception as error:
        if disk.is_full(error):
            raise
        _note_failure(reply, error)
    reply["found"] = readback.found(run)
    _check_settings(reply, run)
    reply["seconds"]["import"] = imported.seconds
    reply["seconds"]["total"] = time.perf_counter() - imported.started
    return reply


def _train(request: Dict[str, Any], data_root: str, folder: str, run: Run, reply: Reply) -> None:
    _describe_installation(reply, request["packages"])
    if readback.lacks_onednn(run):
        raise Unsupported("onednn: this TensorFlow has no oneDNN operations to turn on")
    run.had_begun = settings.had_begun()
    settings.apply(run.asked, request["device"])
    run.threads = settings.begin()
    reply["devices"] = installed.devices()
    workload = WORKLOADS[run.asked["workload"]]
    run.used["workload"] = run.asked["workload"]
    arrays = _load(os.path.join(data_root, request["data"]), workload, run)
    reply["data_sha256"] = arrays.sha256
    settings.seed_generators(run.asked["seeding"], run.asked["seed"])
    run.seeded = readback.generators_with(run.asked["seed"])
    _fit_and_measure(workload, arrays, folder, run, reply)


def _describe_installation(reply: Reply, locked: Dict[str, str]) -> None:
    """Fill in what is installed.

    Raises:
        Invalid: it is not what was locked.
    """
    reply.update(
        versions=installed.versions(),
        packages=installed.packages(),
        build=installed.build(),
        cpu_flags=processor.cpu_flags(),
        glibc=processor.glibc(),
    )
    told = installed.differences(locked, reply["packages"])
    if told:
        more = ["and %d more" % (len(told) - _SHOWN)] if len(told) > _SHOWN else []
        raise Invalid("; ".join(told[:_SHOWN] + more))


def _load(folder: str, workload: Workload, run: Run) -> data.Data:
    return data.load(folder, _chosen(run.asked["samples"], workload.samples))


def _chosen(asked: Any, own: Any) -> Any:
    return own if asked == "default" else asked


def _fit_and_measure(
    workload: Workload, arrays: data.Data, folder: str, run: Run, reply: Reply
) -> None:
    seconds = reply["seconds"]
    begun = time.perf_counter()
    run.model = _build(workload, arrays, run)
    initial = weights.named_weights(run.model)
    seconds["build"] = time.perf_counter() - begun

    begun = time.perf_counter()
    history = _fit(workload, arrays, run)
    seconds["fit"] = time.perf_counter() - begun
    final = weights.named_weights(run.model)

    begun = time.perf_counter()
    predictions = run.model.predict(arrays.test_x, batch_size=PREDICTION_BATCH, verbose=0)
    seconds["predict"] = time.perf_counter() - begun

    run.used["epochs"] = len(history["loss"])
    results = _results(workload, arrays, history, predictions)
    # The reply names no hash of a file that is not there.
    _write(folder, final, predictions)
    reply.update(results, **weights.as_reply(initial, final))


def _build(workload: Workload, arrays: data.Data, run: Run) -> Any:
    model = workload.build(arrays.train_x.shape[1:], arrays.train_y.shape[1:])
    settings.compile_model(
        model, run.asked, optimizer="adam", loss=workload.loss, metrics=list(workload.metrics)
    )
    return model


def _fit(workload: Workload, arrays: data.Data, run: Run) -> Dict[str, List[float]]:
    """Train, and return Keras' history as plain floats; what goes in is noted as used."""
    shuffle = run.asked["shuffle"] == "on"
    batch_size = _chosen(run.asked["batch_size"], workload.batch_size)
    epochs = _chosen(run.asked["epochs"], workload.epochs)
    x, y = arrays.train_x, arrays.train_y
    run.used["samples"] = len(x)
    fit = noting(run.model.fit, run.fit)
    if workload.feed is None:
        done = fit(x, y, batch_size=batch_size, epochs=epochs, shuffle=shuffle, verbose=0)
    else:
        run.fed = batch_size
        done = fit(workload.feed(x, y, batch_size, shuffle), epochs=epochs, verbose=0)
    run.steps = done.params.get("steps")
    return {name: [float(value) for value in values] for name, values in done.history.items()}


def _results(
    workload: Workload, arrays: data.Data, history: Dict[str, List[float]], predictions: Any
) -> Reply:
    metric, value = workload.measure(predictions, arrays.test_y, arrays.description)
    return {
        "history": {name: [entry.hex() for entry in each] for name, each in history.items()},
        "loss": history["loss"][-1].hex(),
        "metric": metric,
        "value": value.hex(),
        "predictions_sha256": tensor_digest(PREDICTIONS_NAME, predictions),
    }


def _write(folder: str, final: weights.Named, predictions: Any) -> None:
    names, arrays = zip(*final)
    write_arrays(os.path.join(folder, exchange.WEIGHTS), names, arrays)
    write_arrays(os.path.join(folder, exchange.PREDICTIONS), [PREDICTIONS_NAME], [predictions])


def _note_failure(reply: Reply, error: Exception) -> None:
    if isinstance(error, Invalid):
        failed(reply, exchange.INVALID, str(error), None)
    elif isinstance(error, Unsupported):
        failed(reply, exchange.UNSUPPORTED, str(error), None)
    elif _is_missing_kernel(error):
        failed(reply, exchange.UNSUPPORTED, one_line(error), error)
    else:
        failed(reply, exchange.FAILED, one_line(error), error)


def _is_missing_kernel(error: Exception) -> bool:
    """Whether an operation said that it has no deterministic kernel, or can have none."""
    kinds = (tf.errors.UnimplementedError, tf.errors.FailedPreconditionError)
    return isinstance(error, kinds) and "determinis" in str(error).lower()


def _check_settings(reply: Reply, run: Run) -> None:
    """A completed run whose settings were not in force does not count."""
    if reply["status"] != exchange.COMPLETED:
        return
    told = readback.mismatches(run.asked, reply["found"])
    if told:
        failed(reply, exchange.INVALID, "; ".join(told), None)
