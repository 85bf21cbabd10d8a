"""`verify`: the results of others, reproduced on this machine and compared."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

import harness
from harness import console, places, scratch
from harness.cli import attestation_file, bundle_commands, file_kinds, options, sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.engines import choice
from harness.errors import NotReproducibleError, UsageError
from harness.executors.run_processes import Limits
from harness.protocol import files
from harness.publish import tables
from harness.publish.bundle import archive, signing
from harness.publish.bundle.unpacking import Bundle
from harness.results.store import Store
from harness.studies import (
    foreign_locks,
    foreign_results,
    foreign_scripts,
    reference,
    trying,
    verdicts,
)
from harness.studies.attestation import Verification
from harness.studies.foreign_locks import Locks
from harness.studies.foreign_results import ForeignResults
from harness.studies.foreign_scripts import Scripts
from harness.studies.reference import Reference
from harness.studies.trying import Trial
from harness.studies.verdicts import Check
from harness.sweep import machine_limits

_MARKER = ".verify.json"
"""In a results folder: `verify` made it, so nothing in it was copied from what it verifies."""


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """Where and how trials are run; `results` stands for `results/`."""

    runs: Setting
    results: Path
    repeats: int


def verify(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="BUNDLE|DIR",
            help="A bundle, or a results folder.",
            callback=file_kinds.checked("bundle", "results folder"),
        ),
    ],
    only: options.Only = None,
    engine: options.Engine = options.ENGINE,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            metavar="DIR",
            help="Keep the runs in DIR, and continue with them after an interruption.",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Runs per cell.", min=1, max=1000)] = 1,
    locks: bundle_commands.Locks = None,
    data: options.Data = None,
    trust_bundle: options.TrustBundle = False,
    signature: Annotated[
        Path | None,
        typer.Option("--signature", metavar="FILE", help="Its signature, if not BUNDLE.sig."),
    ] = None,
    signer: Annotated[
        Path | None,
        typer.Option(
            "--signer",
            metavar="FILE",
            help="Who must have signed: a public SSH key, or a file of allowed signers.",
        ),
    ] = None,
    attest: attestation_file.Attest = None,
    sign: attestation_file.Sign = None,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
    format: options.Format = "rich",
) -> None:
    """Run cells of somebody's results on this machine, from their locks, and compare the bits."""
    options.check_format(format)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    attested = attestation_file.prepared(attest, sign, target)
    with scratch.folder("verify") as unfinished:
        (unfinished / "bundle").mkdir()
        foreign = foreign_results.opened(target, unfinished / "bundle")
        _note_origin(target, foreign, signature, signer)
        references = reference.read(foreign.results)
        chosen = reference.select(references, tuple(only or ()))
        place = _place(results, target) if results is not None else unfinished / "results"
        if results is None:
            console.note("the runs are discarded at the end; --results DIR keeps them")
        running, why = choice.choose(engine)
        options.engine_note(engine, running.name, why)
        runs = Setting(
            engine=running,
            named=options.named(engine),
            machine=wiring.this_machine(),
            limits=limits,
        )
        setting = _Setting(runs=runs, results=place, repeats=repeats)
        folders = foreign.matrix_folders()
        known = foreign_locks.gathered(folders, own=[*(locks or ()), places.locks()])
        scripts = foreign_scripts.gathered(folders, data or ())
        trials = _trials(setting, chosen, known, scripts, trust_bundle)
        checks = _checked(setting, trials)
        if attested is not None:
            attested.write(foreign, _verification(setting, checks, only, len(references)))
    _report(checks, format)


def _note_origin(
    target: Path, foreign: ForeignResults, signature: Path | None, signer: Path | None
) -> None:
    """Say who vouches for what is verified, and where it differs from what is used here."""
    bundle = foreign.bundle
    if bundle is None:
        if signature is not None or signer is not None:
            raise UsageError(f"{target}: is a results folder; only bundles can be signed")
        old = f", but {foreign.unvouched:,} old records have none" if foreign.unvouched else ""
        console.note(f"{target}: a results folder, unsigned; its files fit their digests{old}")
        return
    console.note(f"{target}: {len(bundle.manifest.files):,} files, all as in its manifest")
    _note_signature(target, bundle, signature, signer)
    own = {path: archive.digest(content) for path, content in bundle_commands.dockerfiles().items()}
    for path in foreign_results.other_files(bundle, own):
        console.note(f"{path}: differs from the one here; the one here is used")


def _note_signature(
    target: Path, bundle: Bundle, signature: Path | None, signer: Path | None
) -> None:
    file = signature or signing.beside(target.absolute())
    if not file.exists() and signature is None:
        if signer is not None:
            raise UsageError(f"{target}: is not signed: there is no {file.name} beside it")
        console.note("unsigned: nobody vouches for it")
        return
    checked = signing.check(bundle.manifest_bytes, file, signer)
    if checked.signer is None:
        console.note(f"signed with {checked.key}; whose key that is, --signer FILE can tell")
    else:
        console.note(f"signed by {checked.signer}, with {checked.key}")


def _place(results: Path, target: Path) -> Path:
    """The folder for the runs: not that of the results verified, nor any other with results."""
    mine, theirs = results.resolve(), target.resolve()
    if mine == theirs or mine in theirs.parents or theirs in mine.parents:
        raise UsageError(
            f"--results {results}: holds what is to be verified, or lies in it; "
            "name another folder, so that nothing is compared with itself"
        )
    if results.is_dir() and any(results.iterdir()) and not (results / _MARKER).exists():
        raise UsageError(
            f"--results {results}: has files in it that verify did not make; name an empty folder"
        )
    try:
        results.mkdir(parents=True, exist_ok=True)
        files.write_json(results / _MARKER, {"schema": 1, "made_by": "harness verify"})
    except OSError as error:
        raise UsageError(f"--results {results}: {error.strerror}; name another folder") from error
    return results


def _trials(
    setting: _Setting, chosen: Sequence[Reference], locks: Locks, scripts: Scripts, trusted: bool
) -> list[Trial]:
    """What can be tried, with its scripts in place; nothing of it runs without being trusted."""

    def unavailable(device: str) -> str | None:
        return setting.runs.engine.unavailable(device=device)

    settle = machine_limits.settled(setting.runs.machine.limits, unavailable)
    scripts.note_unasked(reference.script for reference in chosen)
    trials = trying.trials(chosen, locks, scripts, settle)
    if not setting.runs.engine.contains:
        _require_trust(trying.foreign_code(trials, locks), trusted)
    for trial in trials:
        if trial.lock is not None and trial.reference.script is not None:
            scripts.bring(trial.reference.matrix, trial.reference.script)
    _note_extent(trials)
    return trials


def _require_trust(foreign: Sequence[str], trusted: bool) -> None:
    if not foreign:
        return
    more = [f"… and {len(foreign) - 5} more"] if len(foreign) > 5 else []
    shown = "\n  ".join([*foreign[:5], *more])
    if not trusted:
        raise UsageError(
            f"these results bring what you did not choose:\n  {shown}\nThe local engine would run "
            "that as you, with your files in reach. Take --engine docker; or, if you trust who "
            "made them, --trust-bundle; or name the folder with the same locks of your own with "
            "--locks"
        )
    console.note(f"warning: --trust-bundle: the following runs as you, in no container:\n  {shown}")


def _note_extent(trials: Sequence[Trial]) -> None:
    """How much there is to do, before it starts."""
    runs = {(t.sweep, t.reference.id): t.reference.seconds for t in trials if t.lock is not None}
    environments = {trial.lock.sha256 for trial in trials if trial.lock is not None}
    left = sum(trial.lock is None for trial in trials)
    console.note(
        f"{_counted(len(runs), 'cell')} to try, in {_counted(len(environments), 'environment')}; "
        f"there, one run of each took {_duration(sum(runs.values()))} in all; "
        f"{_counted(left, 'cell')} cannot be tried"
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _checked(setting: _Setting, trials: Sequence[Trial]) -> list[Check]:
    stores: dict[str, Store] = {}
    for sweep in dict.fromkeys(trial.sweep for trial in trials if trial.lock is not None):
        stores[sweep] = Store(setting.results, sweep, setting.runs.machine.id)
        _run(setting, stores[sweep], [trial for trial in trials if trial.sweep == sweep])
    return [_check(setting, trial, stores.get(trial.sweep)) for trial in trials]


def _run(setting: _Setting, store: Store, trials: Sequence[Trial]) -> None:
    """Run what has no record yet of the trials of one sweep."""
    cells = {trial.reference.id: trial.reference.cell for trial in trials}
    selected = [cell for cell in cells.values() if cell is not None]
    locks = {trial.lock.environment: trial.lock for trial in trials if trial.lock is not None}
    scripts = (trial.reference.script for trial in trials)
    sweeps.carry_out(
        setting.runs,
        store,
        sweeps.chosen_cells(store.matrix, setting.repeats, "harness verify"),
        LockSource(read=locks.get, make=locks.__getitem__),
        planned=selected,
        selected=selected,
        scripts={script.name: script for script in scripts if script is not None},
    )


def _verification(
    setting: _Setting, checks: Sequence[Check], only: Sequence[str] | None, cells: int
) -> Verification:
    return Verification(
        checks=checks,
        only=tuple(only or ()),
        cells=cells,
        machine=setting.runs.machine.id,
        engine=setting.runs.engine.name,
        version=harness.__version__,
        repeats=setting.repeats,
        finished=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    )


def _check(setting: _Setting, trial: Trial, store: Store | None) -> Check:
    if store is None:
        return verdicts.check(trial, [], setting.results)
    script = trial.reference.script
    # Where repeats follow one another in one folder, only the first is that of the results.
    repeats = range(1, 2 if script and script.keeps_folder else setting.repeats + 1)
    records = [store.read(trial.reference.id, repeat) for repeat in repeats]
    # A record of another lock is one of an earlier verification, into the same folder.
    lock_sha256 = trial.lock.sha256 if trial.lock else ""
    own = [r for r in records if r is not None and r.environment.lock_sha256 == lock_sha256]
    return verdicts.check(trial, own, store.folder)


def _report(checks: Sequence[Check], format: str) -> None:
    in_full = format in ("csv", "json")
    frame = verdicts.frame(checks) if in_full else verdicts.short_table(checks)
    console.result(tables.render(frame, format))
    said = verdicts.summary(checks)
    console.note(said)
    if any(check.verdict in verdicts.CONTRARY for check in checks):
        raise NotReproducibleError(f"not reproduced: {said}")
    if not any(check.verdict == "MATCH" for check in checks):
        raise NotReproducibleError(f"nothing was reproduced: {said}; the table says why")
