"""What stands over and under the page, and what each setting did: the words, without a browser."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from commands import harness as program
from results_factory import SweepOnDisk, cell, hardware
from two_machines import HERE, OLDER, THERE, sweep

import harness
from harness.analysis.hardware import Hardware
from harness.analysis.merging import merge
from harness.publish import machine_words, page_data, page_effects
from harness.publish.page_masthead import Credits
from harness.publish.report import publish

pytestmark = pytest.mark.slow


def _page(root: Path, credits: Credits | None = None) -> str:
    publish([root / "results"], root / "site", credits=credits)
    return html.unescape((root / "site" / "index.html").read_text("utf-8"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for machine in (HERE, THERE):
        on = sweep(tmp_path / "results", machine)
        on.plan([cell()])
        on.complete(cell(), "a", "a")
    return tmp_path


def test_the_date_is_that_of_the_newest_record(root: Path) -> None:
    assert '<time datetime="2024-05-01">' in _page(root)
    on = sweep(root / "results", HERE)
    record = on.record(cell(), 3, "failed")
    for repeat, started in ((3, "2025-02-03T23:30:00-02:00"), (4, "zzzz"), (5, "2025-01-01")):
        on.write(record.model_copy(update={"started": started, "repeat": repeat}))
    assert '<time datetime="2025-02-04">' in _page(root)


def test_it_says_by_whom_and_how_to_cite_it(root: Path) -> None:
    credits = Credits(
        title="Bits <of> ours",
        authors=("Ada Lovelace", "Grace Hopper"),
        licence="https://creativecommons.org/licenses/by/4.0/",
    )
    page = _page(root, credits)
    assert "<title>Bits <of> ours · reproducibility</title>" in page
    assert '<meta name="author" content="Grace Hopper">' in page
    assert 'href="https://creativecommons.org/licenses/by/4.0/" rel="license"' in page
    cited = "Ada Lovelace; Grace Hopper (2024): Bits <of> ours. Trainings until 2024-05-01, "
    assert f"{cited}measured with reproducibility-harness {harness.__version__}." in page
    assert "  author = {Ada Lovelace and Grace Hopper},\n" in page


def test_options_name_title_authors_and_licence(root: Path) -> None:
    options = ["--title", "T", "--author", "A. One", "--author", "B. Two"]
    refused = program("publish", "results", "-o", "site", *options, "--license", "CC-BY", cwd=root)
    assert (refused.code, "is no URL" in refused.err) == (2, True), refused.err
    assert not (root / "site").exists()
    done = program("publish", "results", "-o", "site", *options, cwd=root)
    assert done.code == 0, done.err
    text = (root / "site" / "index.html").read_text("utf-8")
    assert "<h1>T</h1>" in text and "A. One; B. Two (2024): T." in text


def test_braces_in_a_title_do_not_end_its_entry(root: Path) -> None:
    page = _page(root, Credits(title="A } b"))
    assert "  title = {A  b},\n" in page


def test_machines_are_described_in_words(root: Path) -> None:
    page = _page(root)
    found = re.findall(r'<dt class="machine">(.*?)</dt><dd>(.*?)</dd>', page)
    assert dict(found) == {HERE: "EPYC (zen4), 2 CPUs", THERE: "Xeon (haswell), 4 CPUs"}


def _hardware(**changes: object) -> Hardware:
    parts = {
        "fingerprint": "zen4-2cpu-15dc32f1",
        "cpu_model": "AMD EPYC(TM)",
        "microarchitecture": "zen4",
        "cpus": 1,
        "flags": frozenset(),
        "gpus": (),
    }
    return Hardware(**{**parts, **changes})  # type: ignore[arg-type]


def test_machines_that_read_alike_are_told_apart() -> None:
    small, large = ((("L1d", size), ("L2", "1 MiB")) for size in ("32 KiB", "48 KiB"))
    gpus = ("NVIDIA H100", "NVIDIA H100")
    machines = {
        "a": _hardware(caches=small),
        "b": _hardware(caches=large),
        "c": _hardware(caches=large, fingerprint="zen4-2cpu-6eaa3ce9"),
        "d": _hardware(gpus=gpus),
        "e": None,
    }
    assert machine_words.of_machines(machines) == {
        "a": "AMD EPYC (zen4), 1 CPU, L1d 32 KiB",
        "b": "AMD EPYC (zen4), 1 CPU, L1d 48 KiB, 15dc32f1",
        "c": "AMD EPYC (zen4), 1 CPU, L1d 48 KiB, 6eaa3ce9",
        "d": "AMD EPYC (zen4), 1 CPU, 2 × NVIDIA H100",
        "e": machine_words.UNDESCRIBED,
    }


def test_what_a_setting_did_is_counted_machine_by_machine(tmp_path: Path) -> None:
    sweeps = [
        SweepOnDisk(root=tmp_path),
        SweepOnDisk(root=tmp_path, hardware=hardware(cpu_model="Xeon")),
    ]
    cells = {(seed, n): cell(seed=seed, threads=n) for seed in range(5) for n in (1, 2)}
    for place, on in enumerate(sweeps):
        on.plan(list(cells.values()))
        for (seed, threads), each in cells.items():
            word = f"{seed} {threads if place else ''}"
            on.complete(each, word, word, found={"threads": threads})
    (part,) = page_data.parts(merge([tmp_path]).runs)
    (table,) = page_effects.of_cells(part.cells)
    rows = {row.axis: row for row in table.rows}
    assert table.machines == tuple(sorted(on.machine for on in sweeps))
    said = dict(zip(table.machines, rows["threads"].effects, strict=True))
    assert said[sweeps[0].machine].text == "never, 0 of 5 pairs"
    assert said[sweeps[1].machine].text == "always, 5 of 5 pairs"
    assert [effect.text for effect in rows["machine"].effects] == ["always, 10 of 10 pairs"]
    (link,) = rows["threads"].links
    assert f"cell=quickstart/{sweeps[1].machine}/" in link.address and "pair=" in link.address


def test_the_cause_of_instability_is_named(tmp_path: Path) -> None:
    on = sweep(tmp_path / "results", hardware=OLDER)
    cells = [cell(), cell(determinism="on")]
    on.plan(cells)
    on.complete(cells[0], "a", "b")
    on.complete(cells[1], "c", "c")
    page = _page(tmp_path)
    assert "cause of instability: unstable at off, stable at on (1 of 1 pairs)" in page
    assert "Not repeatable in 1 of 2 cells: set determinism=on." in page
