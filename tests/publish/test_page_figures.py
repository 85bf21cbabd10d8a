"""The figures: nothing covers, cuts or doubles anything, and each look has one meaning."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from page_driver import Opened, address, settled, tiles
from playwright.sync_api import Page, expect
from results_factory import cell
from two_machines import HERE, sweep, train

from harness.analysis.axis_examples import CellName
from harness.publish import page_address
from harness.publish.report import publish

pytestmark = pytest.mark.browser

MANY = 70
"""More classes than four rounds of sixteen colours."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workload for each kind of trouble.

    `mnist-mlp`: a difference of arithmetic, another start, one that no trace shows, and a
    nudge. `mnist-cnn`: cells that are equally far from class A. `co2-lstm`: one
    epoch. `co2-conv`: very many classes.
    """
    root = tmp_path_factory.mktemp("figures")
    on = sweep(root / "results")
    near = {n: cell(threads=n) for n in (1, 2, 4, 8)}
    nudged = cell(threads=1, nudge="one-ulp")
    wild = [cell(workload="mnist-cnn", seed=seed, threads=n) for seed in range(9) for n in (1, 2)]
    short = [cell(workload="co2-lstm", threads=n) for n in (1, 2)]
    many = [cell(workload="co2-conv", seed=seed) for seed in range(MANY)]
    on.plan([*near.values(), nudged, *wild, *short, *many])
    train(on, near[1], [1.0, 2.0], losses=(0.9, 0.47913412), trained=(5, 6))
    train(on, near[2], [1.0, 2.0 + 2**-20], losses=(0.9, 0.47913413), trained=(5, 7))
    train(on, near[4], [7.0, 5.0], init="another", losses=(0.9, 0.47913414), trained=(6, 7))
    train(on, near[8], [3.0, 2.0], losses=(0.9, 0.47913415))
    train(on, nudged, [1.0, 2.0 + 2**-22], losses=(0.9, 0.47913412), trained=(5, 8))
    train(on, wild[0], [1.0, 2.0])
    for place, each in enumerate(wild[1:], start=1):
        train(on, each, [1.0, 2.0 + 2**-9], [1.0, 2.0 + place])
    for place, each in enumerate(short):
        train(on, each, [float(place)])
    for place, each in enumerate(many):
        train(on, each, [1.0, 2.0 + place])
    publish([root / "results"], root / "site")
    return root / "site"


def _circles(page: Page) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.evaluate(
        """() => [...document.querySelectorAll('#dots .dot circle')].map((one) =>
            ({ cx: one.cx.baseVal.value, cy: one.cy.baseVal.value, r: one.r.baseVal.value }))"""
    )
    return found


@pytest.mark.parametrize("where", ["mnist-cnn&over=threads", "mnist-mlp", "co2-conv"])
def test_dots_that_coincide_stand_side_by_side(opened: Opened, where: str) -> None:
    circles = _circles(opened(address=f"#workload={where}"))
    assert len(circles) == {"mnist-cnn&over=threads": 18, "mnist-mlp": 5, "co2-conv": MANY}[where]
    for one, other in itertools.combinations(circles, 2):
        distance = ((one["cx"] - other["cx"]) ** 2 + (one["cy"] - other["cy"]) ** 2) ** 0.5
        assert distance >= 0.94 * (one["r"] + other["r"]), (one, other)


def test_another_start_and_the_undecided_stand_apart_and_a_nudge_is_a_line(opened: Opened) -> None:
    page = opened()
    upper, lower = _heights(page, "#dots .divide")
    heights = sorted(circle["cy"] for circle in _circles(page))
    assert [height < upper for height in heights] == [True, False, False, False, False]
    assert [height < lower for height in heights] == [True, True, False, False, False]
    named = page.locator("#dots .band").all_text_contents()
    assert named == ["began otherwise", "undecided", "same start"]
    of_undecided, line = _heights(page, "#dots .nudge")
    assert upper < of_undecided < lower
    # The nudge is a quarter of what another number of threads did, and no dot stands below it.
    assert heights[2] < line < heights[4] and line == pytest.approx(heights[3], abs=1)
    expect(page.locator("#dots")).to_contain_text("one weight nudged by one ULP")
    expect(page.locator("#dots-caption")).to_contain_text("no difference of arithmetic")
    elsewhere = opened(address="#workload=co2-lstm")
    assert elsewhere.locator("#dots .nudge, #dots .divide").count() == 0
    expect(elsewhere.locator("#dots-caption")).not_to_contain_text("arithmetic")


def _heights(page: Page, lines: str) -> list[float]:
    return sorted(float(line.get_attribute("y1") or 0) for line in page.locator(lines).all())


def test_a_difference_is_put_against_one_flipped_bit(opened: Opened) -> None:
    one, other = (
        CellName(matrix="quickstart", machine=HERE, cell=cell(threads=n).id) for n in (1, 2)
    )
    page = opened(address=page_address.to_cells("mnist-mlp", (one, other)))
    expect(page.locator("#pair-verdict")).to_contain_text("(4 times one flipped bit)")


def test_there_are_curves_only_where_there_are_epochs(opened: Opened) -> None:
    page = opened()
    expect(page.locator("#loss-title")).to_be_visible()
    expect(page.locator("#curves .curve")).not_to_have_count(0)
    page.locator("#workloads button", has_text="co2-lstm").click()
    expect(page.locator("#loss-title")).to_be_hidden()
    assert page.locator(".curve").count() == 0


def test_the_marks_of_an_axis_are_different_and_its_range_is_not_empty(opened: Opened) -> None:
    page = opened()
    for drawing in ("#dots", "#curves", "#zoom"):
        marks = page.locator(f"{drawing} .tick").all_text_contents()
        assert len(marks) == len(set(marks)), (drawing, marks)
    heights = {circle["cy"] for circle in _circles(page)}
    assert max(heights) - min(heights) > 100


def test_captions_are_of_what_is_drawn(opened: Opened) -> None:
    page = opened()
    page.get_by_label("Measure").select_option("max_ulp")
    for name in ("#dots-caption", "#pairs-caption"):
        expect(page.locator(name)).to_contain_text("Largest ULP distance")
    page.locator("#legend button").first.click()
    expect(page.locator("#pairs")).to_contain_text("One class only")
    expect(page.locator("#pairs-caption")).to_have_text("")
    page.get_by_label("Colour").select_option("distance")
    expect(page.locator("#matrix-caption")).to_contain_text("the larger the largest ULP distance")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("workload", ["mnist-mlp", "mnist-cnn", "co2-lstm", "co2-conv"])
def test_no_label_is_cut(opened: Opened, width: int, workload: str) -> None:
    page = opened(width=width, address=f"#workload={workload}")
    cut = page.evaluate(
        """() => {
            const all = (selector) => [...document.querySelectorAll(selector)];
            const folded = (one) => one.scrollWidth > one.clientWidth + 1;
            const outside = (one) => {
                const own = one.getBoundingClientRect();
                const plot = one.ownerSVGElement.getBoundingClientRect();
                return own.left < plot.left - 1 || own.right > plot.right + 1
                    || own.top < plot.top - 1 || own.bottom > plot.bottom + 1;
            };
            return [...all('.head span, .side span, .corner span').filter(folded),
                ...all('.plot text').filter(outside)].map((one) => one.textContent);
        }"""
    )
    assert cut == []


def test_classes_past_the_sixteenth_have_looks_of_their_own(opened: Opened) -> None:
    page = opened(address="#workload=co2-conv")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(set(tiles(page))) == MANY
    looks = page.locator("#matrix .tile[data-cell]").evaluate_all(
        """(all) => all.map((one) => { const style = getComputedStyle(one);
            return [style.backgroundColor, style.boxShadow].join(); })"""
    )
    # Four rounds of sixteen; what is left is told apart by its letters.
    assert len(set(looks)) == 64 + 1


def test_tables_sort_and_search(opened: Opened) -> None:
    page = opened(address="#workload=co2-conv")
    table = page.locator("section.classes:visible table")
    names = table.locator("tbody tr:visible td:first-child")
    before = names.all_inner_texts()
    assert before[:2] == ["A", "B"] and before[26] == "AA"
    table.get_by_role("button", name="class").click()
    assert names.all_inner_texts() == before
    table.get_by_role("button", name="class").click()
    assert names.all_inner_texts() == before[::-1]
    assert table.locator("th[aria-sort=descending]").inner_text().startswith("class")
    table.get_by_role("button", name="weights").click()
    hashes = table.locator("tbody td.hash").all_inner_texts()
    assert hashes == sorted(hashes)
    search = page.get_by_label("Search Classes of co2-conv")
    search.fill("seed=17")
    expect(names).to_have_count(1)
    expect(page.locator(".classes:visible [role=status]")).to_have_text(f"1 of {MANY} rows")
    assert address(page).endswith("&sort=weights&find=seed=17")
    search.fill("")
    expect(names).to_have_count(MANY)


def test_a_link_opens_a_table_as_it_was_sorted_and_searched(opened: Opened) -> None:
    page = opened(address="#workload=co2-conv&sort=-class&find=seed=17")
    names = page.locator("section.classes:visible tbody tr:visible td:first-child")
    expect(names).to_have_count(1)
    search = page.get_by_label("Search Classes of co2-conv")
    expect(search).to_have_value("seed=17")
    search.fill("")
    expect(names).to_have_count(MANY)
    assert names.all_inner_texts()[-1] == "A"
    page.get_by_role("button", name="weights").click()
    page.go_back()
    assert names.all_inner_texts()[-1] == "A"
    # Another workload's tables are as they are; this one's are as they were left.
    page.locator("#workloads button:not([aria-current])").first.click()
    assert page.locator("section.classes:visible th[aria-sort]").count() == 0
    page.locator("#workloads button", has_text="co2-conv").click()
    assert names.all_inner_texts()[-1] == "A"


def test_a_class_says_what_it_is(opened: Opened) -> None:
    page = opened(address="#class=B")
    expect(page.locator("#shown")).to_contain_text("Class B is: ")
    words = page.locator("#shown span").inner_text().partition(" is: ")[2].rstrip(". ")
    assert words
    page.locator("#matrix .tile").first.hover()
    expect(page.locator("#hint")).to_contain_text(words)
    row = page.locator("section.classes:visible tbody tr", has=page.get_by_text("B", exact=True))
    expect(row).to_contain_text(words)
    settled(page)
    assert "class=B" in address(page)
