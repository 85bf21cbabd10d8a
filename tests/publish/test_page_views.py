"""What is on the screen is in the address: links, Back, other tabs, turned telephones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import published_sweep
import pytest
from page_driver import Opened, address, seen, settled, tiles
from playwright.sync_api import Page, expect
from results_factory import cell
from two_machines import HERE, THERE, sweep, train

from harness.publish.report import publish

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two matrices, the first by name all but cut short; two machines in the other."""
    root = tmp_path_factory.mktemp("views")
    for machine in (HERE, THERE):
        published_sweep.write(root / "results", machine=machine)
    few = sweep(root / "results", HERE, matrix="a-check")
    cells = [cell(device="gpu", seed=seed) for seed in (1, 2)]
    few.plan(cells)
    train(few, cells[0], [5.0, 6.0])
    publish([root / "results"], root / "site")
    return root / "site"


def test_it_opens_on_the_matrix_with_most_completed_runs_and_its_finding(opened: Opened) -> None:
    page = opened(height=800)
    assert page.get_by_label("Matrix").evaluate("one => one.selectedOptions[0].text") == "versions"
    assert len(tiles(page)) == 28
    assert page.locator("h2").first.inner_text().startswith("Figure 1.")
    last = page.locator("#matrix .tile[data-cell]").last.bounding_box()
    finding = page.locator(".findings .current .headline:visible").first
    box = finding.bounding_box()
    assert last is not None and box is not None
    assert last["y"] + last["height"] < 800 and box["y"] + box["height"] < 800
    expect(finding).to_contain_text("Not repeatable in 1 of 8 cells on each of 2 machines")
    # What the other matrix found is of another device, and is not mixed with this.
    assert page.locator(".findings", has_text="No cell was run more than once").count() == 1
    expect(page.locator(".findings article [data-matrix=a-check]")).to_be_hidden()
    page.get_by_label("Matrix").select_option(label="a-check")
    expect(page.locator(".findings article [data-matrix=a-check]")).to_be_visible()
    assert sorted(tiles(page)) == ["D", "…"]


def test_a_finding_leads_to_the_cells_that_show_it(opened: Opened) -> None:
    page = opened()
    page.locator(".findings .current .headline a:visible").first.click()
    expect(page.locator("#cell-details .close")).to_be_focused()
    expect(page.locator("#cell-details")).to_contain_text("Unstable: runs of these very settings")


def _filter(page: Page) -> None:
    page.get_by_text("Filter", exact=True).click()
    page.locator(".filters button.value", has_text="2.21.0").click()


def _pair(page: Page) -> None:
    page.locator("#matrix .tile", has_text="A").first.click()
    page.locator("#matrix .tile", has_text="B").first.click(modifiers=["Shift"])
    page.wait_for_selector("#pair-tensors td")


CHOICES: dict[str, Callable[[Page], object]] = {
    "workload=co2-lstm": lambda page: page.locator("#workloads button", has_text="co2").click(),
    "matrix=a-check": lambda page: page.get_by_label("Matrix").select_option(label="a-check"),
    "matrix=*": lambda page: page.get_by_label("Matrix").select_option(label="all together"),
    f"machine={THERE}": lambda page: page.get_by_label("Machine", exact=True).select_option(
        index=0
    ),
    "columns=": lambda page: page.get_by_role("button", name="isa: move to the").click(),
    "colour=distance": lambda page: page.get_by_label("Colour").select_option("distance"),
    "only.tensorflow=2.21.0": _filter,
    "status=failed": lambda page: page.locator("#legend button", has_text="failed").click(),
    "class=B": lambda page: page.locator("#legend button").nth(1).click(),
    "search=60 s": lambda page: page.get_by_label("Text in id").fill("60 s"),
    "baseline=B": lambda page: (
        page.locator("#matrix-controls").get_by_label("Baseline").select_option(label="class B")
    ),
    "measure=max_ulp": lambda page: page.get_by_label("Measure").select_option("max_ulp"),
    "over=isa": lambda page: page.get_by_label("Over", exact=True).select_option(label="isa"),
    "cell=versions/": lambda page: page.locator("#matrix .tile", has_text="B").first.click(),
    "pair=versions/": _pair,
}


@pytest.mark.parametrize("part", CHOICES)
def test_every_choice_is_in_the_address_and_back_undoes_it(opened: Opened, part: str) -> None:
    page = opened()
    before = seen(page)
    CHOICES[part](page)
    page.wait_for_function("part => decodeURIComponent(location.hash).includes(part)", arg=part)
    settled(page)
    after = seen(page)
    assert after != before
    there = opened(address=str(page.evaluate("location.hash")))
    if "cell=" in part or "pair=" in part:
        there.wait_for_selector("#cell-details h3")
        settled(there)
    assert seen(there) == after
    while address(page):
        page.go_back()
        settled(page)
    assert seen(page) | {"details": ""} == before | {"details": ""}
    page.go_forward()
    page.wait_for_function("location.hash !== ''")


def test_a_search_is_one_step_back(opened: Opened) -> None:
    page = opened()
    search = page.get_by_label("Text in id")
    for text in ("2.1", "2.15", "2.15.1"):
        search.fill(text)
        page.wait_for_function("text => location.hash.endsWith(text)", arg=text)
    page.go_back()
    settled(page)
    assert (address(page), search.input_value()) == ("", "")


def test_nothing_is_lost_in_another_tab_or_by_turning_the_screen(opened: Opened) -> None:
    page = opened()
    page.get_by_label("Colour").select_option("distance")
    page.get_by_role("button", name="isa: move to the").click()
    page.locator("#legend button", has_text="failed").click()
    page.locator("#legend button").first.click()
    page.locator("#matrix .tile", has_text="A").first.click()
    page.wait_for_selector("#cell-details td")
    before, at = seen(page), address(page)
    page.locator("#workloads button", has_text="co2").click()
    assert seen(page) != before
    page.locator("#workloads button", has_text="mnist").click()
    page.wait_for_selector("#cell-details td")
    assert (seen(page), address(page)) == (before, at)
    for width, height in ((390, 844), (844, 390), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(250)
        assert address(page) == at
    assert seen(page) == before


def test_an_address_from_elsewhere_does_no_harm(opened: Opened) -> None:
    page = opened(
        address="#workload=<img src=x>&colour=constructor&measure=toString&only.isa=none"
        "&baseline=ZZ&over=%E0%A4%A&cell=a/b/c&pair=d&rows=isa,isa&columns=%"
    )
    assert len(tiles(page)) == 28
    expect(page.locator("#cell-details")).to_be_hidden()


def test_the_matrix_stays_where_it_is_when_cells_open(opened: Opened) -> None:
    page = opened()
    tile = page.locator("#matrix .tile", has_text="A").first
    before = tile.bounding_box()
    tile.click()
    page.wait_for_selector("#cell-details td")
    settled(page)
    assert tile.bounding_box() == before
    page.locator("#matrix .tile", has_text="B").first.click(modifiers=["Shift"])
    page.wait_for_selector("#pair-tensors td")
    settled(page)
    assert tile.bounding_box() == before


def test_on_a_telephone_the_open_cell_is_seen_above_its_details(opened: Opened) -> None:
    page = opened(width=390, height=844)
    tile = page.locator("#matrix .tile", has_text="B").last
    tile.click()
    page.wait_for_selector("#cell-details td")
    page.wait_for_timeout(600)
    own, details = tile.bounding_box(), page.locator("#cell-details").bounding_box()
    assert own is not None and details is not None
    assert own["y"] + own["height"] <= details["y"]
