"""What is installed here: versions, packages, how TensorFlow was built, which devices it sees."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
from functools import lru_cache
from typing import Any, Dict, List

import numpy as np
import tensorflow as tf

from harness.runner.settings import visibility


def versions() -> Dict[str, str]:
    """The versions that name an environment, as they are in this process."""
    return {
        "python": platform.python_version(),
        "tensorflow": str(tf.version.VERSION),
        "keras": keras_version(),
        "numpy": str(np.__version__),
    }


def keras_version() -> str:
    """The version of the Keras behind `tf.keras`: TensorFlow's own copy, or a package."""
    package = keras_package()
    own = package is sys.modules["tensorflow"] or "tensorflow" in package.__name__
    return str(tf.keras.__version__ if own else vars(package)["__version__"])


def keras_package() -> Any:
    """The top package that `tf.keras` comes from: keras, tf_keras, or one of TensorFlow's."""
    return sys.modules[tf.keras.__name__.split(".")[0]]


def is_elsewhere(module: Any) -> bool:
    """Whether a module was not loaded from the environment of this interpreter."""
    file = os.path.realpath(str(module.__file__))
    return not file.startswith(os.path.realpath(sys.prefix) + os.sep)


@lru_cache(maxsize=None)
def packages() -> Dict[str, str]:
    """Every installed distribution by its normalised name (PEP 503).

    Read once: nobody can write to the environment while processes run in it, and forked children
    have what their parent read.
    """
    try:
        from importlib.metadata import distributions
    except ImportError:
        return _packages_of_old_python()
    found: Dict[str, str] = {}
    for each in distributions():
        # An entry without a name is a leftover of a broken installation. Of two with one name the
        # first on the path is what an import gets; setuptools appends copies of its own.
        vendored = os.path.basename(os.path.normpath(str(each.locate_file("")))) == "_vendor"
        if each.metadata["Name"] and not vendored:
            found.setdefault(normalised(each.metadata["Name"]), each.version)
    return found


def _packages_of_old_python() -> Dict[str, str]:
    import pkg_resources  # type: ignore[import-untyped,unused-ignore]

    return {normalised(each.project_name): each.version for each in pkg_resources.working_set}


def normalised(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def differences(locked: Dict[str, str], found: Dict[str, str]) -> List[str]:
    """One sentence per package that is missing here, has another version, or is not locked.

    Nothing is asked where nothing is locked.
    """
    wanted = {normalised(name): (name, version) for name, version in locked.items()}
    told = [
        "package %s: asked %s, found %s" % (name, version, found.get(key, "none"))
        for key, (name, version) in sorted(wanted.items())
        if not are_equal(found.get(key, "none"), version)
    ]
    foreign = sorted(set(found) - set(wanted)) if locked else []
    return told + ["package %s: asked none, found %s" % (name, found[name]) for name in foreign]


def are_equal(one: str, other: str) -> bool:
    """Whether two texts are the same version: 1.0 and 1.0.0, 2021.05 and 2021.5 are."""
    return _comparable(one) == _comparable(other)


def _comparable(version: str) -> str:
    if re.match(r"^[0-9]+(\.[0-9]+)*$", version) is None:
        # TensorFlow itself says 2.20.0-rc0 where its package is called 2.20.0rc0.
        return version.lower().replace("-", "")
    return re.sub(r"(\.0)+$", "", ".".join(str(int(part)) for part in version.split(".")))


def build() -> Dict[str, Any]:
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
