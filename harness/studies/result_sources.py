"""Results as they are named: folders, and bundles, opened and checked as `verify` does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from harness import scratch
from harness.errors import UsageError
from harness.protocol import untrusted
from harness.publish.bundle import unpacking
from harness.studies import foreign_results


@contextmanager
def opened(paths: Sequence[str | Path]) -> Iterator[list[Path]]:
    """The results folders that these paths stand for, a bundle's for the time of the block.

    Raises:
        RecordError: a bundle is unsafe, damaged, or not what its manifest says.
        UsageError: a bundle cannot be read, or there is no room to unpack it.
    """
    with ExitStack() as stack:
        yield [_opened(Path(path), stack) for path in paths]


def _opened(path: Path, stack: ExitStack) -> Path:
    if not unpacking.is_bundle(path):
        return path
    if path.is_file() and not _is_archive(path):
        raise UsageError(f"{path}: is neither a results folder nor a bundle; name one of these")
    # The folder has the bundle's name, by which results on one machine at two times are told apart.
    inside = stack.enter_context(scratch.folder("bundle")) / (path.stem or "bundle")
    inside.mkdir()
    return foreign_results.opened(path, inside).results


def _is_archive(path: Path) -> bool:
    with suppress(OSError), untrusted.open_regular(path, follow_links=True) as file:
        return file.read(4) == b"PK\x03\x04"
    return False
