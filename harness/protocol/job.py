"""A job: everything that a group of runs needs, as plain JSON.

Its runs share an environment and what is set before their process starts, so one process that has
imported TensorFlow can serve them all. A machine that has this program installed, and nothing
else, can carry a job out: the lock says what to install, and data sets are named by their digest.

    {"schema": 2, "matrix": NAME,
     "environment": {"python": VERSION, "tensorflow": VERSION, "numpy": VERSION | null,
                     "keras": VERSION | null, "device": "cpu" | "gpu",
                     "requirements": [TEXT, ...]},
     "lock": TEXT,                              # the lock file's content
     "variables": {NAME: VALUE, ...},           # set before the process starts
     "consent": [NAME, ...],                    # those of them that the matrix had to spell out
     "data": {WORKLOAD: {"name": NAME, "sha256": DIGEST}, ...},   # of the reference workloads
     "scripts": {WORKLOAD: {...}, ...},         # users' scripts, see `script.Script`
     "timeout_s": S, "memory_bytes": N,         # what each run may take
     "runs": [{"cell": ID, "repeat": N, "settings": {AXIS: VALUE, ...}}, ...]}
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any, Dict, Mapping, Tuple, Union

from harness.protocol import exchange, script
from harness.protocol.script import Script

_ENVIRONMENT = ("python", "tensorflow", "numpy", "keras", "device", "requirements")
_REQUIREMENT = re.compile(r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}(==[0-9A-Za-z][0-9A-Za-z.]{0,39})?$")
_VERSION = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.]{0,39}$")

Json = Union[str, int, Dict[str, str]]
"""The value of a setting: `env` is an object."""


@dataclass(frozen=True)
class Run:
    """One run of a job: a repeat of a cell, with every process and run axis."""

    cell: str
    repeat: int
    settings: Mapping[str, Json]

    @property
    def workload(self) -> str:
        """What is trained."""
        return str(self.settings["workload"])


@dataclass(frozen=True)
class DataReference:
    """A data set by its name, and the digest of its description."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Job:
    """A group of runs. Give every field by name; see above for what they hold."""

    matrix: str
    environment: Mapping[str, Any]
    lock: str
    variables: Mapping[str, str]
    consent: Tuple[str, ...]
    data: Mapping[str, DataReference]
    scripts: Mapping[str, Script]
    timeout_s: float
    memory_bytes: int
    runs: Tuple[Run, ...]

    @property
    def lock_sha256(self) -> str:
        """The digest of the lock, "" where there is none."""
        content = self.lock.encode("utf-8")
        return hashlib.sha256(content).hexdigest() if content else ""

    @property
    def device(self) -> str:
        """What it needs: `cpu` or `gpu`."""
        return str(self.environment["device"])


def to_json(job: Job) -> Dict[str, Any]:
    """The job as a JSON object."""
    return {"schema": exchange.SCHEMA, **asdict(job)}


def from_json(content: Any) -> Job:
    """The job in a JSON object.

    Raises:
        ValueError: it is of another schema, or is no job; the message says what is wrong.
    """
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != exchange.SCHEMA:
        text = "a job of schema %r, and this program takes %d"
        raise ValueError(text % (schema, exchange.SCHEMA))
    try:
        fields = {name: value for name, value in content.items() if name != "schema"}
        fields["consent"] = tuple(fields["consent"])
        fields["data"] = {name: DataReference(**each) for name, each in fields["data"].items()}
        scripts = fields["scripts"].items()
        fields["scripts"] = {name: script.from_json(each) for name, each in scripts}
        environment = dict(fields["environment"])
        environment["requirements"] = tuple(environment.get("requirements", ()))
        fields["environment"] = environment
        fields["runs"] = tuple(Run(**each) for each in fields["runs"])
        job = Job(**fields)
        _check(job)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("not a job: %s" % error) from error
    return job


def _check(job: Job) -> None:
    """Refuse what could not come from a program: names become files, numbers become limits."""
    for each in job.scripts.values():
        script.check(each)
    if set(job.environment) != set(_ENVIRONMENT) or job.device not in ("cpu", "gpu"):
        raise ValueError("not a job: its environment is none")
    requirements = job.environment["requirements"]
    versions = (
        v for name, v in job.environment.items() if v is not None and name != "requirements"
    )
    if not all(_VERSION.match(value) for value in versions):
        raise ValueError("not a job: its environment has a version that is none")
    if not all(_REQUIREMENT.match(each) for each in requirements):
        raise ValueError("not a job: its environment has a package that is none")
    texts = (job.matrix, job.lock, *job.variables, *job.variables.values(), *job.consent)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not a job: a text is none")
    if not (0 < job.timeout_s < 10**9 and 0 < job.memory_bytes < 2**60):
        raise ValueError("not a job: its limits are none")
    if not job.runs:
        raise ValueError("a job without runs")
    for run in job.runs:
        _check_run(run, job)


def _check_run(run: Run, job: Job) -> None:
    if not isinstance(run.cell, str) or type(run.repeat) is not int:
        raise ValueError("not a job: a run has no cell or no repeat")
    if run.workload not in job.data and run.workload not in job.scripts:
        raise ValueError("the run of %s trains on data that the job does not name" % run.cell)
