"""What is installed: versions, how TensorFlow was built, which devices it sees."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from typing import Any, Dict, List

import numpy as np
import tensorflow as tf

from harness.runner import packages
from harness.runner.backends.tensorflow.api import visibility
from harness.runner.findings import Finding
from harness.runner.run import Run


def describe() -> Dict[str, Dict[str, Any]]:
    """The versions that name an environment, and how TensorFlow and NumPy were built."""
    return {"versions": _versions(), "build": _build()}


def _versions() -> Dict[str, str]:
    """The versions that name an environment, as they are in this process."""
    return {
        "python": platform.python_version(),
        "tensorflow": str(tf.version.VERSION),
        "keras": _keras_version(),
        "numpy": str(np.__version__),
    }


def _keras_version() -> str:
    """The version of the Keras behind `tf.keras`: TensorFlow's own copy, or a package."""
    package = _keras_package()
    own = package is sys.modules["tensorflow"] or "tensorflow" in package.__name__
    return str(tf.keras.__version__ if own else vars(package)["__version__"])


def _keras_package() -> Any:
    """The top package that `tf.keras` comes from: keras, tf_keras, or one of TensorFlow's."""
    return sys.modules[tf.keras.__name__.split(".")[0]]


def _is_elsewhere(module: Any) -> bool:
    """Whether a module was not loaded from the environment of this interpreter."""
    file = os.path.realpath(str(module.__file__))
    return not file.startswith(os.path.realpath(sys.prefix) + os.sep)


def _build() -> Dict[str, Any]:
    """How TensorFlow and NumPy were built, as far as they say: compiler, CUDA, cuDNN, SIMD."""
    return {
        "git_version": str(tf.version.GIT_VERSION),
        "compiler_version": str(tf.version.COMPILER_VERSION),
        "keras_module": str(tf.keras.__name__),
        "tensorflow": _tensorflow_build(),
        "numpy_simd": _numpy_simd(),
        "python": "%s, %s" % (platform.python_implementation(), platform.python_compiler()),
    }


def _tensorflow_build() -> Dict[str, Any]:
    if not hasattr(tf.sysconfig, "get_build_info"):
        return {}
    return {key: _plain(value) for key, value in tf.sysconfig.get_build_info().items()}


def _numpy_simd() -> List[str]:
    """The instruction sets NumPy found and uses. A private table: nothing public names it."""
    core = sys.modules.get("numpy._core._multiarray_umath")
    core = core or sys.modules.get("numpy.core._multiarray_umath")
    features = getattr(core, "__cpu_features__", {})
    return sorted(name for name, present in features.items() if present)


def devices() -> List[Dict[str, Any]]:
    """The devices TensorFlow may use now, with what it knows of them."""
    return [
        dict(_details(device), name=device.name, type=device.device_type)
        for device in visibility.get_visible_devices()
    ]


def _details(device: Any) -> Dict[str, Any]:
    details: Dict[str, Any] = {}
    if device.device_type == "GPU" and hasattr(tf.config.experimental, "get_device_details"):
        # A GPU that answers no questions can still train.
        with contextlib.suppress(tf.errors.OpError):
            details = tf.config.experimental.get_device_details(device)
    return {key: _plain(value) for key, value in details.items()}


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def python(run: Run) -> Finding:
    """The minor version of the interpreter."""
    minor = "%d.%d" % sys.version_info[:2]
    return minor, "platform.python_version() %s" % platform.python_version()


def tensorflow(run: Run) -> Finding:
    """The version that TensorFlow itself has."""
    return _version("tensorflow", str(tf.version.VERSION), tf, "tf.version.VERSION", run)


def numpy(run: Run) -> Finding:
    """The version of the NumPy that was imported."""
    return _version("numpy", str(np.__version__), np, "numpy.__version__", run)


def keras(run: Run) -> Finding:
    """The version of the Keras behind `tf.keras`, and its flavour."""
    how = "the version of %s, behind tf.keras" % tf.keras.__name__
    return _version("keras", _keras_version(), _keras_package(), how, run)


def _version(name: str, version: str, module: Any, how: str, run: Run) -> Finding:
    if _is_elsewhere(module):
        return "%s, from elsewhere" % version, "%s, loaded from outside the environment" % how
    asked = str(run.asked.get(name))
    return (asked if packages.are_equal(asked, version) else version), how


READERS = {"python": python, "tensorflow": tensorflow, "numpy": numpy, "keras": keras}
"""What reads the versions of an environment back."""
