"""What was in force in the training: seeds, threads, modes, and what the model and `fit` got."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

import tensorflow as tf

from harness.protocol import processor
from harness.runner import variables
from harness.runner.run import Finding, Run, word
from harness.runner.settings import DETERMINISM_VARIABLE, GENERATORS, visibility

_NOT_APPLIED = "the run ended before its settings were applied"


def seed(run: Run) -> Finding:
    """The seed, if any generator had it."""
    how = "the generators' states after seeding: %s" % seeding(run)[0]
    return run.asked["seed"] if run.seeded else None, how


def seeding(run: Run) -> Finding:
    """Which generators had the state that the seed gives."""
    if run.seeded is None:
        return None, "the run ended before seeding"
    words = {names: each for each, names in GENERATORS.items()}
    return words.get(tuple(run.seeded), "+".join(run.seeded)), "the generators' states"


def threads(run: Run) -> Finding:
    """The size of the intra-op pool: the threads there are, less those of the inter-op pool."""
    if run.had_begun is None:
        return None, _NOT_APPLIED
    intra, inter = _parallelism("intra", run), _parallelism("inter", run)
    if run.threads is None or run.imported.threads is None or intra is None or inter is None:
        return intra, "%s; the threads themselves were not counted" % _getter("intra")
    made = run.threads - run.imported.threads
    how = "%s; %d threads made, %d of them inter-op" % (_getter("intra"), made, inter)
    if _has_gpu() and made >= intra + inter:
        return intra, "%s or the GPU's" % how
    return made - inter, how


def inter_threads(run: Run) -> Finding:
    """The size of the inter-op pool."""
    if run.had_begun is None:
        return None, _NOT_APPLIED
    return _parallelism("inter", run), _getter("inter")


def _getter(kind: str) -> str:
    return "tf.config.threading.get_%s_op_parallelism_threads()" % kind


def _parallelism(kind: str, run: Run) -> Optional[int]:
    """The getter's number. Zero is TensorFlow's default: a variable, or else every usable CPU."""
    number = int(getattr(tf.config.threading, "get_%s_op_parallelism_threads" % kind)())
    told = run.imported.variables.get("TF_NUM_%sOP_THREADS" % kind.upper(), "")
    if number == 0 and told.isdigit() and int(told) > 0:
        return int(told)
    return number or processor.usable_cpus()


def determinism(run: Run) -> Finding:
    """Whether operations are deterministic, or not at all."""
    if hasattr(tf.config.experimental, "enable_op_determinism"):
        # Released without a public name in every version so far.
        from tensorflow.python.framework import config

        return word(config.is_op_determinism_enabled()), "is_op_determinism_enabled()"
    value = variables.now(DETERMINISM_VARIABLE) or ""
    is_on = value.lower() in ("1", "true")
    how = "%s=%s before the first operation" % (DETERMINISM_VARIABLE, value)
    if is_on and run.had_begun is not False:
        return None, "%s=%s, perhaps only after it was read" % (DETERMINISM_VARIABLE, value)
    return word(is_on), how


def eager(run: Run) -> Finding:
    """Whether functions run eagerly, everywhere or in the model."""
    ask = getattr(tf.config, "functions_run_eagerly", None)
    ask = ask or getattr(tf.config, "experimental_functions_run_eagerly", None)
    everywhere = bool(ask()) if ask is not None else False
    in_model = bool(run.model is not None and run.model.run_eagerly)
    how = "tf.config.functions_run_eagerly() %s, model.run_eagerly %s" % (everywhere, in_model)
    return word(everywhere or in_model), how


def jit(run: Run) -> Finding:
    """What the model knows of XLA."""
    if run.model is None:
        return None, "the run ended before the model was built"
    for attribute in ("jit_compile", "_jit_compile"):
        if hasattr(run.model, attribute):
            value = getattr(run.model, attribute)
            return ("auto" if value == "auto" else word(bool(value))), "model.%s" % attribute
    return "off", "models of this version have no jit_compile"


def precision(run: Run) -> Finding:
    """The policy of the layers; those that compute in float32 whatever the policy do not count."""
    name, how = _global_policy()
    if run.model is None:
        return name, how
    layers = sorted(set(filter(None, map(_policy, run.model.layers))) - {"float32"})
    if not layers:
        has_any = any(_policy(layer) for layer in run.model.layers)
        return ("float32" if has_any else name), "%s, and every layer's policy" % how
    return "+".join(layers), "%s, and the layers' policies" % how


def _global_policy() -> Tuple[str, str]:
    module = tf.keras.mixed_precision
    if not hasattr(module, "global_policy"):
        module = module.experimental
    name = str(module.global_policy().name)
    if name == "infer":
        # TensorFlow 1: layers take the type of their input, and variables Keras' own.
        return str(tf.keras.backend.floatx()), "policy infer, tf.keras.backend.floatx()"
    return name, "tf.keras.mixed_precision.global_policy()"


def _policy(layer: Any) -> str:
    """The name of a layer's policy, "" where it does not say."""
    for attribute in ("dtype_policy", "_dtype_policy"):
        name = getattr(getattr(layer, attribute, None), "name", None)
        if name not in (None, "infer"):
            return str(name)
    return ""


def tf32(run: Run) -> Finding:
    """Whether NVIDIA's TensorFloat-32 is allowed."""
    enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    return word(enabled), "tf.config.experimental.tensor_float_32_execution_enabled()"


def shuffle(run: Run) -> Finding:
    """What `fit` got, or which stages the pipeline has that it got."""
    if not run.fit:
        return None, "the run ended before the training"
    if run.fed is None:
        return word(run.fit.get("shuffle")), "the argument that model.fit got"
    stages = _stages(run.fit["x"])
    return word(any("Shuffle" in stage for stage in stages)), "the stages of the pipeline"


def _stages(pipeline: Any) -> List[str]:
    below = [stage for each in pipeline._inputs() for stage in _stages(each)]
    return [type(pipeline).__name__, *below]


def batch_size(run: Run) -> Finding:
    """What `fit` or the pipeline got, if as many steps were made as that takes."""
    given = run.fed or run.fit.get("batch_size")
    if run.steps is None or given is None:
        return given, "the number given to fit or the pipeline"
    rows = run.used["samples"]
    how = "%d steps for %d examples" % (run.steps, rows)
    return (given if math.ceil(rows / given) == run.steps else rows // run.steps), how


def noting(fit: Callable[..., Any], noted: Dict[str, Any]) -> Callable[..., Any]:
    """`fit`, which notes its arguments by name, those left out with their defaults."""
    signature = inspect.signature(fit)

    def call(*arguments: Any, **named: Any) -> Any:
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        noted.update(bound.arguments)
        return fit(*arguments, **named)

    return call


def device(run: Run) -> Finding:
    """What the layers ran on; a GPU that nothing ran on does not count."""
    kinds = [each.device_type for each in visibility.get_visible_devices()]
    if "GPU" not in kinds:
        return "cpu", "tf.config.get_visible_devices() has only %s" % ", ".join(kinds)
    places = layer_places(run.model) if run.model is not None else {}
    if not places:
        return None, "visible devices: %s; where the layers ran is not known" % ", ".join(kinds)
    told = ["%s on %s" % each for each in places.items()]
    return "+".join(sorted(set(places.values()))), "layers: %s" % ", ".join(told)


def layer_places(model: Any) -> Dict[str, str]:
    """The kind of device of each layer: of its weights, and of what it makes of one example.

    A layer that says nothing is left out. The layers are called one after the other, as in the
    sequential models that this runner trains.
    """
    found: Dict[str, str] = {}
    example: Any = tf.zeros((1, *model.input_shape[1:]))
    for layer in model.layers:
        example = layer(example)
        kinds = {_place(each) for each in [example, *layer.weights] if _is_real(each)} - {""}
        if kinds:
            found[layer.name] = "+".join(sorted(kinds))
    return found


def _is_real(tensor: Any) -> bool:
    """Whether it holds fractions; the integers of random generators lie on the CPU anyway."""
    return "float" in str(tensor.dtype)


def _place(weight: Any) -> str:
    """The kind of device that holds a tensor, "" where it does not say (graph mode)."""
    variable = weight if hasattr(weight, "device") else getattr(weight, "value", None)
    parts = re.findall(r"device:([A-Z]+):", getattr(variable, "device", None) or "")
    return parts[0].lower() if parts else ""


def _has_gpu() -> bool:
    return bool(visibility.get_visible_devices("GPU"))
