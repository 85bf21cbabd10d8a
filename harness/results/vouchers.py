"""Which records still count although the code changed: a repeated run left equal bits.

`vouchers.json` lies beside the records of a sweep. Each entry says that, in one environment, a run
of a workload was repeated with newer code, and whether it left the bits that its record has. Like a
record the file carries a digest of itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import RecordError
from harness.results import durable, json_digest
from harness.results.reading import content_of
from harness.results.regular_files import content
from harness.results.scan import VOUCHERS

SCHEMA = 1

_BYTES = 16 << 20
_REMEDY = "delete it, and harness run makes it again"


class Voucher(BaseModel):
    """One repeated run: `old` and `new` are digests of code, `equal` whether the bits are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lock_sha256: str
    workload: str
    old: str
    new: str
    cell: str
    repeat: int
    equal: bool


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_number: Literal[1] = Field(alias="schema")
    sha256: str
    vouchers: list[Voucher]


def read(sweep: Path) -> list[Voucher]:
    """The vouchers in a sweep's folder, oldest first.

    Raises:
        RecordError: the file is damaged, or was changed after it was written.
    """
    path = sweep / VOUCHERS
    data = content(path, _BYTES)
    if data is None:
        return []
    try:
        return _File.model_validate(content_of(path, data, newest=SCHEMA, steps={})).vouchers
    except RecordError as error:
        raise RecordError(f"{error}; {_REMEDY}") from error
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"]
        raise RecordError(f"{path}: {what}; {_REMEDY}") from error


def add(sweep: Path, made: Iterable[Voucher]) -> None:
    """Write these vouchers behind those that are there.

    Raises:
        RecordError: the file is damaged, or the disk does not take it.
    """
    entries = [voucher.model_dump() for voucher in [*read(sweep), *made]]
    try:
        content = json_digest.with_digest({"schema": SCHEMA, "vouchers": entries})
        durable.write(sweep / VOUCHERS, [content], partial=sweep / durable.PARTIAL)
    except OSError as error:
        raise RecordError(f"{sweep / VOUCHERS}: cannot be written: {error.strerror}") from error


class Vouchers:
    """What the vouchers of a sweep say."""

    def __init__(self, vouchers: Iterable[Voucher]) -> None:
        self._by_key: dict[tuple[str, str, str], list[Voucher]] = {}
        for voucher in vouchers:
            key = (voucher.lock_sha256, voucher.workload, voucher.old)
            self._by_key.setdefault(key, []).append(voucher)

    def vouch(self, lock_sha256: str, workload: str, old: str, new: str) -> Voucher | None:
        """The voucher by which results of old code count as those of new code, if there is one.

        Equal bits from one code to the next vouch from the first to the last.
        """
        waiting, seen = [old], {old}
        while waiting:
            code = waiting.pop()
            for voucher in self._by_key.get((lock_sha256, workload, code), []):
                if voucher.equal and voucher.new == new:
                    return voucher
                if voucher.equal and voucher.new not in seen:
                    seen.add(voucher.new)
                    waiting.append(voucher.new)
        return None

    def refute(self, lock_sha256: str, workload: str, old: str, new: str) -> Voucher | None:
        """The voucher by which they do not: the repeated run left other bits."""
        entries = self._by_key.get((lock_sha256, workload, old), [])
        return next((each for each in entries if not each.equal and each.new == new), None)
