"""Workers as jobs of SLURM, sent and cancelled by dask-jobqueue, under a scheduler of this run."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
from distributed import Security
from distributed.deploy.spec import ProcessInterface

from harness import places, scratch
from harness.errors import EngineError
from harness.executors.cluster import addresses, certificates, quiet, slurm_options
from harness.executors.cluster.addresses import Address
from harness.executors.cluster.jobqueue import SLURMCluster, SLURMJob
from harness.executors.cluster.slurm_jobs import SlurmJobs
from harness.executors.cluster.slurm_options import SlurmOptions

COMMANDS = ("sbatch", "squeue", "scancel")
ALONE_SECONDS = 60
"""So long a worker stays where nobody answers: should this process be killed, its jobs end."""

_LEAVE = "--signal=B:TERM@60"
"""A minute before the end of its time a worker is asked to leave, and gives back what it does."""
_CLOSE_SECONDS = 60
_ENGINE = "local"
"""Nodes hardly ever have Docker."""
_SETTINGS = {"distributed.deploy.lost-worker-timeout": "3s"}


class _WorkerJob(SLURMJob):  # type: ignore[misc] # it is not typed
    """A job in which `harness worker` runs, and not Dask's own worker.

    `refusal` is what `sbatch` said where it did not take the job.
    """

    def __init__(
        self, scheduler: str, name: str, *, worker_options: Sequence[str], **options: Any
    ) -> None:
        super().__init__(scheduler, name, **options)
        program = (sys.executable, "-m", "harness", "worker", scheduler, "--name", name)
        # In place of the shell, so that it is the worker that SLURM asks to leave.
        self._command_template = f"exec {shlex.join([*program, *worker_options])}"
        self.refusal = ""

    async def start(self) -> None:
        """Send the job."""
        try:
            await super().start()
        except (RuntimeError, ValueError, OSError) as error:
            # Raised here it would be lost in a thread of Dask's.
            self.refusal = str(error).strip().rpartition("\n")[2]
            await ProcessInterface.start(self)

    async def close(self) -> None:
        """Cancel the job."""
        await super().close()
        await ProcessInterface.close(self)

    @staticmethod
    async def _call(cmd: Sequence[str], **options: Any) -> Any:
        # Ctrl-C is for this program, which then cancels what was sent.
        return await SLURMJob._call(cmd, start_new_session=True, **options)


class _Cluster(SLURMCluster):  # type: ignore[misc] # it is not typed
    job_cls = _WorkerJob


@dataclass(frozen=True, kw_only=True)
class SlurmScheduler:
    """A scheduler of this run, how it is reached, and the jobs of its workers."""

    address: Address
    security: Security
    jobs: SlurmJobs


@contextmanager
def started(options: SlurmOptions, engine: str | None) -> Iterator[SlurmScheduler]:
    """A scheduler in this process, with jobs on their way to it, for the time of the `with` block.

    All of its jobs are cancelled at the end, whatever the end is.

    Raises:
        EngineError: SLURM's commands are missing, or the scheduler does not start.
    """
    _require_commands()
    quiet.quieten()
    shared = options.shared_directory or places.cache(slurm_options.CACHED)
    shared.mkdir(parents=True, exist_ok=True)
    # Nobody but this user may read it, and it is gone before the certificates expire.
    with scratch.folder("slurm", shared) as folder, dask.config.set(_SETTINGS):
        tls = folder / "tls"
        certificates.new_authority(tls)
        security = addresses.tls_security(tls)
        logs = options.log_directory or folder / "logs"
        cluster = _cluster(options, engine or _ENGINE, tls, security, logs)
        try:
            yield SlurmScheduler(
                address=addresses.parse(cluster.scheduler_address),
                security=security,
                jobs=SlurmJobs(cluster, options.workers, logs),
            )
        finally:
            cluster.close(timeout=_CLOSE_SECONDS)


def _require_commands() -> None:
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        raise EngineError(
            f"{missing[0]}: no such command; --on slurm sends jobs with SLURM's own commands "
            f"({', '.join(COMMANDS)}), so start it where you use them"
        )


def _cluster(
    options: SlurmOptions, engine: str, tls: Path, security: Security, logs: Path
) -> SLURMCluster:
    try:
        return _Cluster(
            name="slurm",
            job_name="harness",
            security=security,
            silence_logs=False,
            interface=options.interface,
            # Only who is on this machine may ask its page how it does.
            scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            cores=options.cpus,
            processes=1,
            memory=options.memory,
            job_mem=options.memory,
            queue=options.partition,
            account=options.account,
            walltime=options.walltime,
            job_extra_directives=_directives(options.directives),
            job_script_prologue=list(options.prologue),
            log_directory=str(logs),
            worker_options=_worker_options(options, engine, tls),
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise EngineError(f"no scheduler could be started here: {error}") from error


def _directives(given: Sequence[str]) -> list[str]:
    own = [] if any(one.startswith("--signal") for one in given) else [_LEAVE]
    return [*own, *given]


def _worker_options(options: SlurmOptions, engine: str, tls: Path) -> tuple[str, ...]:
    # Whoever may send it jobs is who sent it: nobody else has a certificate of this authority.
    own = ("--tls", str(tls), "--engine", engine, "--trust-jobs")
    network = ("--interface", options.interface) if options.interface else ()
    return (*own, *network, "--give-up", str(ALONE_SECONDS))
