"""`parameters`: a user's script's own. Its arguments carry them."""

from __future__ import annotations

from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """What the arguments were filled in with: nothing else could hand a parameter over."""
    return run.asked["parameters"], "the arguments that the script was started with"
