"""The trace of a user's script: whose step a row is."""

from __future__ import annotations

from runner.script_host import FIT, SMALL, ScriptRunner

from harness.protocol import exchange
from harness.results import blobs

FIT_AND_LOOP = (
    SMALL
    + """
model = make()
model.fit(x, y, verbose=0)
for _ in range(2):
    model.train_on_batch(x, y)
"""
)


def places(scripts: ScriptRunner, text: str) -> list[tuple[int, int, int]]:
    ended = scripts.run(text)
    assert ended.reply["status"] == "completed", ended.reply["reason"]
    with (ended.folder / exchange.TRACE).open("rb") as file:
        columns = blobs.arrays_in(file)
    named = (columns[name].tolist() for name in ("model", "fit", "step"))
    return list(zip(*named, strict=True))


def test_a_loop_after_a_fit_is_another_fit(scripts: ScriptRunner) -> None:
    assert places(scripts, FIT_AND_LOOP) == [(1, 1, 0), (1, 1, 1), (1, 2, 0), (1, 2, 1), (1, 2, 2)]


def test_steps_of_one_fit_are_one_fit(scripts: ScriptRunner) -> None:
    assert {(model, fit) for model, fit, _ in places(scripts, FIT)} == {(1, 1)}
