"""The page in a browser: the explorer by mouse, keyboard and touch, without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import NEEDS

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason=f"{NEEDS}Chromium (Debian: apt-get install chromium)"
    ),
    pytest.mark.timeout(300),  # a browser starts slowly on a busy machine
]
REACH = 2.25  # of the map, for a plane from -1.5 to 1.5
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

# The picture's grey levels, top left first.
LEVELS = """() => {
  const canvas = document.querySelector(".explorer .digit");
  const { width, height } = canvas;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const pixels = pen.getImageData(0, 0, width, height).data;
  return [...pixels].filter((_, place) => place % 4 === 0);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(report: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_bytes(report["index.html"])
    return path.as_uri()


@contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """Open a page; any console message, error or request other than for itself fails the test."""
    context = browser.new_context(offline=True, **options)
    context.set_default_timeout(60_000)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url[:80]))
    page.on(
        "request",
        lambda request: (
            request.url.startswith("data:")
            or request.url == address
            or complaints.append(request.url[:80])
        ),
    )
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


def images(folder: Path, run: str, name: str) -> np.ndarray:
    with np.load(folder / "runs" / run / "arrays.npz") as archive:
        return np.asarray(archive[name])


def expect_picture(page: Any, expected: np.ndarray) -> None:
    """Wait until the large picture shows this image, in 16 levels."""
    levels = (17 * np.round(expected / 17)).astype(int).ravel().tolist()
    page.wait_for_function(
        f"expected => JSON.stringify(({LEVELS})()) === JSON.stringify(expected)", arg=levels
    )


def choose(page: Any, label: str) -> None:
    page.locator(".models label", has_text=label).click()


def place_on_map(page: Any, z1: float, z2: float) -> tuple[float, float]:
    box = page.locator(".map").bounding_box()
    return (
        box["x"] + (z1 + REACH) / (2 * REACH) * box["width"],
        box["y"] + (REACH - z2) / (2 * REACH) * box["height"],
    )


def test_the_plane_by_mouse_and_keyboard(browser: Any, address: str, results_folder: Path) -> None:
    grid = images(results_folder, "linear-2/seed-0", "latent_grid")
    with opened(browser, address) as page:
        expect_picture(page, grid[2, 2])  # the origin
        drawn = page.evaluate("document.querySelector('.map').toDataURL()")
        page.locator(".map").scroll_into_view_if_needed()
        page.mouse.move(*place_on_map(page, 0.7, -0.8))
        expect_picture(page, grid[1, 3])
        assert page.evaluate("document.querySelector('.map').toDataURL()") != drawn
        sync_api.expect(page.locator(".readout")).to_contain_text("z1 = 0.75, z2 = −0.75")
        sync_api.expect(page.locator(".readout")).to_contain_text("Judge: class")
        page.mouse.move(*place_on_map(page, -2.2, 2.2))  # outside: the corner is nearest
        expect_picture(page, grid[4, 0])
        page.locator(".map").focus()
        page.keyboard.press("Home")
        expect_picture(page, grid[2, 2])
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowRight")
        expect_picture(page, grid[3, 3])
        for _ in range(9):
            page.keyboard.press("ArrowDown")
        expect_picture(page, grid[0, 3])
        assert page.locator(".map").get_attribute("role") == "application"
        assert "linear-2" in page.locator(".map").get_attribute("aria-label")
        assert page.locator(".readout").get_attribute("role") == "status"


def test_another_model_is_shown_at_the_same_point(
    browser: Any, address: str, results_folder: Path
) -> None:
    with opened(browser, address) as page:
        page.locator(".map").focus()
        page.keyboard.press("ArrowLeft")
        expect_picture(page, images(results_folder, "linear-2/seed-0", "latent_grid")[2, 1])
        choose(page, "conv-2")
        expect_picture(page, images(results_folder, "conv-2/seed-0", "latent_grid")[2, 1])
        page.get_by_role("button", name="Back to the origin").click()
        expect_picture(page, images(results_folder, "conv-2/seed-0", "latent_grid")[2, 2])


def test_one_dimension_moves_at_a_time(browser: Any, address: str, results_folder: Path) -> None:
    traversals = images(results_folder, "conv-10/seed-0", "traversals")
    with opened(browser, address) as page:
        choose(page, "conv-10")
        sliders = page.locator(".sliders input")
        sync_api.expect(sliders).to_have_count(8)
        assert not page.locator(".map").is_visible()
        page.locator(".starts label").nth(4).click()
        sync_api.expect(page.locator(".readout")).to_contain_text("At the start")
        rest = sliders.nth(1).input_value()
        sliders.nth(1).focus()
        page.keyboard.press("Home")
        expect_picture(page, traversals[4, 1, 0])
        page.keyboard.press("ArrowRight")
        expect_picture(page, traversals[4, 1, 1])
        assert sliders.nth(1).get_attribute("aria-valuetext") == "−1.25"
        sliders.nth(6).focus()
        page.keyboard.press("End")
        expect_picture(page, traversals[4, 6, 4])
        assert sliders.nth(1).input_value() == rest
        strip = page.locator(".strip")
        box = strip.bounding_box()
        strip.click(position={"x": box["width"] * 2.5 / 5, "y": box["height"] / 2})
        expect_picture(page, traversals[4, 6, 2])
        page.get_by_role("button", name="Back to the start").click()
        sync_api.expect(page.locator(".readout")).to_contain_text("At the start")


def test_the_start_is_shown_at_the_step_closest_to_its_code(
    browser: Any, address: str, results_folder: Path
) -> None:
    run = "linear-10/seed-0"
    codes, dims, axis, traversals = (
        images(results_folder, run, name)
        for name in ("traversal_base_codes", "traversal_dims", "traversal_axis", "traversals")
    )
    apart = np.abs(np.round(codes[0, dims], 2)[:, np.newaxis] - axis)
    with opened(browser, address) as page:
        choose(page, "linear-10")
        expect_picture(page, traversals[0][np.unravel_index(apart.argmin(), apart.shape)])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_all(
    browser: Any, address: str, results_folder: Path, scheme: str
) -> None:
    grid = images(results_folder, "linear-2/seed-0", "latent_grid")
    width = "document.documentElement.scrollWidth"
    with opened(browser, address, color_scheme=scheme, **PHONE) as page:
        assert page.evaluate(width) <= 390
        page.locator(".map").scroll_into_view_if_needed()
        page.touchscreen.tap(*place_on_map(page, -0.75, 0.75))
        expect_picture(page, grid[3, 1])
        choose(page, "conv-10")
        sync_api.expect(page.locator(".strip")).to_be_visible()
        assert page.evaluate(width) <= 390


def test_a_sentence_replaces_the_explorer_without_scripts(browser: Any, address: str) -> None:
    sentence = "The explorer appears here"
    with opened(browser, address, java_script_enabled=False) as page:
        assert page.get_by_text(sentence).is_visible()
        assert not page.locator(".explorer").is_visible()
    with opened(browser, address) as page:
        assert not page.get_by_text(sentence).is_visible()
        page.emulate_media(media="print")
        assert page.get_by_text(sentence).is_visible()
        assert not page.locator(".explorer").is_visible()
