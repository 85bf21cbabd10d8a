"""Environment variables as code sees them that reads them at different times.

The interpreter reads its own when it starts, TensorFlow's libraries while they are imported or at
the first use of what a variable governs. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import re
from typing import Dict, Mapping, Optional

GOVERNING = re.compile(
    r"(TF2?|TENSORFLOW|XLA|ONEDNN|DNNL|MKLDNN|MKL|OMP|KMP|OPENBLAS|GOTO|BLIS|NPY|KERAS|CUBLAS"
    r"|CUDNN|AUTOGRAPH|EIGEN)_.*|NVIDIA_TF32_OVERRIDE|GLIBC_TUNABLES|MALLOC_.*"
)
"""Names of variables that can change what a training computes."""

OF_THE_ENGINE = frozenset({"TF_CPP_MIN_LOG_LEVEL"})
"""Governing names that every engine sets for every process."""


def at_start() -> Dict[str, str]:
    """The environment this process was started with, whatever was changed since."""
    try:
        with open("/proc/self/environ", "rb") as file:
            pairs = [os.fsdecode(pair).partition("=") for pair in file.read().split(b"\0") if pair]
    except OSError:
        return dict(os.environ)
    return {name: value for name, _, value in pairs}


def now(name: str) -> Optional[str]:
    """A variable as C code sees it now; None where it is not set."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    value = getenv(os.fsencode(name))
    return None if value is None else os.fsdecode(value)


def before_and_now(name: str, before: Mapping[str, str]) -> Optional[str]:
    """A variable as it was `before`; both values where it has another one by now."""
    values = (before.get(name), now(name))
    if values[0] == values[1]:
        return values[0]
    return "%s, then %s" % tuple("unset" if each is None else each for each in values)
