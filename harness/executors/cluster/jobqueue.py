"""What is used of dask-jobqueue, which when imported takes Ctrl-C for itself: it is given back."""

from __future__ import annotations

import signal

_interrupted = signal.getsignal(signal.SIGINT) or signal.default_int_handler
try:
    from dask_jobqueue.slurm import SLURMCluster, SLURMJob
finally:
    signal.signal(signal.SIGINT, _interrupted)

__all__ = ["SLURMCluster", "SLURMJob"]
