"""Results that may be anybody's, opened and checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import RecordError, UsageError
from harness.publish.bundle import unpacking
from harness.publish.bundle.unpacking import Bundle
from harness.results import blobs, checking, scan
from harness.results.checking import Finding, Report
from harness.results.names import BLOB_FOLDER
from harness.results.scan import sweeps

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class ForeignResults:
    """A results folder, every file of it read and found whole; `bundle` is what it came in.

    `unvouched` counts the records of an old schema, which carry no digest.
    """

    results: Path
    bundle: Bundle | None
    unvouched: int

    def matrix_folders(self) -> dict[str, Path]:
        """The folder of each matrix by its name."""
        return {sweep.matrix: sweep.folder.parent for sweep in sweeps(self.results)}


def opened(path: Path, unpack_to: Path) -> ForeignResults:
    """Open a bundle, unpacked or not, or a results folder; nothing in it runs.

    Raises:
        RecordError: the bundle is unsafe or not what its manifest says, or a file of the results
            is damaged (in a bundle: or missing, or foreign); the message names each.
        UsageError: there is no such file, no results in the folder, or no room to unpack it.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder; name a bundle or a results folder")
    bundle = unpacking.opened(path, unpack_to) if unpacking.is_bundle(path) else None
    results = scan.top_of(path) if bundle is None else bundle.results
    if not results.is_dir():
        raise RecordError(f"{path}: has no results, so there is nothing to verify")
    report = checking.check(results)
    _require_whole(path, results, report, bundle)
    unvouched = report.counts["unvouched"]
    return ForeignResults(results=results, bundle=bundle, unvouched=unvouched)


def _require_whole(path: Path, results: Path, report: Report, bundle: Bundle | None) -> None:
    problems = [
        f"{_inside(finding, results)}: {finding.kind}: {finding.what}"
        for finding in report.findings
        if _counts(finding, bundle)
    ]
    if problems:
        more = [f"… and {len(problems) - _SHOWN:,} more"] if len(problems) > _SHOWN else []
        shown = "\n  ".join([*problems[:_SHOWN], *more])
        raise RecordError(f"{path}: these results cannot be trusted:\n  {shown}")


def _counts(finding: Finding, bundle: Bundle | None) -> bool:
    """A folder may be half of one; what is there must be right. A bundle promises to be whole."""
    if bundle is None:
        return finding.kind == "damaged"
    if finding.kind != "missing" or BLOB_FOLDER not in finding.path.parts[-3:]:
        return True
    # Where a script was left out, its cells are not tried, and say so.
    return bundle.manifest.arrays != "none" and finding.path.parent.name != blobs.SCRIPTS


def _inside(finding: Finding, results: Path) -> Path:
    inside = finding.path.is_relative_to(results)
    return finding.path.relative_to(results) if inside else finding.path


def other_files(bundle: Bundle, own: Mapping[str, str]) -> list[str]:
    """The files of a bundle below the folders of `own` (digests by path) that are not those."""
    folders = {path.partition("/")[0] for path in own}
    brought: Iterable[tuple[str, str]] = sorted(bundle.manifest.files.items())
    return [
        path
        for path, sha256 in brought
        if path.partition("/")[0] in folders and own.get(path) != sha256
    ]
