"""Signatures in OpenSSH's format: what fits, what does not, and who is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.errors import RecordError, UsageError
from harness.publish.bundle import signing

MANIFEST = "# reproducibility-harness bundle\nä\n".encode()


def key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"{name}@example.org", "-f"]
    subprocess.run([*command, str(path)], check=True)
    return path


def signed(folder: Path, by: Path, data: bytes = MANIFEST) -> Path:
    path = folder / "a.zip.sig"
    path.write_text(signing.sign(data, by))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_signature_fits_and_names_its_key(tmp_path: Path, kind: str) -> None:
    ada = key(tmp_path, "ada", kind)
    found = signing.check(MANIFEST, signed(tmp_path, ada), None)
    assert found.key.startswith(f"{kind.upper()} SHA256:") and found.signer is None


def test_a_public_key_and_a_file_of_allowed_signers_say_whose_it_is(tmp_path: Path) -> None:
    ada, bob = key(tmp_path, "ada"), key(tmp_path, "bob")
    signature = signed(tmp_path, ada)
    public = ada.with_suffix(".pub")
    assert signing.check(MANIFEST, signature, public).signer == str(public)
    allowed = tmp_path / "allowed"
    allowed.write_text(
        f"# people\nbob@b {bob.with_suffix('.pub').read_text()}ada@a {public.read_text()}"
    )
    assert signing.check(MANIFEST, signature, allowed).signer == "ada@a"


def test_another_persons_signature_is_refused(tmp_path: Path) -> None:
    ada, bob = key(tmp_path, "ada"), key(tmp_path, "bob")
    signature = signed(tmp_path, ada)
    with pytest.raises(RecordError, match=r"not by a key in .*bob\.pub"):
        signing.check(MANIFEST, signature, bob.with_suffix(".pub"))
    for_other_things = tmp_path / "allowed"
    for_other_things.write_text(f'ada@a namespaces="git" {ada.with_suffix(".pub").read_text()}')
    with pytest.raises(RecordError, match="not by a key in"):
        signing.check(MANIFEST, signature, for_other_things)


def test_a_changed_manifest_or_signature_is_refused(tmp_path: Path) -> None:
    signature = signed(tmp_path, key(tmp_path, "ada"))
    with pytest.raises(RecordError, match="does not fit"):
        signing.check(MANIFEST + b"x", signature, None)
    lines = signature.read_text().splitlines(keepends=True)
    signature.write_text("".join([lines[0], lines[2], lines[1], *lines[3:]]))
    with pytest.raises(RecordError, match="does not fit"):
        signing.check(MANIFEST, signature, None)


def test_a_signature_made_for_something_else_does_not_count(tmp_path: Path) -> None:
    message = tmp_path / "message"
    message.write_bytes(MANIFEST)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(key(tmp_path, "ada"))]
    subprocess.run([*command, str(message)], check=True, capture_output=True)
    with pytest.raises(RecordError, match="does not fit"):
        signing.check(MANIFEST, tmp_path / "message.sig", None)


def test_openssh_alone_checks_what_was_signed_here(tmp_path: Path) -> None:
    signature = signed(tmp_path, key(tmp_path, "ada"))
    check = ["ssh-keygen", "-Y", "check-novalidate", "-n", signing.NAMESPACE, "-s", str(signature)]
    assert subprocess.run(check, input=MANIFEST, check=False, capture_output=True).returncode == 0
    assert subprocess.run(check, input=b"x", check=False, capture_output=True).returncode != 0


def test_keys_and_files_that_are_none_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nokey: cannot sign"):
        signing.sign(MANIFEST, tmp_path / "nokey")
    with pytest.raises(UsageError, match=r"no\.sig: cannot be read"):
        signing.check(MANIFEST, tmp_path / "no.sig", None)
    signature = signed(tmp_path, key(tmp_path, "ada"))
    with pytest.raises(UsageError, match=r"no\.pub: cannot be read"):
        signing.check(MANIFEST, signature, tmp_path / "no.pub")
