"""A SLURM of one node, this machine, for tests; it is started and stopped by `.ci/slurm`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / ".ci" / "slurm"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")


def missing() -> str:
    """Why there can be no SLURM here, "" where there can."""
    # Programs of the system are not on everybody's path.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    absent = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if absent:
        return f"there is no {absent[0]}: install slurm-wlm and munge"
    return "" if os.getuid() == 0 else "starting SLURM needs root"


@dataclass(frozen=True, kw_only=True)
class Node:
    """The node; `variables` are those with which SLURM's commands talk to it."""

    variables: dict[str, str]

    def jobs(self) -> list[str]:
        """The ids of the jobs that are pending or running."""
        return self._said("squeue", "--noheader", "--format", "%i").split()

    def cancel(self, job_id: str) -> None:
        """Cancel a job, as its owner or the owner of the machine may."""
        self._said("scancel", job_id)

    def until_empty(self, seconds: float) -> list[str]:
        """The jobs that are there after so long, at most; none as soon as there are none."""
        until = time.monotonic() + seconds
        while self.jobs() and time.monotonic() < until:
            time.sleep(0.2)
        return self.jobs()

    def _said(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout


@contextmanager
def started() -> Iterator[Node]:
    """A node for the time of the `with` block; SLURM's programs must be there."""
    with tempfile.TemporaryDirectory(prefix="harness-slurm-", dir="/var/tmp") as folder:
        # Sockets need short names.
        home = Path(folder) / "s"
        own = {**os.environ, "HARNESS_SLURM_HOME": str(home)}
        try:
            subprocess.run([SCRIPT, "start"], env=own, check=True, stdout=subprocess.DEVNULL)
            yield Node(variables={"SLURM_CONF": str(home / "slurm.conf")})
        finally:
            subprocess.run([SCRIPT, "stop"], env=own, check=True)
