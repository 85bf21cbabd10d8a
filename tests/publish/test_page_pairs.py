"""Two cells side by side: chosen by mouse, key or button, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import published_sweep
import pytest
from page_driver import Opened, address
from playwright.sync_api import Page, expect

from harness.publish.report import publish

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pairs")
    published_sweep.write(root / "results")
    publish([root / "results"], root / "site")
    return root / "site"


def _open(page: Page, one: str, other: str) -> None:
    page.locator("#matrix .tile", has_text=one).first.click()
    page.locator("#matrix .tile", has_text=other).first.click(modifiers=["Shift"])


def test_what_differs_stands_first_and_the_rest_is_folded(opened: Opened) -> None:
    page = opened()
    _open(page, "A", "B")
    details = page.locator("#cell-details")
    expect(details).to_contain_text("Other bits: relative L2")
    expect(details).to_contain_text("Where it began: undecided (same start, no trace).")
    settings = details.locator("section", has=page.get_by_text("Settings", exact=True))
    assert settings.locator("tr.varied th").all_inner_texts() == ["tensorflow"]
    expect(settings.locator("details")).not_to_have_attribute("open", "")
    assert settings.locator("details tr.varied").count() == 0
    row = details.locator("#pair-tensors tbody tr").first
    expect(row).to_contain_text("other bits")
    assert row.locator("td").nth(1).inner_text() == "equal"
    expect(row.locator("td").nth(3)).not_to_have_text("")
    assert details.locator("#pair-curves .curve").count() == 2
    assert details.locator("#pair-zoom .curve").count() == 1


def test_equal_cells_are_said_to_be_equal_and_no_weights_are_not(opened: Opened) -> None:
    page = opened()
    page.locator("#matrix .tile", has_text="A").nth(0).click()
    page.locator("#matrix .tile", has_text="A").nth(1).click(modifiers=["Shift"])
    expect(page.locator("#pair-verdict")).to_have_text("The same bits.")
    expect(page.locator("#pair-tensors tbody")).not_to_contain_text("other bits")
    page.locator("#matrix .tile", has_text="✕").first.click(modifiers=["Shift"])
    expect(page.locator("#pair-verdict")).to_contain_text("has no weights (failed)")


def test_the_second_cell_is_chosen_by_key(opened: Opened) -> None:
    page = opened()
    page.locator("#matrix .tile[tabindex='0']").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#cell-details .close")).to_be_focused()
    page.locator("#matrix .tile.open").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#pair-verdict")).to_be_visible()
    assert page.locator("#matrix .tile.open").count() == 2
    page.keyboard.press("Escape")
    expect(page.locator("#cell-details")).to_be_hidden()
    assert page.locator("#matrix .tile.open").count() == 0
    assert "cell=" not in address(page)


def test_the_second_cell_is_chosen_by_a_button_where_there_is_no_shift_key(opened: Opened) -> None:
    page = opened(width=390, height=844)
    page.locator("#matrix .tile", has_text="A").first.click()
    page.get_by_role("button", name="Compare with another cell").click()
    expect(page.locator("#picking")).to_contain_text("Choose the second cell")
    page.keyboard.press("Escape")
    expect(page.locator("#picking")).to_have_text("")
    expect(page.locator("#cell-details")).to_be_visible()
    page.get_by_role("button", name="Compare with another cell").click()
    page.locator("#matrix .tile", has_text="A").nth(1).click()
    expect(page.locator("#pair-verdict")).to_have_text("The same bits.")


def test_the_two_are_swapped_and_one_of_them_is_left(opened: Opened) -> None:
    page = opened()
    _open(page, "A", "B")
    names = page.locator("#cell-details .side-name .id")
    expect(names).to_have_count(2)
    before = names.all_inner_texts()
    page.get_by_role("button", name="Swap").click()
    expect(names.first).to_contain_text(before[1].splitlines()[-1])
    page.get_by_role("button", name="Second only").click()
    expect(page.locator("#cell-details h3", has_text="Runs")).to_be_visible()
    assert "pair=" not in address(page) and before[0].strip() in address(page)


def test_how_to_do_it_stands_on_the_page(opened: Opened) -> None:
    expect(opened().locator("#matrix-caption")).to_contain_text(
        "Shift and click, or Shift and Enter, on a second one puts the two side by side"
    )
