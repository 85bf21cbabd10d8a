"""Which versions go together, and what is said where they do not."""

from __future__ import annotations

from datetime import date

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from harness import compatibility


def refuse(
    tensorflow: str, python: str, *, numpy: str | None = None, keras: str | None = None
) -> str:
    """Reason and remedy as one text, "" where nothing speaks against the combination."""
    refusal = compatibility.refusal(
        python=python, tensorflow=tensorflow, numpy=numpy, keras=keras, device="cpu"
    )
    return f"{refusal.reason} {refusal.remedy}" if refusal else ""


def test_releases_are_ordered_as_versions() -> None:
    known = compatibility.releases()
    assert list(known) == sorted(known, key=Version)
    assert known.index("2.9.3") < known.index("2.10.0") < known.index("2.21.0")


def test_every_minor_version_from_2_4_to_2_21_is_known() -> None:
    minors = {Version(release).release[:2] for release in compatibility.releases()}
    assert {(2, minor) for minor in range(4, 22)} | {(1, 15), (2, 2), (2, 3)} <= minors


@pytest.mark.parametrize("tensorflow", compatibility.releases())
def test_data_of_each_release_is_well_formed(tensorflow: str) -> None:
    known = compatibility.release(tensorflow)
    date.fromisoformat(known.locked)
    SpecifierSet(known.numpy)
    assert list(known.pythons) == sorted(known.pythons, key=Version)
    assert known.keras == compatibility.BUNDLED or SpecifierSet(known.keras)
    assert set(known.sources) <= compatibility.source_requires().keys()


@pytest.mark.parametrize("tensorflow", compatibility.releases())
def test_each_release_can_be_had_with_the_python_that_is_chosen_for_it(tensorflow: str) -> None:
    python = compatibility.resolve_python(tensorflow, None, None)
    assert python is not None
    assert refuse(tensorflow, python) == ""


@pytest.mark.parametrize(
    ("tensorflow", "numpy", "keras", "python"),
    [
        ("2.10.0", None, None, "3.10"),
        ("2.10.0", "1.21.0", None, "3.9"),
        ("2.16.1", "1.23.5", None, "3.11"),
        ("2.20.0", None, None, "3.13"),
        ("2.20.0", "2.0.2", None, "3.12"),
        ("2.21.0", None, "3.12.0", "3.13"),
        ("1.15.0", None, None, "3.7"),
        ("2.11.1", None, None, "3.10"),
        ("2.4.0", "2.5.0", None, None),
        ("2.10.9", None, None, None),
    ],
)
def test_python_is_the_newest_with_wheels_for_everything_asked(
    tensorflow: str, numpy: str | None, keras: str | None, python: str | None
) -> None:
    assert compatibility.resolve_python(tensorflow, numpy, keras) == python


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("2.10.7", ("2.10.0", "2.10.1")),
        ("2.10", ("2.10.0", "2.10.1")),
        ("2.0.0", ("1.15.0", "2.2.0")),
        ("7.0.0", compatibility.releases()[-1:]),
        ("newest", compatibility.releases()[-1:]),
    ],
)
def test_unknown_release_is_refused_with_the_nearest_known(
    text: str, nearest: tuple[str, ...]
) -> None:
    assert compatibility.nearest_releases(text) == nearest
    assert f"TensorFlow {text} is not a release" in refuse(text, "3.10")
    assert all(name in refuse(text, "3.10") for name in nearest)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (refuse("2.16.1", "3.12", numpy="1.23.5"), "NumPy 1.23.5 has no wheel for Python 3.12"),
        (refuse("2.16.1", "3.12", numpy="1.23.5"), "only for 3.8 to 3.11"),
        (refuse("2.16.1", "3.12", numpy="1.23.5"), "Use Python 3.9, 3.10 or 3.11."),
        (refuse("2.10.0", "3.13"), "TensorFlow 2.10.0 has no wheel for Python 3.13"),
        (refuse("2.11.1", "3.7"), "TensorFlow 2.11.1 has no wheel for Python 3.7"),
        (refuse("2.10.0", "3.10", numpy="2.0.0"), "It works with NumPy >=1.20, <2."),
        (refuse("2.12.0", "3.10", numpy="1.24.3"), "does not work with NumPy 1.24.3"),
        (refuse("2.12.1", "3.7", numpy="1.24.3"), "Use Python 3.8, 3.9, 3.10 or 3.11."),
        (refuse("2.10.0", "3.10", numpy="1.23"), "not a full release number"),
        (refuse("2.10.0", "3.10", numpy="v1.23.5"), "not a full release number"),
        (refuse("2.10.0", "3.10", numpy="1.23.9"), "was never released"),
        (refuse("2.20.0", "3.13", numpy="3.0.0"), "not of a minor version known"),
        (refuse("2.10.0", "3.10", keras="2.11.0"), "It works with Keras 2.10.0."),
        (refuse("2.16.1", "3.10", keras="2.15.0"), "It works with Keras >=3.0, <4."),
        (refuse("2.20.0", "3.9", keras="3.11.0"), "Keras 3.11.0 has no wheel for Python 3.9"),
        (refuse("2.4.4", "3.8", keras="2.4.3"), "brings its own Keras"),
    ],
)
def test_refusal_names_what_does_not_fit_and_what_would(said: str, expected: str) -> None:
    assert expected in said


def test_combinations_that_work_are_not_refused() -> None:
    assert refuse("2.10.0", "3.10", numpy="1.23.5", keras="2.10.0") == ""
    assert refuse("2.10.0", "3.9", numpy="1.26.4") == ""
    assert refuse("2.18.0", "3.12", keras="3.6.0") == ""
