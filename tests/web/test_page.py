"""The page in Debian's chromium: the picture, the search, answers, a lost application."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from sim.lab.process import CHECKOUT
from sim.waiting import wait_until
from tests.switch.dummy import PATIENCE, DummySwitch
from tests.web.browser import a_browser, prefer
from tests.web.conftest import FAR, GUEST
from tests.web.programs import Web
from tests.web.stub import a_stub

T = TypeVar("T")

EVIL = "<img src=x onerror=document.title=1>"
"""A name of a logical switch that would be an element with a script, if it were put in as HTML."""
SCREENSHOT = CHECKOUT / "docs" / "web.png"
"""``WRITE_PAGES=1`` in the environment writes it, as it does the answers on docs/operating.md."""
DARK = 60
"""Levels of red, green and blue, from 0 to 255, that a dark page does not exceed."""


class Page:
    """The page as a user sees it."""

    def __init__(self, browser: Chrome, port: int) -> None:
        self.browser = browser
        browser.get(f"http://127.0.0.1:{port}/")

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of elements, in one step: the page draws them again and again.

        That of a hidden one is empty.
        """
        read = (
            "return [...document.querySelectorAll(arguments[0])].map("
            "e => e.checkVisibility() ? e.innerText ?? e.textContent : '')"  # the latter is of SVG
        )
        return [str(each).strip() for each in self.browser.execute_script(read, selector)]

    def text(self, selector: str) -> str:
        return self.texts(selector)[0]

    def attributes(self, selector: str, name: str) -> list[str | None]:
        """Return an attribute of elements, in one step."""
        read = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".map(e => e.getAttribute(arguments[1]))"
        )
        return list(self.browser.execute_script(read, selector, name))

    def item(self, key: str) -> WebElement:
        """Return a port or tunnel of the picture, once it is there."""
        return self.wait(lambda: self.all(f'.item[data-key="{key}"]'), key)[0]

    def focus(self, key: str) -> None:
        """Focus a port or tunnel, in one step: the page draws its picture again and again."""
        self.item(key)
        script = "document.querySelector(arguments[0]).focus()"
        self.browser.execute_script(script, f'.item[data-key="{key}"]')

    def wait(self, condition: Callable[[], T], what: str) -> T:
        """Wait for a condition; show what the page says if it does not come true."""
        evidence = lambda: f"{self.text('body')}\n{self.complaints()}"  # noqa: E731
        return wait_until(condition, what, timeout=PATIENCE, evidence=evidence)

    def wait_for(self, text: str, selector: str) -> None:
        """Wait until an element has a text in it."""
        self.wait(
            lambda: any(text in each for each in self.texts(selector)), f"{text} in {selector}"
        )

    def search(self, mac: str) -> None:
        field = self.browser.find_element(By.ID, "mac")
        field.clear()
        field.send_keys(mac, Keys.ENTER)

    def found(self) -> list[str | None]:
        """Return the ports and tunnels that are marked in the picture."""
        return self.attributes(".item.found", "data-key")

    def background(self) -> list[int]:
        """Return the colour of the page's background."""
        script = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        return list(self.browser.execute_script(script))

    def complaints(self) -> list[str]:
        """Return what the browser's console has got since the last call."""
        return [each["message"] for each in self.browser.get_log("browser")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with a_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def page(browser: Chrome, web: Web) -> Iterator[Page]:
    """The page, about the real application; its console must stay empty."""
    page = Page(browser, web.port)
    page.item("port br0 vm1")
    yield page
    assert page.complaints() == []


def test_the_picture_is_there(page: Page) -> None:
    page.wait_for("BFD down", '.item[data-key="tunnel br0 10.2.2.4"]')
    assert page.text("#status").startswith("in charge of br0 · ready · active · ")
    assert "hardware_vtep: connected to unix:" in page.text("#databases")
    assert "office" in page.text('[data-key="port br0 vm1"]')
    (trunk,) = page.attributes('.item[data-key="port br0 trunk"]', "aria-label")
    assert trunk is not None
    assert "VLAN 30 in cameras; VLAN 40 in telephony" in trunk
    assert "up" in page.text('[data-key="tunnel br0 10.2.2.2"]')
    assert "storage: 10.0.2.1/24" in page.text('[data-key="router br0 r1"]')
    joined = page.attributes('[data-key="router br0 r1"] .chip', "class")
    assert joined == ["chip c1", "chip c2"]
    kinds = page.attributes("path.wire", "class")
    assert (kinds.count("wire good"), kinds.count("wire bad")) == (2, 1)
    legend = [each.lstrip("0123456789 \n") for each in page.texts("#legend li")]
    vnis = "cameras VNI 5003", "office VNI 5001", "storage VNI 5002", "telephony VNI 5004"
    assert legend == list(vnis)
    chips = page.attributes('[data-key="port br0 vm1"] .chip', "class")
    assert {*chips} == {"chip c1"}  # the colour of office, the second one


def test_a_search_finds_a_mac(page: Page) -> None:
    page.search(GUEST)
    page.wait_for("vm2", "#found td")
    assert page.found() == ["port br0 vm2"]
    if os.environ.get("WRITE_PAGES"):
        page.browser.save_screenshot(str(SCREENSHOT))
    page.search(FAR)
    page.wait_for("10.2.2.4", "#found td")
    assert page.found() == ["tunnel br0 10.2.2.4"]
    page.search("nonsense")
    page.wait_for("there is no", "#found")


def test_why_is_a_click_or_a_key_away(page: Page) -> None:
    page.item("port br0 vm1").click()
    page.wait_for("office", "#found pre")
    assert page.text("#asked") == "why vm1"
    page.browser.find_element(By.ID, "close").click()
    page.item("router br0 r1").click()
    page.wait_for("Logical_Router r1 has 10.0.1.1/24 in Logical_Switch office", "#found pre")
    assert page.text("#asked") == "why router=r1"
    page.focus("tunnel br0 10.2.2.2")
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    page.wait_for("10.2.2.2", "#found pre")
    page.search(GUEST)
    page.wait(lambda: page.all("#found button"), "the button")[0].click()
    page.wait_for(GUEST, "#found pre")


def test_light_and_dark(page: Page) -> None:
    assert min(page.background()) > 255 - DARK
    prefer(page.browser, "dark")
    try:
        assert max(page.background()) < DARK
    finally:
        prefer(page.browser, "light")


def test_it_refreshes_itself_and_names_are_text(page: Page, scene: DummySwitch) -> None:
    page.focus("port br0 vm2")
    scene.vtep_ctl("add-ls", EVIL, "--", "bind-ls", "br0", "nas", "77", EVIL)
    page.wait_for(EVIL, "#legend")
    assert not page.all("#bridges img, #legend img, #faults img")
    focused = page.browser.switch_to.active_element.get_attribute("data-key")
    assert focused == "port br0 vm2"
    scene.vtep_ctl("unbind-ls", "br0", "nas", "77")
    page.wait(lambda: EVIL not in page.text("#legend"), "its end")
    assert page.browser.title == "vtep_ofapp"


def test_a_lost_application_is_said_and_comes_back(page: Page, scene: DummySwitch) -> None:
    scene.app.kill()
    page.wait_for("The application does not answer", "#banner")
    assert page.item("port br0 vm1").is_displayed()
    scene.app.begin_log()
    scene.app.start()
    page.wait(lambda: not page.all("#banner:not([hidden])"), "its return")
    page.wait_for(" · ready · ", "#status")


def test_hundreds_of_ports_and_thousands_of_tunnels(browser: Chrome, tmp_path: Path) -> None:
    with a_stub(tmp_path) as stub:
        stub.show(
            {f"tap{number}": [f"ls{number % 40}"] for number in range(300)},
            [
                {"remote_vtep": f"10.0.{n // 250}.{n % 250}", "forwards": n != 2999}
                for n in range(3000)
            ],
        )
        web = Web(tmp_path, target=str(tmp_path / "stub"))
        web.begin()
        try:
            page = Page(browser, web.port)
            page.item("port br0 tap0")
            assert [each.text for each in page.all(".hidden-count")] == [
                "and 204 more ports, which are not shown",
                "and 2904 more tunnels, which are not shown",
            ]
            assert page.item("tunnel br0 10.0.11.249").is_displayed()
            page.wait_for("and 16 more", "#legend")
        finally:
            web.stop()
        page.wait_for("vtep-ofapp-web does not answer", "#banner")
