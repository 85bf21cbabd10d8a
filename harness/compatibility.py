"""Which versions go together: answers from the data in `compatibility.yaml`.

Pure look-ups, no network. No TensorFlow version number stands in Python code elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

DATA = Path(__file__).with_name("compatibility.yaml")
BUNDLED = "bundled"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a combination cannot exist, and what would work instead (a whole sentence each)."""

    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """One TensorFlow release and what fits it.

    `numpy` is a version range, `keras` one too or "bundled"; `legacy_keras` is that of tf-keras,
    "" where this TensorFlow has Keras 2 itself; `locked` is the ISO date up to which
    packages count; `constraints` are requirements held besides; `sources` may be installed from
    source; `without` is left out; `gpu` and `cpu` are what is installed for the device.
    """

    version: str
    pythons: tuple[str, ...]
    numpy: str
    keras: str
    locked: str
    constraints: tuple[str, ...]
    sources: tuple[str, ...]
    without: tuple[str, ...]
    gpu: tuple[str, ...]
    legacy_keras: str = ""
    cpu: tuple[str, ...] = ("tensorflow-cpu",)


def releases() -> tuple[str, ...]:
    """Every TensorFlow release known, oldest first."""
    return tuple(_releases())


def release(tensorflow: str) -> Release:
    """What is known of one release.

    Raises:
        KeyError: it is not known; `refusal` says so in words.
    """
    return _releases()[tensorflow]


def resolve_python(tensorflow: str, numpy: str | None, keras: str | None) -> str | None:
    """The newest Python minor version with wheels for all of these, None if there is none."""
    known = _releases().get(tensorflow)
    fitting = _fitting(known, numpy, keras) if known else ()
    return fitting[-1] if fitting else None


def nearest_releases(tensorflow: str) -> tuple[str, ...]:
    """Known releases to name in place of an unknown one: of its minor version, or its neighbours.

    Text that is no version at all has the newest release.
    """
    known = releases()
    try:
        wanted = Version(tensorflow)
    except InvalidVersion:
        return known[-1:]
    same = tuple(v for v in known if Version(v).release[:2] == wanted.release[:2])
    below = tuple(v for v in known if Version(v) < wanted)[-1:]
    above = tuple(v for v in known if Version(v) > wanted)[:1]
    return same or below + above


def platform() -> str:
    """The platform tag the locks serve."""
    return str(_data()["platform"])


def source_requires() -> Mapping[str, tuple[str, ...]]:
    """What the packages that exist only as source require, by name."""
    return {name: tuple(needs) for name, needs in _data()["source_requires"].items()}


def builder() -> Mapping[str, str]:
    """The one wheel that builds packages from source: name, version, file, sha256."""
    return dict(_data()["builder"])


def builder_variables() -> Mapping[str, str]:
    """The environment variables under which packages are built from source."""
    return dict(_data()["builder_variables"])


def refusal(
    *, python: str, tensorflow: str, numpy: str | None, keras: str | None, device: str
) -> Refusal | None:
    """Why this combination cannot exist, or None where nothing known speaks against it."""
    known = _releases().get(tensorflow)
    if known is None:
        return _unknown(tensorflow)
    return (
        _numpy_refusal(known, numpy)
        or _keras_refusal(known, keras)
        or _python_refusal(known, python, numpy, keras)
        or _device_refusal(device)
    )


def legacy_keras(tensorflow: str) -> str:
    """The versions of tf-keras for this TensorFlow, "" where it has Keras 2 itself."""
    known = _releases().get(tensorflow)
    return known.legacy_keras if known else ""


def legacy_keras_refusal(tensorflow: str, version: str) -> Refusal | None:
    """Why tf-keras, of this version or "" for any, cannot stand beside this TensorFlow, or None."""
    fitting = legacy_keras(tensorflow)
    if not fitting:
        return Refusal(
            reason=f"TensorFlow {tensorflow} comes with Keras 2; tf-keras is for later ones.",
            remedy="Leave keras out.",
        )
    try:
        fits = not version or Version(version) in SpecifierSet(fitting)
    except InvalidVersion:
        fits = False
    if fits:
        return None
    return Refusal(
        reason=f"TensorFlow {tensorflow} does not work with tf-keras {version}.",
        remedy=f"It works with tf-keras {_range(fitting)}; write tf-keras for the one of its date.",
    )


def _unknown(tensorflow: str) -> Refusal:
    names = _listed(nearest_releases(tensorflow), "or")
    return Refusal(
        reason=f"TensorFlow {tensorflow} is not a release known to have wheels for Linux x86-64.",
        remedy=f"Write the full release; the nearest known: {names}.",
    )


def _numpy_refusal(known: Release, numpy: str | None) -> Refusal | None:
    if numpy is None:
        return None
    return _malformed("NumPy", numpy) or _never_released(numpy) or _numpy_outside(known, numpy)


def _malformed(name: str, text: str) -> Refusal | None:
    try:
        complete = len(Version(text).release) == 3 and Version(text).base_version == text
    except InvalidVersion:
        complete = False
    if complete:
        return None
    return Refusal(
        reason=f"{name} {text} is not a full release number.",
        remedy="Write all three parts, for example 1.26.4.",
    )


def _never_released(numpy: str) -> Refusal | None:
    line = _numpy_line(numpy)
    if line is None:
        first = _data()["numpy"][0]["from"]
        return Refusal(
            reason=f"NumPy {numpy} is not of a minor version known to have wheels.",
            remedy=f"Use one from {first} to {_data()['numpy'][-1]['from']}, or a later patch.",
        )
    if "newest" not in line or Version(numpy) <= Version(line["newest"]):
        return None
    return Refusal(
        reason=f"NumPy {numpy} was never released.",
        remedy=f"The last of its minor version is {line['newest']}.",
    )


def _numpy_outside(known: Release, numpy: str) -> Refusal | None:
    if Version(numpy) in SpecifierSet(known.numpy):
        return None
    return Refusal(
        reason=f"TensorFlow {known.version} does not work with NumPy {numpy}.",
        remedy=f"It works with NumPy {_range(known.numpy)}.",
    )


def _keras_refusal(known: Release, keras: str | None) -> Refusal | None:
    if keras is None:
        return None
    if known.keras == BUNDLED:
        return Refusal(
            reason=f"TensorFlow {known.version} brings its own Keras; no other can be set.",
            remedy="Leave keras out.",
        )
    return _malformed("Keras", keras) or _keras_outside(known, keras)


def _keras_outside(known: Release, keras: str) -> Refusal | None:
    if Version(keras) in SpecifierSet(known.keras):
        return None
    return Refusal(
        reason=f"TensorFlow {known.version} does not work with Keras {keras}.",
        remedy=f"It works with Keras {_range(known.keras)}.",
    )


def _python_refusal(
    known: Release, python: str, numpy: str | None, keras: str | None
) -> Refusal | None:
    fitting = _fitting(known, numpy, keras)
    if python in fitting:
        return None
    lacking, pythons = next(
        (name, has) for name, has in _pythons(known, numpy, keras) if python not in has
    )
    return Refusal(
        reason=f"{lacking} has no wheel for Python {python}, only for {_span(pythons)}.",
        remedy=f"Use Python {_listed(fitting, 'or')}."
        if fitting
        else "No Python has wheels of all that is asked for; leave numpy or keras out.",
    )


def _device_refusal(device: str) -> Refusal | None:
    if device != "gpu" or sys.platform == "linux":
        return None
    return Refusal(
        reason=f"TensorFlow uses NVIDIA GPUs only on Linux; this is {sys.platform}.",
        remedy="Run the GPU cells on a Linux machine, or set device: cpu.",
    )


def _pythons(
    known: Release, numpy: str | None, keras: str | None
) -> list[tuple[str, tuple[str, ...]]]:
    """Everything asked for, in words, and the Python minor versions each has wheels for."""
    asked = [(f"TensorFlow {known.version}", known.pythons)]
    if numpy is not None:
        line = _numpy_line(numpy)
        asked.append((f"NumPy {numpy}", tuple(line["python"]) if line else ()))
    line = _line("keras", keras, parts=1) if keras else None
    if line is not None:
        asked.append((f"Keras {keras}", tuple(line["python"])))
    return asked


def _fitting(known: Release, numpy: str | None, keras: str | None) -> tuple[str, ...]:
    asked = _pythons(known, numpy, keras)
    return tuple(p for p in known.pythons if all(p in has for _, has in asked))


def _numpy_line(numpy: str) -> dict[str, Any] | None:
    return _line("numpy", numpy, parts=2)


def _line(section: str, version: str, *, parts: int) -> dict[str, Any] | None:
    """The last line of a section that starts at or below `version`, within its first parts."""
    try:
        wanted = Version(version)
    except InvalidVersion:
        return None
    fits: list[dict[str, Any]] = [
        line
        for line in _data()[section]
        if Version(line["from"]) <= wanted
        and Version(line["from"]).release[:parts] == wanted.release[:parts]
    ]
    return fits[-1] if fits else None


def _range(specifier: str) -> str:
    """A version range as people write it: lower bounds first."""
    return ", ".join(sorted(specifier.replace("==", "").split(","), reverse=True))


def _span(pythons: Sequence[str]) -> str:
    return pythons[0] if len(pythons) == 1 else f"{pythons[0]} to {pythons[-1]}"


def _listed(words: Sequence[str], conjunction: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    """The data file; every scalar is text."""
    # The loader written in C takes a tenth of the time; not every build of PyYAML has it.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    data: dict[str, Any] = yaml.load(DATA.read_text(encoding="utf-8"), Loader=loader)
    return data


@lru_cache(maxsize=1)
def _releases() -> dict[str, Release]:
    found = [
        _release(minor, version, own)
        for minor in _data()["tensorflow"]
        for version, own in minor["releases"].items()
    ]
    return {known.version: known for known in sorted(found, key=lambda r: Version(r.version))}


def _release(minor: Mapping[str, Any], version: str, own: Mapping[str, Any]) -> Release:
    told = {**minor, **own}
    return Release(
        version=version,
        pythons=tuple(told["python"]),
        numpy=told["numpy"],
        keras=told["keras"],
        locked=told["locked"],
        constraints=tuple(told.get("constraints", ())),
        sources=tuple(told.get("sources", ())),
        without=tuple(told.get("without", ())),
        gpu=tuple(told["gpu"]),
        legacy_keras=told.get("legacy_keras", ""),
    )
