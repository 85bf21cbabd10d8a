"""The artifact appendix: what records say of a sweep, and that it says no more."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import bundled
import pytest
from commands import Ended, called
from markdown_it import MarkdownIt
from results_factory import MACHINE, SweepOnDisk, cell, hardware

from harness.matrix.claim import Claim, Expectation
from harness.publish.appendix import facts
from harness.results.scan import sweeps

pytestmark = pytest.mark.slow

Call = Callable[..., Ended]

PDFLATEX = shutil.which("pdflatex")
ID = "mnist-mlp,tf2.10.0,py3.10,np1.23.5,cpu"
DOCUMENT = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{textcomp,booktabs}
\begin{document}
\appendix
\input{appendix}
\end{document}
"""


@pytest.fixture
def harness(capsys: pytest.CaptureFixture[str]) -> Call:
    """The program in this process, which spares the seconds that its start takes."""
    return functools.partial(called, capsys)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three runs of two cells, and one run that failed."""
    return bundled.results(tmp_path / "results")


def appendix(harness: Call, *folders: Path, name: str = "appendix.md") -> str:
    file = folders[0].parent / name
    ended = harness("publish", *folders, "--appendix", file)
    assert ended.code == 0 and str(file) in ended.out, ended.err
    return file.read_text()


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def answer(text: str, question: str) -> str:
    match = re.search(rf"^\*\*{re.escape(question)}\*\* (.*)$", text, re.MULTILINE)
    assert match is not None, question
    return match[1]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_it_has_what_artifact_evaluation_asks_for(results: Path, harness: Call) -> None:
    text = appendix(harness, results)
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert titles == [
        "What it is",
        "How to get it and check it",
        "Steps that make it again",
        "Environments",
        "Hardware",
        "Times",
        "What was found",
        "Claims and their experiments",
        "Checklist",
        "What is not in the records",
    ]
    (record,) = {r.environment.lock_sha256 for s in sweeps(results) for r in s.records()}
    (row,) = rows(section(text, "Environments"))
    assert row[0] == ID[10:] and row[1:5] == ["3.10", "2.10.0", "1.23.5", "2.10.0"]
    assert record in row
    assert MACHINE in section(text, "Hardware")
    assert rows(section(text, "What was found"))[0][:8] == [
        *("mnist-mlp", "3", "1", "0", "1", "1", "2", "3")
    ]


def test_the_checklist_is_answered_from_records(results: Path, harness: Call) -> None:
    text = appendix(harness, results)
    assert "Seeds: 42; generators seeded: all" in answer(text, "Are seeds fixed and reported?")
    runs = answer(text, "How many runs per experiment?")
    assert runs == "1 run in 1 cell, 2 runs in 1 cell"
    assert "1 stable, 1 untested" in answer(text, "Is variation between runs reported?")
    data = answer(text, "Which data, in which version, where from?")
    assert "MNIST: 70,000 images" in data and "train-images-idx3-ubyte ba891046" in data
    incomplete = answer(text, "Which runs did not complete, and why?")
    assert "1 failed: the training raised ValueError" in incomplete


def test_what_records_do_not_say_is_said_to_be_missing(results: Path, harness: Call) -> None:
    text = appendix(harness, results)
    for question in ("Energy, emissions?", "Licence of the data?", "Licence of the artifact?"):
        assert answer(text, question) == "Not in the records."
    missing = section(text, "What is not in the records")
    for word in ("address (DOI)", "Energy", "licence of the data", "licence of code"):
        assert word in missing


def test_a_matrix_without_claims_says_so_and_one_with_claims_has_their_experiments(
    tmp_path: Path, harness: Call
) -> None:
    on = SweepOnDisk(root=tmp_path / "results")
    expect = Expectation(kind="stable")
    claim = Claim(id="one", says="It | repeats *itself*.", source="me", where={}, expect=expect)
    on.plan([cell(), cell(threads=2)], claims=[claim])
    bundled.train(on, cell(), bundled.KERNEL, bundled.KERNEL)
    bundled.train(on, cell(threads=2), bundled.KERNEL, ((0.5, -1.0), (2.0, 0.5)))
    text = appendix(harness, on.root)
    claims = section(text, "Claims and their experiments")
    assert r"It \| repeats \*itself\*." in claims
    assert "mixed" in claims and "1 of 2 cells" in claims and f"{ID},threads=2" in claims
    assert answer(text, "Is variation between runs reported?").count("unstable") == 1
    single = SweepOnDisk(root=tmp_path / "single" / "results")
    single.plan([cell()])
    bundled.train(single, cell(), bundled.KERNEL)
    said = answer(appendix(harness, single.root), "Is variation between runs reported?")
    assert said == "No: no cell has two completed runs."

    other = bundled.results(tmp_path / "other" / "results")
    assert "make no claims" in section(
        appendix(harness, other, name="other.md"), "Claims and their experiments"
    )


def test_the_same_records_give_the_same_bytes(results: Path, tmp_path: Path, harness: Call) -> None:
    copy = shutil.copytree(results, tmp_path / "elsewhere" / "copy", copy_function=shutil.copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    for name in ("appendix.md", "appendix.tex"):
        first = appendix(harness, results, name=name)
        assert first == appendix(harness, copy, name=name)
        assert str(tmp_path) not in first
    bundle = bundled.bundle(copy, tmp_path / "bundle.zip")
    assert appendix(harness, bundle) == appendix(harness, copy)


def test_other_records_give_another_appendix(results: Path, tmp_path: Path, harness: Call) -> None:
    before = appendix(harness, results)
    on = SweepOnDisk(root=results)
    bundled.train(on, cell(), bundled.KERNEL, ((0.5, -1.0), (2.0, 0.5)))
    after = appendix(harness, results)
    assert "1 unstable" in after and "1 unstable" not in before


def test_markdown_reads_every_table_as_one(results: Path, harness: Call) -> None:
    text = appendix(harness, results)
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert html.count("<table>") == text.count("\n\n| ")
    assert "<code" in html and "harness verify BUNDLE" in html


def test_latex_compiles_whatever_names_a_stranger_chose(tmp_path: Path, harness: Call) -> None:
    if PDFLATEX is None:
        reason = "no pdflatex (Debian: texlive-latex-recommended)"
        if os.environ.get("HARNESS_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    on = SweepOnDisk(root=tmp_path / "results")
    cells = [cell(), cell(threads=2), cell(threads=3)]
    on.plan(cells)
    bundled.train(on, cell(), bundled.KERNEL, bundled.KERNEL)
    evil = r"'; \end{verbatim}\input{/etc/passwd}"
    strange = on.record(cells[2], 1, "failed", reason="x")
    changes = {"program": {"version": evil}, "engine": {"name": evil}}
    on.write(strange.model_copy(update=changes))
    on.end(cell(threads=2), 1, "failed", r"\input{/etc/passwd} $x_1^2 & 50 % \end{document} ~#{")
    text = appendix(harness, on.root, name="appendix.tex")
    assert r"\input{/etc" not in text and r"\end{verbatim}" not in text
    (tmp_path / "paper.tex").write_text(DOCUMENT)
    done = subprocess.run(
        [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000


def test_a_machine_in_words_says_what_is_known_and_nothing_else() -> None:
    sentence = facts.hardware_sentence(hardware())
    assert sentence == "EPYC (zen4), 2 CPUs, no GPU"
    more = {"logical_cpus": 4, "memory_bytes": 16 << 30, "hypervisor": "KVM", "kernel": "6.1"}
    assert facts.hardware_sentence(hardware(**more)) == (
        "EPYC (zen4), 2 of 4 CPUs visible, 16.0 GiB of memory, no GPU, kernel 6.1, "
        "a virtual machine (KVM)"
    )
    gpu = {"name": "NVIDIA H100", "memory_bytes": 80 << 30, "driver": "570.1"}
    with_gpu = facts.hardware_sentence(hardware(gpus=[gpu]))
    assert "NVIDIA H100 (80.0 GiB, driver 570.1)" in with_gpu
    assert facts.hardware_sentence({}) == "not described"
    assert facts.hardware_sentence({"gpus": 3, "visible_cpus": "x", "memory_bytes": "y"})


def test_the_page_and_the_appendix_are_written_together(
    results: Path, tmp_path: Path, harness: Call
) -> None:
    site, file = tmp_path / "site", tmp_path / "a.md"
    ended = harness("publish", results, "-o", site, "--appendix", file)
    assert ended.code == 0, ended.err
    assert (site / "index.html").is_file() and file.is_file()
    assert ended.out == f"{file}\n{site / 'index.html'}\n"


def test_only_an_earlier_appendix_is_replaced(results: Path, harness: Call) -> None:
    for name in ("appendix.md", "appendix.tex"):
        assert appendix(harness, results, name=name) == appendix(harness, results, name=name)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["results"], "name the folder to write with -o OUT, or a file with --appendix FILE"),
        (["results", "--appendix", "."], "is a folder; name a file, such as appendix.md"),
        (["results", "--appendix", "no/a.md"], "no: no such folder; make it first"),
        (["results", "--appendix", "results/a.md"], "lies in the results"),
        (["results", "-o", "empty", "--appendix", "empty/a.md"], "in the folder of the page"),
        (["results", "--appendix", "notes.md"], "is there, and no appendix of this program"),
        (["empty", "--appendix", "a.md"], "no results in here"),
        (["nope", "--appendix", "a.md"], "nope: no such folder"),
        (["planned", "--appendix", "a.md"], "no run was recorded in these folders"),
        (["notes.md", "--appendix", "a.md"], "notes.md"),
    ],
)
def test_wrong_use_says_what_to_do(
    results: Path,
    tmp_path: Path,
    harness: Call,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("my notes")
    SweepOnDisk(root=tmp_path / "planned").plan([cell()])
    monkeypatch.chdir(tmp_path)
    ended = harness("publish", *arguments)
    assert ended.code == 2 and said in ended.err, ended.err
    assert "Traceback" not in ended.err and not (tmp_path / "a.md").exists()
    assert (tmp_path / "notes.md").read_text() == "my notes"
