"""The sections of an appendix: what there is, how to check and repeat it, what was found."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Iterator, Sequence

import pandas as pd

from harness.publish.appendix import checklist, findings
from harness.publish.appendix.checklist import Answer
from harness.publish.appendix.document import (
    Block,
    Commands,
    Entry,
    Heading,
    Items,
    Paragraph,
    Table,
)
from harness.publish.appendix.facts import Facts, KnownData, Times
from harness.publish.run_summary import summary

OPEN = "Where the artifact is published: its address (DOI), and how long it stays there."


def sections(
    facts: Facts,
    runs: pd.DataFrame,
    cells: pd.DataFrame,
    claims: pd.DataFrame,
    data: Sequence[KnownData],
) -> list[Block]:
    """The whole appendix; equal input gives equal blocks."""
    answers = list(checklist.answers(facts, runs, cells, data))
    names = ", ".join(sorted({matrix.name for matrix in facts.matrices}))
    return [
        Heading(level=1, text=f"Artifact appendix: {names}"),
        Paragraph(
            text="Written by harness publish --appendix from the records of the runs. What the "
            "records do not say is said to be missing and listed at the end: it is the authors' to "
            "add."
        ),
        *_what(facts, runs),
        *_access(),
        *_steps(facts),
        *_environments(facts),
        *_hardware(facts),
        *_times(facts),
        *_found(runs, cells),
        *_claims(claims),
        *_checklist(answers),
        Heading(level=2, text="What is not in the records"),
        Items(texts=(OPEN, *(each.missing for each in answers if each.missing))),
    ]


def _what(facts: Facts, runs: pd.DataFrame) -> Iterator[Block]:
    yield Heading(level=2, text="What it is")
    yield Paragraph(
        text=f"{summary(runs)}. One record per run, as JSON, with all that was measured."
    )
    rows = [(one.name, str(one.repeats), one.sha256) for one in sorted(facts.matrices)]
    yield Table(
        headers=("matrix", "runs per cell", "SHA-256 of the matrix file"),
        rows=tuple(rows),
        numeric=frozenset({"runs per cell"}),
    )


def _access() -> Iterator[Block]:
    yield Heading(level=2, text="How to get it and check it")
    yield Paragraph(
        text="Its address is not in the records. The archive (BUNDLE) is a ZIP file and a Process "
        "Run Crate: every run with what went in and what came out, and the SHA-256 of every file. "
        "The first three commands need nothing but common tools; the third says whose key made "
        "the signature BUNDLE.sig, if there is one."
    )
    yield Commands(
        lines=(
            "unzip BUNDLE -d artifact",
            "(cd artifact && sha256sum --check manifest-sha256.txt)",
            "ssh-keygen -Y check-novalidate -n reproducibility-harness \\",
            "-s BUNDLE.sig < artifact/manifest-sha256.txt",
            "harness check artifact/results",
        )
    )


def _steps(facts: Facts) -> Iterator[Block]:
    versions = sorted(version for version in facts.programs if version)
    is_one = len(versions) == 1 and len(facts.programs) == 1
    yield Heading(level=2, text="Steps that make it again")
    if not is_one:
        known = f"only {', '.join(versions)}" if versions else "none"
        yield Paragraph(
            text=f"Not all records name the version of the program that made them; named: {known}."
            if "" in facts.programs
            else f"Several versions of the program made the records: {', '.join(versions)}."
        )
    if facts.scripts:
        yield Paragraph(
            text="Users' scripts were run, and their files are not in the results: put them where "
            "the matrix names them."
        )
    wanted = f"=={versions[0]}" if is_one else ""
    install = f"pip install {shlex.quote(f'reproducibility-harness[bundle]{wanted}')}"
    again = "harness verify BUNDLE --attest verdicts.json"
    yield Commands(lines=(install, again, *_run_commands(facts), "harness table results"))
    yield Paragraph(
        text="harness verify trains every cell again, in the environments of its locks, and "
        "compares the bits; harness run makes the whole sweep on this machine."
    )


def _run_commands(facts: Facts) -> Iterator[str]:
    engines = sorted({key.engine.partition(" ")[0] for key in facts.environments if key.engine})
    for name in sorted({matrix.name for matrix in facts.matrices}):
        yield f"cp -r artifact/results/{shlex.quote(name)}/locks artifact/matrices/"
        for engine in engines:
            matrix = shlex.quote(f"artifact/matrices/{name}.yaml")
            yield f"harness run {matrix} --engine {shlex.quote(engine)}"


def _environments(facts: Facts) -> Iterator[Block]:
    yield Heading(level=2, text="Environments")
    yield Paragraph(
        text="Versions as found in the process that trained; the lock lists every package with its "
        "hashes."
    )
    headers = ("environment", "Python", "TensorFlow", "NumPy", "Keras", "device", "engine", "base")
    rows = [
        (key.id, *key.versions, key.device, key.engine, key.base, key.lock_sha256, *_ids(images))
        for key, images in sorted(facts.environments.items())
    ]
    more = ("SHA-256 of the lock", "images or virtual environments")
    yield Table(headers=(*headers, *more), rows=tuple(rows))


def _ids(images: set[str]) -> Iterator[str]:
    yield ", ".join(sorted(images))


def _hardware(facts: Facts) -> Iterator[Block]:
    yield Heading(level=2, text="Hardware")
    rows = [
        (machine, sentence, *_period(facts, machine))
        for machine, sentences in sorted(facts.hardware.items())
        for sentence in sorted(sentences)
    ]
    headers = ("machine", "hardware and system", "first start", "last end")
    yield Table(headers=headers, rows=tuple(rows))


def _period(facts: Facts, machine: str) -> Iterator[str]:
    own = [times for (name, _), times in facts.times.items() if name == machine]
    first = [times.first for times in own if times.first]
    last = [times.last for times in own if times.last]
    yield f"{min(first):%Y-%m-%d %H:%M} UTC" if first else ""
    yield f"{max(last):%Y-%m-%d %H:%M} UTC" if last else ""


def _times(facts: Facts) -> Iterator[Block]:
    yield Heading(level=2, text="Times")
    yield Paragraph(
        text="Wall seconds of single runs, as measured. Runs may have shared a machine, so a sum "
        "is no waiting time. How long environments took to set up is not in the records."
    )
    figures = ("runs", "sum", "smallest", "median", "largest")
    rows = [(*key, *_figures(times)) for key, times in sorted(facts.times.items()) if times.seconds]
    headers = ("machine", "environment", *figures)
    yield Table(headers=headers, rows=tuple(rows), numeric=frozenset(figures))


def _figures(times: Times) -> Iterator[str]:
    seconds = times.seconds
    yield f"{len(seconds):,}"
    for figure in (sum(seconds), min(seconds), statistics.median(seconds), max(seconds)):
        yield f"{figure:.1f}"


def _found(runs: pd.DataFrame, cells: pd.DataFrame) -> Iterator[Block]:
    yield Heading(level=2, text="What was found")
    yield Paragraph(
        text="A cell is stable if all its runs left the same final weights, bit for bit; with a "
        "single completed run it is untested."
    )
    yield findings.of_workloads(cells)
    metrics = findings.of_metrics(runs)
    if metrics.rows:
        yield metrics


def _claims(claims: pd.DataFrame) -> Iterator[Block]:
    yield Heading(level=2, text="Claims and their experiments")
    if not len(claims):
        yield Paragraph(
            text="The matrices make no claims (claims: in a matrix file), so none is put to the "
            "test here."
        )
        return
    yield findings.of_claims(claims)


def _checklist(answers: Sequence[Answer]) -> Iterator[Block]:
    yield Heading(level=2, text="Checklist")
    for each in answers:
        yield Entry(term=each.question, text=each.text)
