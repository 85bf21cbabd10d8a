"""Building a model, training it and letting it predict, with the arguments that axes gave."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any, Callable, ContextManager, Dict, List

from harness.runner.backends.tensorflow import api, pipelines
from harness.runner.data import Data
from harness.runner.refusals import Unsupported
from harness.runner.run import Run
from harness.runner.weights import Named

PREDICTION_BATCH = 256
"""Fixed, so that predictions never depend on the axis `batch_size`."""


def build(run: Run, data: Data) -> None:
    """Make the workload's model and compile it."""
    model = run.workload.build(data.train_x.shape[1:], data.train_y.shape[1:])
    _compile(model, run.workload.COMPILE, run.compile_arguments)
    run.model = model


def _compile(model: Any, own: Dict[str, Any], asked: Dict[str, Any]) -> None:
    """Compile the model as asked; a Keras without `jit_compile` never compiles with XLA.

    Raises:
        Unsupported: XLA is asked for and this Keras cannot, or does without it.
    """
    try:
        model.compile(**own, **asked)
    except (TypeError, ValueError) as error:
        if "jit_compile" not in str(error) or "jit_compile" not in asked:
            raise
        if asked["jit_compile"]:
            raise Unsupported("jit: Model.compile of this version has no jit_compile") from error
        model.compile(**own, **{key: asked[key] for key in asked if key != "jit_compile"})
    if asked.get("jit_compile") and not getattr(model, "jit_compile", True):
        raise Unsupported(
            "jit: this Keras leaves the model without XLA, as it does under op determinism or with"
            " a layer that XLA cannot compile"
        )


def fit(run: Run, data: Data) -> Dict[str, List[float]]:
    """Train, and return Keras' history as plain floats; what `fit` got is noted."""
    arguments = dict(run.fit_arguments)
    fit_model = noting_arguments(run.model.fit, run.fit_received)
    if run.state is not None:
        arguments = {"epochs": 1, "x": _transplanted(run)}
    elif not pipelines.needed(run):
        arguments.update(x=data.train_x, y=data.train_y)
    else:
        size = run.fed = arguments.pop("batch_size")
        arguments["x"] = pipelines.make(run, data, size, arguments.pop("shuffle"))
    with _tracing(run):
        done = fit_model(verbose=0, **arguments)
    run.steps = done.params.get("steps")
    return {name: [float(value) for value in values] for name, values in done.history.items()}


def watch(run: Run, data: Data) -> Named:
    """Train until the last step that `run.watch` asks for; the arrays of the step that it wants.

    Raises:
        Unsupported: the training has fewer steps.
    """
    from harness.runner.backends.tensorflow.tracing.fit_trace import StepSeen

    try:
        fit(run, data)
    except StepSeen as seen:
        return seen.arrays
    raise Unsupported("the training ends before the step that is asked for")


def _transplanted(run: Run) -> Any:
    from harness.runner.backends.tensorflow.tracing import transplant

    return transplant.take_over(run.model, run.state or {})


def _tracing(run: Run) -> ContextManager[None]:
    """Within the `with` block the steps of the model's fit are added to the run's trace.

    Sessions of TensorFlow 1 have none.
    """
    if run.trace is None or api.is_graph_mode():
        return contextlib.nullcontext()
    # Imported only here: runs without a trace do not use it.
    import tensorflow as tf

    from harness.runner.backends.tensorflow.tracing import fit_trace

    fit = fit_trace.FitTrace(run.trace, run.model, watch=run.watch)
    return fit_trace.tracing(fit, [tf.keras.callbacks.CallbackList])


def noting_arguments(fit: Callable[..., Any], noted: Dict[str, Any]) -> Callable[..., Any]:
    """`fit`, which notes its arguments by name, those left out with their defaults."""
    signature = inspect.signature(fit)

    def call(*arguments: Any, **named: Any) -> Any:
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        noted.update(bound.arguments)
        return fit(*arguments, **named)

    return call


def predict(run: Run, data: Data) -> Any:
    """The predictions for the test part."""
    return run.model.predict(data.test_x, batch_size=PREDICTION_BATCH, verbose=0)
