"""`diagnose` and `adopt`: a script as it is, described, run, and asked what makes it repeat."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness import compatibility, console, places
from harness.cli import options, wiring
from harness.cli.script_experiment import Experiment
from harness.cli.sweeps import Setting
from harness.engines import choice
from harness.errors import IncompleteSweepError, NotReproducibleError, UsageError
from harness.executors.run_processes import Limits
from harness.matrix.environment import from_id
from harness.results.record import Measured, Record
from harness.studies import diagnosis, repetition, search
from harness.studies.diagnosis import Change, Diagnosis
from harness.subjects import adoption
from harness.subjects.adopted_matrix import Proposal

Script = Annotated[Path, typer.Argument(metavar="SCRIPT", help="The script, as it is.")]
Arguments = Annotated[
    list[str] | None, typer.Argument(metavar="[-- ARGUMENTS]", help="What the script gets.")
]
Tensorflow = Annotated[
    str | None, typer.Option(metavar="VERSION", help="The TensorFlow to run it with.")
]
Python = Annotated[str | None, typer.Option(metavar="X.Y", help="The Python to run it with.")]
Packages = Annotated[
    list[str] | None,
    typer.Option(
        "--package",
        metavar="NAME[==VERSION]",
        help="A package it needs besides what its imports say; may be repeated.",
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="TARGET=FILE",
        help="A file it reads, and where: relative to its folder or below ~/; may be repeated.",
    ),
]
Repeats = Annotated[int, typer.Option(help="Runs per setting.", min=2, max=100)]


def adopt(
    script: Script,
    arguments: Arguments = None,
    tensorflow: Tensorflow = None,
    python: Python = None,
    package: Packages = None,
    data: Data = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
) -> None:
    """Write a matrix file with the script as a workload, and run it once to see what it needs."""
    proposal = _proposal(script, arguments, tensorflow, python, package, data, repeats=3)
    experiment = Experiment(_setting(engine, timeout, memory), proposal, results, "adopt")
    record = experiment.single({})
    _note_seen(record, experiment.path)
    if isinstance(record, str) or record.status != "completed":
        reason = record if isinstance(record, str) else f"{record.status}: {record.reason}"
        raise IncompleteSweepError(f"{script}: {reason}")


def diagnose(
    script: Script,
    arguments: Arguments = None,
    tensorflow: Tensorflow = None,
    python: Python = None,
    package: Packages = None,
    data: Data = None,
    repeats: Repeats = 3,
    other_tensorflow: Annotated[
        list[str] | None,
        typer.Option(metavar="VERSION", help="If it is stable, also try this TensorFlow."),
    ] = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Run a script, unmodified, and say whether it repeats itself, and what would make it."""
    proposal = _proposal(script, arguments, tensorflow, python, package, data, repeats)
    others = tuple({"tensorflow": version} for version in other_tensorflow or ())
    proposal = replace(proposal, environments=(*proposal.environments, *others))
    experiment = Experiment(_setting(engine, timeout, memory), proposal, results, "diagnose")
    diagnosed = _diagnosed(experiment)
    console.note(f"records: {results / proposal.name}; matrix: {experiment.path}")
    if as_json:
        console.result(json.dumps(diagnosis.as_json(diagnosed), indent=2) + "\n")
    else:
        console.result("\n".join(diagnosis.sentences(diagnosed)) + "\n")
    if not diagnosed.base.is_complete:
        raise IncompleteSweepError(f"{script}: {diagnosed.base.reason}")
    if not diagnosed.is_stable:
        raise NotReproducibleError(f"{script} does not repeat itself as it is")


def _setting(engine: str, timeout: float, memory: str) -> Setting:
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, why = choice.choose(engine)
    console.note(f"engine: {chosen.name}; {why}")
    return Setting(
        engine=chosen,
        named=options.named(engine),
        machine=wiring.this_machine(),
        limits=limits,
    )


def _note_seen(record: Record | str, path: Path) -> None:
    """Say what the first run showed that the script's text does not."""
    if isinstance(record, Record):
        for what, names in (
            ("it sets itself", _calls([record])),
            ("it tried to reach", _addresses([record])),
        ):
            if names:
                console.note(f"{what}: {', '.join(names)}")
    console.note(f"wrote {path}; change it as you like, then: harness run {path}")


def _proposal(
    script: Path,
    arguments: Sequence[str] | None,
    tensorflow: str | None,
    python: str | None,
    packages: Sequence[str] | None,
    data: Sequence[str] | None,
    repeats: int,
) -> Proposal:
    adopted = adoption.read(script)
    given = {each.partition("==")[0]: each for each in packages or ()}
    needed = {each.partition("==")[0]: each for each in adopted.packages}
    if unversioned := [name for name in adopted.unversioned if name not in given]:
        console.note(
            f"no version is known of {', '.join(unversioned)}: the newest that fits is taken;"
            " --package NAME==VERSION says which"
        )
    return Proposal(
        name=adopted.name,
        script=script,
        arguments=tuple(arguments or ()),
        packages=tuple(sorted({**needed, **given}.values())),
        data=dict(map(_data, data or ())),
        environments=(_environment(adopted.uses_legacy_keras, tensorflow, python),),
        repeats=repeats,
    )


def _data(text: str) -> tuple[str, str]:
    target, sign, source = text.partition("=")
    if not sign or not target or not source:
        raise UsageError(f"--data {text!r}: write TARGET=FILE, as in data/train.csv=/srv/churn.csv")
    return target, str(Path(source).expanduser().absolute())


def _environment(
    uses_legacy_keras: bool, tensorflow: str | None, python: str | None
) -> dict[str, str]:
    version = tensorflow or _default_tensorflow()
    legacy = {"keras": "tf-keras"} if uses_legacy_keras else {}
    return {"tensorflow": version, **({"python": python} if python else {}), **legacy}


def _default_tensorflow() -> str:
    """The newest release of which a lock is shipped."""
    shipped = {from_id(path.stem).tensorflow for path in places.locks().glob("tf*.txt")}
    return next(each for each in reversed(compatibility.releases()) if each in shipped)


def _diagnosed(experiment: Experiment) -> Diagnosis:
    base = experiment.trial({})
    records = experiment.records({})
    measured = [record.measured for record in records if record.measured is not None]
    diagnosed = Diagnosis(
        script=str(experiment.proposal.script),
        environment=experiment.base.environment.id,
        base=base,
        first=repetition.first_difference(measured),
        calls=_calls(records),
        connections=_addresses(records),
    )
    if not base.is_complete:
        return diagnosed
    if base.is_stable:
        return replace(diagnosed, changes=tuple(_changes(experiment, measured[0])))
    return replace(diagnosed, cure=search.cure(diagnosis.CURES, experiment.trial))


def _changes(experiment: Experiment, base: Measured) -> Iterator[Change]:
    """What one run each of other settings, and in other environments, leaves."""
    for name, value in diagnosis.CHANGES:
        what = diagnosis.in_words({name: value})
        yield _change(what, base, experiment.single({name: value}))
    for place, environment in enumerate(experiment.environments[1:], start=1):
        record = experiment.single({}, environment=place)
        yield _change(f"TensorFlow {environment.tensorflow}", base, record)


def _change(what: str, base: Measured, result: Record | str) -> Change:
    if isinstance(result, str):
        return Change(what=what, changed=None, reason=result)
    if result.measured is None or result.status != "completed":
        return Change(what=what, changed=None, reason=f"{result.status}: {result.reason}")
    change = Change(what=what, changed=repetition.changed(base, result.measured))
    console.note(f"{what}: {'other bits' if change.changed else 'the same bits'}")
    return change


def _calls(records: Iterable[Record]) -> tuple[str, ...]:
    """The settings that the script makes itself."""
    calls = (call for record in records if record.script for call in record.script.calls)
    return tuple(dict.fromkeys(f"{call.setting}={call.value} ({call.place})" for call in calls))


def _addresses(records: Iterable[Record]) -> tuple[str, ...]:
    """What the script tried to reach, and where."""
    tried = (each for record in records if record.script for each in record.script.connections)
    return tuple(dict.fromkeys(f"{each.address} ({each.place})" for each in tried))
