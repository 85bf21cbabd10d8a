"""The page in a real browser, opened from the folder: no server, no network."""

from __future__ import annotations

from pathlib import Path

import published_sweep
import pytest
from page_driver import Opened, tiles
from playwright.sync_api import Browser, expect
from results_factory import SweepOnDisk, cell
from two_machines import HERE

from harness.publish.report import publish


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("page")
    published_sweep.write(root / "results")
    publish([root / "results"], root / "site", title=f"A title {published_sweep.HOSTILE}")
    return root / "site"


def test_every_cell_has_a_tile_and_what_is_missing_says_why(opened: Opened) -> None:
    page = opened()
    marks = tiles(page)
    assert len(marks) == 14
    # Three classes (one of a cell whose second run was killed), and a mark for every other status.
    assert sorted(set(marks)) == sorted([*"ABC", "≠", "✕", "◔", "…", "–", "∅"])
    looks = [page.locator("#matrix .tile", has_text=mark).first for mark in "✕◔…–∅≠"]
    drawn = {
        look.evaluate("e => getComputedStyle(e).backgroundImage + getComputedStyle(e).color")
        + look.inner_text()
        for look in looks
    }
    assert len(drawn) == len(looks)
    page.locator("#matrix .tile", has_text="✕").hover()
    expect(page.locator("#hint")).to_contain_text("</script><script>window.hacked=1")
    page.locator("#matrix .tile", has_text="–").hover()
    expect(page.locator("#hint")).to_contain_text("no wheel for 3.10")


def test_numbers_in_words_add_up(opened: Opened) -> None:
    page = opened()
    words = page.locator(".counts figcaption").inner_text()
    terms, total = words.split(" = ")
    assert sum(int(term.split()[0]) for term in terms.split(" + ")) == int(total.split()[0]) == 34
    legend = page.locator("#legend small").all_inner_texts()
    assert sum(map(int, legend)) == 14
    expect(page.locator(".findings")).to_contain_text("One cell is unstable")


def test_the_reader_chooses_rows_columns_colour_and_filters(opened: Opened) -> None:
    page = opened()
    before = page.locator("#matrix [role=columnheader]").all_inner_texts()
    page.get_by_role("button", name="isa: move to the").click()
    assert page.locator("#matrix [role=columnheader]").all_inner_texts() != before
    assert len(tiles(page)) == 14
    page.get_by_label("Colour").select_option("distance")
    first, other = page.locator(".tile", has_text="A").nth(-1), page.locator("#matrix .tile.d0")
    expect(page.locator("#matrix .tile.same").first).to_have_text("A")
    assert first.count() == 1 and other.count() + page.locator("#matrix .tile.d4").count() > 0
    page.locator("#legend button", has_text="failed").click()
    assert tiles(page) == ["✕"]
    expect(page.locator("#shown")).to_contain_text("Showing 1 of 14 cells")
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Text in id").fill("60 s")
    expect(page.locator("#matrix .tile[data-cell]")).to_have_count(1)
    assert tiles(page) == ["◔"]
    page.get_by_label("Text in id").fill("")
    page.get_by_text("Filter", exact=True).click()
    page.locator(".filters button.value", has_text="2.21.0").click()
    expect(page.locator("#shown")).to_contain_text("Showing 4 of 14 cells")


def test_the_grid_is_walked_by_keyboard_and_a_story_opened_and_closed(opened: Opened) -> None:
    page = opened()
    page.locator("#matrix .tile[tabindex='0']").focus()
    first = page.evaluate("document.activeElement.dataset.cell")
    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.dataset.cell")
    assert first != second
    assert "threads" in (page.evaluate("document.activeElement.getAttribute('aria-label')"))
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    assert page.locator("#matrix .tile[tabindex='0']").count() == 1
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Home")
    assert page.evaluate("document.activeElement.dataset.cell") == first
    page.keyboard.press("Enter")
    expect(page.locator("#cell-details .close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#cell-details")).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.cell") == first


def test_of_many_lines_those_out_of_sight_are_drawn_when_they_are_needed(
    browser: Browser, tmp_path: Path
) -> None:
    on = SweepOnDisk(root=tmp_path / "results", repeats=1)
    on.plan([cell(seed=seed, threads=threads) for seed in range(200) for threads in (1, 2)])
    publish([tmp_path / "results"], tmp_path / "site")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "site" / "index.html").as_uri())
    assert "400 pending" in page.locator(".counts figcaption").inner_text()
    assert 0 < len(tiles(page)) < 400
    page.locator("#matrix .tile[tabindex='0']").focus()
    page.keyboard.press("Control+End")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "pending" in label and "seed 199" in label
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(tiles(page)) == 400
    page.close()


def test_a_story_says_everything_the_records_say(opened: Opened) -> None:
    page = opened()
    page.locator("#matrix .tile", has_text="B").first.click()
    details = page.locator("#cell-details")
    for words in (
        "stable: every repeat left the same weights",
        "Settings, as asked and as found",
        "Hashes (SHA-256)",
        "venv-",
        "python 3.10.13",
        "tensorflow-cpu",
        HERE,
        "Against class A",
        "undecided (same start, no trace)",
        "dense/kernel",
    ):
        expect(details).to_contain_text(words)
    page.locator("#matrix-controls").get_by_label("Baseline").select_option(label="class B")
    expect(details).to_contain_text("It is of the baseline itself")


def test_a_failure_is_told_whole_and_harmless(opened: Opened) -> None:
    page = opened()
    page.locator("#matrix .tile", has_text="✕").first.click()
    expect(page.locator("#cell-details .failure").first).to_contain_text("<img src=x onerror=")
    expect(page.locator("#cell-details")).to_contain_text("It has no weights.")


def test_an_address_leads_to_a_story(opened: Opened) -> None:
    page = opened()
    page.locator("#matrix .tile", has_text="≠").click()
    expect(page.locator("#cell-details")).to_contain_text("Unstable: runs of these very settings")
    again = opened(address=f"#{page.evaluate('location.hash').lstrip('#')}")
    expect(again.locator("#cell-details")).to_contain_text("Unstable: runs of these very settings")


def test_distances_and_curves_follow_the_baseline(opened: Opened) -> None:
    page = opened()
    assert page.locator("#dots .dot").count() > 4
    expect(page.locator("#dots")).to_contain_text("no weights")
    expect(page.locator("#pairs td").first).to_be_visible()
    before = page.locator("#dots").inner_html()
    page.locator("#distance-controls").get_by_label("Baseline").select_option(label="class C")
    assert page.locator("#dots").inner_html() != before
    assert page.locator("#curves .curve").count() > 1
    page.locator("#workloads button", has_text="co2-lstm").click()
    expect(page.locator("#matrix .tile[data-cell]")).to_have_count(3)
    assert set(tiles(page)) == {"A"}


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("wide-light", 1280, "light"), ("wide-dark", 1280, "dark"), ("phone", 390, "light")],
)
def test_it_fits_wide_and_narrow_light_and_dark(
    opened: Opened, screenshots: Path, name: str, width: int, scheme: str
) -> None:
    page = opened(width=width, height=844, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    red, green, blue = map(
        int,
        page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)"),
    )
    assert (red + green + blue > 384) == (scheme == "light")
    page.screenshot(path=screenshots / f"{name}.png", full_page=True)
    page.locator("#matrix .tile", has_text="B").first.click()
    expect(page.locator("#cell-details")).to_contain_text("Against class A")
    page.screenshot(path=screenshots / f"{name}-details.png")


def test_it_prints_every_table_and_no_controls(opened: Opened, screenshots: Path) -> None:
    page = opened()
    page.emulate_media(media="print")
    expect(page.locator("#matrix-controls")).to_be_hidden()
    expect(page.locator("section.classes").nth(1)).to_be_visible()
    page.screenshot(path=screenshots / "print.png", full_page=True)
    page.emulate_media()
    page.pdf(path=screenshots / "print.pdf", format="A4")
