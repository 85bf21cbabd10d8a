"""Small results folders with real records, for the tests of everything that reads them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.matrix.cells import DEFAULTS, Cell, cell_id
from harness.matrix.claim import Claim
from harness.matrix.environment import Environment
from harness.protocol.axes import BY_NAME, Value, to_json
from harness.protocol.histories import history_digest
from harness.protocol.script import Script
from harness.results import fingerprint, plan_file, planned_claims
from harness.results.json_digest import with_digest
from harness.results.record import (
    SCHEMA,
    AuditPart,
    Call,
    Connection,
    EnvironmentPart,
    Failure,
    Fit,
    Found,
    Measured,
    Output,
    Record,
    ScriptPart,
    Tensor,
)
from harness.results.store import serialised
from harness.runner import hashing


def sha256(word: str) -> str:
    """A digest that a test can name by a word."""
    return hashlib.sha256(word.encode()).hexdigest()


def weights_sha256(word: str) -> str:
    """The digest of the weights that a word stands for in `SweepOnDisk.complete`."""
    return hashing.combined_digest([sha256(word)])


def tensors(arrays: Mapping[str, Any], init: str) -> tuple[Tensor, ...]:
    """The tensors of a model with these arrays; a word stands for their initial values."""
    return tuple(
        Tensor(
            name=name,
            shape=array.shape,
            dtype=hashing.dtype_text(array),
            init_sha256=sha256(f"{init} {name}"),
            sha256=hashing.tensor_digest(name, array),
        )
        for name, array in arrays.items()
    )


def measured(tensors: Sequence[Tensor], predictions_sha256: str, **changes: Any) -> Measured:
    """What a training with these tensors left."""
    loss = changes.get("loss", (0.5).hex())
    parts = {
        "data_sha256": sha256("data"),
        "init_sha256": hashing.combined_digest(tensor.init_sha256 for tensor in tensors),
        "weights_sha256": hashing.combined_digest(tensor.sha256 for tensor in tensors),
        "predictions_sha256": predictions_sha256,
        "tensors": tuple(tensors),
        "history": {"loss": (loss,)},
        "loss": loss,
        "metric": "accuracy",
        "unit": "",
        "value": (0.75).hex(),
        "parameters": sum(math.prod(tensor.shape) for tensor in tensors),
    }
    return Measured(**{**parts, **changes})


def stored(blobs: Path, arrays: Mapping[str, Any], predictions: Any, init: str) -> Measured:
    """What a training left, its arrays stored in `blobs`."""
    (blobs / "weights").mkdir(parents=True, exist_ok=True)
    (blobs / "predictions").mkdir(exist_ok=True)
    sha256 = hashing.tensor_digest(hashing.PREDICTIONS_NAME, predictions)
    found = measured(tensors(arrays, init), sha256)
    path = blobs / "weights" / f"{found.weights_sha256}.npz"
    hashing.write_arrays(str(path), list(arrays), list(arrays.values()))
    path = blobs / "predictions" / f"{sha256}.npz"
    hashing.write_arrays(str(path), [hashing.PREDICTIONS_NAME], [predictions])
    return found


def cell(
    *,
    tensorflow: str = "2.10.0",
    python: str = "3.10",
    numpy: str | None = "1.23.5",
    keras: str | None = None,
    device: str = "cpu",
    status: str | None = None,
    reason: str = "",
    **settings: object,
) -> Cell:
    """A cell at the defaults, apart from what is given."""
    assert set(settings) <= set(DEFAULTS), settings
    environment = Environment(
        python=python, tensorflow=tensorflow, numpy=numpy, keras=keras, device=device
    )
    values = tuple({**DEFAULTS, **settings}.values())
    return Cell(environment=environment, values=values, status=status, reason=reason)  # type: ignore[arg-type]


def script_cell(
    *,
    requirements: Sequence[str] = (),
    parameters: Mapping[str, str] | None = None,
    **settings: object,
) -> Cell:
    """A cell of the script `churn`, left as it is apart from what is given."""
    left = {name: BY_NAME[name].script_default for name in DEFAULTS}
    values = {**left, "workload": "churn", "parameters": tuple(sorted((parameters or {}).items()))}
    environment = Environment(
        python="3.10",
        tensorflow="2.10.0",
        numpy="1.23.5",
        keras=None,
        device="cpu",
        requirements=tuple(requirements),
    )
    return Cell(environment=environment, values=tuple({**values, **settings}.values()))  # type: ignore[arg-type]


def fit(weights: str, losses: str = "h", *, model: int = 1, number: int = 1, **changes: Any) -> Fit:
    """One fit of a script; words stand for what it left."""
    loss = (int(sha256(losses)[:4], 16) / 7).hex()
    parts: dict[str, Any] = {
        "model": model,
        "fit": number,
        "name": "sequential",
        "steps": 12,
        "init_sha256": sha256(f"init of model {model}"),
        "weights_sha256": sha256(weights),
        "history": {"loss": (loss,)},
    }
    whole = {**parts, **changes}
    return Fit(**{"history_sha256": history_digest(whole["history"]), **whole})


def observed(fits: Sequence[Fit], **changes: Any) -> Measured:
    """What a script with these fits left: of each model, by its last fit, one tensor."""
    last = {fit.model: fit.weights_sha256 for fit in fits}
    found = [
        Tensor(name=f"{model}/w", shape=(8, 4), dtype="<f4", init_sha256="", sha256=weights)
        for model, weights in last.items()
    ]
    losses = [fit.history["loss"][-1] for fit in fits if fit.history.get("loss")]
    parts: dict[str, Any] = {
        "history": {},
        "loss": losses[-1] if losses else None,
        "metric": None,
        "value": None,
        "fits": tuple(fits),
        "printed_sha256": sha256("printed"),
    }
    return measured(found, "", **{**parts, **changes})


def outputs(*words: str) -> tuple[Output, ...]:
    """What `predict` returned; a word per call."""
    return tuple(Output(call="predict", sha256=sha256(word)) for word in words)


SCRIPT = ScriptPart(
    sha256=sha256("script"),
    path="train.py",
    module="",
    folder_sha256=sha256("folder"),
    arguments=("--workers", "4"),
    data={"data/train.csv": sha256("rows")},
    calls=(
        Call(setting="threads", value=3, place="train.py:4", effect="applied"),
        Call(setting="determinism", value="on", place="train.py:9", effect="late"),
    ),
    connections=(Connection(address="example.org:443", place="train.py:12"),),
)


def part_of(script: Script, **changes: Any) -> ScriptPart:
    """The part of a record that says which script was run, as a sweep writes it today."""
    parts: dict[str, Any] = {
        "sha256": script.sha256,
        "path": script.path,
        "module": script.module,
        "folder_sha256": script.folder_sha256,
        "arguments": script.arguments,
        "data": {each.target: each.sha256 for each in script.data},
        "keeps_folder": script.keeps_folder,
        "template": script.arguments,
        "files": script.files,
        "hold": script.hold,
        "is_stored": True,
    }
    return ScriptPart(**{**parts, **changes})


def hardware(**changes: object) -> dict[str, object]:
    """A machine as `machine.json` describes it: two CPUs, AVX2."""
    described = {
        "cpu_model": "EPYC",
        "microarchitecture": "zen4",
        "cpu_flags": ["avx", "avx2", "fma", "sse4_1"],
        "visible_cpus": [0, 1],
        "gpus": [],
    }
    return {**described, **changes}


MACHINE = fingerprint.identify(hardware())


@dataclass(frozen=True, kw_only=True)
class SweepOnDisk:
    """One matrix on one machine below `root`."""

    root: Path
    matrix: str = "quickstart"
    engine: str = "local"
    repeats: int = 2
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    runner: str = "runner"
    audit: AuditPart | None = None
    process: dict[str, object] = field(default_factory=dict)
    hardware: dict[str, object] = field(default_factory=hardware)

    @property
    def machine(self) -> str:
        return fingerprint.identify(self.hardware)

    @property
    def folder(self) -> Path:
        return self.root / self.matrix / self.machine

    def plan(self, cells: Sequence[Cell], claims: Sequence[Claim] = ()) -> None:
        """Write the plan of these cells, and of what they are to show."""
        header = {
            "schema": plan_file.SCHEMA,
            "matrix": self.matrix,
            "machine": self.machine,
            "repeats": self.repeats,
            "matrix_sha256": sha256("matrix"),
            "source": "schema: 1\n",
            "defaults": {name: to_json(value) for name, value in DEFAULTS.items()},
            **({"claims": planned_claims.to_json(claims)} if claims else {}),
        }
        lines = [header, *(_planned(cell) for cell in cells)]
        self.folder.mkdir(parents=True, exist_ok=True)
        texts = (json.dumps(line).encode() + b"\n" for line in lines)
        plan_file.replace(self.folder / "plan.jsonl", texts)
        machine = {"schema": 2, "id": self.machine, "hardware": self.hardware}
        (self.folder / "machine.json").write_bytes(with_digest(machine))

    def complete(
        self,
        cell: Cell,
        *weights: str,
        init: str = "init",
        loss: float = 0.25,
        value: float = 0.9375,
        found: Mapping[str, object] | None = None,
    ) -> None:
        """Records of completed runs from repeat 1 on; a word per run stands for its weights.

        `found` are values that were read back.
        """
        for repeat, word in enumerate(weights, start=1):
            kernel = Tensor(
                name="dense/kernel",
                shape=(784, 128),
                dtype="<f4",
                init_sha256=sha256(init),
                sha256=sha256(word),
            )
            predictions = sha256(f"predictions of {word}")
            results = measured([kernel], predictions, loss=loss.hex(), value=value.hex())
            record = self.record(cell, repeat, "completed", measured=results)
            read = {name: Found(value=value, how="read") for name, value in (found or {}).items()}
            self.write(record.model_copy(update={"found": {**record.found, **read}}))

    def script_record(
        self, cell: Cell, repeat: int, measured: Measured, script: ScriptPart = SCRIPT
    ) -> Record:
        """The record of a completed run of a user's script."""
        made = self.record(cell, repeat, "completed", measured=measured)
        name = cell_id(cell.environment, cell.values, is_script=True)
        return made.model_copy(update={"script": script, "cell": name})

    def complete_script(self, cell: Cell, *runs: Measured) -> None:
        """Records of completed runs of a script, from repeat 1 on."""
        for repeat, measured in enumerate(runs, start=1):
            self.write(self.script_record(cell, repeat, measured))

    def end(self, cell: Cell, repeat: int, status: str, reason: str) -> None:
        """The record of a run that did not complete."""
        self.write(self.record(cell, repeat, status, reason=reason))

    def record(
        self,
        cell: Cell,
        repeat: int,
        status: str,
        *,
        reason: str = "",
        measured: Measured | None = None,
        failure: Failure | None = None,
    ) -> Record:
        """A record as the sweep would leave it."""
        if status != "completed":
            reason = reason or "for tests"
            failure = failure or Failure(type="ValueError", message=reason)
        return Record(
            schema=SCHEMA,
            matrix=self.matrix,
            machine=self.machine,
            cell=cell_id(cell.environment, cell.values, is_script=False),
            repeat=repeat,
            status=status,  # type: ignore[arg-type]
            reason=reason,
            engine={"name": self.engine, "version": "1"},
            environment=self._environment(cell.environment),
            settings={name: to_json(value) for name, value in cell.settings.items()},
            found=_found(cell.settings, status),
            process={
                "versions": self.versions.get(cell.environment.tensorflow, {}),
                **self.process,
            },
            audit=self.audit,
            code_sha256=sha256(self.runner),
            measured=measured,
            failure=failure,
            seconds={"import": 3.5, "fit": 1.25, "total": 6.0},
            started="2024-05-01T12:00:00Z",
        )

    def _environment(self, asked: Environment) -> EnvironmentPart:
        installed = {"numpy": asked.numpy or "1.26.4", "keras": asked.keras or asked.tensorflow}
        return EnvironmentPart(
            id=asked.id,
            python=asked.python,
            tensorflow=asked.tensorflow,
            numpy=asked.numpy,
            keras=asked.keras,
            device=asked.device,
            requirements=asked.requirements,
            lock_sha256=sha256(f"lock {asked.id}"),
            image=f"venv-{asked.digest}",
            base="python 3.10.13",
            packages={"tensorflow-cpu": asked.tensorflow, **installed},
        )

    def write(self, record: Record) -> None:
        """Write the record where it belongs."""
        path = self.folder / record.cell / f"{record.repeat}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(serialised(record))


def _found(settings: Mapping[str, Value], status: str) -> dict[str, Found]:
    """Threads as asked, except where a run did not complete: then always 2."""
    asked = settings["threads"]
    threads = asked if isinstance(asked, int) and status == "completed" else 2
    return {"threads": Found(value=threads, how="read"), "onednn": Found(value=None, how="no")}


def _planned(cell: Cell) -> dict[str, object]:
    environment = cell.environment
    return {
        "id": cell.id,
        "environment": {
            "python": environment.python,
            "tensorflow": environment.tensorflow,
            "numpy": environment.numpy,
            "keras": environment.keras,
            "device": environment.device,
            **(
                {"requirements": list(environment.requirements)} if environment.requirements else {}
            ),
        },
        "settings": {
            name: to_json(value) for name, value in cell.settings.items() if value != DEFAULTS[name]
        },
        "status": cell.status,
        "reason": cell.reason,
    }
