"""The contract between the sequence of a run and the framework that trains.

`harness/runner/backends/NAME/` drives one framework. Its package has `import_framework()`, which
imports the framework and returns a `Backend`; nothing else of it is imported before.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from harness.runner import discovery

if TYPE_CHECKING:
    from typing import Protocol

    from harness.runner.data import Data
    from harness.runner.findings import Reader
    from harness.runner.run import Run
    from harness.runner.weights import Named
else:
    # Python 3.7 has no protocols.
    Protocol = object

DEFAULT = "tensorflow"


class Backend(Protocol):
    """A framework after its import. In a run, the functions are called in this order."""

    def probe(self, log: str) -> Any:
        """What the framework says of itself in a fork; `log` is what its import wrote.

        Called once, before anything else; the result is in `Imported.probed`.
        """

    def describe(self) -> Dict[str, Dict[str, Any]]:
        """`versions` and `build`, as they stand in a reply."""

    def start(self, run: Run) -> None:
        """Apply every setting but the seeds, then let the framework make its threads.

        Raises:
            Unsupported: this version cannot apply a value.
            Invalid: the machine does not have what is asked for.
        """

    def devices(self) -> List[Dict[str, Any]]:
        """The devices that may be used now, with what is known of them."""

    def seed(self, run: Run) -> None:
        """Seed the generators that are to be seeded, and give fresh entropy to the others."""

    def build(self, run: Run, data: Data) -> None:
        """Make `run.model`, ready to be trained.

        Raises:
            Unsupported: this version cannot compile the model as asked.
        """

    def named_weights(self, model: Any) -> Named:
        """Every weight in order, with a name that is the same in all versions."""

    def fit(self, run: Run, data: Data) -> Dict[str, List[float]]:
        """Train; returns the history: by name one number per epoch, the loss among them."""

    def watch(self, run: Run, data: Data) -> Named:
        """Train as `run.watch` says; returns the arrays of the step that is recorded whole.

        Raises:
            Unsupported: the training has no such step, or its state cannot be taken over.
        """

    def predict(self, run: Run, data: Data) -> Any:
        """The predictions for the test part."""

    def is_missing_kernel(self, error: Exception) -> bool:
        """Whether an operation said that it has no deterministic kernel, or can have none."""

    def readers(self) -> Mapping[str, Reader]:
        """What reads each axis, each version and the device back."""


def import_framework(name: str) -> Backend:
    """Import the framework of this name.

    Raises:
        Exception: whatever its import raises.
    """
    backend: Backend = discovery.module(sys.modules[__name__], name).import_framework()
    return backend
