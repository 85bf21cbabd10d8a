"""What one writes without the harness: seed, load, build, fit, predict, print a checksum.

    python train.py WORKLOAD SEED DATA        (PYTHONPATH has the runner, for its models)

One thread. Models and checksums are those of the reference workloads, so that the checksum it
prints must be the one in the harness's record.
"""

from __future__ import annotations

import json
import sys

import tensorflow as tf

from harness.runner import data, weights, workloads
from harness.runner.backends.tensorflow.state import named_weights


def main(name: str, seed: int, folder: str) -> None:
    """Train once and print the digest of the final weights."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    workload, subject = workloads.load(name), workloads.subject(name)
    arrays = data.load(folder, subject.samples)
    tf.keras.utils.set_random_seed(seed)
    model = workload.build(arrays.train_x.shape[1:], arrays.train_y.shape[1:])
    model.compile(**workload.COMPILE)
    initial = named_weights(model)
    model.fit(
        arrays.train_x,
        arrays.train_y,
        batch_size=subject.batch_size,
        epochs=subject.epochs,
        verbose=0,
    )
    model.predict(arrays.test_x, batch_size=256, verbose=0)
    described = weights.as_reply(initial, named_weights(model))
    print(json.dumps({"weights_sha256": described["weights_sha256"]}))


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
