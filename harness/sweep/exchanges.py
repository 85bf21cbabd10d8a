"""Exchange folders: made, held while this process lives, removed; also those of dead processes."""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import places
from harness.protocol import exchange

_GRACE_SECONDS = 60
"""A younger folder may still be on its way to being held by another process."""


@contextmanager
def opened() -> Iterator[Path]:
    """A new exchange folder, held by a lock that ends with this process, removed at the end.

    Anybody may write there: in a container the runner is another user.
    """
    folder = Path(tempfile.mkdtemp(dir=places.cache("exchange")))
    folder.chmod(0o777)
    try:
        with (folder / exchange.ALIVE).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            (folder / exchange.ALIVE).chmod(0o666)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees the whole file or none."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(content, sort_keys=True))
    draft.chmod(0o644)
    draft.rename(path)


def remove_abandoned() -> int:
    """Remove exchange folders that no living process holds; how many there were."""
    left = abandoned()
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def abandoned() -> list[Path]:
    """The exchange folders that no living process holds."""
    return [folder for folder in places.cache("exchange").iterdir() if _is_abandoned(folder)]


def _is_abandoned(folder: Path) -> bool:
    try:
        if time.time() - folder.stat().st_mtime < _GRACE_SECONDS:
            return False
        with (folder / exchange.ALIVE).open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True
