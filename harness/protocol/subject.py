"""What is trained, as a value: the part of a workload that needs no framework to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Subject:
    """A training by its data and its result. Give every field by name.

    `sentence` says what is trained, `data` names the data set, `metric` and `unit` what is measured
    on its test part ("" for a number without a unit). `samples` (None: all rows), `epochs` and
    `batch_size` are the values that `default` stands for. `name` is that of the workload's file.
    """

    sentence: str
    data: str
    metric: str
    unit: str
    samples: Optional[int]
    epochs: int
    batch_size: int
    name: str = ""
