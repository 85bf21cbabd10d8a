"""Keras 2 beside a TensorFlow that comes with Keras 3: the package tf-keras, and its variable.

https://github.com/keras-team/tf-keras: `tf.keras` is that package where the variable is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness import compatibility
from harness.matrix.environment import Environment
from harness.protocol.axes import Value, process_variables

PACKAGE = "tf-keras"
VARIABLE = "TF_USE_LEGACY_KERAS"
_ON = ("1", "true", "True")
"""The values that TensorFlow takes for yes; with any other, the package is not used."""


def is_requirement(word: str) -> bool:
    """Whether `word` asks for the package: `tf-keras`, `tf-keras==2.16.0` or `tf_keras`."""
    return word.partition("==")[0].replace("_", "-").lower() == PACKAGE


def of(requirements: Iterable[str]) -> str | None:
    """The requirement among these that asks for the package, None where none does."""
    return next((each for each in requirements if is_requirement(each)), None)


def refusal(environment: Environment) -> compatibility.Refusal | None:
    """Why the package cannot stand beside the environment's TensorFlow, None where it can."""
    requirement = of(environment.requirements)
    if requirement is None:
        return None
    version = requirement.partition("==")[2]
    return compatibility.legacy_keras_refusal(environment.tensorflow, version)


def is_asked_for(variables: Mapping[str, str]) -> bool:
    """Whether these variables make `tf.keras` the package."""
    return variables.get(VARIABLE) in _ON


def variables(requirements: Iterable[str], settings: Mapping[str, Value]) -> dict[str, str]:
    """The variables of a process with these packages and settings.

    The package brings its variable along; `env` may set it to something else.
    """
    own = {VARIABLE: "1"} if of(requirements) else {}
    return {**own, **process_variables(settings)}
