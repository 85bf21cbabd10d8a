"""Which runs of users' scripts can be tried here, and what is said of those with equal weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bundled
import pytest
from results_factory import (
    SweepOnDisk,
    fit,
    hardware,
    observed,
    outputs,
    part_of,
    script_cell,
    sha256,
)

from harness.protocol.script import Script
from harness.results import blobs
from harness.results.record import Measured
from harness.results.store import Store
from harness.studies import foreign_locks, foreign_scripts, reference, trying, verdicts
from harness.studies.trying import Trial
from harness.subjects import folder_archives, uncontained_runs

CELL = script_cell()
LOCK = bundled.LOCKS / f"{CELL.environment.id}.txt"
THERE = observed([fit("w", "h")], outputs=outputs("o"), files={"a.npy": sha256("a")})


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def script(folder: Path, text: str = "x = 1\n", **changes: object) -> tuple[Script, Path]:
    """A script, and the archive of its folder."""
    folder.mkdir()
    (folder / "train.py").write_text(text)
    archive = folder.with_suffix(".tar")
    folder_archives.pack(folder, archive)
    with archive.open("rb") as file:
        digest = folder_archives.digest_of(file)
    plain = Script(name="churn", path="train.py", module="", folder_sha256=digest)
    return replace(plain, **changes), archive  # type: ignore[arg-type]


def recorded(on: SweepOnDisk, made: tuple[Script, Path], *runs: Measured) -> None:
    """Completed runs of a script, from a lock of one's own, with the script beside them."""
    one, archive = made
    on.plan([CELL])
    Store(on.root, on.matrix, on.machine).store_script(one.folder_sha256, archive)
    for repeat, measured in enumerate(runs, start=1):
        record = on.script_record(CELL, repeat, measured, part_of(one))
        named = {"lock_sha256": hashlib.sha256(LOCK.read_bytes()).hexdigest()}
        environment = record.environment.model_copy(update=named)
        on.write(record.model_copy(update={"environment": environment}))


def trials(root: Path) -> list[Trial]:
    folders = {"quickstart": root / "quickstart"}
    locks = foreign_locks.gathered(folders, own=[bundled.LOCKS])
    scripts = foreign_scripts.gathered(folders, [])
    return trying.trials(reference.read(root), locks, scripts, lambda cell: cell)


def verdict(tmp_path: Path, here: Measured, there: Measured = THERE) -> tuple[str, str]:
    """What becomes of a script's cell that left one thing there and another one here."""
    made = script(tmp_path / "mine")
    theirs, mine = (SweepOnDisk(root=tmp_path / name) for name in ("theirs", "mine-too"))
    recorded(theirs, made, there)
    recorded(mine, made, here)
    (trial,) = trials(theirs.root)
    assert trial.obstacle == ""
    record = Store(mine.root, mine.matrix, mine.machine).read(CELL.id, 1)
    assert record is not None
    found = verdicts.check(trial, [record], mine.folder)
    return found.verdict, found.why


def test_equal_bits_match(tmp_path: Path) -> None:
    assert verdict(tmp_path, THERE) == ("MATCH", "")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"fits": (fit("w", "other"),)}, "histories differ"),
        ({"outputs": outputs("other")}, "outputs differ"),
        ({"files": {"b.npy": sha256("a")}}, "files differ"),
        ({"printed_sha256": sha256("other")}, "printed lines differ"),
        ({"outputs": (), "files": {}}, "outputs, files differ"),
    ],
)
def test_what_differs_beside_equal_weights_is_said(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    here = THERE.model_copy(update=changes)
    if "fits" in changes:
        here = here.model_copy(update={"loss": here.fits[0].history["loss"][-1]})
    assert verdict(tmp_path, here) == ("MATCH", f"{why}, from the same weights")


def test_other_weights_of_a_start_that_nobody_saw_are_different(tmp_path: Path) -> None:
    """No two starts that are not known are equal."""
    here = observed([fit("v", "h")], outputs=outputs("o"), files=THERE.files)
    assert here.init_sha256 == THERE.init_sha256
    assert verdict(tmp_path, here)[0] == "DIFFERENT"


def test_all_models_have_to_agree(tmp_path: Path) -> None:
    there = observed([fit("w"), fit("u", model=2)])
    assert verdict(tmp_path, observed([fit("w"), fit("v", model=2)]), there)[0] == "DIFFERENT"


def test_two_scripts_of_one_name_are_two_sweeps(tmp_path: Path) -> None:
    made = [script(tmp_path / name, f"x = {name!r}\n") for name in ("one", "two")]
    for each, name in zip(made, ("zen4", "icelake"), strict=True):
        on = SweepOnDisk(root=tmp_path / "r", hardware=hardware(microarchitecture=name))
        recorded(on, each, THERE)
    found = trials(tmp_path / "r")
    first, second = (trial.reference.script for trial in found)
    assert first is not None and second is not None and first != second
    assert [trial.sweep for trial in found] == [
        "quickstart",
        f"quickstart.script-{second.sha256[:8]}",
    ]


def foreign(found: Sequence[Trial]) -> list[str]:
    return trying.foreign_code(found, foreign_locks.gathered({}, own=[bundled.LOCKS]))


def test_a_script_is_foreign_until_it_ran_here_outside_of_a_container(tmp_path: Path) -> None:
    """That it was copied here, as for a container, is not enough."""
    on = SweepOnDisk(root=tmp_path / "r")
    made = script(tmp_path / "mine")
    recorded(on, made, THERE)
    found = trials(on.root)
    said = [f"the script train.py (churn), its folder {made[0].folder_sha256[:12]}…"]
    assert foreign(found) == said
    scripts = foreign_scripts.gathered({"quickstart": on.root / "quickstart"}, [])
    scripts.bring("quickstart", made[0])
    assert foreign(found) == said
    uncontained_runs.note(made[0], CELL.settings)
    assert foreign(found) == []


def test_of_repeats_in_one_folder_the_first_is_compared(tmp_path: Path) -> None:
    """The later ones go on from what it left, and differ by intention."""
    on = SweepOnDisk(root=tmp_path / "r")
    recorded(on, script(tmp_path / "mine", keeps_folder=True), THERE, observed([fit("v")]))
    (trial,) = trials(on.root)
    assert trial.obstacle == ""
    assert trial.reference.measured == THERE


def test_a_script_that_was_not_kept_is_no_missing_file(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path / "r")
    one, archive = script(tmp_path / "mine")
    recorded(on, (one, archive), THERE)
    record = on.script_record(CELL, 1, THERE, part_of(one, is_stored=False))
    assert blobs.SCRIPTS not in record.stored
    (on.root / "quickstart" / "blobs" / "scripts" / f"{one.folder_sha256}.tar").unlink()
    (trial,) = trials(on.root)
    assert trial.obstacle.startswith("the script train.py (churn)")


UNSEEN = THERE.model_copy(update={"weights_sha256": "", "init_sha256": "", "tensors": ()})


def test_weights_that_nobody_saw_here_are_no_match(tmp_path: Path) -> None:
    found, why = verdict(tmp_path, UNSEEN)
    assert found == "NOT TRIED" and "not observed" in why


def test_weights_that_nobody_saw_there_are_not_tried(tmp_path: Path) -> None:
    theirs = SweepOnDisk(root=tmp_path / "theirs")
    recorded(theirs, script(tmp_path / "mine"), UNSEEN)
    (trial,) = trials(theirs.root)
    assert "its weights there are not known" in trial.obstacle
