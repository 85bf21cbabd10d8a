"""Which wheel is chosen for a Python and platform."""

from __future__ import annotations

import pytest

from harness.environments import targets

PLATFORM = "manylinux_2_28_x86_64"


@pytest.mark.parametrize(
    ("python", "chosen"),
    [
        ("3.7", "six-1.0-cp37-cp37m-manylinux1_x86_64.whl"),
        ("3.10", "six-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        ("3.11", "six-1.0-cp38-abi3-manylinux_2_12_x86_64.whl"),
        ("3.6", "six-1.0-py2.py3-none-any.whl"),
    ],
)
def test_most_specific_wheel_wins(python: str, chosen: str) -> None:
    files = [
        "six-1.0-py2.py3-none-any.whl",
        "six-1.0-cp37-cp37m-manylinux1_x86_64.whl",
        "six-1.0-cp38-abi3-manylinux_2_12_x86_64.whl",
        "six-1.0-cp310-cp310-manylinux1_x86_64.whl",
        "six-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "six-1.0-cp310-cp310-win_amd64.whl",
        "six-1.0-cp310-cp310-musllinux_1_1_x86_64.whl",
    ]
    assert targets.best(files, python, PLATFORM) == chosen
    assert targets.best(reversed(files), python, PLATFORM) == chosen


def test_higher_build_number_wins() -> None:
    files = ["six-1.0-py3-none-any.whl", "six-1.0-2-py3-none-any.whl", "six-1.0-1-py3-none-any.whl"]
    assert targets.best(files, "3.10", PLATFORM) == "six-1.0-2-py3-none-any.whl"


@pytest.mark.parametrize(
    "file",
    [
        "six-1.0-cp310-cp310-manylinux_2_31_x86_64.whl",
        "six-1.0-cp310-cp310-manylinux_2_17_aarch64.whl",
        "six-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "six-1.0-cp310-cp310t-manylinux_2_17_x86_64.whl",
        "six-1.0-py2-none-any.whl",
    ],
)
def test_wheel_for_another_machine_or_python_is_never_chosen(file: str) -> None:
    assert targets.best([file], "3.10", PLATFORM) is None


@pytest.mark.parametrize(
    ("file", "same"),
    [
        ("typing_extensions-4.3.0-py3-none-any.whl", True),
        ("typing-extensions-4.3.0.tar.gz", True),
        ("typing_extensions-4.3-py3-none-any.whl", True),
        ("typing_extensions-4.3.1-py3-none-any.whl", False),
        ("typing-4.3.0.tar.gz", False),
        ("typing_extensions.exe", False),
    ],
)
def test_file_name_tells_the_release(file: str, same: bool) -> None:
    assert targets.is_of(file, "typing-extensions", "4.3.0") is same
