"""The line of progress on a terminal: what matters stays, names are cut."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from harness.executors.progress import columns

NAME = "mnist-augmented,tf2.10.0,py3.10,np1.23.5,cpu,threads=2,determinism=on"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_line_has_bar_count_and_time_and_cuts_the_names(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, _environ={})
    bar = Progress(*columns(), console=console, expand=True)
    bar.add_task("", total=1200, completed=7, what=f"{NAME}  {NAME}")
    with console.capture() as capture:
        console.print(bar.get_renderable(), no_wrap=False)
    lines = [line for line in capture.get().splitlines() if line.strip()]
    plain = Console(width=width, file=io.StringIO())
    assert len(lines) == 1
    text = plain.render_str(lines[0], markup=False).plain
    assert "7/1200" in text and "left" in text and "mnist-aug" in text
    assert ("…" in text) == (width < 200) and NAME[: width - 55] in text
