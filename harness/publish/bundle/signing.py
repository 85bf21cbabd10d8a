"""Signatures over the manifest of a bundle, in OpenSSH's format, made and checked by `ssh-keygen`.

Whoever has an SSH key can sign, also with an agent, a passphrase or a hardware key, and whoever
has OpenSSH can check without this program:

    unzip -p BUNDLE manifest-sha256.txt | ssh-keygen -Y check-novalidate \
        -n reproducibility-harness -s BUNDLE.sig

The format: https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import processes, scratch
from harness.errors import RecordError, UsageError
from harness.processes import ProcessFailedError
from harness.protocol import untrusted

NAMESPACE = "reproducibility-harness"
"""What the signature is for: one made for something else does not count here."""

SUFFIX = ".sig"
_MAX_BYTES = 1 << 20
_NAME = "key-given"
_PUBLIC_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ ")
_GOOD = re.compile(r"with (?P<kind>\S+) key (?P<fingerprint>SHA256:\S+)")


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A signature that fits: by which key, and by whom, None where nobody said whose key it is."""

    key: str
    signer: str | None


def beside(bundle: Path) -> Path:
    """Where the signature of a bundle lies unless another file is named."""
    return bundle.with_name(bundle.name + SUFFIX)


def sign(data: bytes, key: Path) -> str:
    """The signature over `data` with a private key, or with the agent's if `key` is a public one.

    Raises:
        UsageError: the key cannot be used, or there is no ssh-keygen.
    """
    with _files(data) as (message, _):
        try:
            command = ["-q", "-Y", "sign", "-f", str(key.absolute()), "-n", NAMESPACE]
            processes.run([_program(), *command, str(message)])
        except ProcessFailedError as failure:
            raise UsageError(f"{key}: cannot sign: {_last_line(failure)}") from failure
        return message.with_name(message.name + SUFFIX).read_text(encoding="ascii")


def check(data: bytes, signature: Path, signers: Path | None) -> Signature:
    """Check the signature over `data`; with `signers`, also that one of them made it.

    `signers` is a public key file, or an OpenSSH file of allowed signers.

    Raises:
        RecordError: the signature does not fit, or is not of one of the signers.
        UsageError: a file cannot be read, or there is no ssh-keygen.
    """
    return _checked(data, _read(signature), str(signature), "the bundle", signers)


def check_text(
    data: bytes, signature: str, where: str = "the signature", signers: Path | None = None
) -> Signature:
    """The same for a signature that lies in another file, `where`."""
    return _checked(data, signature.encode(), where, "it", signers)


def _checked(
    data: bytes, signature: bytes, where: str, what: str, signers: Path | None
) -> Signature:
    with _files(data) as (message, folder):
        # Copied: it is looked at twice, and must be the same both times.
        copy = folder / "signature"
        copy.write_bytes(signature)
        fits = _verify(message, ["check-novalidate", "-s", str(copy)])
        if fits is None:
            raise RecordError(
                f"{where}: does not fit: {what} was changed after it was signed, or the "
                "signature is of something else; get both again from where they were published"
            )
        name = None if signers is None else _signer(message, copy, signers, folder)
    return Signature(key=fits, signer=name)


def _signer(message: Path, signature: Path, signers: Path, folder: Path) -> str:
    allowed = folder / "allowed_signers"
    allowed.write_bytes(b"".join(_allowed(_read(signers))))
    options = ["-f", str(allowed), "-s", str(signature)]
    try:
        printed = processes.run([_program(), "-Y", "find-principals", *options])
    except ProcessFailedError:
        printed = ""
    for name in printed.splitlines():
        if _verify(message, ["verify", "-I", name, *options]) is not None:
            return str(signers) if name == _NAME else name
    raise RecordError(
        f"the signature fits, and is not by a key in {signers}: either another person signed "
        "this, or it is the wrong file"
    )


def _allowed(content: bytes) -> Iterator[bytes]:
    """The lines of a file of allowed signers; those of a public key get a name before them."""
    for line in content.splitlines():
        is_key = _PUBLIC_KEY.match(line.decode("utf-8", "replace"))
        yield (f'{_NAME} namespaces="{NAMESPACE}" '.encode() if is_key else b"") + line + b"\n"


def _verify(message: Path, arguments: list[str]) -> str | None:
    """The key, if ssh-keygen finds that the signature fits."""
    command = [_program(), "-Y", *arguments, "-n", NAMESPACE]
    try:
        printed = processes.run(["sh", "-c", 'exec "$@" < "$0"', str(message), *command])
    except ProcessFailedError:
        return None
    match = _GOOD.search(printed)
    return f"{match['kind']} {match['fingerprint']}" if match else None


@contextmanager
def _files(data: bytes) -> Iterator[tuple[Path, Path]]:
    with scratch.folder("sign") as folder:
        message = folder / "message"
        message.write_bytes(data)
        yield message, folder


def _read(path: Path) -> bytes:
    try:
        return untrusted.read_regular(path, _MAX_BYTES, follow_links=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def _program() -> str:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise UsageError(
            "there is no ssh-keygen here, which makes and checks signatures; install OpenSSH's "
            "client (Debian: openssh-client, 8.2 or newer)"
        )
    return program


def _last_line(failure: ProcessFailedError) -> str:
    lines = [line.strip() for line in failure.output.splitlines() if line.strip()]
    return lines[-1] if lines else f"ssh-keygen ended with status {failure.code}"
