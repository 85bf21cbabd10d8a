"""`initial_weights`: those that Keras draws, or those that the harness draws in every version."""

from __future__ import annotations

from harness.runner import shared_weights
from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.state import named_weights, set_weights
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.WEIGHTS


def apply(value: str, run: Run) -> None:
    """Give the model, built just now, the shared weights of the axis `seed`."""
    if value == "shared":
        set_weights(run.model, shared_weights.shared(run.asked["seed"], named_weights(run.model)))


def read(run: Run) -> Finding:
    """Whether the weights right before training, and before `nudge`, are those that are drawn."""
    if run.built is None:
        return None, "the run ended before the model was built"
    if not any(shared_weights.is_drawn(name, array) for name, array in run.built):
        return run.asked["initial_weights"], "the model has no tensor that is drawn"
    if shared_weights.are_shared(run.asked["seed"], run.built):
        return "shared", "the digest of each tensor: that of what the seed draws"
    return "own", "the digests of the tensors: not those of what the seed draws"
