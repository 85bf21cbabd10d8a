"""The reference trainings by name. Importing this imports TensorFlow."""

from __future__ import annotations

from typing import Dict

from harness.runner.workloads import co2_conv, co2_lstm, mnist_augmented, mnist_cnn, mnist_mlp
from harness.runner.workloads.definition import Workload

WORKLOADS: Dict[str, Workload] = {
    "mnist-mlp": mnist_mlp.WORKLOAD,
    "mnist-cnn": mnist_cnn.WORKLOAD,
    "mnist-augmented": mnist_augmented.WORKLOAD,
    "co2-lstm": co2_lstm.WORKLOAD,
    "co2-conv": co2_conv.WORKLOAD,
}
