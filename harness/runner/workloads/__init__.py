"""The reference trainings, one file each: a copy of a file under another name is another workload.

A file has `SUBJECT`; `build`, which makes the model from the shape of one example and of one
target; `COMPILE`, what `Model.compile` gets beside the settings; and `measure`, the metric of
(predictions, true values, the data set's description). With `feed`, a pipeline is made from
(a data set of examples in the order asked for, batch size); without it, the arrays go to `fit` as
they are.

Every layer has a name, and the last one computes in float32, so that predictions are float32 in
every precision. The host imports these files, too: they import their framework in functions only.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, List

from harness.protocol.subject import Subject
from harness.runner import discovery
from harness.runner.refusals import Invalid

_PACKAGE = sys.modules[__name__]


def names() -> List[str]:
    """The names of all workloads, sorted."""
    return [name.replace("_", "-") for name in discovery.names(_PACKAGE)]


def load(name: str) -> Any:
    """The module of a workload.

    Raises:
        Invalid: there is none of this name.
    """
    if name not in names():
        raise Invalid("workload: asked %s, found none of this name" % name)
    return discovery.module(_PACKAGE, name.replace("-", "_"))


def subject(name: str) -> Subject:
    """What a workload trains."""
    subject_of_file: Subject = load(name).SUBJECT
    return replace(subject_of_file, name=name)
