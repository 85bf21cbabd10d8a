"""`diagnose` and `adopt`: a script as it is, described, run, and asked what makes it repeat."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness import compatibility, console, places
from harness.cli import file_kinds, options, script_experiment, wiring
from harness.cli.script_experiment import Experiment
from harness.cli.sweeps import Setting
from harness.engines import choice
from harness.errors import IncompleteSweepError, NotReproducibleError, UsageError
from harness.executors.run_processes import Limits
from harness.matrix import legacy_keras, values, workload_sources
from harness.matrix.environment import from_id
from harness.matrix.values import InvalidValueError
from harness.results.record import Measured, Record
from harness.studies import diagnosis, repetition, search
from harness.studies.diagnosis import Change, Diagnosis
from harness.subjects import adoption, folder_files
from harness.subjects.adopted_matrix import Proposal
from harness.subjects.adoption import Adoption

Script = Annotated[
    Path,
    typer.Argument(
        metavar="SCRIPT", help="The script, as it is.", callback=file_kinds.checked("script")
    ),
]
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
Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="FOLDER",
        help="What travels with the script, hashed whole; by default its own folder.",
        exists=True,
        file_okay=False,
    ),
]
_KERAS_MNIST = "~/.keras/datasets/mnist.npz"

Repeats = Annotated[int, typer.Option(help="Runs per setting.", min=2, max=100)]


def adopt(
    script: Script,
    arguments: Arguments = None,
    tensorflow: Tensorflow = None,
    python: Python = None,
    package: Packages = None,
    data: Data = None,
    folder: Folder = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
) -> None:
    """Write a matrix file with the script as a workload, and run it once to see what it needs."""
    proposal = _proposal(script, arguments, tensorflow, python, package, data, folder, repeats=3)
    experiment = script_experiment.prepared(
        _setting(engine, timeout, memory), proposal, results, "adopt"
    )
    record = experiment.single({})
    experiment.adopt_files(record)
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
    folder: Folder = None,
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
    proposal = _proposal(script, arguments, tensorflow, python, package, data, folder, repeats)
    others = tuple({"tensorflow": version} for version in other_tensorflow or ())
    proposal = replace(proposal, environments=(*proposal.environments, *others))
    experiment = script_experiment.prepared(
        _setting(engine, timeout, memory), proposal, results, "diagnose"
    )
    diagnosed = _diagnosed(experiment)
    console.note(f"records: {results / proposal.name}; matrix: {experiment.path}")
    if as_json:
        console.result(json.dumps(diagnosis.as_json(diagnosed), indent=2) + "\n")
    else:
        console.result("\n".join(diagnosis.sentences(diagnosed)) + "\n")
    if not diagnosed.base.is_complete:
        raise IncompleteSweepError(f"{script}: {diagnosed.base.reason}")
    if not diagnosed.has_verdict:
        raise IncompleteSweepError(f"{script}: no verdict, for there is nothing to compare")
    if not diagnosed.is_stable:
        raise NotReproducibleError(f"{script} does not repeat itself as it is")


def _setting(engine: str, timeout: float, memory: str) -> Setting:
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, why = choice.choose(engine)
    options.engine_note(engine, chosen.name, why)
    return Setting(
        engine=chosen,
        named=options.named(engine),
        machine=wiring.this_machine(),
        limits=limits,
    )


def _note_seen(record: Record | str, path: Path) -> None:
    """Say what the first run showed that the script's text does not."""
    if isinstance(record, Record):
        for what, listed in (
            ("it sets itself", _calls([record])),
            ("it tried to reach", _addresses([record])),
        ):
            if listed:
                console.note(f"{what}: {', '.join(listed)}")
    console.note(f"wrote {path}; change it as you like, then: harness run {path}")


def _proposal(
    script: Path,
    arguments: Sequence[str] | None,
    tensorflow: str | None,
    python: str | None,
    packages: Sequence[str] | None,
    data: Sequence[str] | None,
    folder: Path | None,
    repeats: int,
) -> Proposal:
    adopted = adoption.read(script, folder)
    _require_output_elsewhere(folder or script.parent)
    _note_outside(script, adopted.outside)
    given = {each.partition("==")[0]: each for each in map(_package, packages or ())}
    needed = {each.partition("==")[0]: each for each in adopted.packages}
    if unversioned := [name for name in adopted.unversioned if name not in given]:
        console.note(
            f"no version is known of {', '.join(unversioned)}: the newest of the days of this"
            " TensorFlow is taken; --package NAME==VERSION says which"
        )
    return Proposal(
        name=adopted.name,
        script=script,
        arguments=tuple(arguments or ()),
        packages=tuple(sorted({**needed, **given}.values())),
        data=_all_data(data or (), loads_mnist=adopted.loads_mnist),
        environments=(_environment(_uses_legacy_keras(adopted), tensorflow, python),),
        folder=folder,
        repeats=repeats,
        guessed=frozenset(
            each for name, each in needed.items() if "==" in each and name not in given
        ),
    )


def _uses_legacy_keras(adopted: Adoption) -> bool:
    return adopted.uses_legacy_keras or legacy_keras.is_asked_for(os.environ)


def _note_outside(script: Path, modules: Sequence[Path]) -> None:
    if modules:
        folder = os.path.relpath(os.path.commonpath([*modules, script.absolute()]))
        console.note(
            f"{', '.join(os.path.relpath(each) for each in modules)}: imported, and outside of the"
            f" script's folder, which travels alone; --folder {folder} takes more along"
        )


def _require_output_elsewhere(folder: Path) -> None:
    """Refuse to write into a file that travels with the script.

    It grows while runs are made: none would find the records of those before.

    Raises:
        UsageError: standard output or the messages are such a file.
    """
    links = [Path(f"/proc/self/fd/{number}") for number in (1, 2)]
    ends = {link.readlink() for link in links if link.is_file()}
    written = {os.path.relpath(end, folder.resolve()) for end in ends}
    for name in sorted(written.intersection(folder_files.travelling(folder) if written else ())):
        raise UsageError(
            f"{folder / name}: is where this output goes, and also one of the script's files, which"
            " must not change while it is tried; write it to another folder, or have git ignore it"
        )


def _package(text: str) -> str:
    try:
        return values.requirement(text.strip())
    except InvalidValueError as error:
        raise UsageError(f"--package: {error}") from None


def _all_data(texts: Sequence[str], *, loads_mnist: bool) -> dict[str, str]:
    """Where the script finds each file; Keras' MNIST is ours unless another is named."""
    sources: dict[str, str] = {}
    for target, source in map(_data, texts):
        if target in sources:
            raise UsageError(f"--data {target}=…: is given twice; a place has one file")
        sources[target] = source
    if loads_mnist and _KERAS_MNIST not in sources:
        console.note(f"{_KERAS_MNIST} is the MNIST of this program: the script loads it")
        sources[_KERAS_MNIST] = workload_sources.MNIST
    return sources


def _data(text: str) -> tuple[str, str]:
    target, sign, source = text.partition("=")
    if not sign or not target or not source:
        raise UsageError(f"--data {text!r}: write TARGET=FILE, as in data/train.csv=/srv/churn.csv")
    # A user that does not exist is left as written, where pathlib raises an error.
    path = Path(os.path.expanduser(source)).absolute()  # noqa: PTH111
    if path.is_file():
        return target, str(path)
    if source != workload_sources.MNIST:
        raise UsageError(
            f"--data {text!r}: there is no file {path}; name one, or the data set"
            f" {workload_sources.MNIST}"
        )
    return target, source


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
    experiment.adopt_files(experiment.single({}))
    base = experiment.trial({})
    records = experiment.records({})
    measured = [record.measured for record in records if record.measured is not None]
    as_it_is = Diagnosis(
        script=str(experiment.proposal.script),
        environment=experiment.base.environment.id,
        base=base,
        first=repetition.first_difference(measured),
        calls=_calls(records),
        connections=_addresses(records),
        printed=len({each.printed_sha256 for each in measured}),
        not_finite=experiment.not_finite(measured[0]) if measured else 0,
        unobserved=next(filter(None, map(_unobserved, records)), ""),
    )
    if not as_it_is.has_verdict:
        return as_it_is
    if base.is_stable:
        return replace(as_it_is, changes=tuple(_changes(experiment, measured[0])))
    return replace(as_it_is, cure=search.cure(diagnosis.CURES, experiment.trial))


def _unobserved(record: Record) -> str:
    """Why a run was not observed; where observing was turned off, what its audit found."""
    reason = record.script.unobserved if record.script else ""
    failed = record.audit is not None and record.audit.state == "failed"
    return record.audit.sentence if reason and failed and record.audit else reason


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
    places: dict[str, dict[str, None]] = {}
    for call in (call for record in records if record.script for call in record.script.calls):
        places.setdefault(f"{call.setting}={call.value}", {})[call.place] = None
    return tuple(f"{setting} ({', '.join(at)})" for setting, at in places.items())


def _addresses(records: Iterable[Record]) -> tuple[str, ...]:
    """What the script tried to reach, and where."""
    tried = (each for record in records if record.script for each in record.script.connections)
    return tuple(dict.fromkeys(f"{each.address} ({each.place})" for each in tried))
