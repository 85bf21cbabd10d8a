"""Addresses of schedulers, and who may be talked to there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from distributed import Security

from harness.errors import UsageError
from harness.executors.cluster.certificates import AUTHORITY, CERTIFICATE, KEY

_FORM = re.compile(r"(?:(tls|tcp)://)?(\[[0-9a-fA-F:.]+\]|[^\[\]:/\s]+):([0-9]{1,5})", re.ASCII)
TLS_VARIABLE = "HARNESS_TLS"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a scheduler listens: `scheme` is `tls` or `tcp`."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def parse(text: str) -> Address:
    """The address in a text such as `tls://head:8786`; without a scheme it is `tcp`.

    Raises:
        UsageError: it is none, or it is reached in plain TCP over a network, where anybody could
            have the workers run anything.
    """
    match = _FORM.fullmatch(text)
    if match is None or not 0 < int(match[3]) < 1 << 16:
        raise UsageError(f"{text!r} is no address of a scheduler; write tls://HOST:8786")
    address = Address(scheme=match[1] or "tcp", host=match[2], port=int(match[3]))
    if address.scheme == "tcp" and not address.is_local:
        raise UsageError(
            f"{address}: over a network a scheduler is reached by TLS only, as whoever reaches it "
            "can run anything on its workers; harness worker --new-ca DIR makes certificates, and "
            f"the address is then tls://{address.host}:{address.port}"
        )
    return address


def is_loopback(host: str) -> bool:
    """Whether a host's name or number stands for this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def security(address: Address, folder: Path | None) -> Security:
    """What Dask is to use at this address: the certificates in `folder` where it is TLS.

    Raises:
        UsageError: there are none.
    """
    if address.scheme == "tcp":
        return Security(require_encryption=False)
    if folder is None:
        raise UsageError(
            f"{address}: name the folder with the certificates, --tls DIR or {TLS_VARIABLE}; "
            "harness worker --new-ca DIR makes one"
        )
    return tls_security(folder)


def tls_security(folder: Path) -> Security:
    """The certificates in a folder, for every side.

    Raises:
        UsageError: some are missing.
    """
    files = {name: folder / name for name in (AUTHORITY, CERTIFICATE, KEY)}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise UsageError(f"{missing[0]}: no such file; harness worker --new-ca DIR makes it")
    roles = {
        f"tls_{role}_{kind}": str(files[name])
        for role in ("client", "worker", "scheduler")
        for kind, name in (("cert", CERTIFICATE), ("key", KEY))
    }
    return Security(tls_ca_file=str(files[AUTHORITY]), require_encryption=True, **roles)
