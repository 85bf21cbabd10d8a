"""Training loops of the script's own: what a gradient is taken of, outside of Keras' loops.

The sources of `GradientTape.gradient` are the trained variables. A function that is compiled to a
graph runs that line once, while it is traced; its later calls are counted as steps.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any, Dict, List, Set, Tuple

import numpy as np
import tensorflow as tf

from harness.runner.backends.tensorflow.tracing import loop_trace
from harness.runner.backends.tensorflow.tracing.loop_trace import LoopTrace
from harness.runner.hashing import tensor_digest
from harness.runner.scripts.observing import fits
from harness.runner.scripts.observing.notes import Notes
from harness.runner.weights import Named

# Looked up once: public names of TensorFlow cost a microsecond each time.
_Variable = tf.Variable
_executing_eagerly = tf.executing_eagerly

_UNREADABLE = (AttributeError, NotImplementedError, RuntimeError, tf.errors.OpError)
"""What reading a variable raises that has no value of its own (yet)."""

_calls = threading.local()
_traced: Dict[int, Tuple[Any, Set[Tuple[int, ...]]]] = {}
"""By the `id` of a compiled function: itself, so that no other gets its `id`, and the loops whose
gradient is taken in it."""


def watch(notes: Notes) -> None:
    """Note every gradient that is taken of variables."""
    gradient = tf.GradientTape.gradient

    @functools.wraps(gradient)
    def noting(tape: Any, target: Any, sources: Any, *arguments: Any, **named: Any) -> Any:
        if not notes.unobserved:
            with notes.guarded():
                _read_first_weights() if fits.running[0] else _note(notes, sources)
        return gradient(tape, target, sources, *arguments, **named)

    tf.GradientTape.gradient = noting
    _count_calls(notes, type(tf.function(lambda: None)))


def _read_first_weights() -> None:
    if fits.is_unbuilt():
        # The step may be traced: lifted out of its graph, values can be read.
        with tf.init_scope(), contextlib.suppress(ValueError, *_UNREADABLE):
            fits.note_first_weights()


def _count_calls(notes: Notes, function_class: Any) -> None:
    """Count the outermost calls of compiled functions in which a loop's gradient is taken."""
    call = function_class.__call__

    @functools.wraps(call)
    def counting(function: Any, *arguments: Any, **named: Any) -> Any:
        stack: List[Any] = getattr(_calls, "stack", [])
        _calls.stack = [*stack, function]
        try:
            return call(function, *arguments, **named)
        finally:
            _calls.stack = stack
            with notes.guarded():
                for key in _traced.get(id(function), (None, ()))[1] if not stack else ():
                    if key in notes.tape_loops and not notes.unobserved:
                        _count(notes.tape_loops[key], (arguments, list(named.values())))

    function_class.__call__ = counting


def _count(loop: Dict[str, Any], arguments: Any) -> None:
    loop["entry"]["steps"] += 1
    if loop["trace"] is not None:
        loop["trace"].step_done(arguments)


def _note(notes: Notes, sources: Any) -> None:
    variables = [each for each in _flat(sources) if _is_variable(each)]
    if not variables:
        return
    key = tuple(map(id, variables))
    if key not in notes.tape_loops:
        notes.tape_loops[key] = _begin(notes, variables)
    stack: List[Any] = getattr(_calls, "stack", [])
    if stack:
        _traced.setdefault(id(stack[0]), (stack[0], set()))[1].add(key)
        notes.tape_loops[key]["graph"] = _outermost_graph()
    elif _executing_eagerly():
        loop = notes.tape_loops[key]
        # A gradient is taken before the step is made: now the one before it is done.
        if loop["trace"] is not None and loop["entry"]["steps"]:
            loop["trace"].step_done()
        loop["entry"]["steps"] += 1


def _outermost_graph() -> Any:
    """The graph of the function that is being traced and that no other one called."""
    graph = tf.compat.v1.get_default_graph()
    while getattr(getattr(graph, "outer_graph", None), "variables", None) is not None:
        graph = graph.outer_graph
    return graph


def _flat(sources: Any) -> List[Any]:
    """What gradients are taken of, in order; variables in a list, mostly."""
    if isinstance(sources, (list, tuple)) and all(map(_is_variable, sources)):
        return list(sources)
    return list(tf.nest.flatten(sources))


def _is_variable(source: Any) -> bool:
    """Whether it is a variable of TensorFlow, or of Keras 3, which holds one."""
    return isinstance(_variable(source), _Variable)


def _variable(source: Any) -> Any:
    return source if isinstance(source, _Variable) else getattr(source, "value", None)


def _begin(notes: Notes, variables: List[Any]) -> Dict[str, Any]:
    number = fits.next_number(notes)
    entry = {"model": number, "fit": 1, "name": "", "steps": 0, "history": {}, "seconds": 0.0}
    # A step may be traced now: lifted out of the graph, the values before it can be read.
    with tf.init_scope():
        before = {name: tensor_digest(name, array) for name, array in _values(variables)}
    loop: Dict[str, Any] = {"entry": entry, "variables": variables, "before": before}
    loop.update(graph=None, trace=None)
    if notes.settings["trace"]:
        loop["trace"] = LoopTrace(notes.trace, number, 1, lambda: _parts(loop))
        with tf.init_scope():
            loop["trace"].add_first()
    return loop


def _parts(loop: Dict[str, Any]) -> Dict[str, int]:
    """What a trace says of a loop's variables; others are those that its graph uses."""
    trained = {id(_variable(each)) for each in loop["variables"]}
    used = loop["graph"].variables if loop["graph"] is not None else ()
    others = [array for each in used if id(each) not in trained for array in _value(each)]
    return loop_trace.of_variables(_values(loop["variables"]), others)


def _value(variable: Any) -> List[Any]:
    """The value of a variable, none where it has none that can be read."""
    try:
        return [np.asarray(variable.numpy())]
    except _UNREADABLE:
        return []


def _values(variables: List[Any]) -> Named:
    named: Named = []
    for place, each in enumerate(variables):
        variable = _variable(each)
        name = "%03d/%s" % (place, str(each.name).split("/")[-1].split(":")[0])
        try:
            named.append((name, np.asarray(variable.numpy())))
        except _UNREADABLE:
            # Made in the function that is being traced: it has no value yet.
            continue
    return named


def read_again(notes: Notes) -> None:
    """Note the loops, with the values that their variables have now."""
    for loop in notes.tape_loops.values():
        entry = loop["entry"]
        if not entry["steps"]:
            continue
        if loop["trace"] is not None:
            _end(loop)
        if not any(each is entry for each in notes.fits):
            notes.fits.append(entry)
        fits.keep(notes, entry["model"], loop["before"], _values(loop["variables"]), entry)


def _end(loop: Dict[str, Any]) -> None:
    """The last step of a loop that runs eagerly is done only now."""
    if loop["graph"] is None:
        loop["trace"].step_done()
    loop["trace"].ended()
