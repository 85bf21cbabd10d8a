"""A publication of users' scripts: no metric, no predictions, and what each script did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import published_sweep
import pytest
from playwright.sync_api import Browser, Page, expect
from results_factory import (
    SCRIPT,
    SweepOnDisk,
    cell,
    fit,
    observed,
    outputs,
    script_cell,
    sha256,
    tensors,
)

import harness
from harness.publish.report import publish
from harness.results import checking
from harness.results.record import Connection, Measured
from harness.runner import hashing

pytestmark = pytest.mark.slow

WORKERS = ("1", "2", "4")


def _write(root: Path) -> SweepOnDisk:
    """A script whose outputs differ from equal weights, one that only loops over a tape, and a
    reference training; weights are stored for the first."""
    on = SweepOnDisk(root=root)
    cells = [script_cell(parameters={"workers": workers}) for workers in WORKERS]
    loop = script_cell(workload="tape")
    on.plan([*cells, loop, cell()])
    for each, workers in zip(cells, WORKERS, strict=True):
        words = ("o", "p") if workers == "4" else ("o", "o")
        for repeat, word in enumerate(words, start=1):
            record = on.script_record(each, repeat, _stored(on, workers, outputs=outputs(word)))
            assert record.script is not None
            tried = Connection(address=published_sweep.HOSTILE, place="train.py:12")
            arguments = ("--workers", workers, "--name", "it's a test")
            script = record.script.model_copy(
                update={"arguments": arguments, "connections": (*SCRIPT.connections, tried)}
            )
            on.write(record.model_copy(update={"script": script}))
    silent = observed([fit("w", name="", init_sha256="", history={})], printed_sha256=None)
    on.complete_script(loop, silent, silent)
    on.complete(cell(), "w", "w")
    return on


def _stored(on: SweepOnDisk, workers: str, **left: object) -> Measured:
    arrays = {"1/w": np.arange(6, dtype="<f4") * int(workers)}
    found = tensors(arrays, "init")
    measured = observed([fit("w"), fit("u", "k", model=2)], **left).model_copy(
        update={
            "tensors": found,
            "parameters": 6,
            "init_sha256": hashing.combined_digest(one.init_sha256 for one in found),
            "weights_sha256": hashing.combined_digest(one.sha256 for one in found),
        }
    )
    path = on.folder.parent / "blobs" / "weights" / f"{measured.weights_sha256}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    hashing.write_arrays(str(path), list(arrays), list(arrays.values()))
    return measured


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scripts") / "results"
    _write(root)
    return root


@pytest.fixture(scope="module")
def site(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("published") / "site"
    publish([results], out)
    return out


def test_it_is_published_whole_and_the_same_each_time(
    results: Path, site: Path, tmp_path: Path
) -> None:
    publish([results], tmp_path / "again")
    for path in sorted(site.rglob("*")):
        if path.is_file():
            again = tmp_path / "again" / path.relative_to(site)
            assert again.read_bytes() == path.read_bytes(), path
    assert [one for one in checking.check(site).findings if one.kind == "damaged"] == []
    header = (site / "tables" / "runs.csv").read_text().partition("\n")[0].split(",")
    assert list(harness.load(results).columns) == header
    assert "workers" in header and "parameters" not in header


def test_the_findings_point_out_what_the_weights_do_not_say(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert "Weights equal, outputs differ: churn," in page


@pytest.fixture
def page(browser: Browser, site: Path) -> Iterator[Page]:
    """The page, which asks nothing of a network and whose scripts do not fail."""
    problems: list[str] = []
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda said: problems.append(said.text) if said.type in ("error", "warning") else None,
    )
    opened.goto((site / "index.html").as_uri())
    opened.wait_for_selector("#matrix .tile")
    yield opened
    hacked = opened.evaluate("window.hacked")
    context.close()
    assert (problems, hacked) == ([], None)


@pytest.mark.browser
def test_a_cell_says_what_its_script_did(page: Page) -> None:
    page.locator("#matrix .tile").last.click()
    details = page.locator("#cell-details")
    for words in (
        "The weights are equal in every run, other results are not: outputs.",
        "train.py",
        "--workers 4 --name 'it'\\''s a test'",
        sha256("folder"),
        "data/train.csv",
        "What it set itself",
        "train.py:9",
        "late",
        "What it tried to reach",
        "example.org:443",
        "standard output",
        "loss (model 2, fit 1)",
        "Against class",
    ):
        expect(details).to_contain_text(words)
    expect(details.locator("tr.varied th")).to_have_text("workers")


@pytest.mark.browser
@pytest.mark.parametrize("workload", ["tape", "mnist-mlp"])
def test_the_other_workloads_are_shown(page: Page, workload: str) -> None:
    page.locator("#workloads button", has_text=workload).click()
    page.locator("#matrix .tile").first.click()
    details = page.locator("#cell-details")
    expect(details).to_contain_text(f"{workload},")
    assert (details.locator(".script").count() == 1) == (workload == "tape")
