"""`harness bundle` and `harness verify` as people start them."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import bundled
import pytest
from commands import Ended
from results_factory import SweepOnDisk, cell

from harness import cli
from harness.results import json_digest

THREE = """
schema: 1
name: three
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  workload: co2-conv
  samples: 256
  epochs: 1
  threads: [1, 2]
exclude:
  - {threads: 2, epochs: 2, because: "never asked for"}
include:
  - {workload: co2-conv, samples: 256, epochs: 1, cpus: 4096}
"""


Call = Callable[..., Ended]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """The program in this process, which spares the seconds that its start takes."""

    def call(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Ended(code=end.value.code, out=out, err=err)

    before = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, before)


def verdicts(ended: Ended) -> dict[str, str]:
    return {row["cell"].partition("cpu,")[2]: row["verdict"] for row in json.loads(ended.out)}


@pytest.mark.tensorflow
def test_results_are_had_again_from_their_bundle_and_a_false_claim_is_found(
    tmp_path: Path, harness: Call
) -> None:
    shutil.copytree(bundled.LOCKS, tmp_path / "locks")
    matrix = tmp_path / "three.yaml"
    matrix.write_text(THREE)
    ran = harness("run", matrix, "--engine", "local", "--results", tmp_path / "theirs")
    assert ran.code == 0, ran.err
    archive = tmp_path / "theirs.zip"
    made = harness("bundle", tmp_path / "theirs", "-o", archive)
    assert made.code == 0, made.err
    # The stranger has the archive, a lock that comes with the program, and nothing else.
    (tmp_path / "theirs").rename(tmp_path / "gone")
    shutil.rmtree(tmp_path / "locks")

    verify = ("--engine", "local", "--results", tmp_path / "mine", "--format", "json")
    locks = ("--locks", bundled.LOCKS)
    first = harness("verify", archive, *locks, *verify)
    assert first.code == 0, first.err
    assert verdicts(first) == {
        "threads=1,epochs=1,samples=256": "MATCH",
        "threads=2,epochs=1,samples=256": "MATCH",
        "cpus=4096,epochs=1,samples=256": "NOT TRIED",
    }
    assert "unsigned: nobody vouches for it" in first.err
    assert "3 cells: 2 MATCH, 1 NOT TRIED" in first.err

    again = harness("verify", archive, *locks, *verify, "--only", "*threads=*")
    assert again.code == 0 and "0 runs to do, 2 done before" in again.err

    claim_of_another(tmp_path / "gone")
    false = harness("verify", tmp_path / "gone", *locks, *verify, "--only", "*threads=*")
    assert false.code == 9, false.err
    assert set(verdicts(false).values()) == {"MATCH", "SAME INIT, OTHER WEIGHTS"}
    row = next(row for row in json.loads(false.out) if row["verdict"] != "MATCH")
    assert 0 < row["max_abs"] < 1e-3 and row["max_ulp"] > 0 and row["unit"] == "ppm"
    assert "not reproduced: 2 cells: 1 MATCH, 1 SAME INIT, OTHER WEIGHTS" in false.err


def claim_of_another(results: Path) -> None:
    """One thread is said to leave the bits of two; the records' digests fit."""
    one, two = (next(results.glob(f"three/*/*threads={n},*/1.json")) for n in (1, 2))
    changed = {**json.loads(one.read_text()), "measured": json.loads(two.read_text())["measured"]}
    one.write_bytes(json_digest.with_digest(changed))


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """A bundle of results whose packages a stranger chose."""
    on = SweepOnDisk(root=tmp_path / "theirs")
    on.plan([cell()])
    name = f"{cell().environment.id}.txt"
    content = (bundled.LOCKS / name).read_bytes() + b"# chosen by a stranger\n"
    bundled.train(on, cell(), bundled.KERNEL, lock_sha256=hashlib.sha256(content).hexdigest())
    bundled.keep_lock(on, cell(), content)
    return bundled.bundle(tmp_path / "theirs", tmp_path / "theirs.zip")


def test_packages_of_others_run_outside_of_a_container_only_if_asked_for(
    strangers: Path, harness: Call
) -> None:
    ended = harness("verify", strangers, "--engine", "local")
    assert ended.code == 2
    assert "the packages of tf2.10.0,py3.10,np1.23.5,cpu" in ended.err
    assert "as you, with your files in reach" in ended.err and "--trust-bundle" in ended.err


def test_what_nobody_could_try_is_not_reproduced(
    strangers: Path, tmp_path: Path, harness: Call
) -> None:
    locks = tmp_path / "theirs" / "quickstart" / "locks"
    shutil.rmtree(locks)
    ended = harness("verify", tmp_path / "theirs", "--engine", "local", "--format", "json")
    assert ended.code == 9 and "nothing was reproduced: 1 cell: 1 NOT TRIED" in ended.err
    assert "is not with the results" in json.loads(ended.out)[0]["why"]


def test_a_signature_is_checked_and_one_that_was_asked_for_must_be_there(
    strangers: Path, tmp_path: Path, harness: Call
) -> None:
    for name in ("ada", "bob"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(command, check=True)
    theirs, verify = tmp_path / "theirs", ("--engine", "local", "--only", "nothing")
    unsigned = harness("verify", strangers, "--signer", tmp_path / "ada.pub", *verify)
    assert unsigned.code == 2 and "is not signed" in unsigned.err
    made = harness("bundle", theirs, "-o", strangers, "--sign", tmp_path / "ada")
    assert made.code == 0, made.err
    good = harness("verify", strangers, "--signer", tmp_path / "ada.pub", *verify)
    assert good.code == 3 and "signed by" in good.err, good.err
    unknown = harness("verify", strangers, *verify)
    assert unknown.code == 3 and "signed with ED25519 SHA256:" in unknown.err
    other = harness("verify", strangers, "--signer", tmp_path / "bob.pub", *verify)
    assert other.code == 8 and "not by a key in" in other.err
    again = harness("bundle", theirs, "-o", strangers, "--author", "Eve")
    assert again.code == 0 and "is of another bundle" in again.err
    changed = harness("verify", strangers, *verify)
    assert changed.code == 8 and "does not fit" in changed.err


def test_a_damaged_bundle_is_refused_by_name(strangers: Path, harness: Call) -> None:
    data = bytearray(strangers.read_bytes())
    data[data.index(b'"seed": 42') + 8] ^= 1
    strangers.write_bytes(data)
    ended = harness("verify", strangers)
    assert ended.code == 8 and "1.json: is not what the manifest says" in ended.err
    assert "Traceback" not in ended.err


def test_nothing_is_compared_with_itself(strangers: Path, tmp_path: Path, harness: Call) -> None:
    theirs = tmp_path / "theirs"
    for results in (theirs, theirs / "new", tmp_path):
        ended = harness("verify", theirs, "--results", results, "--engine", "local")
        assert ended.code == 2 and "compared with itself" in ended.err
    shutil.copytree(theirs, tmp_path / "copy" / "results")
    ended = harness("verify", theirs, "--results", tmp_path / "copy" / "results")
    assert ended.code == 2 and "verify did not make" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verify", "nope.zip"], 2, "nope.zip: no such file or folder"),
        (["verify", "."], 2, "no results in here"),
        (["verify", "theirs", "--signer", "x"], 2, "only bundles can be signed"),
        (["verify", "theirs.zip", "--signature", "x"], 2, "x: cannot be read"),
        (["verify", "theirs.zip", "--format", "pdf"], 2, "--format 'pdf' is not known"),
        (["verify", "theirs.zip", "--only", "co2*"], 3, "no cell matches 'co2*'"),
        (["verify", "theirs/quickstart/locks"], 2, "no results in here"),
        (["bundle", "nope", "-o", "x.zip"], 2, "nope: no such folder"),
        (["bundle", "theirs.zip", "-o", "x.zip"], 2, "is a bundle, and this takes"),
        (["bundle", "theirs", "-o", "theirs"], 2, "is a folder; name the file to write"),
        (["bundle", "theirs", "-o", "no/x.zip"], 2, "no such folder; make it first"),
        (["bundle", "theirs", "-o", "x.zip", "--sign", "nokey"], 2, "nokey: cannot sign"),
        (["bundle", "theirs", "-o", "x.zip", "--license", "MIT"], 2, "'MIT' is no URL"),
    ],
)
def test_wrong_use_says_what_to_do(
    strangers: Path,
    tmp_path: Path,
    harness: Call,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = harness(*arguments)
    assert (ended.code, "Traceback" in ended.err) == (code, False), ended.err
    assert said in ended.err
    assert not (tmp_path / "x.zip").exists()
