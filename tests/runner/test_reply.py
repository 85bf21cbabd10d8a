"""The reason of a reply shows the cause of an error, wherever Keras and TensorFlow put it."""

from __future__ import annotations

import pytest

from harness.protocol import exchange
from harness.runner import reply

KERAS = """Exception encountered when calling layer "lstm" (type LSTM).

Value has DataType bfloat16
"""
GRAPH = """Graph execution error:

Detected at node 'conv_a/Conv2D' defined at (most recent call last):
    File "x.py", line 1, in <module>
Node: 'conv_a/Conv2D'
Input depth must be evenly divisible by filter depth: 1 vs 3
\t [[{{node conv_a/Conv2D}}]] [Op:__inference_train_function_1]"""


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "ValueError: "),
        ("plain", "ValueError: plain"),
        (
            KERAS,
            'ValueError: Exception encountered when calling layer "lstm" (type LSTM).'
            " Value has DataType bfloat16",
        ),
        (
            GRAPH,
            "ValueError: Graph execution error:"
            " Input depth must be evenly divisible by filter depth: 1 vs 3",
        ),
    ],
    ids=["empty", "plain", "keras", "graph"],
)
def test_the_reason_names_the_cause(message: str, reason: str) -> None:
    assert reply.one_line(ValueError(message)) == reason


def test_of_a_long_message_both_ends_are_kept() -> None:
    left = reply.empty_reply()
    error = ValueError("first " + "x" * 100_000 + " last")
    reply.failed(left, exchange.FAILED, reply.one_line(error), error)
    message = left["error"]["message"]
    assert message.startswith("first ")
    assert message.endswith(" last")
    assert len(message) < 10_000
    assert len(left["reason"]) < 500
