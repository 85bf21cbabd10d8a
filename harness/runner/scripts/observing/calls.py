"""Calls by which a script sets what a matrix can set, too: noted, or held where the matrix says so.

Each function is replaced in the module that defines it, right after that was imported, so that
every name under which it is known is the replaced one.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from typing import Any, Callable, Dict, Optional, Tuple

from harness.protocol.script import VARIABLE
from harness.runner.scripts.observing.notes import Notes

Value = Callable[[Tuple[Any, ...], Dict[str, Any]], Any]
"""From the arguments of a call to the value as a matrix has it."""


def _number(arguments: Tuple[Any, ...], named: Dict[str, Any]) -> Any:
    value = (arguments or tuple(named.values()) or (None,))[0]
    return value if isinstance(value, (int, type(None))) else str(value)


def _switch(arguments: Tuple[Any, ...], named: Dict[str, Any]) -> str:
    value = (arguments or tuple(named.values()) or (True,))[0]
    return "on" if value else "off"


def _on(arguments: Tuple[Any, ...], named: Dict[str, Any]) -> str:
    return "on"


def _device(arguments: Tuple[Any, ...], named: Dict[str, Any]) -> str:
    devices = (arguments or tuple(named.values()) or ((),))[0] or ()
    kinds = {str(getattr(each, "device_type", "")) for each in devices}
    return "gpu" if "GPU" in kinds else "cpu"


def _policy(arguments: Tuple[Any, ...], named: Dict[str, Any]) -> str:
    value = (arguments or tuple(named.values()) or ("",))[0]
    return str(getattr(value, "name", value))


Functions = Dict[str, Tuple[str, Value]]
_SEED: Tuple[str, Value] = ("seed", _number)
_EAGER: Functions = {"run_functions_eagerly": ("eager", _switch)}
_POLICY: Functions = {
    "set_global_policy": ("precision", _policy),
    "set_dtype_policy": ("precision", _policy),
}

_GENERATORS = {
    "random": "python",
    "numpy.random": "numpy",
    "tensorflow.python.framework.random_seed": "tf",
}
"""The generator that a function of these modules seeds; those of Keras seed all of them."""

_COMPILED = {"jit_compile": "jit", "run_eagerly": "eager"}
"""Arguments of `compile`, and the setting that each of them is."""

_MAPPINGS = ("os", "_collections_abc", "collections.abc", "typing")
_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)

_MOST = 100
"""So many calls are noted: a script may seed in each of its steps."""

_FRAMEWORK = ("keras", "tf_keras", "tensorflow")

MODULES: Dict[str, Functions] = {
    "random": {"seed": _SEED},
    "numpy.random": {"seed": _SEED},
    "tensorflow.python.framework.random_seed": {"set_seed": _SEED, "set_random_seed": _SEED},
    "tensorflow.python.framework.config": {
        "set_intra_op_parallelism_threads": ("threads", _number),
        "set_inter_op_parallelism_threads": ("inter_threads", _number),
        "enable_op_determinism": ("determinism", _on),
        "enable_tensor_float_32_execution": ("tf32", _switch),
        "set_visible_devices": ("device", _device),
    },
    "tensorflow.python.eager.def_function": _EAGER,
    "tensorflow.python.eager.polymorphic_function.eager_function_run": _EAGER,
    "keras.utils.tf_utils": {"set_random_seed": _SEED},
    "keras.src.utils.tf_utils": {"set_random_seed": _SEED},
    "tf_keras.src.utils.tf_utils": {"set_random_seed": _SEED},
    "keras.src.utils.rng_utils": {"set_random_seed": _SEED},
    "keras.mixed_precision.policy": _POLICY,
    "keras.src.mixed_precision.policy": _POLICY,
    "tf_keras.src.mixed_precision.policy": _POLICY,
    "tensorflow.python.keras.mixed_precision.policy": _POLICY,
    "keras.src.dtype_policies.dtype_policy": _POLICY,
}
"""By module and function: the setting, and how its value is read from a call."""


def watch_module(notes: Notes, module: Any) -> None:
    """Replace the functions of a module, imported just now, that set something."""
    for name, (setting, value) in MODULES.get(module.__name__, {}).items():
        function = getattr(module, name, None)
        if callable(function):
            generator = _GENERATORS.get(module.__name__, "") if setting == "seed" else ""
            setattr(module, name, _noting(notes, function, setting, value, generator))


def _noting(notes: Notes, function: Any, setting: str, value: Value, generator: str) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        # What a noted call does inside is not the script's; what we apply is the matrix's.
        is_own = not getattr(notes.applying, "depth", 0) and not _is_from_framework()
        place = notes.place() if is_own else ""
        if not place:
            return function(*arguments, **named)
        with notes.guarded():
            note(notes, setting, value(arguments, named), place, generator)
        if setting in notes.settings["hold"]:
            return None
        with Applying(notes):
            return function(*arguments, **named)

    return call


def compiled(notes: Notes, named: Dict[str, Any]) -> None:
    """Note what a script says in `compile` that a matrix can say; what is held is left out."""
    place = "" if _is_from_framework(3) else notes.place()
    for name, setting in _COMPILED.items():
        if place and isinstance(named.get(name), bool):
            with notes.guarded():
                note(notes, setting, "on" if named[name] else "off", place)
            if setting in notes.settings["hold"]:
                del named[name]


def watch_variables(notes: Notes) -> None:
    """Note the environment variables that the script's own lines set in `os.environ`."""
    owner: Any = type(os.environ)
    usual = owner.__setitem__

    @functools.wraps(usual)
    def set_noted(variables: Any, name: Any, value: Any) -> None:
        usual(variables, name, value)
        with notes.guarded():
            # A package that the script imports sets its own.
            if _caller().startswith(notes.work + os.sep):
                shown = "(not recorded)" if _SECRET.search(str(name)) else str(value)
                note(notes, VARIABLE + str(name), shown, notes.place())

    owner.__setitem__ = set_noted


def _caller() -> str:
    """The file whose line sets a variable, two frames up or behind what Python has for it."""
    frame: Any = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__") in _MAPPINGS:
        frame = frame.f_back
    return str(os.path.realpath(frame.f_code.co_filename))


def note(notes: Notes, setting: str, value: Any, place: str, generator: str = "") -> None:
    """Note that the script set a setting, and what becomes of that."""
    effect = "held" if setting in notes.settings["hold"] else _effect(notes, setting)
    entry = {"setting": setting, "value": value, "place": place, "generator": generator}
    entry["effect"] = effect
    if len(notes.calls) < _MOST and entry not in notes.calls:
        notes.calls.append(entry)


def _is_from_framework(depth: int = 2) -> bool:
    """Whether the function was called by the framework itself, so many frames up."""
    name = str(sys._getframe(depth).f_globals.get("__name__", ""))
    return name.partition(".")[0] in _FRAMEWORK


def _effect(notes: Notes, setting: str) -> str:
    """What becomes of a call; one that asks for what is on since the import is not late."""
    is_on = notes.settings["asked"].get("determinism") == "on"
    is_late = setting == "determinism" and not is_on and _context_exists()
    return "late" if is_late else "applied"


def _context_exists() -> Optional[bool]:
    """Whether TensorFlow made its devices and threads already."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context() if module is not None else None
    return context is not None and context._context_handle is not None


class Applying:
    """Within the `with` block, calls are not the script's own."""

    def __init__(self, notes: Notes) -> None:
        self._local = notes.applying

    def __enter__(self) -> None:
        self._local.depth = getattr(self._local, "depth", 0) + 1

    def __exit__(self, *_: Any) -> None:
        self._local.depth -= 1
