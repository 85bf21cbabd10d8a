"""What the text of a script says of what it needs."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from harness.errors import UsageError
from harness.matrix import reading
from harness.subjects import adopted_matrix, adoption
from harness.subjects.adopted_matrix import Proposal


def script(folder: Path, text: str, name: str = "train.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_packages_are_those_that_nothing_else_brings(tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text("import sklearn.metrics\n")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("import skimage\n")
    own = "import layers\nimport tools\n"
    text = f"import os, numpy\nimport tensorflow as tf\nfrom keras import layers as k\n{own}"
    adopted = adoption.read(script(tmp_path, text))
    assert adopted.packages == ("scikit-image", "scikit-learn")
    assert adopted.unversioned == adopted.packages


def test_a_package_that_is_here_has_its_version(tmp_path: Path) -> None:
    adopted = adoption.read(script(tmp_path, "import pandas as pd\n"))
    assert adopted.packages == (f"pandas=={metadata.version('pandas')}",)


def test_legacy_keras_is_seen(tmp_path: Path) -> None:
    adopted = adoption.read(script(tmp_path, "import tf_keras\n"))
    assert adopted.uses_legacy_keras and adopted.packages == ()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("os.environ['TF_USE_LEGACY_KERAS'] = '1'\n", True),
        ("os.environ.setdefault('TF_USE_LEGACY_KERAS', 'True')\n", True),
        ("os.environ['TF_USE_LEGACY_KERAS'] = '0'\n", False),
        ("print('TF_USE_LEGACY_KERAS')\nx[0] = '1'\n", False),
    ],
)
def test_the_variable_for_legacy_keras_is_seen(tmp_path: Path, text: str, asked: bool) -> None:
    assert adoption.read(script(tmp_path, text)).uses_legacy_keras == asked


def test_a_module_beside_the_folder_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "__init__.py").write_text("import sklearn\n")
    (tmp_path / "src").mkdir()
    own = script(tmp_path / "src", "import churn\n")
    adopted = adoption.read(own)
    assert (adopted.packages, adopted.outside) == ((), (tmp_path / "churn" / "__init__.py",))
    with_folder = adoption.read(own, tmp_path)
    assert (with_folder.packages, with_folder.outside) == (("scikit-learn",), ())


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf\ntf.keras.datasets.mnist.load_data()\n",
        "from keras.datasets import mnist\n(x, y), test = mnist.load_data('mnist.npz')\n",
    ],
)
def test_a_script_that_would_download_mnist_is_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "digits.py").write_text(text)
    assert adoption.read(script(tmp_path, "import digits\n")).loads_mnist
    assert not adoption.read(script(tmp_path, "fashion_mnist.load_data()\n")).loads_mnist


def test_a_script_is_only_read(tmp_path: Path) -> None:
    adoption.read(script(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')\n"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("file_name", "name"),
    [("My Model (2).py", "my-model-2"), ("train.py", "train"), ("_.py", "script")],
)
def test_the_name_is_one_that_a_matrix_may_have(tmp_path: Path, file_name: str, name: str) -> None:
    assert adoption.read(script(tmp_path, "", file_name)).name == name


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train.py", "print 'old'\n", "train.py:1: is no Python"),
        ("train.ipynb", "no JSON", "train.ipynb: is no notebook that can be read"),
        ("train.ipynb", '{"cells": []}', "train.ipynb: is no notebook that can be read"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        adoption.read(script(tmp_path, text, name))
    with pytest.raises(UsageError, match="cannot be read"):
        adoption.read(tmp_path / "missing.py")


def proposal(folder: Path) -> Proposal:
    return Proposal(
        name="train",
        script=folder / "src" / "train.py",
        arguments=("--units", "{8}"),
        packages=("pandas",),
        data={},
        environments=({"tensorflow": "2.15.1"},),
        repeats=3,
        varied=({"seeding": "all"}, {"env": (("A", "1"),)}),
    )


def test_the_matrix_file_says_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "train.matrix.yaml"
    adopted_matrix.write(path, proposal(tmp_path), "diagnose")
    content = yaml.load(path.read_text(), yaml.BaseLoader)
    assert content["workloads"]["train"] == {
        "script": "src/train.py",
        "folder": "src",
        "arguments": ["--units", "{{8}}"],
        "packages": ["pandas"],
    }
    assert [block.get("seeding", block.get("env")) for block in content["include"]] == [
        "all",
        {"A": "1"},
    ]


def test_files_and_a_folder_stand_in_the_matrix_file(tmp_path: Path) -> None:
    path = tmp_path / "train.matrix.yaml"
    named = replace(proposal(tmp_path), files=("out.npy", "[[]a].txt"), folder=tmp_path)
    assert adopted_matrix.files_in(path, "train") == ()
    adopted_matrix.write(path, named, "diagnose")
    entry = yaml.load(path.read_text(), yaml.BaseLoader)["workloads"]["train"]
    assert (entry["script"], entry["folder"]) == ("src/train.py", ".")
    assert adopted_matrix.files_in(path, "train") == named.files


def test_only_versions_that_nobody_named_are_left_open(tmp_path: Path) -> None:
    packages = ("pandas==3.1.1", "scipy==1.1.1")
    named = replace(proposal(tmp_path), packages=packages, guessed=frozenset(packages[:1]))
    assert named.without_guesses().packages == ("pandas", "scipy==1.1.1")


@pytest.mark.parametrize("lies", ["train.py", "src/my train.py", "../beside/train.py"])
def test_the_matrix_file_finds_the_script(tmp_path: Path, lies: str) -> None:
    here = tmp_path / "here"
    here.mkdir()
    path = here / lies
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    adopted = replace(proposal(here), script=path, varied=())
    adopted_matrix.write(here / "train.matrix.yaml", adopted, "adopt")
    entry = reading.read(here / "train.matrix.yaml").scripts["train"]
    assert (entry.folder / entry.path).samefile(path)


def test_a_matrix_of_ones_own_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "train.matrix.yaml"
    path.write_text("schema: 1\n")
    with pytest.raises(UsageError, match="of your own"):
        adopted_matrix.write(path, proposal(tmp_path), "adopt")
    assert path.read_text() == "schema: 1\n"
    with pytest.raises(UsageError, match="is no file"):
        adopted_matrix.require_own(tmp_path)
