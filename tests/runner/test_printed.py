"""What counts of a printed text."""

from __future__ import annotations

import pytest

from harness.runner.scripts import printed


def masked(text: str) -> str:
    return printed.masked(text, ["/out/1/work", "/out/1/home"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("saved at 2024-01-31 10:11:12", "saved at 2025-12-01 09:00:59"),
        ("took 12.5 s", "took 9 s"),
        ("12s 3ms/step - loss: 0.5", "1s 41us/step - loss: 0.5"),
        ("<Model object at 0x7f00aa>", "<Model object at 0x55beef>"),
        ("10 [=====>....] - ETA: 3s\r100 [======] - 1s", "100 [======] - 4s"),
        ("10\b\b20\b\b30", "30"),
        ("\x1b[1mbold\x1b[0m", "bold"),
        ("\x1b[32m━━━\x1b[0m loss", "━━━ loss"),
        ("line   \n", "line\n"),
        ("Elapsed: 1e-05 seconds", "Elapsed: 2.5 seconds"),
        ("Elapsed: 0:00:01.523", "Elapsed: 0:01:02.1"),
    ],
)
def test_times_and_addresses_do_not_count(one: str, other: str) -> None:
    assert masked(one) == masked(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("loss: 0.5", "loss: 0.51"),
        ("loss: 0.5 - 3s", "loss: 0.6 - 3s"),
        ("Epoch 1/2", "Epoch 2/2"),
        ("3 samples", "4 samples"),
        ("accuracy 12 m", "accuracy 13 m"),
    ],
)
def test_numbers_count(one: str, other: str) -> None:
    assert masked(one) != masked(other)


def test_folders_of_the_run_do_not_count() -> None:
    assert masked("saved /out/1/work/a.h5") == "saved <folder>/a.h5"


def test_progress_bars_of_two_runs_are_equal() -> None:
    bar = "Epoch 1/2\n\r1/3 [=>....] - ETA: {a}s - loss: 0.9{back}\r"
    bar += "3/3 [====] - {b}s {c}ms/step - loss: 0.75\n"
    one = bar.format(a=3, b=1, c=12, back="\b" * 20)
    other = bar.format(a=0, b=0, c=2, back="")
    assert masked(one) == masked(other)
    assert "loss: 0.75" in masked(one)
