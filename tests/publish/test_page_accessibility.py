"""The page for everybody: what axe finds, and how large what one presses is."""

from __future__ import annotations

from pathlib import Path

import published_sweep
import pytest
from axe_playwright_python.sync_playwright import Axe
from page_driver import Opened, settled
from playwright.sync_api import Page
from two_machines import HERE, THERE

from harness.publish.report import publish

pytestmark = pytest.mark.browser

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
SCREENS = [(1280, 800, "light"), (1280, 800, "dark"), (390, 844, "light"), (390, 844, "dark")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("accessible")
    for machine in (HERE, THERE):
        published_sweep.write(root / "results", machine=machine)
    publish([root / "results"], root / "site")
    return root / "site"


def _found(page: Page) -> list[tuple[str, str]]:
    settled(page)
    answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": list(RULES)}}).response
    return [(one["id"], node["html"]) for one in answer["violations"] for node in one["nodes"]]


@pytest.mark.parametrize(("width", "height", "scheme"), SCREENS)
def test_axe_finds_nothing(opened: Opened, width: int, height: int, scheme: str) -> None:
    page = opened(width=width, height=height, scheme=scheme)
    page.locator(".filters").evaluate("one => { one.open = true; }")
    assert _found(page) == []
    page.locator(".filters").evaluate("one => { one.open = false; }")
    page.locator("#matrix .tile", has_text="A").first.click()
    page.wait_for_selector("#cell-details td")
    assert _found(page) == []
    page.locator("#matrix .tile", has_text="A").nth(1).click(modifiers=["Shift"])
    page.wait_for_selector("#pair-verdict")
    assert _found(page) == []


def test_axe_would_find_something(opened: Opened) -> None:
    page = opened()
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert [rule for rule, _ in _found(page)] == ["button-name"]


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_pressed_is_at_least_24_pixels_large(opened: Opened, width: int) -> None:
    page = opened(width=width)
    for details in page.locator("details").all():
        details.evaluate("one => { one.open = true; }")
    page.locator("#legend button").first.click()
    page.locator("#matrix .tile", has_text="A").first.click()
    page.wait_for_selector("#cell-details td")
    small = page.locator(
        "button:visible, select:visible, input:visible, summary:visible"
    ).evaluate_all(
        """(all) => all.map((one) => [one.textContent.slice(0, 30), one.getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24)"""
    )
    assert small == []
