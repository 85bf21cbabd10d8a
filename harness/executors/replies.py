"""The runner's reply and ending as the host reads them: foreign bytes, believed once checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.engines.protocol import Outcome
from harness.protocol import exchange, untrusted
from harness.results.record import Call, Connection, Found, Measured

_REPLY_BYTES = 16 << 20
_ENDING_BYTES = _READY_BYTES = 4096

Model = TypeVar("Model", bound=BaseModel)


class ReplyError(BaseModel):
    """What the training raised."""

    type: str
    message: str
    traceback: str = ""


class ReplyScript(BaseModel):
    """What a user's script did beside training."""

    arguments: tuple[str, ...]
    calls: tuple[Call, ...] = ()
    connections: tuple[Connection, ...] = ()
    unobserved: str = ""
    written: dict[str, str] = Field(default_factory=dict)


class ReplyWatched(BaseModel):
    """What a run that was watched left instead of results."""

    trace_sha256: str


class Reply(BaseModel):
    """A reply of the schema this harness knows; `measured` is None unless all of it is there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    status: Literal["completed", "unsupported", "failed", "invalid"]
    reason: str
    error: ReplyError | None
    found: dict[str, Found]
    versions: dict[str, str]
    packages: dict[str, str]
    build: dict[str, Any]
    devices: list[dict[str, Any]]
    cpu_flags: list[str]
    glibc: str
    confined: str = ""
    seconds: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    script: ReplyScript | None = None
    watched: ReplyWatched | None = None
    measured: Measured | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("schema") != exchange.SCHEMA:
            raise ValueError(f"it is not of schema {exchange.SCHEMA}")
        has_results = content.get("status") == exchange.COMPLETED and "watched" not in content
        if not has_results and "weights_sha256" not in content:
            return content
        fields = {name: content[name] for name in Measured.model_fields if name in content}
        if isinstance(files := fields.get("files"), dict):
            # A pattern that no file fits stands there with "", so that the log has it.
            fields["files"] = {name: sha256 for name, sha256 in files.items() if sha256}
        return {**content, "measured": fields}


class _Ready(BaseModel):
    """What a warm process says when it takes requests."""

    confines: bool


class _Ending(BaseModel):
    """What a warm process says of the end of a run."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    schema_number: int = Field(alias="schema", ge=exchange.SCHEMA, le=exchange.SCHEMA)
    cause: Literal["exited", "timeout", "out_of_memory", "killed"]
    exit_code: Annotated[int, Field(ge=-64, le=255)]
    seconds: Annotated[float, Field(ge=0, le=10**7, allow_inf_nan=False)]


def read_confines(output: Path) -> bool:
    """Whether a warm process can keep its runs from each other's files.

    One that ended before it could say has not shown that it cannot.
    """
    ready, complaint = _read(_Ready, output / exchange.READY, "word that it is ready", _READY_BYTES)
    return ready.confines if ready else not complaint


def read(folder: Path) -> tuple[Reply | None, str]:
    """The reply in a run's folder, or None and why there is none ("" where there is no file)."""
    return _read(Reply, folder / exchange.REPLY, "reply", _REPLY_BYTES)


def read_ending(path: Path, seconds: float) -> tuple[Outcome, str]:
    """How a run ended, as a warm process says, and what is wrong with that ("" where nothing is).

    What cannot be believed is a run that failed after so many `seconds`.
    """
    ending, complaint = _read(_Ending, path, "account of how the run ended", _ENDING_BYTES)
    if ending is None:
        complaint = complaint or "the runner's account of how the run ended is gone"
        return Outcome(cause="exited", exit_code=1, seconds=seconds), complaint
    outcome = Outcome(cause=ending.cause, exit_code=ending.exit_code, seconds=ending.seconds)
    return outcome, ""


def _read(model: type[Model], path: Path, what: str, limit: int) -> tuple[Model | None, str]:
    try:
        return model.model_validate_json(untrusted.read_regular(path, limit)), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"the runner's {what} is {error.strerror}"
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return None, f"the runner's {what} is not valid: {place} {first['msg']}".replace("  ", " ")
