"""What the tests of the page read off it, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

Opened = Callable[..., Page]
"""Opens the published page: `opened(width=, height=, scheme=, address=)`."""


def settled(page: Page) -> None:
    """Wait until what is drawn later, after the matrix, is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 60)))")


def tiles(page: Page) -> list[str]:
    """The letters and marks of Figure 1, row by row."""
    return page.locator("#matrix .tile[data-cell]").all_inner_texts()


def address(page: Page) -> str:
    """What stands behind the `#`."""
    return str(page.evaluate("decodeURIComponent(location.hash)"))


def seen(page: Page) -> dict[str, object]:
    """What a reader sees of the figures: two equal ones are the same view."""
    settled(page)
    found: dict[str, object] = page.evaluate(
        """() => ({
            current: document.querySelector('#workloads [aria-current]').textContent,
            grid: document.querySelector('#matrix').innerText,
            looks: [...document.querySelectorAll('#matrix .tile')].map((tile) => tile.className),
            controls: [...document.querySelectorAll('main select')].map((one) => one.value),
            pressed: [...document.querySelectorAll('[aria-pressed=true]')].map((one) => one.title),
            search: document.querySelector('#matrix-controls input').value,
            dots: document.querySelector('#dots').innerHTML,
            curves: document.querySelector('#curves').innerHTML,
            details: document.querySelector('#cell-details').innerText,
            open: !document.querySelector('#cell-details').hidden,
        })"""
    )
    return found
