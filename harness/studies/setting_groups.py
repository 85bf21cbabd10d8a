"""In what two cells differ that can be asked for, in groups, and the cells between the two."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from harness.analysis import parameters
from harness.analysis.axis_values import as_text, shown
from harness.matrix import cells
from harness.matrix.cells import AXIS_INDEX, SETTING_AXES, Cell
from harness.protocol.axes import BY_NAME, Value, to_json
from harness.results.record import Record

VERSIONS = "versions"
"""The group of all that is installed: Python, TensorFlow, NumPy, Keras and further packages."""

_DEVICE = "device"
_PARAMETERS = "parameters"
_INSTALLED = ("tensorflow", "python", "numpy", "keras")
_SCOPES = ("run", "process", "environment")
"""The cheapest to change first."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One setting with its value in A and in B, as text; None where it is not known."""

    name: str
    a: str | None
    b: str | None

    @property
    def differs(self) -> bool:
        """Whether both are known and not equal."""
        return self.a is not None and self.b is not None and self.a != self.b

    @property
    def words(self) -> str:
        """`threads 1 → 2`."""
        a, b = ("?" if value is None else shown(value) for value in (self.a, self.b))
        return f"{self.name} {a} → {b}"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Settings that a hybrid takes of B together.

    `asked` are their values as asked for, `found` the same as read back.
    """

    name: str
    scope: str
    asked: tuple[Change, ...]
    found: tuple[Change, ...]

    @property
    def words(self) -> str:
        """What differs, as asked for; what was found is added where it says something else."""
        if self.name == VERSIONS:
            shown_of = [each for each in self.found if each.differs] or self.asked
            return f"{VERSIONS} ({', '.join(each.words for each in shown_of)})"
        (asked,), (found,) = self.asked, self.found
        if found.a is None or found.b is None or (found.a, found.b) == (asked.a, asked.b):
            return asked.words
        read = f"both {found.a}" if found.a == found.b else f"found {found.a} → {found.b}"
        return f"{asked.words} ({read})"

    def of(self, end: str) -> str:
        """Its settings as one end, "A" or "B", has them: `threads=2`."""
        if self.name == VERSIONS:
            return f"versions of {end}"
        value = self.asked[0].a if end == "A" else self.asked[0].b
        return f"{self.name}={shown(value or '')}"


def groups(a: Cell, b: Cell, read_a: Record, read_b: Record) -> tuple[Group, ...]:
    """What is asked for differently in two cells, the cheapest to change first.

    Versions and further packages are one group, every other setting is one of its own, and so is
    each parameter of a script.
    """
    found = list(_groups(a, b, found_values(read_a), found_values(read_b)))
    return tuple(sorted(found, key=lambda group: _SCOPES.index(group.scope)))


def _groups(
    a: Cell, b: Cell, read_a: Mapping[str, str], read_b: Mapping[str, str]
) -> Iterator[Group]:
    for name, (one, other) in _asked(a, b).items():
        if one != other:
            asked = Change(name=name, a=as_text(one), b=as_text(other))
            found = Change(name=name, a=read_a.get(name), b=read_b.get(name))
            # What is no axis is a parameter of a script.
            scope = BY_NAME.get(name, BY_NAME[_PARAMETERS]).scope
            yield Group(name=name, scope=scope, asked=(asked,), found=(found,))
    installed = [dict(_installed(each)) for each in (a, b)]
    if installed[0] != installed[1]:
        names = [name for name in installed[0] if installed[0][name] != installed[1][name]]
        yield Group(
            name=VERSIONS,
            scope="environment",
            asked=tuple(Change(name=n, a=installed[0][n], b=installed[1][n]) for n in names),
            found=tuple(Change(name=n, a=read_a.get(n), b=read_b.get(n)) for n in _INSTALLED),
        )


def _asked(a: Cell, b: Cell) -> dict[str, tuple[object, object]]:
    settings = {
        axis.name: (to_json(one), to_json(other))
        for axis, one, other in zip(SETTING_AXES, a.values, b.values, strict=True)
        if axis.name != _PARAMETERS
    }
    of_script = {
        _title(name): (a.parameters.get(name, ""), b.parameters.get(name, ""))
        for name in sorted({*a.parameters, *b.parameters})
    }
    devices = (a.environment.device, b.environment.device)
    return {**settings, **of_script, _DEVICE: devices}


def _title(parameter: str) -> str:
    """What the group of a script's parameter is called, as its column in tables."""
    name = parameters.column_name(parameter)
    return f"{parameters.PREFIX}{name}" if name == VERSIONS else name


def _installed(cell: Cell) -> Iterator[tuple[str, str]]:
    for name in _INSTALLED:
        yield name, getattr(cell.environment, name) or "by date"
    yield "packages", " ".join(cell.environment.requirements)


def found_values(record: Record) -> dict[str, str]:
    """The settings as text that were read back in a run."""
    return {
        name: as_text(found.value)
        for name, found in record.found.items()
        if found.value is not None
    }


def followers(differing: Collection[Group], read_a: Record, read_b: Record) -> tuple[Change, ...]:
    """What was found to differ although the same was asked: it follows from something else."""
    asked = {name for group in differing for name in (group.name, *_names(group))}
    one, other = found_values(read_a), found_values(read_b)
    changes = (Change(name=name, a=one.get(name), b=other.get(name)) for name in one)
    return tuple(each for each in changes if each.differs and each.name not in asked)


def _names(group: Group) -> tuple[str, ...]:
    return _INSTALLED if group.name == VERSIONS else ()


def hybrid(a: Cell, b: Cell, taken: Collection[str]) -> Cell:
    """A with these groups as B has them; `unavailable` where such a cell cannot exist."""
    environment = a.environment
    if VERSIONS in taken:
        environment = replace(b.environment, device=environment.device)
    if _DEVICE in taken:
        environment = replace(environment, device=b.environment.device)
    values = tuple(
        other if axis.name in taken else one
        for axis, one, other in zip(SETTING_AXES, a.values, b.values, strict=True)
    )
    return cells.combined(environment, _with_parameters(values, a, b, taken))


def _with_parameters(
    values: tuple[Value, ...], a: Cell, b: Cell, taken: Collection[str]
) -> tuple[Value, ...]:
    """The values, with the parameters of a script that are `taken` as B has them."""
    if a.parameters == b.parameters:
        return values
    names = sorted({*a.parameters, *b.parameters})
    texts = ((b if _title(name) in taken else a).parameters.get(name) for name in names)
    pairs = tuple((n, each) for n, each in zip(names, texts, strict=True) if each is not None)
    place = AXIS_INDEX[_PARAMETERS]
    return (*values[:place], pairs, *values[place + 1 :])


def surroundings(a: Record, b: Record) -> tuple[str, ...]:
    """What else differs between two runs that no cell asks for: `machine M1 → M2`, `lock`…"""
    pairs = {
        "machine": (a.machine, b.machine),
        "engine": (a.engine.get("name", ""), b.engine.get("name", "")),
        "lock": (a.environment.lock_sha256[:8], b.environment.lock_sha256[:8]),
        "code": (a.code[:8], b.code[:8]),
        "data": (_data(a), _data(b)),
    }
    same_environment = a.environment.id == b.environment.id
    changes = (Change(name=name, a=one, b=other) for name, (one, other) in pairs.items())
    return tuple(
        each.words for each in changes if each.differs and (each.name != "lock" or same_environment)
    )


def _data(record: Record) -> str:
    return record.measured.data_sha256[:8] if record.measured else ""
