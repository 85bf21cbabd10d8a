"""`scheduling`: the kernel's scheduling policy of the threads that train."""

from __future__ import annotations

import os

from harness.protocol import processor
from harness.protocol.open_values import DEFAULT
from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding, NotInThisVersion
from harness.runner.refusals import Invalid
from harness.runner.run import Run

STAGE = stages.PROCESS


def apply(value: str, run: Run) -> None:
    """Set the policy of this thread and of those it starts: TensorFlow's, made from here on.

    The default is batch: the thread that tunes a pipeline is woken to end, and where it interrupts
    at once it may find no order to yet and sleep on, up to 0.6 s, while the training waits.
    """
    policies = {"batch": "SCHED_BATCH", "other": "SCHED_OTHER"}
    try:
        policy = getattr(os, policies.get(value, "SCHED_BATCH"))
        os.sched_setscheduler(0, policy, os.sched_param(0))
    except (AttributeError, OSError) as error:
        if value != DEFAULT:
            raise Invalid("scheduling: asked %s, cannot be had: %s" % (value, error)) from error


def read(run: Run) -> Finding:
    """The policy of the thread that trains, and how many threads share it."""
    if not hasattr(os, "sched_getscheduler"):
        raise NotInThisVersion("this system has no scheduling policies")
    own, policies = os.sched_getscheduler(0), processor.scheduling_policies()
    how = "os.sched_getscheduler: %d of %d threads" % (policies.count(own), len(policies))
    for name in ("batch", "other", "idle", "fifo", "rr"):
        if own == getattr(os, "SCHED_" + name.upper(), None):
            return name, how
    return str(own), how
