"""The record: what one run left, as it is written to `<repeat>.json`.

Foreign bytes come in here (a results folder may be anybody's), so this is a pydantic model.
"""

from __future__ import annotations

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


class Measured(_Part):
    """What a completed training left. Floats are `float.hex()` texts, so they are exact.

    `unit` is that of the metric and of the predictions, "" for shares and other plain numbers;
    one step of the stored predictions is `scale` of it, None where they are in no unit.
    """

    data_sha256: str
    init_sha256: str
    weights_sha256: str
    predictions_sha256: str
    tensors: tuple[Tensor, ...]
    history: dict[str, tuple[str, ...]]
    loss: str
    metric: str
    unit: str
    scale: str | None = None
    value: str
    parameters: int

    @property
    def bits(self) -> tuple[str, str, str, str]:
        """What two runs must have in common to count as equal."""
        return self.init_sha256, self.weights_sha256, self.predictions_sha256, self.loss


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

    `sha256` is the digest that was read and found right (see `json_digest`), None where there is none:
    a record not yet written, or one of schema 1, which nothing vouches for.
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
    measured: Measured | None = None
    failure: Failure | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    started: str
    sha256: str | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @property
    def code(self) -> str:
        """The code that this run used: its digest, or in older records that of the whole runner."""
        return self.code_sha256 or f"runner {self.program.get('runner_sha256', '')}"
