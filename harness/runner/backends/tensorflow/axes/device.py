"""`device`: whether TensorFlow may use a GPU, and whether the layers ran on it."""

from __future__ import annotations

from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.api import is_graph_mode, visibility
from harness.runner.backends.tensorflow.placement import layer_devices
from harness.runner.findings import Finding, NotInThisVersion
from harness.runner.refusals import Invalid
from harness.runner.run import Run

STAGE = stages.PROCESS


def apply(value: str, run: Run) -> None:
    """Hide the GPUs from a run on the CPU, and refuse one on a GPU that is not there."""
    if value == "cpu":
        visibility.set_visible_devices([], "GPU")
    elif not visibility.list_physical_devices("GPU"):
        raise Invalid(
            "device: asked gpu, found none: TensorFlow sees no GPU; check the driver, that the GPU"
            " is handed to the process, and that this TensorFlow's CUDA libraries are installed"
        )


def read(run: Run) -> Finding:
    """What the layers ran on; a GPU that nothing ran on does not count."""
    kinds = [each.device_type for each in visibility.get_visible_devices()]
    if "GPU" not in kinds:
        return "cpu", "tf.config.get_visible_devices() has only %s" % ", ".join(kinds)
    if is_graph_mode():
        raise NotInThisVersion("the tensors of TensorFlow 1 do not say where they are")
    if run.model is None:
        return None, "visible devices: %s; the run ended before there were layers" % ", ".join(
            kinds
        )
    devices = layer_devices(run.model, run.example)
    named = ", ".join("%s on %s" % each for each in devices.items())
    return "+".join(sorted(set(devices.values()))), "layers: %s" % named
