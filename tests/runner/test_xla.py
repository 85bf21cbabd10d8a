"""XLA is found where it compiled something, whoever asked for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import harness

import harness as program

DATA = Path(__file__).parents[1] / "data" / "matrices"

MATRIX = """
schema: 1
name: xla
environments:
  - {python: "3.10", tensorflow: 2.10.0, numpy: 1.23.5}
  - {python: "3.13", tensorflow: 2.21.0}
axes:
  samples: 64
  threads: 1
  jit: ["off", auto]
  env: [{}, {TF_XLA_FLAGS: --tf_xla_auto_jit=2 --tf_xla_cpu_global_jit}]
"""


@pytest.mark.tensorflow
def test_xla_through_the_environment_is_found(tmp_path: Path) -> None:
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    matrix = tmp_path / "xla.yaml"
    matrix.write_text(MATRIX)
    results = tmp_path / "results"
    harness("run", matrix, "--engine", "local", "--results", results)
    frame = program.load(results)
    assert len(frame) == 8
    through = frame[frame["env"].str.contains("TF_XLA_FLAGS", na=False)]
    for _, run in through.iterrows():
        assert run["found_jit"] == "on"
        assert run["status"] == ("invalid" if run["jit"] == "off" else "completed")
    assert (
        through["reason"].str.startswith("jit: asked off, found on (TensorFlow's log: ").sum() == 2
    )
    without = frame.drop(through.index)
    assert set(without["status"]) == {"completed"} and set(without["found_jit"]) == {"off"}
    assert len(without.groupby("tensorflow")["weights_sha256"].unique().explode()) == 2
    # It is no difference in name only.
    auto = through[through["jit"] == "auto"]
    assert not set(auto["weights_sha256"]) & set(without["weights_sha256"])
