"""What oneDNN itself says that it uses, asked in a forked process that only multiplies a matrix.

oneDNN reads its variables at its first use and then prints its version, the instruction set it
chose and each call of its kernels, if ONEDNN_VERBOSE is set by then. The process that trains must
not print all that; its fork has the same libraries and the same environment.

https://uxlfoundation.github.io/oneDNN/dev_guide_verbose.html
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import signal
import time
from dataclasses import dataclass
from typing import Any, Callable, Optional

KERNEL_VARIABLE = "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL"

ONEDNN_LINE = re.compile(r"oneDNN custom operations are on")
"""What TensorFlow logs, while it is imported, where its operations are replaced by oneDNN's."""

SAYS_NOTHING = "the oneDNN of this version does not say what it uses"

_VERBOSE = ("ONEDNN_VERBOSE", "DNNL_VERBOSE")
_INSTRUCTION_SET = re.compile(r"^(?:onednn|dnnl)_verbose,.*info,cpu,isa:(.*)$", re.M)
_WAIT_SECONDS = 30.0
_CELLS = 32


@dataclass(frozen=True)
class Onednn:
    """What oneDNN printed; None where this TensorFlow's oneDNN prints nothing.

    `instruction_set` is oneDNN's own name for it; `contracts` whether TensorFlow's contraction
    kernel, which is oneDNN's too, was called for a product that no oneDNN operation computes.
    """

    instruction_set: Optional[str]
    contracts: Optional[bool]


def ask_onednn(log: str) -> Onednn:
    """Ask the oneDNN in this process's TensorFlow. This process itself computes nothing.

    `log` is what the import of TensorFlow wrote.
    """
    output = _verbose_output(_contract)
    if output:
        return Onednn(instruction_set=_instruction_set(output), contracts=True)
    # No output means that the kernel is off only if oneDNN prints some when it is on.
    control = _verbose_output(_contract, kernel="true")
    if control:
        return Onednn(instruction_set=_instruction_set(control), contracts=False)
    # Before TensorFlow 2.11 the kernel prints nothing, while the operations do from 2.6 on.
    output = _verbose_output(_convolve) if ONEDNN_LINE.search(log) else ""
    return Onednn(instruction_set=_instruction_set(output), contracts=None)


def _instruction_set(output: str) -> Optional[str]:
    match = _INSTRUCTION_SET.search(output)
    return match.group(1).strip() if match else None


def _verbose_output(compute: Callable[[], Any], kernel: Optional[str] = None) -> str:
    """What oneDNN prints while a child computes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _compute_verbosely(compute, writing, kernel)
    os.close(writing)
    try:
        return _read(reading).decode("utf-8", "replace")
    finally:
        os.close(reading)
        # It may hang; all that it prints has been read.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _compute_verbosely(compute: Callable[[], Any], output: int, kernel: Optional[str]) -> None:
    """In the child: compute, let oneDNN print to `output`, and end."""
    try:
        os.dup2(output, 1)
        for name in _VERBOSE:
            os.environ[name] = "1"
        if kernel is not None:
            os.environ[KERNEL_VARIABLE] = kernel
        _hide_gpus()
        compute()
        ctypes.CDLL(None).fflush(None)
    finally:
        os._exit(0)


def _hide_gpus() -> None:
    from harness.runner.backends.tensorflow.api import visibility

    visibility.set_visible_devices([], "GPU")


def _contract() -> None:
    """A product in an operation that has no oneDNN version: it goes to the contraction kernel."""
    import tensorflow as tf

    wide, row = tf.zeros((8, _CELLS)), tf.zeros((_CELLS,))
    tf.raw_ops.LSTMBlockCell(
        **dict.fromkeys(("x", "cs_prev", "h_prev"), wide),
        **dict.fromkeys(("wci", "wcf", "wco"), row),
        w=tf.zeros((2 * _CELLS, 4 * _CELLS)),
        b=tf.zeros((4 * _CELLS,)),
    )


def _convolve() -> None:
    """An operation that oneDNN replaces."""
    import tensorflow as tf

    tf.nn.conv2d(tf.zeros((1, 8, 8, 8)), tf.zeros((3, 3, 8, 8)), 1, "SAME")


def _read(source: int) -> bytes:
    """Everything up to the other end's closing, or to the deadline."""
    output = b""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        remaining = max(0.0, deadline - time.monotonic())
        if not select.select([source], [], [], remaining)[0]:
            return output
        chunk = os.read(source, 65536)
        if not chunk:
            return output
        output += chunk
