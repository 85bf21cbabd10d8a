"""TensorFlow's two thread pools: for the parts of one operation, and for several operations."""

from __future__ import annotations

from typing import Any, Optional

import tensorflow as tf

from harness.protocol import processor
from harness.protocol.open_values import DEFAULT
from harness.runner.refusals import Invalid
from harness.runner.run import Run


def limit(axis: str, kind: str, value: Any) -> None:
    """Set the size of a pool, `kind` being "intra" or "inter".

    Raises:
        Invalid: the pool is there already.
    """
    threading = tf.config.threading
    if value == DEFAULT:
        return
    try:
        getattr(threading, "set_%s_op_parallelism_threads" % kind)(value)
    except RuntimeError as error:
        size = getattr(threading, "get_%s_op_parallelism_threads" % kind)()
        raise Invalid("%s: asked %s, found %s: %s" % (axis, value, size, error)) from error


def getter(kind: str) -> str:
    """What is called to learn the size of a pool."""
    return "tf.config.threading.get_%s_op_parallelism_threads()" % kind


def size(kind: str, run: Run) -> Optional[int]:
    """The getter's number. Zero is TensorFlow's default: a variable, or else every usable CPU."""
    number = int(getattr(tf.config.threading, "get_%s_op_parallelism_threads" % kind)())
    variable = run.imported.variables.get("TF_NUM_%sOP_THREADS" % kind.upper(), "")
    if number == 0 and variable.isdigit() and int(variable) > 0:
        return int(variable)
    return number or processor.usable_cpus()
