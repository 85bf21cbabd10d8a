"""A real browser for the tests of the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

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


def no_browser(reason: str) -> NoReturn:
    """Skip with the reason; a failure where a browser is required."""
    if os.environ.get(REQUIRE_BROWSER) == "1":
        pytest.fail(f"{REQUIRE_BROWSER}=1, and {reason}")
    pytest.skip(reason)
