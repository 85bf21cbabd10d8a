"""The rows of one fit of a model of Keras.

Keras calls its list of callbacks at each step and epoch of a fit, whether there are callbacks or
not: the list's class is wrapped, so that a model has no callback more. `iter` of a data set is
wrapped, so that batches can be read while a fit is under way.
"""

from __future__ import annotations

import contextlib
import functools
import math
import threading
import time
from typing import Any, Callable, ContextManager, Dict, Iterable, Iterator, List, Mapping, Optional

import tensorflow as tf

from harness.runner.backends.tensorflow.tracing import model_state, random_numbers, whole_step
from harness.runner.backends.tensorflow.tracing.batches import BatchReader, digest_of
from harness.runner.backends.tensorflow.tracing.whole_step import WholeStep
from harness.runner.trace import Schedule, Trace, Watch
from harness.runner.weights import Named

_local = threading.local()


class StepSeen(Exception):
    """Ends a fit once the last step that was asked for is done; `arrays` are those recorded."""

    def __init__(self, arrays: Named) -> None:
        super().__init__("the last step that was asked for is done")
        self.arrays = arrays


class FitTrace:
    """Adds the rows of one fit to a trace; `number` and `fit` say which model's, and which one.

    What is done for it during the fit is done within `guarded`, which may catch errors.
    """

    def __init__(
        self,
        trace: Trace,
        model: Any,
        number: int = 1,
        fit: int = 1,
        watch: Optional[Watch] = None,
    ) -> None:
        self.guarded: Callable[[], ContextManager[None]] = contextlib.nullcontext
        self._trace = trace
        self._watch = watch
        self._whole = WholeStep(model) if watch and watch.whole is not None else None
        self._fetched: Optional[List[Any]] = None
        self._model = model
        self._named = (number, fit)
        watched = range(watch.first, watch.last + 1) if watch is not None else ()
        self._reader = BatchReader({*Schedule.steps(), *watched})
        self._schedule = Schedule()
        self._random = random_numbers.RandomNumbers(model)
        self._seeds: random_numbers.Seeds = []
        self._epoch = 0
        self._before = 0
        self._step = 0
        self._calls = 0
        self._steps_per_call = 0
        self._is_due = False
        self._is_paused = False
        self._last_row = -1
        self._loss = math.nan

    def add_first(self) -> None:
        """Add the row of the state before the first step, unless it is there."""
        if self._last_row < 0 and self._model.built:
            self._add()
            # A model that its first step builds has no weights when that step begins.
            self._note_before(1)

    def epoch_begins(self, epoch: int) -> None:
        """An epoch begins; its first step has a row."""
        self.add_first()
        self._epoch = epoch + 1
        self._before = self._step
        self._is_due = True

    def step_begins(self) -> None:
        """A step, or several that are one call for Keras, begins."""
        self._calls += 1
        following = self._step + 1
        watched = self._watch is not None and self._watch.first <= following <= self._watch.last
        self._is_due = self._is_due or watched or self._schedule.wants(self._calls)
        # Telling the reader takes as long as many a step, so it is told only what it cannot know.
        is_known = self._steps_per_call == 1 and following in self._reader.steps
        self._reader.want(self._is_due and not is_known)
        self._note_before(following)

    def _note_before(self, step: int) -> None:
        if self._whole is not None and self._watch is not None and step == self._watch.whole:
            self._whole.before()

    def step_returns(self, logs: Any) -> None:
        """A step returns: what was fetched for us is no business of callbacks."""
        if self._whole is not None:
            self._fetched = self._whole.take(logs)

    def step_ended(self, step: int, logs: Any) -> None:
        """The step of this number in the epoch, from 0, is done; `logs` is what Keras says."""
        self._steps_per_call = self._before + step + 1 - self._step
        self._step = self._before + step + 1
        if self._whole is not None and self._watch is not None and self._step == self._watch.whole:
            self._whole.after(*self._reader.of(self._step), self._fetched)
        if self._is_due:
            self._loss = _loss_in(logs)
            self._add()
            self._is_due = False
            self._reader.want(False)
        if self._watch is not None and self._step >= self._watch.last:
            raise StepSeen(self._whole.arrays if self._whole is not None else [])

    def epoch_ended(self) -> None:
        """An epoch is over; its last step has a row."""
        self._reader.want(False)
        if self._last_row != self._step:
            self._loss = math.nan
            self._add()

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    @property
    def notes_outputs(self) -> bool:
        """Whether what the layers return in a step is recorded."""
        return self._whole is not None and self._watch is not None and self._watch.outputs

    def gradient_taken(self, graph: Any) -> None:
        """The gradient of a step is taken: its random operations are all there."""
        self._seeds = random_numbers.seeds_of(graph)

    def reads(self, dataset: Any) -> Any:
        """The data set that is iterated over in place of this one."""
        return dataset if self._is_paused else self._reader.through(dataset, self._step)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Within the `with` block, what Keras iterates over is not what it trains on."""
        before, self._is_paused = self._is_paused, True
        try:
            yield
        finally:
            self._is_paused = before

    def _add(self) -> None:
        began = time.perf_counter()
        inputs, targets = self._reader.of(self._step)
        parts: Dict[str, int] = model_state.of_model(self._model)
        parts.update(inputs=digest_of(inputs), targets=digest_of(targets))
        parts["random"] = self._random.digest(self._seeds)
        self._trace.add((*self._named, self._epoch, self._step), parts, self._loss)
        self._last_row = self._step
        self._schedule.spent(time.perf_counter() - began)


def _loss_in(logs: Any) -> float:
    value = logs.get("loss") if isinstance(logs, Mapping) else None
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError):
        return math.nan


@contextlib.contextmanager
def tracing(fit: FitTrace, callbacks_classes: Iterable[Any]) -> Iterator[None]:
    """Within the `with` block this thread's steps of Keras are those of `fit`.

    `callbacks_classes` are the classes of lists of callbacks that Keras may use.
    """
    watch(callbacks_classes)
    for each in whole_step.layer_classes(fit.model) if fit.notes_outputs else ():
        _wrap(each, "__call__", _noting_outputs)
    try:
        _local.fit = fit
        fit.add_first()
        yield
    finally:
        _local.fit = None


def current() -> Any:
    """The fit that is traced in this thread, None where none is."""
    return getattr(_local, "fit", None)


def watch(callbacks_classes: Iterable[Any]) -> None:
    """Let classes of lists of callbacks, and data sets, say what happens; once per class."""
    for each in callbacks_classes:
        for name, event in _EVENTS.items():
            _wrap(each, name, functools.partial(_reporting, event))
    _wrap(tf.data.Dataset, "__iter__", _reading)
    _wrap(tf.GradientTape, "gradient", _noting_gradient)


def _wrap(owner: Any, name: str, wrapped: Callable[[Any], Any]) -> None:
    function = getattr(owner, name)
    if not hasattr(function, "is_traced"):
        wrapper: Any = functools.wraps(function)(wrapped(function))
        wrapper.is_traced = True
        setattr(owner, name, wrapper)


def _reporting(event: Callable[..., None], function: Any) -> Any:
    def call(callbacks: Any, *arguments: Any, **named: Any) -> Any:
        fit = current()
        if fit is not None and event is _EVENTS["on_train_batch_end"]:
            with fit.guarded():
                fit.step_returns(arguments[1] if len(arguments) > 1 else named.get("logs"))
        result = function(callbacks, *arguments, **named)
        if fit is not None:
            with fit.guarded():
                event(fit, *arguments, **named)
        return result

    return call


_EVENTS: Dict[str, Callable[..., None]] = {
    "on_epoch_begin": lambda fit, epoch, logs=None: fit.epoch_begins(epoch),
    "on_train_batch_begin": lambda fit, batch, logs=None: fit.step_begins(),
    "on_train_batch_end": lambda fit, batch, logs=None: fit.step_ended(batch, logs),
    "on_epoch_end": lambda fit, epoch, logs=None: fit.epoch_ended(),
}


def _reading(function: Any) -> Any:
    def iterate(dataset: Any) -> Any:
        fit = current()
        if fit is not None and tf.executing_eagerly():
            with fit.guarded():
                dataset = fit.reads(dataset)
        return function(dataset)

    return iterate


def _noting_gradient(function: Any) -> Any:
    def gradient(tape: Any, *arguments: Any, **named: Any) -> Any:
        fit = current()
        if fit is not None and not tf.executing_eagerly():
            with fit.guarded():
                fit.gradient_taken(tf.compat.v1.get_default_graph())
        result = function(tape, *arguments, **named)
        step = whole_step.collecting()
        if step is not None:
            step.add_gradients(arguments[0] if arguments else named["target"], result)
        return result

    return gradient


def _noting_outputs(function: Any) -> Any:
    def call(layer: Any, *arguments: Any, **named: Any) -> Any:
        outputs = function(layer, *arguments, **named)
        step = whole_step.collecting()
        if step is not None:
            step.add_output(layer, outputs)
        return outputs

    return call
