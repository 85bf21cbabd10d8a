"""Writing the archive: the same files give the same bytes, on every machine."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.errors import RecordError, UsageError
from harness.results import regular_files

Content = bytes | Path
"""What a file of the archive holds: these bytes, or those of a file of the results."""

_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def digest(content: Content) -> str:
    """The SHA-256 of a file to be.

    Raises:
        RecordError: it cannot be read.
    """
    whole = hashlib.sha256()
    for chunk in _chunks(content):
        whole.update(chunk)
    return whole.hexdigest()


def write(target: Path, contents: Mapping[str, Content], digests: Mapping[str, str]) -> None:
    """Write the archive in one step: `target` is there whole or as it was.

    Nothing is compressed: compressors of other versions write other bytes. A file whose content
    does not have its digest of `digests` any more stops it.

    Raises:
        RecordError: a file cannot be read, or changed meanwhile.
        UsageError: the archive cannot be written there.
    """
    with _unfinished(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(contents):
            sha256 = _add(archive, path, contents[path])
            if path in digests and sha256 != digests[path]:
                raise RecordError(
                    f"{path}: changed while it was being bundled; "
                    "wait for the sweep that writes there, then bundle again"
                )


@contextmanager
def _unfinished(target: Path) -> Iterator[IO[bytes]]:
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".bundle-", delete=False) as f:
            temporary = Path(f.name)
            yield f
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        why = error.strerror or error
        raise UsageError(
            f"{target}: cannot be written: {why}; name another file with -o"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, path: str, content: Content) -> str:
    entry = zipfile.ZipInfo(path, date_time=_EPOCH)
    entry.create_system = _UNIX
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    # Known beforehand, so that zipfile takes the 64-bit format exactly where it is needed.
    entry.file_size = size(content)
    whole = hashlib.sha256()
    with archive.open(entry, "w") as file:
        for chunk in _chunks(content):
            file.write(chunk)
            whole.update(chunk)
    return whole.hexdigest()


def size(content: Content) -> int:
    """How many bytes a file to be has.

    Raises:
        RecordError: it cannot be read.
    """
    if isinstance(content, bytes):
        return len(content)
    with regular_files.opened(content) as file:
        return os.fstat(file.fileno()).st_size


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    try:
        with regular_files.opened(content) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise RecordError(f"{content}: cannot be read: {error.strerror}") from error
