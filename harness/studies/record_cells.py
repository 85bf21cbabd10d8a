"""From a record back to the cell it is of: foreign values pass the checks of a matrix file."""

from __future__ import annotations

import re

from harness.matrix import values
from harness.matrix.cells import DEFAULTS, SCRIPT_DEFAULTS, SETTING_AXES, Cell
from harness.matrix.environment import Environment
from harness.matrix.values import InvalidValueError
from harness.matrix.workload_entries import NAME
from harness.protocol.axes import BY_NAME, Value, from_json
from harness.protocol.script import Script, filled
from harness.results import recorded_scripts
from harness.results.record import EnvironmentPart, Record
from harness.subjects import reference

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9][A-Za-z0-9.!+_-]*)?")

_NO_SCRIPT = "a user's script, which is not in these results; run its matrix"


class UnknownCellError(Exception):
    """This program does not know the cell of a record; the message says why, in one sentence."""


class UnknownScriptError(UnknownCellError):
    """The script of a record cannot be known from it; the message says so, in one sentence."""


def cell_of(record: Record) -> Cell:
    """The cell that would leave a record like this one.

    Raises:
        UnknownCellError: a setting or version is not known here, or they are not those that the
            name of the record says.
    """
    try:
        environment = _environment(record.environment)
        settings = _settings(record)
    except InvalidValueError as error:
        raise UnknownCellError(str(error)) from error
    cell = Cell(environment=environment, values=settings)
    if cell.id != record.cell:
        raise UnknownCellError(f"its settings are those of {cell.id}, which is not its name")
    return cell


def script_of(record: Record) -> Script | None:
    """The user's script that a record is of, as it must be to leave one like it; None where it is
    of a reference workload.

    Raises:
        UnknownScriptError: the record is of an older version, which does not say enough of it.
        UnknownCellError: its arguments cannot be filled in.
    """
    try:
        script = recorded_scripts.script_of(record)
        if script is not None:
            filled(script, {name: from_json(value) for name, value in record.settings.items()})
    except ValueError as error:
        raise UnknownCellError(str(error)) from error
    if script is None and record.script is not None:
        raise UnknownScriptError(_NO_SCRIPT)
    return script


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


def _settings(record: Record) -> tuple[Value, ...]:
    """The value of every axis; one that was not known yet when this was recorded is at default."""
    settings, is_script = record.settings, record.script is not None
    scripts = [_script_name(record)] if is_script else []
    defaults = SCRIPT_DEFAULTS if is_script else DEFAULTS
    unknown = sorted(settings.keys() - {axis.name for axis in SETTING_AXES})
    if unknown:
        raise InvalidValueError(f"this harness has no axis {', '.join(unknown)}")
    # A stranger's consent does not count here.
    return tuple(
        values.axis_value(axis, settings[axis.name], scripts=scripts)
        if axis.name in settings
        else defaults[axis.name]
        for axis in SETTING_AXES
    )


def _script_name(record: Record) -> str:
    name = str(record.settings.get("workload"))
    if NAME.fullmatch(name) and reference.is_script(name):
        return name
    raise InvalidValueError(f"{name!r} is no name of a script")
