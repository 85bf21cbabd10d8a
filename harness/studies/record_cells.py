"""From a record back to the cell it is of: foreign values pass the checks of a matrix file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.matrix import values
from harness.matrix.cells import SETTING_AXES, Cell
from harness.matrix.environment import Environment
from harness.matrix.values import InvalidValueError
from harness.protocol.axes import BY_NAME, Value
from harness.results.record import EnvironmentPart, Record

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9][A-Za-z0-9.!+_-]*)?")

Json = str | int | dict[str, str]


class UnknownCellError(Exception):
    """This program does not know the cell of a record; the message says why, in one sentence."""


def cell_of(record: Record) -> Cell:
    """The cell that would leave a record like this one.

    Raises:
        UnknownCellError: it is of a user's script, whose files are not in the results, a setting or
            version is not known here, or they are not those that the name of the record says.
    """
    if record.script is not None:
        raise UnknownCellError("it is of a user's script, whose files are not in the results")
    try:
        environment = _environment(record.environment)
        settings = _settings(record.settings)
    except InvalidValueError as error:
        raise UnknownCellError(str(error)) from error
    cell = Cell(environment=environment, values=settings)
    if cell.id != record.cell:
        raise UnknownCellError(f"its settings are those of {cell.id}, which is not its name")
    return cell


def _environment(asked: EnvironmentPart) -> Environment:
    return Environment(
        python=values.version("python", asked.python),
        tensorflow=values.version("tensorflow", asked.tensorflow),
        numpy=None if asked.numpy is None else values.version("numpy", asked.numpy),
        keras=None if asked.keras is None else values.version("keras", asked.keras),
        device=str(values.axis_value(BY_NAME["device"], asked.device)),
        requirements=tuple(map(_requirement, asked.requirements)),
    )


def _requirement(text: str) -> str:
    if _REQUIREMENT.fullmatch(text):
        return text
    raise InvalidValueError(f"{text!r} is no NAME or NAME==VERSION of a package")


def _settings(settings: Mapping[str, Json]) -> tuple[Value, ...]:
    """The value of every axis; one that was not known yet when this was recorded is at default."""
    unknown = sorted(settings.keys() - {axis.name for axis in SETTING_AXES})
    if unknown:
        raise InvalidValueError(f"this harness has no axis {', '.join(unknown)}")
    # A stranger's consent does not count here.
    return tuple(
        values.axis_value(axis, settings[axis.name]) if axis.name in settings else axis.default
        for axis in SETTING_AXES
    )
