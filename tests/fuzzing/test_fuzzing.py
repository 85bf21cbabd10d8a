"""No input ends in anything but our own errors, hangs, or takes more than 500 MiB.

`HARNESS_FUZZ=1000000` runs that many cases instead of some 10,000. Each day has inputs of its own;
`HARNESS_FUZZ_SEED` makes those of another day again.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest
import yaml
from fuzzing.bounded import timed, within_bounds
from fuzzing.hostile import VALUES, altered, as_json, mutated
from fuzzing.seeds import SEED
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

import harness
from harness.environments import lockfile
from harness.errors import HarnessError, RecordError
from harness.executors import replies
from harness.matrix import cells, reading
from harness.matrix.environment import Environment
from harness.protocol import exchange, untrusted
from harness.publish.bundle import signing, unpacking
from harness.results import blobs, checking, json_digest, left_out, locks, plan_file, vouchers
from harness.results.reading import read_record
from harness.results.record import Record
from harness.results.store import Store, serialised
from harness.subjects import folder_archives

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
SCHEMA1 = Path(__file__).parents[1] / "data" / "schema1"
LONG = 100_000
CASES = int(os.environ.get("HARNESS_FUZZ", "10500"))

MATRICES = [path.read_bytes() for path in sorted(REPOSITORY.glob("matrices/*.yaml"))]
MATRICES += [path.read_bytes() for path in sorted(REPOSITORY.glob("tests/data/matrices/*.yaml"))]
SMALL = [text for text in MATRICES if len(text) < 1000]
RECORD = next(SCHEMA1.glob("*/*/*/1.json"))
PLAN = next(SCHEMA1.glob("*/*/plan.jsonl"))
LOCK = next(path for path in sorted((REPOSITORY / "matrices" / "locks").glob("*.txt")))
BLOBS = SCHEMA1 / "versions" / "blobs"
ENVIRONMENT = Environment(python="3.10", tensorflow="2.10.1")

Maker = Callable[[int], bytes]
Reader = Callable[[Path], object]


def fuzz(share: float, make: Maker | st.SearchStrategy[bytes], path: Path, read: Reader) -> None:
    """Write what is made to the path and read it, for a share of all cases."""

    def case(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(HarnessError):
            timed(lambda: read(path))

    within_bounds(_run(make, case, max(1, int(CASES * share))))


def _run(
    make: Maker | st.SearchStrategy[bytes], case: Callable[[bytes], None], number: int
) -> Callable[[], None]:
    if not isinstance(make, st.SearchStrategy) and CASES > LONG:
        # Hypothesis costs more than the reading, and its search for small examples needs none.
        return lambda: _in_turn(make, case, number)
    bounds = settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    strategy = make if isinstance(make, st.SearchStrategy) else st.integers(0, 2**64 - 1).map(make)
    return seeded(SEED)(bounds(given(strategy)(case)))


def _in_turn(make: Maker, case: Callable[[bytes], None], number: int) -> None:
    for place in range(SEED * CASES, SEED * CASES + number):
        try:
            case(make(place))
        except BaseException:
            print(f"case {place}")
            raise


def read_matrix(path: Path) -> None:
    matrix = reading.read(path)
    if cells.count(matrix) < 2000:
        for cell in cells.cells(matrix):
            assert cell.id.isprintable() or cell.id


def read_plan(path: Path) -> None:
    header, planned = plan_file.read(path)
    assert header.machine
    for cell in planned:
        assert cell.id


def read_lock(path: Path) -> None:
    text = LOCK.read_text()
    header = dict(line[2:].split(": ", 1) for line in text.splitlines() if line.startswith("# e"))
    header["platform"] = "manylinux_2_28_x86_64"
    lockfile.parse(path, ENVIRONMENT, header)


def test_matrices_with_changes(tmp_path: Path) -> None:
    fuzz(
        0.15 if CASES <= LONG else 0.08,
        lambda number: mutated(number, SMALL),
        tmp_path / "m.yaml",
        read_matrix,
    )


_WORDS = st.sampled_from(
    ["2.15.1", "on", "1", "", "*", "~", "<<", "mnist-mlp", "native", "x" * 300]
)
_SCALARS = _WORDS | st.text(max_size=6) | st.integers() | st.booleans() | st.none() | st.floats()
_KEYS = st.sampled_from([*reading.KEYS, "tensorflow", "python", "env", "seed", "because"]) | _WORDS
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=8,
)
_MADE = st.builds(
    lambda extra, flow: yaml.safe_dump(
        {"schema": 1, "name": "x", "environments": {"tensorflow": "2.15.1"}, **extra},
        default_flow_style=flow,
        allow_unicode=True,
    ).encode("utf-8", "surrogatepass"),
    st.dictionaries(_KEYS, _TREES, max_size=4),
    st.booleans(),
)


def test_matrices_made_up(tmp_path: Path) -> None:
    share = 0.05 if CASES <= LONG else 0.005
    fuzz(share, _MADE, tmp_path / "m.yaml", read_matrix)


def test_bytes_for_matrices(tmp_path: Path) -> None:
    texts = st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
    fuzz(
        0.1 if CASES <= LONG else 0.005,
        st.binary(max_size=60) | texts,
        tmp_path / "m.yaml",
        read_matrix,
    )


def _real(path: Path) -> Record:
    record = read_record(path)
    assert record is not None
    return record


def test_records_with_changes_and_a_digest_that_fits(tmp_path: Path) -> None:
    """Real ones of every schema there was, in all that a digest does not guard."""
    real = _real(RECORD)
    newest = json.loads(serialised(real))
    older = json.loads(RECORD.read_bytes())
    texts = [as_json(newest), as_json({**older, "schema": 2}), as_json(older)]
    path = tmp_path / RECORD.parent.name / "1.json"
    path.parent.mkdir()
    for text in texts:
        path.write_bytes(as_json(_sealed(json.loads(text))))
        assert read_record(path) is not None

    def record(number: int) -> bytes:
        return as_json(_sealed(altered(number, texts[number % len(texts)])))

    fuzz(0.25, record, path, read_record)


def _reply() -> dict[str, Any]:
    """The reply that a real record was made of."""
    record = _real(RECORD).model_dump()
    parts = ("versions", "build", "devices", "cpu_flags", "glibc")
    return {
        "schema": exchange.SCHEMA,
        "error": None,
        "packages": record["environment"]["packages"],
        **{name: record[name] for name in ("status", "reason", "found", "seconds")},
        **{name: record["process"][name] for name in parts},
        **record["measured"],
    }


def test_replies_with_changes(tmp_path: Path) -> None:
    """And what is recorded of them is refused by the store, or can be read back."""
    text = as_json(_reply())
    path = tmp_path / exchange.REPLY
    path.write_bytes(text)
    assert replies.read(tmp_path)[1] == ""
    real = _real(RECORD)
    store = Store(tmp_path / "results", real.matrix, real.machine)

    def record(_: Path) -> None:
        reply, complaint = replies.read(tmp_path)
        assert (reply is None) == bool(complaint)
        if reply is not None:
            changes = {"found": reply.found, "measured": reply.measured, "seconds": reply.seconds}
            _write(store, real.model_copy(update={**changes, "status": reply.status}))
            store.read(real.cell, real.repeat)

    fuzz(0.05, lambda number: as_json(altered(number, text)), path, record)
    fuzz(
        0.05, lambda number: mutated(number, [text, b"{}"]), path, lambda _: replies.read(tmp_path)
    )


def _write(store: Store, record: Record) -> None:
    paths = (
        (
            BLOBS / blobs.WEIGHTS / f"{record.measured.weights_sha256}.npz",
            BLOBS / blobs.PREDICTIONS / f"{record.measured.predictions_sha256}.npz",
        )
        if record.measured
        else (None, None)
    )
    with contextlib.suppress(RecordError):
        store.write(record, *paths)


def test_endings_with_changes(tmp_path: Path) -> None:
    ending = {"schema": 2, "cause": "exited", "exit_code": 0, "seconds": 1.5}
    path = tmp_path / "ended.json"
    path.write_bytes(as_json(ending))
    assert replies.read_ending(path, 7.0)[1] == ""

    def read(path: Path) -> None:
        outcome, complaint = replies.read_ending(path, 7.0)
        assert outcome.seconds >= 0 and (not complaint or outcome.exit_code == 1)

    text = as_json(ending)
    fuzz(0.05, lambda number: as_json(altered(number, text)), path, read)
    fuzz(0.05, lambda number: mutated(number, [text]), path, read)


def test_bytes_for_logs(tmp_path: Path) -> None:
    def read(path: Path) -> None:
        lines = untrusted.tail(path).encode("utf-8").splitlines()
        assert len(lines) <= 200 and sum(map(len, lines)) < 1 << 18

    log = b"2026-01-01 I tensorflow: started\n" * 30
    fuzz(0.05, lambda number: mutated(number, [log, b""]), tmp_path / "1.log", read)


def read_holder(path: Path) -> None:
    """Have a store say who runs a sweep in its folder."""
    lock = filelock.FileLock(path.with_name(".sweep.lock"))
    with lock, Store(path.parents[2], "m", "x").lock():
        pytest.fail("two sweeps at once")


READERS: dict[str, Reader] = {
    "1.json": read_record,
    "plan.jsonl": read_plan,
    "vouchers.json": lambda path: vouchers.read(path.parent),
    "left-out.json": lambda path: left_out.read(path.parent),
    "lock.txt": lambda path: locks.by_digest([path.parent]),
    "reply.json": lambda path: replies.read(path.parent),
    "ended.json": lambda path: replies.read_ending(path, 1.0),
    "ready.json": lambda path: replies.read_confines(path.parent),
    "1.log": untrusted.tail,
    "manifest-sha256.txt": lambda path: unpacking.opened(path.parent, path.parent),
    "bundle.zip": lambda path: unpacking.opened(path, path.parent),
    "bundle.zip.sig": lambda path: signing.check(b"", path, None),
    ".sweep.json": read_holder,
}
"""Everything that reads a file that others may have written, by the name of the file."""


@pytest.mark.parametrize("name", READERS)
def test_no_reader_waits_for_what_is_no_file(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m" / "x" / name
    path.parent.mkdir(parents=True)
    monkeypatch.chdir(path.parent)
    os.mkfifo(tmp_path / "pipe")

    def read() -> None:
        with contextlib.suppress(HarnessError):
            timed(lambda: READERS[name](path), wall_seconds=20)

    for target in (tmp_path / "pipe", Path("/dev/zero"), path):
        path.symlink_to(target)
        within_bounds(read)
        path.unlink()
    # The path of a socket may not be as long as that of a file.
    with socket.socket(socket.AF_UNIX) as one:
        for make in (os.mkfifo, one.bind, os.mkdir):
            make(name)
            within_bounds(read)
            path.rmdir() if path.is_dir() else path.unlink()


def _sealed(content: dict[str, object]) -> dict[str, object]:
    with contextlib.suppress(ValueError):
        return {**content, json_digest.KEY: json_digest.digest(content)}
    return content


def test_bytes_for_records(tmp_path: Path) -> None:
    corpus = [RECORD.read_bytes(), b"{}", b"[[1e5]]"]
    path = tmp_path / RECORD.parent.name / "1.json"
    path.parent.mkdir()
    fuzz(0.1, lambda number: mutated(number, corpus), path, read_record)


def test_plans_with_changes(tmp_path: Path) -> None:
    header, cell = PLAN.read_bytes().splitlines()
    header = as_json({**json.loads(header), "source": "schema: 1\n"})

    def plan(number: int) -> bytes:
        first = as_json(altered(number, header)) if number % 3 == 0 else header
        text = first + b"\n" + as_json(altered(number, cell)) + b"\n"
        return text if number % 2 else mutated(number, [text])

    fuzz(0.2, plan, tmp_path / "plan.jsonl", read_plan)


def test_locks_with_changes(tmp_path: Path) -> None:
    text = b"".join(LOCK.read_bytes().splitlines(keepends=True)[:12])
    share = 0.1 if CASES <= LONG else 0.33
    fuzz(share, lambda number: mutated(number, [text]), tmp_path / "lock.txt", read_lock)


@pytest.mark.parametrize("kind", [blobs.WEIGHTS, blobs.PREDICTIONS])
def test_arrays_with_changes(tmp_path: Path, kind: str) -> None:
    (path,) = (BLOBS / kind).iterdir()
    data = path.read_bytes()
    read = blobs.read_weights if kind == blobs.WEIGHTS else blobs.read_predictions
    (tmp_path / kind).mkdir()
    target = tmp_path / kind / path.name
    fuzz(0.02, lambda number: _array(number, data), target, lambda _: read(tmp_path, path.stem))


def _array(number: int, data: bytes) -> bytes:
    """Half of them with changes in the header of an array, where there is most to believe."""
    if number % 2:
        return mutated(number, [data])
    start = data.index(b"\x93NUMPY")
    head, end = data[start : start + 128], data[start + 128 :]
    return data[:start] + mutated(number // 2, [head])[:128].ljust(128) + end


def test_archives_of_scripts_with_changes(tmp_path: Path) -> None:
    """Half of them with changes in a header, the name of a file short or long."""
    (tmp_path / "mine" / "lib").mkdir(parents=True)
    (tmp_path / "mine" / "train.py").write_text("x = 1\n")
    (tmp_path / "mine" / "lib" / ("ö" * 120)).write_text("")
    folder_archives.pack(tmp_path / "mine", tmp_path / "a.tar")
    data = (tmp_path / "a.tar").read_bytes().rstrip(b"\0") + bytes(1024)
    sha256 = "0" * 64
    target = blobs.path_of(tmp_path, blobs.SCRIPTS, sha256)
    target.parent.mkdir()

    def read(path: Path) -> None:
        with contextlib.suppress(RecordError):
            blobs.script_archive(tmp_path, sha256)
        place = tmp_path / "place"
        with path.open("rb") as file, contextlib.suppress(ValueError, OSError):
            folder_archives.unpack(file, place)
        assert {each.name for each in tmp_path.iterdir()} <= known
        shutil.rmtree(place)

    known = {each.name for each in tmp_path.iterdir()} | {"place"}
    fuzz(0.02, lambda number: _headers(number, data), target, read)


def _headers(number: int, data: bytes) -> bytes:
    """With a checksum that fits, so that the change is believed."""
    if number % 2:
        return mutated(number, [data])
    block = 512 * (number // 2 % (len(data) // 512))
    head = mutated(number // 2, [data[block : block + 512]])[:512].ljust(512, b"\0")
    total = sum(head[:148]) + 8 * 32 + sum(head[156:])
    head = head[:148] + b"%06o\0 " % total + head[156:]
    return data[:block] + head + data[block + 512 :]


def test_whole_folders_with_changes(tmp_path: Path) -> None:
    root = Path(shutil.copytree(SCHEMA1, tmp_path / "results"))
    path = next(root.glob("*/*/*/1.json"))
    text = path.read_bytes()

    def read(_: Path) -> None:
        checking.check(root)
        harness.load(root)

    share = 0.01 if CASES <= LONG else 0.0005
    fuzz(share, lambda number: as_json(altered(number, text)), path, read)


def test_the_bounds_hold(tmp_path: Path) -> None:
    """What breaks the promise is noticed: another exception, a hang, too much memory."""
    for broken, told in (
        ([].pop, "IndexError"),
        (lambda: timed(_spin, 0.2), "TimeoutError"),
        (lambda: timed(lambda: os.read(os.pipe()[0], 1), wall_seconds=0.2), "TimeoutError"),
        (lambda: bytearray(900 << 20), "MemoryError"),
        (lambda: os._exit(9), "ended with 9"),
    ):
        with pytest.raises(AssertionError, match=told):
            within_bounds(broken)


def _spin() -> None:
    while True:
        pass


def test_the_inputs_are_worth_their_time() -> None:
    """A good part is still read to the end, and all values of the catalogue are used."""
    assert len({as_json(altered(n, b'{"a": 1, "b": {"c": 2}}')) for n in range(300)}) > 150
    assert len({mutated(n, SMALL) for n in range(300)}) > 290
    assert len(VALUES) > 30
