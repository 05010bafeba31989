"""The page in a real browser: it renders, sorts, filters, folds, searches; keys reach all; nothing leaves the page."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sample_pages import EVIL, EXAMPLES, example, long_network, page
from texts import check_file, check_text

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
MISSING = [
    name
    for name, there in (
        ("selenium", importlib.util.find_spec("selenium")),
        ("chromium", CHROMIUM),
        ("chromedriver (Debian: chromium-driver)", DRIVER),
    )
    if not there
]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"no browser test: {', '.join(MISSING)} not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    assert CHROMIUM and DRIVER
    options.binary_location = CHROMIUM
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1300,1000",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield found
    found.quit()


class Page:
    """A page that is open, and what a user does with it."""

    def __init__(self, driver: Any, path: Path) -> None:
        self.driver = driver
        driver.get_log("browser")
        driver.get_log("performance")
        driver.get(path.as_uri())

    def js(self, code: str, *values: Any) -> Any:
        return self.driver.execute_script(code, *values)

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    def type(self, selector: str, text: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(text)

    def texts(self, selector: str) -> list[str]:
        every = "[...document.querySelectorAll(arguments[0])]"
        shown = f"return {every}.filter(e => e.getClientRects().length).map(e => e.textContent)"
        found: list[str] = self.js(shown, selector)
        return found

    def boxes(self) -> list[str]:
        return self.texts(".box .name")

    def quiet(self) -> None:
        """Check that nothing was complained of, and that nothing but the file itself was asked for."""
        assert self.driver.get_log("browser") == []
        asked = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.add(message["params"]["request"]["url"].partition(":")[0])
        assert asked <= {"file", "data"}, asked


def opened(driver: Any, tmp_path: Path, text: str) -> Page:
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    return Page(driver, path)


def test_it_renders_and_is_quiet(driver: Any, tmp_path: Path) -> None:
    shown = opened(driver, tmp_path, page(example("resnet50")))
    assert shown.js("return document.documentElement.dataset.ready") == "true"
    assert any("stage1" in text for text in shown.texts(".box .name, .frame text"))
    assert "3×224×224" in shown.texts("#canvas .size")
    shown.click("#theme")
    shown.quiet()


def test_the_table_sorts_and_filters(driver: Any, tmp_path: Path) -> None:
    shown = opened(driver, tmp_path, page(example("resnet50")))
    parameters = "return [...document.querySelectorAll('table.layers tbody tr')].map(r => Number(r.cells[5].dataset.v))"
    shown.click("table.layers thead th:nth-child(6) button")
    up = shown.js(parameters)
    assert up == sorted(up) and shown.texts("th[aria-sort=ascending]") == ["Parameters"]
    shown.click("table.layers thead th:nth-child(6) button")
    assert shown.js(parameters) == sorted(up, reverse=True)
    assert shown.texts("table.layers tbody th")[0].strip() == "classifier" or max(up) == shown.js(parameters)[0]

    shown.type("#filter", "stage3.units.2")
    rows = shown.texts("table.layers tbody tr th a")
    assert rows and all(name.startswith("stage3.units.2") for name in rows)
    assert shown.texts("#shown")[0].startswith(f"{len(rows)} of ")
    shown.js(
        "document.getElementById('op').value = 'conv'; document.getElementById('op').dispatchEvent(new Event('input'))"
    )
    assert set(shown.texts("table.layers tbody tr td:nth-child(3)")) == {"conv"}
    shown.quiet()


def test_blocks_fold_and_unfold(driver: Any, tmp_path: Path) -> None:
    shown = opened(driver, tmp_path, page(example("resnet50")))
    before = shown.boxes()
    shown.click("#fold")
    folded = shown.boxes()
    assert len(folded) < len(before) and any(name.startswith("▸ stage1") for name in folded)
    stage = shown.js(
        "return [...document.querySelectorAll('.box')].find(b => b.textContent.includes('stage1')).dataset.id"
    )
    shown.js(
        "document.getElementById('box-' + arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))", stage
    )
    assert not any(name.startswith("▸ stage1") for name in shown.boxes())
    assert "▾ stage1" in shown.texts(".frame text")
    shown.click("#unfold")
    assert len(shown.boxes()) > len(folded)
    shown.quiet()


def test_search_finds_and_unfolds(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    shown = opened(driver, tmp_path, page(example("resnet50")))
    shown.type("#search", "stage4.units.2.spatial")
    assert shown.texts("#hits") == ["2 found"]
    assert shown.js("return document.querySelectorAll('.box.hit').length") >= 1
    shown.type("#search", Keys.ENTER)
    assert shown.js("return document.querySelector('.box.active').getAttribute('aria-label')").startswith(
        "stage4.units.2"
    )
    assert shown.texts("#details h3")[0].startswith("stage4.units.2.spatial")
    assert shown.js("return document.querySelectorAll('#details svg.figure').length") == 1
    shown.quiet()


def test_everything_is_reached_by_keys(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    shown = opened(driver, tmp_path, page(example("lenet5")))
    reached = []
    for _ in range(40):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        reached.append(shown.js("return document.activeElement.id || document.activeElement.textContent.trim()"))
        if reached[-1] == "canvas":
            break
    assert {"theme", "search", "fold", "unfold", "in", "out", "fit", "canvas"} <= set(reached)
    press = ActionChains(driver)
    for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER):
        press.send_keys(key)
    press.perform()
    active = shown.js("return document.getElementById('canvas').getAttribute('aria-activedescendant')")
    assert active and shown.js("return document.getElementById(arguments[0]) !== null", active)
    assert shown.texts("#details h3"), "Enter opens the layer"
    place = "return document.getElementById('viewport').getAttribute('transform')"
    before = shown.js(place)
    ActionChains(driver).send_keys("+").perform()
    zoomed = shown.js(place)
    ActionChains(driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_LEFT).key_up(Keys.SHIFT).perform()
    moved = shown.js(place)
    ActionChains(driver).send_keys("0").perform()
    assert len({before, zoomed, moved, shown.js(place)}) == 4
    shown.quiet()


def test_mouse_and_fingers_move_the_graph(driver: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    shown = opened(driver, tmp_path, page(example("lenet5")))
    canvas = driver.find_element("id", "canvas")
    shown.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", canvas)
    place = "return document.getElementById('viewport').getAttribute('transform')"
    before = shown.js(place)
    ActionChains(driver).move_to_element_with_offset(canvas, -200, 0).click_and_hold().move_by_offset(
        40, 30
    ).release().perform()
    dragged = shown.js(place)
    assert dragged != before
    pinch = """
      const at = arguments[0].getBoundingClientRect();
      const send = (type, id, x, y) => arguments[0].dispatchEvent(new PointerEvent(type,
        {pointerId: id, pointerType: 'touch', clientX: at.left + x, clientY: at.top + y, bubbles: true}));
      arguments[0].setPointerCapture = () => {};
      send('pointerdown', 11, 100, 100); send('pointerdown', 12, 200, 100);
      send('pointermove', 12, 300, 100); send('pointerup', 11, 100, 100); send('pointerup', 12, 300, 100);
    """
    scale = "return Number(/scale\\(([^)]+)/.exec(document.getElementById('viewport').getAttribute('transform'))[1])"
    small = shown.js(scale)
    shown.js(pinch, canvas)
    assert shown.js(scale) == pytest.approx(2 * small)
    shown.quiet()


def test_findings_lead_to_the_graph(driver: Any, tmp_path: Path) -> None:
    report = check_file(str(EXAMPLES / "broken" / "unet_700.net.yaml"))
    shown = opened(driver, tmp_path, page(report))
    shown.click("button.show")
    assert "error" in shown.js("return document.querySelector('.box.active').getAttribute('class')")
    assert shown.texts("#details .wrong")
    shown.js("document.getElementById('wrong').click()")
    assert len(shown.texts("table.layers tbody tr")) == 1
    shown.quiet()


def test_markup_in_names_stays_text(driver: Any, tmp_path: Path) -> None:
    shown = opened(driver, tmp_path, page(check_text(EVIL, "evil.net.yaml")))
    shown.js("Graph.showLayer(1)")
    assert shown.texts("#details h3") == ["<script>"]
    assert shown.js("return document.querySelectorAll('img').length") == 0
    assert shown.js("return document.scripts.length") == 2
    shown.quiet()


def test_five_thousand_layers_open_with_few_of_them_drawn(driver: Any, tmp_path: Path) -> None:
    shown = opened(driver, tmp_path, page(long_network(5000)))
    assert len(shown.boxes()) <= 100
    shown.type("#filter", "conv_2400")
    assert shown.texts("table.layers tbody tr th a") == ["conv_2400"]
    shown.quiet()


@pytest.mark.parametrize("width", [360, 800])
def test_a_phone_has_no_sideways_scrolling(driver: Any, tmp_path: Path, width: int) -> None:
    report = check_file(str(EXAMPLES / "broken" / "unet_700.net.yaml"))
    text = page(report)
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    )
    try:
        shown = opened(driver, tmp_path, text)
        assert shown.js("return document.documentElement.scrollWidth") <= width
        shown.quiet()
    finally:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_figure_moves_and_can_be_paused(driver: Any, tmp_path: Path) -> None:
    text = "shapecheck: 1\ninputs: {x: [1, 1, 5, 5]}\nlayers: [{op: conv, out_channels: 1, kernel_size: 3}]\n"
    shown = opened(driver, tmp_path, page(check_text(text, "x.net.yaml")))
    shown.js("Graph.showLayer(1)")
    buttons = shown.texts("#details button")
    assert buttons == ["Pause"]
    shown.click("#details button")
    assert shown.texts("#details button") == ["Play"]
    assert shown.js("return document.querySelector('#details svg').animationsPaused()") is True
    shown.quiet()
