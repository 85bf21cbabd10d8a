"""What `diff` and `why` found, saved and shown on the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import called, harness
from playwright.sync_api import Browser, Page, expect
from published_sweep import HOSTILE
from results_factory import SweepOnDisk, cell

from harness.errors import UsageError
from harness.publish import study_files
from harness.publish.report import publish
from harness.publish.shown import Shown

ON, OFF = cell(determinism="on"), cell(determinism="off")


@pytest.fixture
def sweep(tmp_path: Path) -> SweepOnDisk:
    made = SweepOnDisk(root=tmp_path / "results")
    made.plan([ON, OFF])
    made.complete(ON, "a", "a")
    made.complete(OFF, "b", "b")
    return made


def saved(path: Path, *names: str) -> Path:
    table = [
        Shown(name="part", header="part", values=("loss", HOSTILE)),
        Shown(name="equal", header="equal", values=("yes", "no")),
    ]
    sentences = ["They part by other arithmetic.", HOSTILE]
    study_files.write(path, study_files.of_study("diff", names, sentences, table))
    return path


def full(sweep: SweepOnDisk, name: str) -> str:
    return f"{sweep.matrix}/{sweep.folder.name}/{name}"


@pytest.mark.slow
def test_what_diff_says_is_saved_and_over_a_study_only(
    sweep: SweepOnDisk, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "study.json"
    arguments = ("diff", sweep.root, ON.id, OFF.id, "--level", "1", "--save")
    for _ in range(2):
        ended = called(capsys, *arguments, path)
        assert ended.code == 0, ended.err
        study = study_files.read(path)
        assert study.cells == (full(sweep, ON.id), full(sweep, OFF.id))
        assert "\n".join(study.sentences) in ended.out
    other = tmp_path / "other.json"
    other.write_text("{}")
    refused = called(capsys, *arguments, other)
    assert (refused.code, "is no study" in refused.err, other.read_text()) == (2, True, "{}")
    nowhere = called(capsys, *arguments, tmp_path / "missing" / "s.json")
    assert (nowhere.code, "there is no folder" in nowhere.err) == (2, True)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"schema": 2, "command": "diff", "cells": ["a"], "sentences": []}',
        '{"schema": 1, "command": "rm", "cells": ["a"], "sentences": []}',
        '{"schema": 1, "command": "why", "cells": [], "sentences": []}',
        json.dumps({"schema": 1, "command": "why", "cells": ["a"], "sentences": ["x" * 5000]}),
        '{"schema": 1, "command": "why", "cells": ["a"], "sentences": [], "columns": ["a"],'
        ' "rows": [["1", "2"]]}',
    ],
)
def test_files_that_are_no_studies_are_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"study\.json: "):
        study_files.read(path)


@pytest.mark.slow
def test_a_study_needs_a_page(sweep: SweepOnDisk, tmp_path: Path) -> None:
    study = saved(tmp_path / "s.json", full(sweep, ON.id))
    appendix = tmp_path / "appendix.md"
    ended = harness("publish", sweep.root, "--appendix", appendix, "--study", study)
    assert (ended.code, "--study is for the page" in ended.err) == (2, True)
    missing = harness("publish", sweep.root, "-o", tmp_path / "site", "--study", tmp_path / "x")
    assert (missing.code, "cannot be read" in missing.err) == (2, True)


@pytest.fixture
def page(browser: Browser, sweep: SweepOnDisk, tmp_path: Path) -> Iterator[Page]:
    site = tmp_path / "site"
    names = (full(sweep, ON.id), full(sweep, f"{OFF.id}#2"))
    fits = (full(sweep, f"{ON.id}@1.1"), full(sweep, f"{ON.id}#1@2.1"))
    studies = [
        study_files.read(saved(tmp_path / "own.json", *names)),
        study_files.read(saved(tmp_path / "foreign.json", "x/y/z", names[0])),
        study_files.read(saved(tmp_path / "fits.json", *fits)),
    ]
    publish([sweep.root], site, studies=studies)
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.goto((site / "index.html").as_uri())
    yield opened
    context.close()


def test_the_page_shows_what_was_asked_and_leads_to_its_cells(page: Page) -> None:
    section = page.get_by_role("region", name="Differences that were asked")
    expect(section.locator("article")).to_have_count(3)
    expect(section.locator("li", has_text="They part by other arithmetic.")).to_have_count(3)
    expect(section.locator("li").nth(1)).to_have_text(HOSTILE)
    section.locator("summary").first.click()
    expect(section.locator("td").nth(2)).to_have_text(HOSTILE)
    # Only what is published can be opened.
    expect(section.locator("h3 a")).to_have_count(2)
    section.locator("h3 a").first.click()
    expect(page.locator("#cell-details")).to_contain_text(ON.id)
    expect(page.locator("#matrix .tile.open")).to_have_count(2)
    expect(page.locator("#matrix .tile.second")).to_have_count(1)


def test_without_studies_there_is_no_such_section(
    browser: Browser, sweep: SweepOnDisk, tmp_path: Path
) -> None:
    publish([sweep.root], tmp_path / "site")
    assert "Differences that were asked" not in (tmp_path / "site" / "index.html").read_text()
