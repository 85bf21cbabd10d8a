"""From a record back to the cell it is of: foreign values pass the checks of a matrix file."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from harness.matrix import values
from harness.matrix.cells import SETTING_AXES, Cell
from harness.matrix.environment import Environment
from harness.matrix.text import Problems
from harness.protocol.axes import BY_NAME, Value
from harness.results.record import EnvironmentPart, Record

Json = str | int | dict[str, str]

_NOWHERE = yaml.Mark("record", 0, 0, 0, None, 0)
_TEXT = "tag:yaml.org,2002:str"
_MAP = "tag:yaml.org,2002:map"


class UnknownCellError(Exception):
    """This program does not know the cell of a record; the message says why, in one sentence."""


def cell_of(record: Record) -> Cell:
    """The cell that would leave a record like this one.

    Raises:
        UnknownCellError: a setting or version is not known here, or they are not those that the
            name of the record says.
    """
    problems = Problems()
    environment = _environment(record.environment, problems)
    settings = _settings(record.settings, problems)
    if environment is None or problems.found:
        raise UnknownCellError(problems.found[0].message)
    cell = Cell(environment=environment, values=settings)
    if cell.id != record.cell:
        raise UnknownCellError(f"its settings are those of {cell.id}, which is not its name")
    return cell


def _environment(asked: EnvironmentPart, problems: Problems) -> Environment | None:
    versions: dict[str, str | None] = {}
    for key in values.ENVIRONMENT_KEYS:
        written: str | None = getattr(asked, key)
        versions[key] = None if written is None else values.version(key, _node(written), problems)
    device = values.axis_value(BY_NAME["device"], _node(asked.device), problems)
    python, tensorflow = versions["python"], versions["tensorflow"]
    if python is None or tensorflow is None:
        return None
    return Environment(
        python=python,
        tensorflow=tensorflow,
        numpy=versions["numpy"],
        keras=versions["keras"],
        device=str(device),
    )


def _settings(settings: Mapping[str, Json], problems: Problems) -> tuple[Value, ...]:
    """The value of every axis; one that was not known yet when this was recorded is at default."""
    unknown = sorted(settings.keys() - {axis.name for axis in SETTING_AXES})
    if unknown:
        problems.add(_node(unknown[0]), f"this harness has no axis {', '.join(unknown)}")
    values_asked = (
        values.axis_value(axis, _node(settings[axis.name]), problems)
        if axis.name in settings
        else axis.default
        for axis in SETTING_AXES
    )
    return tuple(value if value is not None else "" for value in values_asked)


def _node(value: Json) -> yaml.Node:
    """The value as it would stand in a matrix file."""
    if isinstance(value, dict):
        pairs = [(_node(name), _node(text)) for name, text in value.items()]
        return yaml.MappingNode(_MAP, pairs, _NOWHERE)
    return yaml.ScalarNode(_TEXT, str(value), _NOWHERE)
