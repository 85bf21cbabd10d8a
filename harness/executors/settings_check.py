"""What the host asks of a process beyond the axes, so that the runner can compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.environments.lock import Lock
from harness.matrix import legacy_keras
from harness.protocol.open_values import DEFAULT
from harness.results.record import Found


def asked_versions(lock: Lock, variables: Mapping[str, str]) -> dict[str, str]:
    """The versions that a process must find: the interpreter's, and those in the lock.

    `default` stands for a package that is not locked, as TensorFlow's own Keras before 2.6.
    """
    locked = {package.name: package.version for package in lock.packages}
    keras = "tf-keras" if variables.get(legacy_keras.VARIABLE) in ("1", "true", "True") else "keras"
    tensorflow = locked.get("tensorflow-cpu", locked.get("tensorflow", DEFAULT))
    return {
        "python": lock.environment.python,
        "tensorflow": tensorflow,
        "numpy": locked.get("numpy", DEFAULT),
        "keras": locked.get(keras, DEFAULT),
    }


def mismatches(found: Mapping[str, Found], cpus: Sequence[int]) -> list[str]:
    """What only the host can compare: the CPUs it gave the run, as sentences.

    The runner compares the rest, for it knows what was asked.
    """
    seen = found.get("cpus")
    if seen is None or seen.value is None or seen.value == len(cpus):
        return []
    return [f"cpus: asked {len(cpus)}, found {seen.value} ({seen.how})"]
