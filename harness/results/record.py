"""The record: what one run left, as it is written to `<repeat>.json`.

Foreign bytes come in here (a results folder may be anybody's), so this is a pydantic model.
"""

from __future__ import annotations

import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.results.statuses import Status

SCHEMA = 3

AuditState = Literal["passed", "failed", "undecided", "cold side", "not asked for"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EnvironmentPart(_Part):
    """What was installed: versions as asked (None: left to the lock) and what they became."""

    id: str
    python: str
    tensorflow: str
    numpy: str | None
    keras: str | None
    device: str
    lock_sha256: str
    image: str
    base: str
    packages: dict[str, str] = Field(default_factory=dict)
    requirements: tuple[str, ...] = ()


class Found(_Part):
    """A setting as read back in the process; `value` None means it could not be read."""

    value: Any
    how: str


class Tensor(_Part):
    """One final weight tensor: canonical name, shape, dtype and the SHA-256 before and after."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    init_sha256: str
    sha256: str


class Fit(_Part):
    """One fit of one model in a user's script, as observed. Floats are `float.hex()` texts.

    Models count from 1 in the order in which they first trained, `fit` counts from 1 within its
    model. A loop around a `GradientTape` is one fit of a model whose `name` is "". `process` is
    "" for the script itself, else what names a process that it started. `init_sha256` is "" where
    the weights were not there before the first step.
    """

    model: int
    fit: int
    name: str
    process: str = ""
    steps: int
    init_sha256: str
    weights_sha256: str
    history: dict[str, tuple[str, ...]]
    history_sha256: str


class Output(_Part):
    """What `predict` or `evaluate` returned to a user's script: the digest of its arrays."""

    call: str
    sha256: str


class Measured(_Part):
    """What a completed training left. Floats are `float.hex()` texts, so they are exact.

    `unit` is that of the metric and of the predictions, "" for shares and other plain numbers;
    one step of the stored predictions is `scale` of it, None where they are in no unit.

    Of a user's script there are no predictions ("" as digest) and no metric; `tensors` are those of
    all its models in order, named `MODEL/NAME`; `loss` is that of the last fit that has one. Only
    it has `fits`, `outputs`, `files` (digests by name) and `printed_sha256` (standard output
    without times and paths). `trace_sha256` is the digest of its trace, "" where it has none; a
    trace is no result, since how many rows it has may depend on speed. Where a script was not
    observed, `weights_sha256` and `init_sha256` are "", and there are no tensors.
    """

    data_sha256: str
    init_sha256: str
    weights_sha256: str
    predictions_sha256: str
    tensors: tuple[Tensor, ...]
    history: dict[str, tuple[str, ...]]
    loss: str | None
    metric: str | None
    unit: str
    scale: str | None = None
    value: str | None
    parameters: int
    fits: tuple[Fit, ...] = ()
    outputs: tuple[Output, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    printed_sha256: str | None = None
    trace_sha256: str = ""

    @property
    def bits(self) -> tuple[str | None, ...] | None:
        """What two runs must have in common to count as equal; None where no weights are known."""
        if not self.weights_sha256:
            return None
        return self.init_sha256, self.weights_sha256, self.predictions_sha256, self.loss

    @property
    def arrays(self) -> dict[str, str]:
        """The digests of the arrays that are stored with the record, by kind (see `blobs`)."""
        kinds = {
            "weights": self.weights_sha256,
            "predictions": self.predictions_sha256,
            "traces": self.trace_sha256,
        }
        return {kind: sha256 for kind, sha256 in kinds.items() if sha256}


class Call(_Part):
    """A setting that a script made itself: `effect` says what became of it.

    `late` means that it came after TensorFlow had begun, when it has no full effect any more.
    `place` is `FILE:LINE` in the script's folder.
    """

    setting: str
    value: Any
    place: str
    effect: Literal["applied", "held", "late"]


class Connection(_Part):
    """An address that a script tried to reach, and where in it."""

    address: str
    place: str


class ScriptPart(_Part):
    """The user's script that was run: see `harness.protocol.script.Script`.

    `sha256` is the digest of all that makes it what it is, `arguments` are those it was started
    with, `data` the digests of its data files by where it finds them. `calls` are the settings that
    it made itself, `connections` the addresses it tried to reach. `unobserved` says why it was not
    observed to its end ("": it was): then nothing is known of its weights, histories and outputs.
    `written` are files that it made or changed in its working folder, by name: their digests, ""
    where they were too large.

    With `template`, its arguments before placeholders were filled, `files` and `hold` it can be run
    again; older records have None there. `is_stored` says that its folder lies with the results.
    """

    sha256: str
    path: str
    module: str
    folder_sha256: str
    arguments: tuple[str, ...]
    data: dict[str, str]
    keeps_folder: bool = False
    template: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()
    is_stored: bool = False
    calls: tuple[Call, ...] = ()
    connections: tuple[Connection, ...] = ()
    unobserved: str = ""
    written: dict[str, str] = Field(default_factory=dict)


class Failure(_Part):
    """The error of a run that did not complete: its type, message and the end of the log.

    `remedy` says what to do about it, "" where nothing is known.
    """

    type: str
    message: str
    remedy: str = ""
    traceback: str = ""
    log: str = ""


class AuditPart(_Part):
    """Whether forked runs leave a cold run's bits there: what was known when this run started."""

    state: AuditState
    sentence: str


class Record(_Part):
    """One run. `settings` holds every process and run axis as asked.

    `code_sha256` is the digest of the meaning of the code that this run used, "" where it is not
    known; `program` says what else is known of the program that wrote the record, such as its
    `version`. `consent` names the environment variables that the matrix sets although they can
    load code or write files.

    `sha256` is the digest that was read and found right (see `json_digest`), None where there is
    none: a record not yet written, or one of schema 1, which nothing vouches for.
    """

    schema_number: int = Field(alias="schema")
    matrix: str
    machine: str
    cell: str
    repeat: int
    status: Status
    reason: str
    engine: dict[str, str]
    environment: EnvironmentPart
    settings: dict[str, str | int | dict[str, str]]
    found: dict[str, Found] = Field(default_factory=dict)
    process: dict[str, Any] = Field(default_factory=dict)
    hardware: dict[str, Any] = Field(default_factory=dict)
    audit: AuditPart | None = None
    consent: tuple[str, ...] = ()
    program: dict[str, str] = Field(default_factory=dict)
    code_sha256: str
    script: ScriptPart | None = None
    measured: Measured | None = None
    failure: Failure | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    started: str
    sha256: str | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @property
    def stored(self) -> dict[str, str]:
        """The digests of all that lies in the blobs for this record, by kind (see `blobs`)."""
        if self.measured is None:
            return {}
        if self.script is None or not self.script.is_stored:
            return self.measured.arrays
        return {**self.measured.arrays, "scripts": self.script.folder_sha256}

    @property
    def started_at(self) -> datetime.datetime | None:
        """The moment in which it started, in UTC; None where the record says none."""
        utc = datetime.timezone.utc
        try:
            time = datetime.datetime.fromisoformat(self.started.replace("Z", "+00:00"))
            return time.astimezone(utc) if time.tzinfo else time.replace(tzinfo=utc)
        except (ValueError, OverflowError):
            return None

    @property
    def code(self) -> str:
        """The code that this run used: its digest, or in older records that of the whole runner."""
        return self.code_sha256 or f"runner {self.program.get('runner_sha256', '')}"
