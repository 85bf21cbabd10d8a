"""The runner's reply as the host reads it: foreign bytes, believed only once checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from harness.protocol import exchange
from harness.results.record import Found, Measured

MAX_BYTES = 16 << 20


class ReplyError(BaseModel):
    """What the training raised."""

    type: str
    message: str
    traceback: str = ""


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
    seconds: dict[str, float]
    measured: Measured | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("schema") != exchange.SCHEMA:
            raise ValueError(f"it is not of schema {exchange.SCHEMA}")
        if content.get("status") != exchange.COMPLETED and "weights_sha256" not in content:
            return content
        fields = {name: content.get(name) for name in Measured.model_fields}
        return {**content, "measured": fields}


def read(folder: Path) -> tuple[Reply | None, str]:
    """The reply in a run's folder, or None and why there is none ("" where there is no file)."""
    path = folder / exchange.REPLY
    try:
        if path.is_symlink() or path.stat().st_size > MAX_BYTES:
            return None, "the runner's reply is no plain file of a sensible size"
        return Reply.model_validate_json(path.read_bytes()), ""
    except FileNotFoundError:
        return None, ""
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return None, f"the runner's reply is not valid: {place} {first['msg']}".replace("  ", " ")
