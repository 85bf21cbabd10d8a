"""What a record says must not contradict itself, whatever digest it carries.

Each check is a function that yields what is wrong. They are cheap: a hundred thousand records are
read at a time, and most share their cell, environment and machine with the one before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from harness.matrix import legacy_keras
from harness.matrix.cells import DEFAULTS, SCRIPT_DEFAULTS, cell_id
from harness.matrix.environment import Environment
from harness.protocol.axes import BY_NAME, from_json, to_json
from harness.protocol.histories import history_digest
from harness.protocol.open_values import OPEN_VALUES
from harness.results.fingerprint import identify
from harness.results.names import is_sha256
from harness.results.record import EnvironmentPart, Fit, Measured, Record, ScriptPart
from harness.results.recorded_scripts import script_of
from harness.runner import hashing

History = Mapping[str, tuple[str, ...]]

TENSORFLOW_PACKAGES = ("tensorflow", "tensorflow-cpu")
_VERSIONS = ("python", "tensorflow", "numpy", "keras", "device")


def contradiction(record: Record) -> str | None:
    """The first thing in which a record contradicts itself, None where there is none."""
    try:
        return next(_contradictions(record), None)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return f"it holds values that no run leaves ({error!r})"


def _contradictions(record: Record) -> Iterator[str]:
    yield from _names(record)
    yield from _hardware(record)
    if record.measured is not None:
        of_kind = _of_reference if record.script is None else _of_training
        yield from of_kind(record.measured)
        yield from _numbers(record.measured)
        yield from _tensors(record.measured)
        yield from _digests(_of_data_and_trace(record.measured))
    if record.script is not None:
        yield from _digests(_of_script(record.script))
        yield from _script(record)
        yield from _histories(record.measured)
    if record.code_sha256:
        yield from _digests([("code_sha256", record.code_sha256)])
    yield from _completed(record) if record.status == "completed" else _not_completed(record)


def _names(record: Record) -> Iterator[str]:
    asked = record.environment
    environment = _environment(
        asked.python, asked.tensorflow, asked.numpy, asked.keras, asked.device, asked.requirements
    )
    if environment.id != asked.id:
        yield f"its environment is {environment.id}, and it is called {asked.id!r}"
    unknown = sorted(record.settings.keys() - DEFAULTS.keys())
    if unknown:
        yield f"it has the setting {unknown[0]!r}, which is no axis"
        return
    settings = {name: from_json(value) for name, value in record.settings.items()}
    is_script = record.script is not None
    defaults = SCRIPT_DEFAULTS if is_script else DEFAULTS
    name = _cell_id(environment, tuple({**defaults, **settings}.values()), is_script)
    if name != record.cell:
        yield f"its settings are those of {name}, which is not its name"


def _packages(environment: EnvironmentPart) -> Iterator[str]:
    versions = {environment.packages.get(name) for name in TENSORFLOW_PACKAGES} - {None}
    if versions - {environment.tensorflow}:
        yield f"its environment has TensorFlow {environment.tensorflow}, its packages another"


@lru_cache(maxsize=1024)
def _environment(
    python: str,
    tensorflow: str,
    numpy: str | None,
    keras: str | None,
    device: str,
    requirements: tuple[str, ...],
) -> Environment:
    return Environment(
        python=python,
        tensorflow=tensorflow,
        numpy=numpy,
        keras=keras,
        device=device,
        requirements=requirements,
    )


@lru_cache(maxsize=1024)
def _cell_id(environment: Environment, values: tuple[Any, ...], is_script: bool) -> str:
    return cell_id(environment, values, is_script=is_script)


def _hardware(record: Record) -> Iterator[str]:
    hardware = record.hardware
    if hardware:
        machine = _fingerprint(
            hardware["microarchitecture"],
            hardware["cpu_model"],
            tuple(hardware["cpu_flags"]),
            len(hardware["visible_cpus"]),
            tuple((gpu["name"], gpu["memory_bytes"]) for gpu in hardware["gpus"]),
        )
        if machine != record.machine:
            yield f"its hardware is that of {machine}, and its machine is {record.machine}"


@lru_cache(maxsize=256)
def _fingerprint(
    microarchitecture: str,
    cpu_model: str,
    cpu_flags: tuple[str, ...],
    cpus: int,
    gpus: tuple[tuple[str, int | None], ...],
) -> str:
    return identify(
        {
            "microarchitecture": microarchitecture,
            "cpu_model": cpu_model,
            "cpu_flags": cpu_flags,
            "visible_cpus": range(cpus),
            "gpus": [{"name": name, "memory_bytes": memory} for name, memory in gpus],
        }
    )


def _numbers(measured: Measured) -> Iterator[str]:
    histories = [measured.history, *(fit.history for fit in measured.fits)]
    for name, values in (*_entries(histories), *_single_numbers(measured)):
        for value in values:
            if float.fromhex(value).hex() != value:
                yield f"{name} is {value!r}, which is not an exact number"


def _entries(histories: Iterable[History]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for history in histories:
        yield from history.items()


def _single_numbers(measured: Measured) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in ("loss", "value", "scale"):
        value = getattr(measured, name)
        if value is not None:
            yield name, (value,)


def _of_reference(measured: Measured) -> Iterator[str]:
    """What every reference training leaves, and what only a user's script does."""
    losses = measured.history.get("loss", ())
    if not losses or losses[-1] != measured.loss:
        yield f"its loss is {measured.loss}, and the last one of its history is another"
    if measured.metric is None or measured.value is None:
        yield "it has no metric, and is of no user's script"
    if not measured.predictions_sha256:
        yield "it has no predictions, and is of no user's script"
    if measured.fits or measured.outputs or measured.files or measured.printed_sha256:
        yield "it says what was observed of a user's script, and is of none"


def _of_training(measured: Measured) -> Iterator[str]:
    """What a user's script may have left."""
    ended = [fit.history["loss"][-1] for fit in measured.fits if fit.history.get("loss")]
    losses: list[str | None] = [*ended] or [None]
    if measured.loss not in losses:
        yield f"its loss is {measured.loss}, and no fit of it ended with that"
    numbered = {(fit.process, fit.model, fit.fit) for fit in measured.fits}
    if len(numbered) < len(measured.fits):
        yield "two of its fits have the same numbers"
    yield from _digests(_of_observations(measured))


def _histories(measured: Measured | None) -> Iterator[str]:
    for fit in measured.fits if measured is not None else ():
        if history_digest(fit.history) != fit.history_sha256:
            yield f"the history of fit {fit.fit} of model {fit.model} is not what its digest says"


def _of_observations(measured: Measured) -> Iterator[tuple[str, str]]:
    for fit in measured.fits:
        yield from _of_fit(fit)
    yield from ((f"output of {output.call}", output.sha256) for output in measured.outputs)
    yield from ((f"file {name}", sha256) for name, sha256 in measured.files.items())
    if measured.printed_sha256 is not None:
        yield "printed_sha256", measured.printed_sha256


def _of_fit(fit: Fit) -> Iterator[tuple[str, str]]:
    yield "weights_sha256 of a fit", fit.weights_sha256
    yield "history_sha256 of a fit", fit.history_sha256
    if fit.init_sha256:
        yield "init_sha256 of a fit", fit.init_sha256


def _of_data_and_trace(measured: Measured) -> Iterator[tuple[str, str]]:
    yield "data_sha256", measured.data_sha256
    if measured.trace_sha256:
        yield "trace_sha256", measured.trace_sha256


def _script(record: Record) -> Iterator[str]:
    try:
        script_of(record)
    except ValueError as error:
        yield str(error)


def _of_script(script: ScriptPart) -> Iterator[tuple[str, str]]:
    yield "script", script.sha256
    yield "folder_sha256", script.folder_sha256
    yield from ((f"data file {name}", sha256) for name, sha256 in script.data.items())
    yield from ((f"file {name}", sha256) for name, sha256 in script.written.items() if sha256)


def _digests(named: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (f"{name} has the digest {text!r}" for name, text in named if not is_sha256(text))


def _tensors(measured: Measured) -> Iterator[str]:
    tensors = measured.tensors
    if not tensors and not measured.weights_sha256 and not measured.predictions_sha256:
        return  # a user's script that was not observed
    for name, digests in (
        ("weights", [tensor.sha256 for tensor in tensors]),
        ("init", [tensor.init_sha256 for tensor in tensors]),
    ):
        digest = hashing.combined_digest(digests)
        if digest != getattr(measured, f"{name}_sha256"):
            yield f"its tensors have the digest {digest}, which is not its {name}_sha256"
    parameters = sum(math.prod(tensor.shape) for tensor in tensors)
    if parameters != measured.parameters:
        yield f"its tensors have {parameters} parameters, and it counts {measured.parameters}"


def _completed(record: Record) -> Iterator[str]:
    if record.measured is None:
        yield "it completed, and has no measurements"
    elif record.script is None and not record.measured.weights_sha256:
        yield "it completed, and has no weights"
    if record.failure is not None:
        yield "it completed, and has a failure"
    if record.reason:
        yield f"it completed, and has a reason: {record.reason}"
    if record.process.get("exit_code"):
        yield f"it completed, and its process ended with status {record.process['exit_code']}"
    yield from _packages(record.environment)
    if not record.found and not (record.script and record.script.unobserved):
        yield "it completed, and nothing was read back"
    for axis, asked in _asked(record).items():
        read_back = record.found.get(axis)
        value = None if read_back is None else read_back.value
        if value is not None and value != asked and not _is_open(record, axis, asked):
            yield f"it completed, and of {axis} {asked} was asked and {value} found"


def _not_completed(record: Record) -> Iterator[str]:
    if not record.reason or record.failure is None:
        yield f"it is {record.status}, and does not say why"


def _is_open(record: Record, axis: str, asked: object) -> bool:
    """Whether nothing in particular was asked for: a script may set what is left to it."""
    left = axis in BY_NAME and record.script is not None
    return asked in OPEN_VALUES or (left and asked == to_json(BY_NAME[axis].script_default))


def _asked(record: Record) -> Mapping[str, Any]:
    """What the run was asked for, by axis, as the runner compares it."""
    versions = {name: getattr(record.environment, name) for name in _VERSIONS}
    variables = record.settings.get("env")
    if isinstance(variables, dict) and legacy_keras.VARIABLE in variables:
        del versions["keras"]
    given = {name: value for name, value in versions.items() if value is not None}
    cpus = record.process.get("cpus")
    return {**record.settings, **given, **({"cpus": len(cpus)} if cpus else {})}
