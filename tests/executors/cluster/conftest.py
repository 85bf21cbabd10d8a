"""A cluster of real Dask processes for each test; skipped with a reason where Dask is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs Dask: pip install 'reproducibility-harness[dask]'")

from simulated_cluster import Cluster, matrix_of, prepare

Make = Callable[..., Cluster]


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Make]:
    """Makes clusters, and ends them after the test."""
    made: list[Cluster] = []

    def make(name: str = "cluster", **options: object) -> Cluster:
        cluster = Cluster(folder=tmp_path / name, **options)  # type: ignore[arg-type]
        made.append(cluster)
        return cluster

    yield make
    for cluster in made:
        cluster.close()


@pytest.fixture
def sleeping(tmp_path: Path, make_cluster: Make) -> tuple[Path, Cluster]:
    """A matrix of six cells with two repeats, and a cluster with a scheduler but no worker."""
    matrix = matrix_of(tmp_path, cells=6, repeats=2)
    cluster = make_cluster(prepared=prepare(matrix, tmp_path / "prepared"))
    cluster.scheduler()
    return matrix, cluster
