"""The state of a run while it goes on, for those who read its settings back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from harness.protocol.open_values import DEFAULT
from harness.protocol.subject import Subject
from harness.runner.importing import Imported
from harness.runner.trace import Trace, Watch

if TYPE_CHECKING:
    from harness.runner.cpu_load import Load, Loaded
    from harness.runner.weights import Named


@dataclass
class Run:
    """Filled as the run goes on, so that a failed run has some.

    `asked` holds every axis, the versions and the device, `variables` those that the host set,
    `workload` the module that is trained and `subject` what it says of itself.

    Applied settings add to `compile_arguments` and `fit_arguments`, and set `samples` (None: all).

    `had_begun` says whether the framework had run before anything was set (None: nothing was set
    yet), `threads` how many threads there were once it was. `seeded` names the generators that had
    the seed right after seeding. `model` is the one trained, on `rows` examples; `fit_received` is
    what its `fit` got, `fed` the batch size of a pipeline, `steps` those of an epoch, `epochs_done`
    how many there were. `example` is one row of the test part, `log` what a run that trained wrote
    to standard error. `trace` gets a row per step (None: nobody asked for one). `watch` ends it
    early, and `state` is that of another run, from which it makes one step (None: they do not).

    `built` are the weights as the model was to have them, `initial` those that training began with.
    `orders` are the digests of the shared orders that a pipeline took (None: none are asked for).
    `load` is what keeps the CPUs busy now, `loaded` what it did once it was ended.
    """

    asked: Dict[str, Any]
    imported: Imported
    variables: Dict[str, str]
    workload: Any = None
    subject: Optional[Subject] = None
    samples: Optional[int] = None
    compile_arguments: Dict[str, Any] = field(default_factory=dict)
    fit_arguments: Dict[str, Any] = field(default_factory=dict)
    had_begun: Optional[bool] = None
    threads: Optional[int] = None
    seeded: Optional[List[str]] = None
    model: Any = None
    rows: Optional[int] = None
    fit_received: Dict[str, Any] = field(default_factory=dict)
    fed: Optional[int] = None
    steps: Optional[int] = None
    epochs_done: Optional[int] = None
    log: Optional[str] = None
    built: Optional[Named] = None
    initial: Optional[Named] = None
    orders: Optional[List[str]] = None
    load: Optional[Load] = None
    loaded: Optional[Loaded] = None
    example: Any = None
    trace: Optional[Trace] = None
    watch: Optional[Watch] = None
    state: Optional[Dict[str, Any]] = None

    def own_or(self, asked: Any, name: str) -> Any:
        """The value asked for, or the workload's own where `default` is."""
        return getattr(self.subject, name) if asked == DEFAULT else asked
