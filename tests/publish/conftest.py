"""A real browser for the tests of the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from page_driver import Opened, settled
from playwright.sync_api import Browser, Error, Page, sync_playwright

REQUIRE_BROWSER = "HARNESS_REQUIRE_BROWSER"
SCREENSHOTS = "HARNESS_SCREENSHOTS"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium as the system has it; the tests are skipped, or fail, without one."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        no_browser("no Chromium is installed (Debian: apt install chromium)")
    with sync_playwright() as driver:
        # Chromium's own sandbox refuses to run as root, and containers often do not allow it.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            started = driver.chromium.launch(executable_path=found, args=sandbox)
        except Error as error:
            no_browser(f"{found} does not start: {error}")
        yield started
        started.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: in HARNESS_SCREENSHOTS, else below pytest's temporary folder."""
    named = os.environ.get(SCREENSHOTS)
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots", numbered=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def opened(browser: Browser, site: Path) -> Iterator[Opened]:
    """Opens the page; in the end nothing was asked of a network and no script failed."""
    contexts, problems = [], []

    def open_page(
        *, width: int = 1280, height: int = 900, scheme: str = "light", address: str = ""
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda said: problems.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on(
            "request",
            lambda asked: problems.append(asked.url) if not asked.url.startswith("file:") else None,
        )
        page.goto((site / "index.html").as_uri() + address)
        page.wait_for_selector("#matrix .tile")
        settled(page)
        return page

    yield open_page
    hacked = [page.evaluate("window.hacked") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert (problems, [one for one in hacked if one]) == ([], [])


def no_browser(reason: str) -> NoReturn:
    """Skip with the reason; a failure where a browser is required."""
    if os.environ.get(REQUIRE_BROWSER) == "1":
        pytest.fail(f"{REQUIRE_BROWSER}=1, and {reason}")
    pytest.skip(reason)
