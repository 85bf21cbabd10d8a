"""What uv and pip print, shortened for people."""

from __future__ import annotations

from harness.environments import commands

PIP_UNDER_A_LIMIT = """\
ERROR: Exception:
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/pip/_internal/cli/base_command.py", line 110, in _run
    status = _inner_run()
             ^^^^^^^^^^^^
OSError: [Errno 27] File too large
"""
UV_WITHOUT_AN_ANSWER = """\
  × No solution found when resolving dependencies:
  ╰─▶ Because you require numpy==1.0 and numpy==2.0, your requirements are unsatisfiable.
"""


def test_of_a_traceback_the_last_line_is_shown() -> None:
    shown = commands.explanation(PIP_UNDER_A_LIMIT)
    assert shown == "ERROR: Exception:\nOSError: [Errno 27] File too large"


def test_an_explanation_keeps_its_indented_lines() -> None:
    assert commands.explanation(UV_WITHOUT_AN_ANSWER) == UV_WITHOUT_AN_ANSWER.rstrip("\n")
