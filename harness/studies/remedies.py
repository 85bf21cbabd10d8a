"""What a person puts into a script, or in front of its command, to have a setting in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.protocol.axes import Value

_LINES: Mapping[tuple[str, Value], str] = {
    ("seeding", "all"): "tf.keras.utils.set_random_seed(42)  # Python, NumPy and TensorFlow",
    ("determinism", "on"): "tf.config.experimental.enable_op_determinism()",
    ("eager", "on"): "tf.config.run_functions_eagerly(True)",
}


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """`lines` for the top of a script, after `import tensorflow as tf`, and what is to stand
    `before` the command that starts it."""

    lines: tuple[str, ...] = ()
    before: str = ""


def remedy(settings: Mapping[str, Value]) -> Remedy:
    """How to have these settings without this program."""
    parts = [_of(name, value) for name, value in settings.items()]
    return Remedy(
        lines=tuple(line for part in parts for line in part.lines),
        before=" ".join(part.before for part in parts if part.before),
    )


def _of(name: str, value: Value) -> Remedy:
    if (name, value) in _LINES:
        return Remedy(lines=(_LINES[name, value],))
    if name == "threads":
        return Remedy(lines=(f"tf.config.threading.set_intra_op_parallelism_threads({value})",))
    if name == "cpus" and isinstance(value, int):
        return Remedy(before=f"taskset -c 0-{value - 1}" if value > 1 else "taskset -c 0")
    if name == "onednn":
        return Remedy(before=f"TF_ENABLE_ONEDNN_OPTS={int(value == 'on')}")
    return Remedy(before=f"PYTHONHASHSEED={value}" if name == "hash_seed" else f"({name}={value})")
