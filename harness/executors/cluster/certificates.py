"""A certificate authority for one cluster, and the one certificate that all of it shares.

Who has the folder belongs to the cluster. Dask asks whether the other side has a certificate of the
authority, not which, so one certificate does for scheduler, workers and clients.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.errors import UsageError

AUTHORITY, CERTIFICATE, KEY = "ca.pem", "certificate.pem", "key.pem"

_DAYS = 365


def new_authority(folder: Path) -> None:
    """Make the folder with an authority, a certificate signed by it, and the certificate's key.

    The authority's own key is thrown away: nobody can add to the cluster but who has the folder.

    Raises:
        UsageError: there is something already, or it cannot be written.
    """
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"harness cluster {what}")])
        for what in ("authority", "worker")
    ]
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(place: int) -> bytes:
        public = keys[place].public_key()
        authority_id = x509.SubjectKeyIdentifier.from_public_key(keys[0].public_key())
        built = (
            x509.CertificateBuilder()
            .subject_name(names[place])
            .issuer_name(names[0])
            .public_key(public)
            .serial_number(x509.random_serial_number())
            # Clocks of a cluster do not quite agree.
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=_DAYS))
            .add_extension(x509.BasicConstraints(ca=place == 0, path_length=None), critical=True)
            .add_extension(_usage(signs=place == 0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id),
                critical=False,
            )
            .sign(keys[0], hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM)

    key = keys[1].private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(folder, {AUTHORITY: certificate(0), CERTIFICATE: certificate(1), KEY: key})


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            # Never over what is there, and never readable for others, not even for a moment.
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
    except FileExistsError as error:
        raise UsageError(f"{error.filename or folder}: is there already; name another") from error
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror}") from error
