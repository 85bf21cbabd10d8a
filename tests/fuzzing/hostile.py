"""Bad input, made from good input and a number: the same number makes the same input."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

TOKENS = (
    *("[", "]", "{", "}", ":", ": ", "- ", "? ", ",", "&a ", "*a", "<<: ", "!!python/object:os.x "),
    *("|", ">", "|+9", "%YAML 9.9\n", "---\n", "...\n", "#", "'", '"', "`", "@", "\t", "\r"),
    *("\0", "\ufeff", "\ud800", "\\U00110000", '"\\0"', '"\\ud800"', "\u2028", "\x85", "🦆"),
    *("2.10", "~", "null", "on", "0x1f", "1e999", ".nan", "1_000", "-0", "9" * 5000, "tensorflow"),
    *("../", "/etc/passwd", "$(id)", "<script>", "\\input{x}", "%s", "{0}", "=cmd()", "NaN"),
)  # fmt: skip

VALUES: Sequence[Any] = (
    *(None, True, False, 0, -1, 1.5, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308),
    *(float("inf"), float("nan"), "", "x", "\0", "../x", "/", "\n", "🦆", "x" * 70_000, "0x1p-1"),
    *("0x1.fp99999", "nan", "2.10.0", "0" * 64, "F" * 64, [], {}, [[]], {"a": {}}, [None], ["x"]),
    *({"": ""}, {"a": 1}, {"name": "x"}, {"value": 1, "how": "x"}, list(range(300))),
)

Change = Callable[[Random, bytes], bytes]


def mutated(number: int, corpus: Sequence[bytes]) -> bytes:
    """One of the texts with up to eight changes."""
    random = Random(number)
    data = random.choice(corpus)
    for _ in range(random.randint(1, 8)):
        data = random.choice(_CHANGES)(random, data)
        if random.random() < 0.1:
            data = _spliced(random, data, random.choice(corpus))
    return data[:100_000]


def _place(random: Random, data: bytes) -> int:
    return random.randint(0, len(data))


def _flip(random: Random, data: bytes) -> bytes:
    place = _place(random, data)
    return data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]


def _cut(random: Random, data: bytes) -> bytes:
    place = _place(random, data)
    return data[:place] + data[place + int(random.expovariate(0.05)) :]


def _end(random: Random, data: bytes) -> bytes:
    return data[: _place(random, data)]


def _twice(random: Random, data: bytes) -> bytes:
    start = _place(random, data)
    part = data[start : start + int(random.expovariate(0.02))]
    return data[:start] + part * random.choice((1, 2, 50)) + data[start:]


def _insert(random: Random, data: bytes) -> bytes:
    place = _place(random, data)
    token = random.choice(TOKENS).encode("utf-8", "surrogatepass")
    return data[:place] + token * random.choice((1, 1, 1, 2, 40)) + data[place:]


def _move_line(random: Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    line = lines.pop(random.randrange(len(lines)))
    lines.insert(random.randint(0, len(lines)), random.choice((b"", b" ", b"  ", b"\t")) + line)
    return b"".join(lines)


def _spliced(random: Random, data: bytes, other: bytes) -> bytes:
    return data[: _place(random, data)] + other[_place(random, other) :]


_CHANGES: Sequence[Change] = (_flip, _cut, _end, _twice, _insert, _insert, _insert, _move_line)


def altered(number: int, text: bytes) -> dict[str, Any]:
    """The object in a JSON text with up to four values replaced, lost, added or renamed."""
    random = Random(number)
    changed: dict[str, Any] = json.loads(text)
    for _ in range(random.randint(1, 4)):
        place = _somewhere(random, changed)
        key = random.choice(list(place)) if place else "new"
        match random.randrange(5):
            case 0:
                place.pop(key, None)
            case 1:
                place[random.choice(TOKENS)] = place.get(key)
            case 2:
                place[key] = _nested(random.choice((3, 30, 150)))
            case _:
                place[key] = copy.deepcopy(random.choice(VALUES))
    return changed


def _somewhere(random: Random, content: dict[str, Any]) -> dict[str, Any]:
    """The object itself or one of those in it."""
    place = content
    while random.random() < 0.7:
        inner = [value for value in place.values() if isinstance(value, dict) and value]
        inner += [
            item
            for value in place.values()
            if isinstance(value, list)
            for item in value[:2]
            if isinstance(item, dict)
        ]
        if not inner:
            break
        place = random.choice(inner)
    return place


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def as_json(content: dict[str, Any]) -> bytes:
    """The object as bytes, halves of characters escaped."""
    return json.dumps(content).encode("ascii")
