"""The file of `verify --attest`: written, where that was found possible beforehand, and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from harness import console
from harness.errors import NotReproducibleError, RecordError, UsageError
from harness.protocol import files, untrusted
from harness.publish.bundle import archive, dsse, signing
from harness.publish.bundle.signing import Signature
from harness.studies import attestation
from harness.studies.attestation import Verification
from harness.studies.foreign_results import ForeignResults
from harness.studies.verdicts import Check

_MAX_BYTES = 256 << 20

Attest = Annotated[
    Path | None,
    typer.Option(
        "--attest",
        metavar="FILE",
        help="Write the verdicts as an in-toto statement (JSON): PASSED if every cell of the "
        "results left the same bits, WARNED if some were not tried or not chosen, else FAILED.",
    ),
]
Sign = Annotated[
    Path | None,
    typer.Option(
        "--sign",
        metavar="KEY",
        help="Sign the attestation with this SSH key, in a DSSE envelope; unsigned without.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class AttestationFile:
    """Where the attestation goes, who signs it, and what the archive verified was before."""

    path: Path
    key: Path | None
    target: Path
    sha256: str

    def write(self, foreign: ForeignResults, verification: Verification) -> None:
        """Write what was verified and what came out.

        Raises:
            RecordError: the archive is not what it was before.
            UsageError: the file cannot be written, or the key cannot be used any more.
        """
        if _digest(self.target) != self.sha256:
            raise RecordError(f"{self.target}: changed while it was verified; verify it again")
        subjects = self._subjects(foreign, verification.checks)
        text, signed = self._signed(attestation.statement(subjects, verification))
        try:
            files.write_text(self.path, text)
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written: {error.strerror}") from error
        console.note(f"{self.path}: {attestation.result_of(verification)}, {signed}")

    def _signed(self, payload: bytes) -> tuple[str, str]:
        """The text of the file, and who signed it, in words."""
        if self.key is None:
            return payload.decode(), "unsigned; --sign KEY signs it"
        envelope = dsse.signed(payload, attestation.PAYLOAD_TYPE, self.key)
        return dsse.to_text(envelope), f"signed with {envelope['signatures'][0]['keyid']}"

    def _subjects(self, foreign: ForeignResults, checks: Sequence[Check]) -> list[dict[str, Any]]:
        if foreign.bundle is None:
            return attestation.subjects_of_folder(foreign, checks)
        content = foreign.bundle.manifest_bytes
        return attestation.subjects_of_bundle(self.target, self.sha256, content)


def check(path: Path, signer: Path | None) -> None:
    """Print what an attestation says, once its signatures were found to fit.

    Raises:
        NotReproducibleError: it says FAILED.
        RecordError: it is damaged, changed, or signed by nobody among `signer`.
        UsageError: it is unsigned, and somebody must have signed it.
    """
    content = _content(path)
    payload = json.dumps(content).encode()
    signatures: list[Signature] = []
    if "payload" in content:
        payload, signatures = dsse.opened(content, attestation.PAYLOAD_TYPE, str(path), signer)
    elif signer is not None:
        raise UsageError(f"{path}: is not signed; get the attestation that is")
    said = attestation.parsed(payload, str(path))
    console.result("".join(f"{line}\n" for line in [f"{path}: {said.result}", *said.lines]))
    for each in signatures:
        whose = f"by {each.signer}, " if each.signer else ""
        unknown = "" if each.signer else "; whose key that is, --signer FILE can tell"
        console.note(f"signed {whose}with {each.key}{unknown}")
    if not signatures:
        console.note("unsigned: nobody vouches for it")
    if said.result == "FAILED":
        raise NotReproducibleError(f"{path}: attests that the results were not reproduced")


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(untrusted.read_regular(path, _MAX_BYTES, follow_links=True))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: cannot be read: {error}; get the file again") from error
    return content if isinstance(content, dict) else {}


def prepared(path: Path | None, key: Path | None, target: Path) -> AttestationFile | None:
    """The attestation that was asked for; None where none was.

    Raises:
        UsageError: it could not be written or signed; nothing has run yet.
    """
    if path is None:
        if key is not None:
            raise UsageError("--sign signs an attestation; name its file with --attest FILE")
        return None
    _require_place(path, target)
    if key is not None:
        # Hours before it is needed.
        signing.sign(b"", key)
    return AttestationFile(path=path, key=key, target=target, sha256=_digest(target))


def _digest(target: Path) -> str:
    return archive.digest(target.resolve()) if target.is_file() else ""


def _require_place(path: Path, target: Path) -> None:
    place, verified = path.resolve(), target.resolve()
    if path.is_dir():
        raise UsageError(f"--attest {path}: is a folder; name a file, such as attestation.json")
    if not place.parent.is_dir():
        raise UsageError(f"--attest {path}: {path.parent}: no such folder; make it first")
    if verified in place.parents:
        raise UsageError(f"--attest {path}: lies in what is verified; name a file beside it")
    if path.exists() and not _is_attestation(path):
        raise UsageError(
            f"--attest {path}: is there, and no attestation; name another file, or delete it"
        )
    if not os.access(path if path.exists() else place.parent, os.W_OK):
        raise UsageError(f"--attest {path}: cannot be written here; name another file")


def _is_attestation(path: Path) -> bool:
    try:
        content = _content(path)
    except RecordError:
        return False
    kinds = {"_type": attestation.STATEMENT_TYPE, "payloadType": attestation.PAYLOAD_TYPE}
    return any(content.get(key) == value for key, value in kinds.items())
