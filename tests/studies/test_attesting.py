"""`verify --attest`: what the statement says, who signed it, and that a change is noticed.

Other people's code judges: in-toto's for the statement, securesystemslib's for the envelope,
cryptography for the signature.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bundled
import pytest
from commands import Ended, called
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from results_factory import MACHINE, SweepOnDisk, cell
from securesystemslib.dsse import Envelope

from harness.errors import RecordError
from harness.publish.bundle import dsse
from harness.results import json_digest
from harness.studies import attestation

Call = Callable[..., Ended]
Json = dict[str, Any]

MATRIX = """
schema: 1
name: one
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: co2-conv, samples: 256, epochs: 1, threads: [1, 2]}
"""


@pytest.fixture
def harness(capsys: pytest.CaptureFixture[str]) -> Call:
    """The program in this process, which spares the seconds that its start takes."""
    return functools.partial(called, capsys)


def key(folder: Path, name: str = "ada") -> Path:
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def statement(content: Json) -> Json:
    """The statement, if in-toto's own code finds that it is one."""
    parsed = json_format.ParseDict(content, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    return content


def verified(envelope: Json, public: Path) -> Json:
    """The statement in an envelope, its signature checked without OpenSSH and without this program.

    The format: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
    """
    opened = Envelope.from_dict(json.loads(json.dumps(envelope)))
    (signature,) = opened.signatures.values()
    fields = bytes.fromhex(signature.signature)
    assert fields[:6] == b"SSHSIG"
    parts, rest = [], fields[10:]
    while rest:
        length = int.from_bytes(rest[:4], "big")
        parts.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    _, namespace, reserved, algorithm, raw = parts
    digest = hashlib.new(algorithm.decode(), opened.pae()).digest()
    covered = [namespace, reserved, algorithm, digest]
    message = b"SSHSIG" + b"".join(len(one).to_bytes(4, "big") + one for one in covered)
    ed25519 = load_ssh_public_key(public.read_bytes())
    assert isinstance(ed25519, Ed25519PublicKey)
    ed25519.verify(raw[-64:], message)
    assert namespace == b"reproducibility-harness"
    return statement(json.loads(opened.payload))


def with_changed_byte(envelope: Json) -> Json:
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[payload.index(b"FAILED")] ^= 1
    return {**envelope, "payload": base64.b64encode(payload).decode()}


@pytest.fixture
def untried(tmp_path: Path) -> Path:
    """Results that nobody can try here: their locks are missing."""
    bundled.results(tmp_path / "theirs")
    shutil.rmtree(tmp_path / "theirs" / "quickstart" / "locks")
    return tmp_path / "theirs"


def test_what_was_not_had_again_is_attested_as_failed(
    untried: Path, tmp_path: Path, harness: Call
) -> None:
    file = tmp_path / "out.json"
    ended = harness("verify", untried, "--engine", "local", "--attest", file)
    assert ended.code == 9 and f"{file}: FAILED, unsigned" in ended.err
    said = statement(json.loads(file.read_text()))
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = said["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["passedTests"] == predicate["failedTests"] == []
    cells = predicate[attestation.EXTENSION]["cells"]
    assert [one["verdict"] for one in cells] == ["NOT TRIED"] * 3


def test_the_subjects_of_a_folder_are_the_files_that_the_verdicts_rest_on(
    untried: Path, tmp_path: Path, harness: Call
) -> None:
    file = tmp_path / "out.json"
    harness("verify", untried, "--engine", "local", "--attest", file, "--only", "*threads=1")
    subjects = {one["name"]: one["digest"] for one in json.loads(file.read_text())["subject"]}
    place = f"quickstart/{MACHINE}"
    of_cell = f"{place}/{cell(threads=1).id}/1.json"
    assert set(subjects) == {of_cell, f"{place}/plan.jsonl", f"{place}/machine.json"}
    for name, digest in subjects.items():
        assert digest == {"sha256": hashlib.sha256((untried / name).read_bytes()).hexdigest()}


def test_a_signature_fits_and_one_changed_byte_is_noticed(
    untried: Path, tmp_path: Path, harness: Call
) -> None:
    ada, bob, file = key(tmp_path), key(tmp_path, "bob"), tmp_path / "out.json"
    ended = harness("verify", untried, "--engine", "local", "--attest", file, "--sign", ada)
    assert ended.code == 9 and "FAILED, signed with SHA256:" in ended.err
    envelope = json.loads(file.read_text())
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert verified(envelope, ada.with_suffix(".pub"))["predicate"]["result"] == "FAILED"
    with pytest.raises(InvalidSignature):
        verified(with_changed_byte(envelope), ada.with_suffix(".pub"))
    with pytest.raises(InvalidSignature):
        verified({**envelope, "payloadType": "text/plain"}, ada.with_suffix(".pub"))
    with pytest.raises(InvalidSignature):
        verified(envelope, bob.with_suffix(".pub"))


def test_what_is_signed_is_encoded_as_in_the_specification() -> None:
    """The test vector of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md ."""
    encoded = dsse.pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_every_kind_of_key_signs(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    envelope = dsse.signed(b"FAILED", "text/x", path)
    (found,) = dsse.opened(envelope, "text/x", "x.json", path.with_suffix(".pub"))[1]
    assert found.key.startswith(kind.upper())


@pytest.mark.slow
def test_check_says_what_is_attested_and_by_whom(
    untried: Path, tmp_path: Path, harness: Call
) -> None:
    ada, bob, file = key(tmp_path), key(tmp_path, "bob"), tmp_path / "out.json"
    harness("verify", untried, "--engine", "local", "--attest", file, "--sign", ada)
    signed = harness("check", file, "--signer", ada.with_suffix(".pub"))
    assert signed.code == 9 and "out.json: FAILED" in signed.out
    assert "3 cells: 3 NOT TRIED" in signed.out and "passedTests: 0" in signed.out
    assert "signed by" in signed.err
    assert "whose key that is, --signer FILE can tell" in harness("check", file).err
    other = harness("check", file, "--signer", bob.with_suffix(".pub"))
    assert other.code == 8 and "not by a key in" in other.err and not other.out

    file.write_text(json.dumps(with_changed_byte(json.loads(file.read_text()))))
    changed = harness("check", file)
    assert changed.code == 8 and "does not fit" in changed.err and not changed.out

    file.unlink()
    harness("verify", untried, "--engine", "local", "--attest", file)
    unsigned = harness("check", file)
    assert unsigned.code == 9 and "unsigned: nobody vouches for it" in unsigned.err
    asked = harness("check", file, "--signer", ada.with_suffix(".pub"))
    assert asked.code == 2 and "is not signed" in asked.err


@pytest.mark.parametrize(
    "content",
    [
        '{"_type": "https://in-toto.io/Statement/v1"}',
        '{"_type": "https://in-toto.io/Statement/v1", "predicateType": 1, "predicate": {}}',
        '{"payload": "x"}',
        '{"payload": "",',
    ],
)
def test_what_is_no_attestation_is_refused(tmp_path: Path, harness: Call, content: str) -> None:
    file = tmp_path / "out.json"
    file.write_text(content)
    ended = harness("check", file)
    assert ended.code == 8 and "get the file again" in ended.err and "fault" not in ended.err


def test_this_program_reads_what_it_signed_and_refuses_the_rest(tmp_path: Path) -> None:
    ada, bob = key(tmp_path), key(tmp_path, "bob")
    envelope = dsse.signed(b"FAILED", "text/x", ada)
    public = ada.with_suffix(".pub")
    payload, signatures = dsse.opened(envelope, "text/x", "out.json", public)
    assert payload == b"FAILED" and [one.signer for one in signatures] == [str(public)]
    with pytest.raises(RecordError, match=r"out\.json: does not fit"):
        dsse.opened(with_changed_byte(envelope), "text/x", "out.json", None)
    with pytest.raises(RecordError, match="not by a key in"):
        dsse.opened(envelope, "text/x", "out.json", bob.with_suffix(".pub"))
    with pytest.raises(RecordError, match="nobody signed"):
        dsse.opened({**envelope, "signatures": []}, "text/x", "out.json", None)
    with pytest.raises(RecordError, match="holds 'text/x'"):
        dsse.opened(envelope, "text/y", "out.json", None)
    with pytest.raises(RecordError, match="is no DSSE envelope"):
        dsse.opened({"payload": 1}, "text/x", "out.json", None)


@pytest.mark.tensorflow
def test_the_same_bits_pass_other_bits_fail_and_a_part_is_no_whole(
    tmp_path: Path, harness: Call
) -> None:
    shutil.copytree(bundled.LOCKS, tmp_path / "locks")
    (tmp_path / "one.yaml").write_text(MATRIX)
    theirs, file = tmp_path / "theirs", tmp_path / "out.json"
    ran = harness("run", tmp_path / "one.yaml", "--engine", "local", "--results", theirs)
    assert ran.code == 0, ran.err
    archive = tmp_path / "theirs.zip"
    assert harness("bundle", theirs, "-o", archive).code == 0
    mine = ("--results", tmp_path / "mine", "--locks", bundled.LOCKS)
    verify = ("--engine", "local", *mine, "--attest", file, "--sign", key(tmp_path))
    whole = harness("verify", archive, *verify)
    assert whole.code == 0, whole.err
    said = verified(json.loads(file.read_text()), tmp_path / "ada.pub")
    predicate = said["predicate"]
    assert predicate["result"] == "PASSED" and len(predicate["passedTests"]) == 2
    assert [one["digest"]["sha256"] for one in said["subject"]] == [
        hashlib.sha256(archive.read_bytes()).hexdigest(),
        manifest_digest(archive),
    ]
    (lock,) = predicate["configuration"]
    content = (bundled.LOCKS / lock["name"]).read_bytes()
    assert lock["digest"]["sha256"] == hashlib.sha256(content).hexdigest()

    part = harness("verify", archive, *verify, "--only", "*threads=1*")
    assert part.code == 0 and f"{file}: WARNED, signed" in part.err

    claim_other_bits(theirs)
    other = harness("verify", theirs, *verify)
    assert other.code == 9, other.err
    predicate = verified(json.loads(file.read_text()), tmp_path / "ada.pub")["predicate"]
    assert predicate["result"] == "FAILED"
    assert len(predicate["passedTests"]) == len(predicate["failedTests"]) == 1
    assert "threads=1" in predicate["failedTests"][0]


def manifest_digest(archive: Path) -> str:
    content = zipfile.ZipFile(archive).read("manifest-sha256.txt")
    return hashlib.sha256(content).hexdigest()


def claim_other_bits(results: Path) -> None:
    """One thread is said to leave the bits of two; the records' digests fit."""
    one, two = (next(results.glob(f"one/*/*threads={n},*/1.json")) for n in (1, 2))
    changed = {**json.loads(one.read_text()), "measured": json.loads(two.read_text())["measured"]}
    one.write_bytes(json_digest.with_digest(changed))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--attest", "."], "--attest .: is a folder; name a file, such as"),
        (["--attest", "no/out.json"], "no: no such folder; make it first"),
        (["--attest", "theirs/out.json"], "lies in what is verified"),
        (["--attest", "theirs.zip"], "is there, and no attestation"),
        (["--attest", "notes.json"], "is there, and no attestation"),
        (["--attest", "out.json", "--sign", "nokey"], "nokey: cannot sign"),
        (["--attest", "out.json", "--sign", "ada.pub"], "ada.pub: cannot sign"),
        (["--sign", "ada"], "name its file with --attest FILE"),
    ],
)
def test_wrong_use_says_what_to_do_before_anything_runs(
    tmp_path: Path,
    harness: Call,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    bundled.bundle(bundled.results(tmp_path / "theirs"), tmp_path / "theirs.zip")
    (tmp_path / "notes.json").write_text('{"my": "notes"}')
    (key(tmp_path)).unlink()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    ended = harness("verify", "theirs", "--engine", "local", *arguments)
    assert ended.code == 2 and said in ended.err, ended.err
    assert "to try" not in ended.err and not (tmp_path / "out.json").exists()
    assert (tmp_path / "notes.json").read_text() == '{"my": "notes"}'


def test_only_an_earlier_attestation_is_replaced(
    untried: Path, tmp_path: Path, harness: Call
) -> None:
    file = tmp_path / "out.json"
    for _ in range(2):
        assert harness("verify", untried, "--engine", "local", "--attest", file).code == 9
    assert json.loads(file.read_text())["_type"] == "https://in-toto.io/Statement/v1"


def test_nothing_recorded_is_attested_as_failed(tmp_path: Path, harness: Call) -> None:
    SweepOnDisk(root=tmp_path / "a").plan([cell()])
    file = tmp_path / "out.json"
    ended = harness("verify", tmp_path / "a", "--engine", "local", "--attest", file)
    assert ended.code == 9, ended.err
    said = statement(json.loads(file.read_text()))
    assert said["predicate"]["result"] == "FAILED"
