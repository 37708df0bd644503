"""Debian's chromium without a screen, driven by Debian's chromedriver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_SIZE = 1400, 800


@contextmanager
def a_browser(folder: Path) -> Iterator[Chrome]:
    """Start a browser, whose files are all in the folder, and end it."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for each in (
        "--headless=new",
        "--no-sandbox",  # it refuses to have one as root
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        f"--user-data-dir={folder}/chromium",
        "--window-size={},{}".format(*_SIZE),
    ):
        options.add_argument(each)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    browser = Chrome(options, Service("/usr/bin/chromedriver", env=environment))
    try:
        yield browser
    finally:
        browser.quit()


def prefer(browser: Chrome, scheme: str) -> None:
    """Let pages be drawn as for a user who prefers light or dark."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
