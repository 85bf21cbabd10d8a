"""What can be tried of somebody's results, with whose packages, and what the outcome is called."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import bundled
import pytest
from results_factory import SweepOnDisk, cell, hardware, sha256

from harness.errors import LockError, RecordError, SelectionError, UsageError
from harness.matrix.cells import Cell
from harness.results.reading import read_record
from harness.results.record import Record
from harness.results.store import Store
from harness.studies import foreign_locks, foreign_results, reference, trying, verdicts
from harness.studies.foreign_locks import Locks
from harness.studies.foreign_scripts import Scripts
from harness.studies.reference import Reference
from harness.studies.trying import Trial
from harness.sweep import machine_limits
from harness.sweep.machine_limits import Machine

OWN = bundled.LOCKS
NAME = "tf2.10.0,py3.10,np1.23.5,cpu"
KERNEL = bundled.KERNEL
NEAR = ((0.5, -1.0), (2.0, 0.2500001))


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path / "results")


def own_lock(of: Cell) -> str:
    path = OWN / f"{of.environment.id}.txt"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def foreign_lock(of: Cell) -> bytes:
    """A lock that installs the same, and is not one that anybody had before."""
    return (OWN / f"{of.environment.id}.txt").read_bytes() + b"# chosen by a stranger\n"


def only(found: list[Reference]) -> Reference:
    assert len(found) == 1
    return found[0]


def settle(gpu: str | None = "no NVIDIA GPU here", cpus: int = 2) -> Callable[[Cell], Cell]:
    machine = Machine(cpus=cpus, flags=frozenset({"avx2"}))
    return machine_limits.settled(machine, lambda device: gpu if device == "gpu" else None)


def trial_of(on: SweepOnDisk, own: Path = OWN) -> Trial:
    known = foreign_locks.gathered({on.matrix: on.folder.parent}, own=[own])
    return trying.trials([only(reference.read(on.root))], known, Scripts(), settle())[0]


def test_each_cell_of_each_machine_is_a_reference_or_says_why_not(on: SweepOnDisk) -> None:
    cells = {
        "good": cell(),
        "unstable": cell(threads=1),
        "failed": cell(threads=2),
        "pending": cell(threads=3),
        "excluded": cell(threads=4, status="excluded", reason="measured elsewhere"),
        "gone": cell(threads=5),
    }
    on.plan([one for name, one in cells.items() if name != "gone"])
    bundled.train(on, cells["good"], KERNEL, KERNEL)
    bundled.train(on, cells["unstable"], KERNEL, NEAR)
    on.end(cells["failed"], 1, "failed", "the training raised\nmore")
    bundled.train(on, cells["gone"], KERNEL)
    found = {one.id: one.obstacle for one in reference.read(on.root)}
    assert found == {
        cells["good"].id: "",
        cells["unstable"].id: "unstable there: 2 different weights in 2 runs",
        cells["failed"].id: "failed there: the training raised",
        cells["pending"].id: "never run there",
        cells["excluded"].id: "excluded there: measured elsewhere",
        cells["gone"].id: "",
    }


def test_a_workload_that_is_unknown_here_is_an_obstacle(on: SweepOnDisk) -> None:
    bundled.train(on, cell(workload="their-own"), KERNEL)
    on.plan([])
    said = only(reference.read(on.root)).obstacle
    assert said.startswith("unknown to this harness: workload cannot be 'their-own'")


def test_a_selection_takes_what_matches_and_refuses_what_matches_nothing(on: SweepOnDisk) -> None:
    on.plan([])
    bundled.train(on, cell(), KERNEL)
    bundled.train(on, cell(threads=1), KERNEL)
    found = reference.read(on.root)
    assert [one.id for one in reference.select(found, ["*threads=1"])] == [cell(threads=1).id]
    assert reference.select(found, []) == found
    with pytest.raises(SelectionError, match=r"no cell matches 'co2\*'; ids look like"):
        reference.select(found, ["co2*"])


def test_what_this_machine_cannot_run_is_not_tried(on: SweepOnDisk, tmp_path: Path) -> None:
    on.plan([])
    one, many = cell(device="gpu"), cell(cpus=64)
    for each in (one, many):
        bundled.train(on, each, KERNEL)
    known = foreign_locks.gathered({on.matrix: on.folder.parent}, own=[OWN])
    found = trying.trials(reference.read(on.root), known, Scripts(), settle())
    assert {trial.reference.id: trial.obstacle for trial in found} == {
        one.id: "unavailable here: no NVIDIA GPU here",
        many.id: "unavailable here: cpus=64 asked for, and this machine shows 2",
    }


def test_other_data_is_not_compared(on: SweepOnDisk) -> None:
    on.plan([])
    bundled.train(on, cell(), KERNEL, lock_sha256=own_lock(cell()), data_sha256="e" * 64)
    assert trial_of(on).obstacle.startswith("trained on other data there (eeeeeeee…")


def test_a_lock_comes_from_ones_own_or_from_beside_the_results(on: SweepOnDisk) -> None:
    on.plan([])
    bundled.train(on, cell(), KERNEL, lock_sha256=own_lock(cell()))
    trial = trial_of(on)
    assert trial.lock is not None and trial.lock.path.parent == OWN
    assert "is not with the results" in trial_of(on, own=on.root / "none").obstacle
    kept = bundled.keep_lock(on, cell(), (OWN / f"{NAME}.txt").read_bytes())
    trial = trial_of(on, own=on.root / "none")
    assert trial.lock is not None and trial.lock.path == kept


def test_a_lock_that_was_asked_for_otherwise_is_taken_as_it_is(on: SweepOnDisk) -> None:
    """What would be asked for today does not count: what was installed then does."""
    old = (OWN / f"{NAME}.txt").read_bytes().replace(b"# request: ", b"# request: 0")
    on.plan([])
    bundled.train(on, cell(), KERNEL, lock_sha256=hashlib.sha256(old).hexdigest())
    bundled.keep_lock(on, cell(), old)
    trial = trial_of(on)
    assert trial.lock is not None and len(trial.lock.packages) > 20


def test_a_lock_of_another_environment_or_none_at_all_is_an_obstacle(on: SweepOnDisk) -> None:
    on.plan([])
    other = (OWN / "tf2.15.1,py3.11,cpu.txt").read_bytes()
    bundled.train(on, cell(), KERNEL, lock_sha256=hashlib.sha256(other).hexdigest())
    assert "stale: it was made for environment tf2.15.1" in trial_of(on).obstacle
    bundled.train(on, cell(), KERNEL, lock_sha256=sha256("evil"))
    bundled.keep_lock(on, cell(), b"evil")
    assert "not a lock of schema 1" in trial_of(on).obstacle


def test_two_locks_of_one_environment_are_two_sweeps(tmp_path: Path) -> None:
    content = foreign_lock(cell())
    for model, sha in (("a", own_lock(cell())), ("b", None)):
        on = SweepOnDisk(root=tmp_path, hardware=hardware(microarchitecture=model))
        on.plan([])
        digest = sha or hashlib.sha256(content).hexdigest()
        bundled.train(on, cell(), KERNEL, lock_sha256=digest)
        bundled.keep_lock(on, cell(), content)
    known = foreign_locks.gathered({on.matrix: on.folder.parent}, own=[OWN])
    found = trying.trials(reference.read(tmp_path), known, Scripts(), settle())
    digest = hashlib.sha256(content).hexdigest()[:8]
    assert [trial.sweep for trial in found] == ["quickstart", f"quickstart.lock-{digest}"]
    assert all(Store(tmp_path / "new", trial.sweep, "here") for trial in found)


def foreign_code(on: SweepOnDisk) -> list[str]:
    known = foreign_locks.gathered({on.matrix: on.folder.parent}, own=[OWN])
    found = trying.trials(reference.read(on.root), known, Scripts(), settle())
    return trying.foreign_code(found, known)


def test_locks_of_others_and_variables_are_foreign_code_and_own_locks_are_not(
    on: SweepOnDisk,
) -> None:
    on.plan([])
    bundled.train(on, cell(), KERNEL, lock_sha256=own_lock(cell()))
    assert foreign_code(on) == []
    variables = cell(env=(("OMP_NUM_THREADS", "3"),))
    bundled.train(on, variables, KERNEL, lock_sha256=own_lock(cell()))
    assert foreign_code(on) == ["the variable OMP_NUM_THREADS"]
    content = foreign_lock(cell())
    bundled.keep_lock(on, cell(), content)
    bundled.train(on, cell(), KERNEL, lock_sha256=hashlib.sha256(content).hexdigest())
    assert foreign_code(on) == [
        f"the packages of {NAME} ({NAME}.txt)",
        "the variable OMP_NUM_THREADS",
    ]


def test_the_consent_of_others_does_not_count(on: SweepOnDisk) -> None:
    on.plan([])
    dumping = cell(env=(("XLA_FLAGS", "--xla_dump_to=/tmp"),))
    bundled.train(on, dumping, KERNEL, lock_sha256=own_lock(cell()))
    record = read_record(on.folder / dumping.id / "1.json")
    assert record is not None
    on.write(record.model_copy(update={"consent": ("XLA_FLAGS",)}))
    assert "unknown to this harness: the variable XLA_FLAGS" in trial_of(on).obstacle


OLD = cell(tensorflow="2.4.4", python="3.8", numpy=None)


def source_lock(folder: Path, digest: str | None = None) -> bytes:
    """The lock of an old TensorFlow, some of whose packages were only released as source."""
    content = (OWN / f"{OLD.environment.id}.txt").read_bytes()
    sources = [line for line in content.splitlines() if line.endswith(b".tar.gz")]
    assert sources
    if digest is not None:
        known = sources[0].partition(b"sha256:")[2][:64]
        content = content.replace(known, digest.encode())
    folder.mkdir()
    (folder / "lock.txt").write_bytes(content + b"# chosen by a stranger\n")
    return (folder / "lock.txt").read_bytes()


def test_sources_are_built_only_if_a_lock_of_ones_own_names_the_same_file(tmp_path: Path) -> None:
    same, evil = source_lock(tmp_path / "same"), source_lock(tmp_path / "evil", "e" * 64)
    brought = {hashlib.sha256(c).hexdigest(): c for c in (same, evil)}
    for number, content in enumerate((same, evil)):
        (tmp_path / f"{number}.txt").write_bytes(content)
    paths = dict(zip(brought, (tmp_path / "0.txt", tmp_path / "1.txt"), strict=True))
    own = foreign_locks.gathered({}, own=[OWN]).own
    locks = Locks(own=own, brought={"m": paths})
    first, second = brought
    assert locks.get("m", first, OLD.environment).packages
    with pytest.raises(LockError, match=r"builds \S+ \S+ from source, which would run"):
        locks.get("m", second, OLD.environment)
    with pytest.raises(LockError, match="from source"):
        Locks(own={}, brought={"m": paths}).get("m", first, OLD.environment)


def outcome(tmp_path: Path, *records: Callable[[SweepOnDisk], object]) -> verdicts.Check:
    """The verdict on a cell that had `KERNEL` there, and here what `records` leave."""
    there = SweepOnDisk(root=tmp_path / "there")
    there.plan([])
    bundled.train(there, cell(), KERNEL, lock_sha256=own_lock(cell()))
    trial = trial_of(there)
    here = SweepOnDisk(root=tmp_path / "here", hardware=hardware(cpu_model="another"))
    here.plan([])
    for record in records:
        record(here)
    store = Store(here.root, here.matrix, here.machine)
    found: list[Record | None] = [store.read(cell().id, repeat) for repeat in (1, 2)]
    return verdicts.check(trial, [r for r in found if r is not None], here.folder)


def test_the_same_bits_match(tmp_path: Path) -> None:
    found = outcome(tmp_path, lambda on: bundled.train(on, cell(), KERNEL, KERNEL))
    assert (found.verdict, found.runs, found.why) == ("MATCH", 2, "")


def test_other_weights_from_the_same_start_come_with_their_size(tmp_path: Path) -> None:
    found = outcome(tmp_path, lambda on: bundled.train(on, cell(), NEAR))
    assert found.verdict == "SAME INIT, OTHER WEIGHTS"
    row = verdicts.frame([found]).iloc[0]
    # 0.2500001 is 3 float32 steps of 2**-25 above 0.25.
    assert row["max_abs"] == 3 * 2**-25 and row["max_ulp"] == 3 and row["churn"] == 0
    assert row["relative_l2"] == pytest.approx(3 * 2**-25 / (0.25 + 1 + 4 + 0.0625) ** 0.5)
    assert "weights up to 8.94e-08 (3 ULP) apart" in verdicts.short_table([found])["why"][0]


def test_another_start_is_different(tmp_path: Path) -> None:
    found = outcome(tmp_path, lambda on: bundled.train(on, cell(), NEAR, init="else"))
    assert found.verdict == "DIFFERENT"


def test_a_size_that_cannot_be_told_is_said_to_be_unknown(tmp_path: Path) -> None:
    def without_arrays(on: SweepOnDisk) -> None:
        bundled.train(on, cell(), NEAR)
        shutil.rmtree(tmp_path / "there" / "quickstart" / "blobs")

    found = outcome(tmp_path, without_arrays)
    assert found.verdict == "SAME INIT, OTHER WEIGHTS"
    assert found.why.startswith("size unknown: no weights")


def test_runs_that_differ_here_are_unstable_here(tmp_path: Path) -> None:
    found = outcome(tmp_path, lambda on: bundled.train(on, cell(), KERNEL, NEAR))
    assert (found.verdict, found.why) == ("UNSTABLE HERE", "2 different weights in 2 runs")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("timeout", "NOT COMPLETED HERE"),
        ("failed", "NOT COMPLETED HERE"),
        ("unavailable", "NOT TRIED"),
    ],
)
def test_what_did_not_complete_here_says_why(tmp_path: Path, status: str, verdict: str) -> None:
    found = outcome(tmp_path, lambda on: on.end(cell(), 1, status, "why\nand more"))
    assert (found.verdict, found.why) == (verdict, f"{status} here: why")


def test_the_counts_add_up(tmp_path: Path) -> None:
    same = outcome(tmp_path / "1", lambda on: bundled.train(on, cell(), KERNEL))
    other = outcome(tmp_path / "2", lambda on: bundled.train(on, cell(), NEAR))
    none = outcome(tmp_path / "3")
    said = verdicts.summary([same, other, same, none])
    assert said == "4 cells: 2 MATCH, 1 SAME INIT, OTHER WEIGHTS, 1 NOT TRIED"


def test_a_folder_with_a_damaged_record_is_refused(tmp_path: Path) -> None:
    folder = bundled.results(tmp_path / "a")
    for path in folder.glob("*/zen4*/*/1.json"):
        path.write_text(path.read_text().replace('"seed": 42', '"seed": 43'))
    with pytest.raises(RecordError, match="these results cannot be trusted") as named:
        foreign_results.opened(folder, tmp_path)
    assert str(named.value).count("1.json: damaged: was changed after it was written") == 3


def test_a_bundle_with_a_record_that_was_changed_before_it_was_made_is_refused(
    tmp_path: Path,
) -> None:
    made = bundled.prepared(bundled.results(tmp_path / "a"))
    place = next(path for path in made.files if path.endswith("threads=1/1.json"))
    blob = next(path for path in made.files if "/weights/" in path)
    files = {path: content for path, content in made.files.items() if path != blob}
    files[place] = b"{}"
    _write_anew(tmp_path / "bad.zip", files)
    (tmp_path / "out").mkdir()
    with pytest.raises(RecordError) as named:
        foreign_results.opened(tmp_path / "bad.zip", tmp_path / "out")
    said = str(named.value)
    assert "threads=1/1.json: damaged" in said
    assert f"{blob.removeprefix('results/')}: missing" in said


def _write_anew(target: Path, files: dict[str, bytes | Path]) -> None:
    """A bundle whose manifest fits what is in it, whatever that is."""
    from harness.publish.bundle import archive, manifest

    plain = {path: content for path, content in files.items() if path != manifest.NAME}
    digests = {path: archive.digest(content) for path, content in plain.items()}
    data = manifest.render(manifest.Manifest(files=digests, arrays="all"))
    archive.write(target, {**plain, manifest.NAME: data}, digests)


def test_nothing_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        foreign_results.opened(tmp_path / "none", tmp_path)
    with pytest.raises(UsageError, match="no results in here"):
        foreign_results.opened(tmp_path, tmp_path)
