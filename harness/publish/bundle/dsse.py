"""Envelopes: bytes with their type and a signature over both, as attestations are handed on.

DSSE, https://github.com/secure-systems-lab/dsse , leaves the format of a signature open: here it is
OpenSSH's, made with the keys that sign bundles, and base64 of what `ssh-keygen -Y sign` writes
between its first and last line. `keyid` is the key's fingerprint.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

from harness.errors import RecordError
from harness.publish.bundle import signing
from harness.publish.bundle.signing import Signature

_WIDTH = 70


def signed(payload: bytes, payload_type: str, key: Path) -> dict[str, Any]:
    """The envelope of a payload, signed with an SSH key, as a JSON value.

    Raises:
        UsageError: the key cannot be used, or there is no ssh-keygen.
    """
    message = pre_authentication_encoding(payload_type, payload)
    armored = signing.sign(message, key)
    lines = [line for line in armored.splitlines() if line and not line.startswith("-----")]
    keyid = signing.check_text(message, armored).key.rpartition(" ")[2]
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": keyid, "sig": "".join(lines)}],
    }


def opened(
    envelope: dict[str, Any], payload_type: str, where: str, signers: Path | None
) -> tuple[bytes, list[Signature]]:
    """The payload of an envelope, and its signatures, every one found to fit.

    Raises:
        RecordError: it is no envelope of this type, has no signature, or one does not fit, or,
            with `signers`, is of nobody among them.
    """
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        kind, texts = envelope["payloadType"], [each["sig"] for each in envelope["signatures"]]
        armored = [_armored(base64.b64decode(text, validate=True)) for text in texts]
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise RecordError(
            f"{where}: is no DSSE envelope ({error!r}); get the file again"
        ) from error
    if kind != payload_type:
        raise RecordError(f"{where}: holds {str(kind)[:60]!r}, and this reads {payload_type!r}")
    if not armored:
        raise RecordError(f"{where}: an envelope that nobody signed")
    message = pre_authentication_encoding(payload_type, payload)
    return payload, [signing.check_text(message, text, where, signers) for text in armored]


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What a signature is over: PAE of https://github.com/secure-systems-lab/dsse ."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _armored(blob: bytes) -> str:
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def to_text(envelope: dict[str, Any]) -> str:
    """An envelope as it stands in a file."""
    return json.dumps(envelope, indent=1, sort_keys=True) + "\n"
