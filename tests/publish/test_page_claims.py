"""The claims at the top of the page: what they say, where they lead, and nothing without any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from published_sweep import HOSTILE
from results_factory import SweepOnDisk, cell, hardware

from harness.matrix.cells import Cell
from harness.matrix.claim import Claim, Expectation
from harness.publish.report import publish

ON, OFF = cell(workload="co2-lstm", determinism="on"), cell(workload="co2-lstm", determinism="off")
SEEDED, HALF = cell(seeding="all"), cell(seeding="numpy+tf")


def _claim(name: str, kind: object, says: str = "It is so.", **where: object) -> Claim:
    return Claim(
        id=name,
        says=says,
        source="the article",
        where={key: (value,) for key, value in where.items()},  # type: ignore[misc]
        expect=Expectation(kind=kind),  # type: ignore[arg-type]
    )


CLAIMS = (
    _claim("seeds", "stable", f"All seeds are enough. {HOSTILE}", seeding="all"),
    _claim("half", "stable", seeding="numpy+tf"),
    _claim("once", "stable", threads=4),
)


def _sweep(root: Path, *claims: Claim, **where: object) -> None:
    on = SweepOnDisk(root=root, **where)  # type: ignore[arg-type]
    once = cell(threads=4)
    answers: list[tuple[Cell, str]] = [
        *[(SEEDED, "aa"), (HALF, "ab"), (once, "c")],
        *[(ON, "aa"), (OFF, "ab")],
    ]
    on.plan([each for each, _ in answers], claims)
    for each, weights in answers:
        on.complete(each, *weights)


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page of two machines, and in the end no script failed and no network was asked."""
    _sweep(tmp_path / "results", *CLAIMS)
    _sweep(tmp_path / "results", *CLAIMS, hardware=hardware(cpu_model="Xeon"))
    publish([tmp_path / "results"], tmp_path / "site")
    problems: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text))
    page.goto((tmp_path / "site" / "index.html").as_uri())
    page.wait_for_selector("#matrix .tile")
    yield page
    hacked = page.evaluate("window.hacked")
    context.close()
    assert (problems, hacked) == ([], None)


@pytest.mark.browser
def test_claims_are_on_the_page_and_lead_to_their_cells(page: Page, screenshots: Path) -> None:
    expect(page.locator("#claimed")).to_have_text("What was claimed")
    verdicts = page.locator(".claims .verdict").all_inner_texts()
    assert verdicts == ["supported", "mixed", "refuted", "not tried"]
    expect(page.locator(".claims")).to_contain_text("window.hacked=1")
    page.screenshot(path=screenshots / "claims.png", full_page=True)

    machines = page.locator(".machines .machine").all_inner_texts()
    assert page.locator(".claims a").first.inner_text() == f"{machines[0]}/{SEEDED.id}"
    page.locator(".claims a", has_text=OFF.id).first.click()
    details = page.locator("#cell-details")
    expect(details).to_contain_text("Unstable: runs of these very settings")
    assert OFF.id in details.locator("h2").inner_text()
    expect(page.locator("#workloads button[aria-current]")).to_contain_text("co2-lstm")

    page.locator(".claims a", has_text=HALF.id).first.click()
    expect(page.locator("#workloads button[aria-current]")).to_contain_text("mnist-mlp")
    expect(details.locator("h2")).to_contain_text("seeding=numpy+tf")


@pytest.mark.browser
def test_a_claim_fits_a_telephone(page: Page, screenshots: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=screenshots / "claims-phone.png")


@pytest.mark.slow
def test_without_claims_nothing_is_said_of_them(tmp_path: Path) -> None:
    _sweep(tmp_path / "results")
    publish([tmp_path / "results"], tmp_path / "site")
    text = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "What was claimed" not in text and "tables/claims" not in text
    assert not list((tmp_path / "site" / "tables").glob("claims.*"))


@pytest.mark.slow
def test_claims_are_a_table_of_their_own_and_the_same_bytes_again(tmp_path: Path) -> None:
    _sweep(tmp_path / "results", *CLAIMS)
    for name in ("site", "again"):
        publish([tmp_path / "results"], tmp_path / name)
    files = [path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*")]
    assert {"tables/claims.md", "tables/claims.parquet"} <= {path.as_posix() for path in files}
    for path in files:
        if (tmp_path / "site" / path).is_file():
            assert (tmp_path / "site" / path).read_bytes() == (
                tmp_path / "again" / path
            ).read_bytes()
