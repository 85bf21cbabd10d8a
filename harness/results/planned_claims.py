"""The claims of a matrix as they stand in its plan: what tables need to put them to the test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from harness.matrix.claim import Claim, Expectation, Kind, Where
from harness.protocol.axes import Value
from harness.protocol.axes import from_json as value_from_json
from harness.protocol.axes import to_json as value_to_json

_KINDS = get_args(Kind)
_TEXTS = ("id", "says", "source")
_MOST = 10_000
"""As many as a matrix file can have values."""


def to_json(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """The claims as a JSON value."""
    return [_plain(claim) for claim in claims]


def _plain(claim: Claim) -> dict[str, Any]:
    expect = claim.expect
    parts = {"stable_with": expect.stable_with, "unstable_with": expect.unstable_with}
    return {
        **{name: getattr(claim, name) for name in _TEXTS},
        "where": _plain_where(claim.where),
        "expect": {
            "kind": expect.kind,
            **({"over": expect.over} if expect.over else {}),
            **{name: _plain_where(part) for name, part in parts.items() if part},
        },
    }


def _plain_where(where: Where) -> dict[str, list[Any]]:
    return {key: [value_to_json(value) for value in values] for key, values in where.items()}


def from_json(content: object) -> tuple[Claim, ...]:
    """The claims in what a plan has in their place.

    Raises:
        TypeError, ValueError: these are none.
    """
    if not isinstance(content, list) or len(content) > _MOST:
        raise TypeError("claims are a list")
    return tuple(_claim(**_mapping(each)) for each in content)


def _claim(*, id: str, says: str, source: str, where: object, expect: object) -> Claim:
    texts = [_text(each) for each in (id, says, source)]
    return Claim(
        **dict(zip(_TEXTS, texts, strict=True)),
        where=_where(where),
        expect=_expectation(**_mapping(expect)),
    )


def _expectation(
    *, kind: Any, over: object = "", stable_with: object = None, unstable_with: object = None
) -> Expectation:
    if kind not in _KINDS:
        raise ValueError(f"no claim expects {str(kind)[:40]!r}")
    parts = [_where({} if part is None else part) for part in (stable_with, unstable_with)]
    return Expectation(kind=kind, over=_text(over), stable_with=parts[0], unstable_with=parts[1])


def _where(content: object) -> Where:
    found = {}
    for key, values in _mapping(content).items():
        if not isinstance(values, list):
            raise TypeError("the values of a key are a list")
        found[key] = tuple(_value(value) for value in values)
    return found


def _value(content: object) -> Value:
    """A value that an axis can have, and not, say, a thousand nested lists."""
    if isinstance(content, Mapping):
        return value_from_json({name: _text(value) for name, value in content.items()})
    if type(content) is int:
        return content
    return _text(content)


def _mapping(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise TypeError("not a JSON object")
    return content


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise TypeError("not a text")
    return content
