"""A publication: a folder with a page, tables, the records and a badge, that needs no server.

The same records give the same bytes, whatever the folders' names and order: nothing in it names a
time, a path or a machine other than those of the records.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis import advice, claim_table, claimed_cells, class_table
from harness.analysis.axis_table import by_axis
from harness.analysis.class_table import by_class
from harness.analysis.merging import NOTHING_PLANNED, MergedResults
from harness.errors import UsageError
from harness.publish import (
    badge,
    class_distances,
    machine_words,
    page_claims,
    page_data,
    page_effects,
    page_findings,
    page_masthead,
    page_rendering,
    page_studies,
    sweep_sources,
    table_files,
)
from harness.publish.cell_details import SHARD, CellDetails
from harness.publish.layout import layout
from harness.publish.page_data import ClassTables, Json, Part
from harness.publish.page_masthead import Credits
from harness.publish.run_summary import summary
from harness.publish.study_files import StudyFile
from harness.publish.views import PAGE_TABLES, View
from harness.results import regular_files
from harness.results.names import RESULTS_FOLDER
from harness.results.statuses import STATUSES

PAGE = "index.html"
_ENTRY = re.compile(rf"index\.html|badge\.svg|data|tables|{RESULTS_FOLDER}(-[0-9]+)?")
_MARK = '<meta name="generator" content="reproducibility-harness">'
_MOST_CURVES = 48


def publish(
    folders: Sequence[Path],
    out: Path,
    title: str = "",
    credits: Credits | None = None,
    studies: Sequence[StudyFile] = (),
) -> list[str]:
    """Write the publication of these results folders into `out`; returns what to say about it.

    An earlier publication there is replaced, in the moment in which the new one is complete.
    `credits` have a title of their own. The page shows the `studies`, too.

    Raises:
        UsageError: there are no results, or `out` holds something else.
        RecordError: a record, a plan or stored weights cannot be read.
    """
    check_target(folders, out)
    merged = sweep_sources.merge(folders)
    _make_parent(out)
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".publishing-") as partial:
        made = Path(partial) / "made"
        _write(made, merged, credits or Credits(title=title), studies)
        made.chmod(0o755)
        if out.exists():
            shutil.move(out, Path(partial) / "before")
        made.rename(out)
    return [*merged.notes, summary(merged.runs)]


def check_target(folders: Sequence[Path], out: Path) -> None:
    """Refuse to write over anything but an earlier publication, and into the sources.

    Raises:
        UsageError: it would.
    """
    target = out.resolve()
    for folder in folders:
        places = (folder.resolve(), folder.absolute())
        if any(target == place or target in place.parents for place in places):
            raise UsageError(f"{out}: holds the results to be published; name another folder")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file; name a folder")
    present = {path.name for path in out.iterdir()} if out.is_dir() else set()
    foreign = sorted(name for name in present if not _ENTRY.fullmatch(name))
    if foreign or (present and not _is_ours(out / PAGE)):
        other = foreign or sorted(present)
        raise UsageError(
            f"{out}: holds {other[0]!r}, which no publication has; name a new or empty folder"
        )


def _is_ours(path: Path) -> bool:
    return path.is_file() and _MARK in path.read_text("utf-8", "replace")[:4000]


def _make_parent(out: Path) -> None:
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be made: {error.strerror}; name another folder") from error


def _write(
    out: Path, merged: MergedResults, credits: Credits, studies: Sequence[StudyFile]
) -> None:
    parts = page_data.parts(merged.runs)
    classes, effects = by_class(merged.runs), by_axis(merged.runs)
    cells = pd.concat([part.cells for part in parts]).drop(columns="init") if parts else None
    if cells is None:
        raise UsageError(NOTHING_PLANNED)
    details = CellDetails(merged)
    distances = [class_distances.of_part(part, merged) for part in parts]
    sweeps = (source.sweep for source in sweep_sources.sources(merged))
    claims = claim_table.of_cells(cells, claimed_cells.read(sweeps))
    frames = {View.class_: classes, View.axis: effects, View.cell: cells, View.run: merged.runs}
    if len(claims):
        frames = {View.claim: claims, **frames}
    named = {PAGE_TABLES[view]: frame for view, frame in frames.items()}
    table_files.write(out / "tables", named)
    (out / "badge.svg").write_text(badge.badge(cells), "utf-8")
    _write_data(out / "data", parts, details, distances)
    tables = [_class_tables(part) for part in parts]
    machines = machine_words.of_machines(merged.machines)
    data = _data(parts, classes, tables, details, distances)
    data |= {"matrix": page_data.most_completed(cells), "machines": machines}
    context = _context(merged, parts, cells, tables)
    context |= {
        "masthead": page_masthead.of_page(
            sorted(cells["matrix"].unique()), machines, details, credits
        ),
        "claims": page_claims.of_table(claims),
        "studies": page_studies.of_files(studies, cells),
        "table_files": list(named),
    }
    (out / PAGE).write_text(page_rendering.render(context, data), "utf-8")
    _copy_records(out, merged)


def _write_data(
    folder: Path,
    parts: Sequence[Part],
    details: CellDetails,
    distances: Sequence[class_distances.Distances],
) -> None:
    folder.mkdir()
    cells = {f"cells-{number}": shard for number, shard in enumerate(details.shards(parts))}
    tables = class_distances.tensor_tables(distances)
    tensors = {f"tensors-{number}": table for number, table in enumerate(tables)}
    for name, value in {**cells, **tensors, "shared": details.shared()}.items():
        (folder / f"{name}.js").write_text(page_rendering.data_file(name, value), "utf-8")


def _data(
    parts: Sequence[Part],
    classes: pd.DataFrame,
    tables: Sequence[ClassTables],
    details: CellDetails,
    distances: Sequence[class_distances.Distances],
) -> Json:
    workloads, first = [], 0
    for part, by_matrix, apart in zip(parts, tables, distances, strict=True):
        own = classes[classes["workload"] == part.workload]
        content = page_data.of_part(part, own, by_matrix, first)
        content["curves"] = _curves(part, details)
        content["distances"] = {
            "points": apart.points,
            "columns": list(class_distances.PAIR),
            "pairs": apart.pairs,
            "nudges": apart.nudges,
            "note": apart.note,
        }
        workloads.append(content)
        first += len(part.cells)
    return {
        "workloads": workloads,
        "statuses": list(STATUSES),
        "shard": SHARD,
    }


def _curves(part: Part, details: CellDetails) -> Json:
    """The different histories of each class, the largest classes first, bounded."""
    seen: dict[tuple[str, int], int] = {}
    cells = part.cells[part.cells["distinct"] > 0]
    for place, row in cells.iterrows():
        histories = details.history(str(row["matrix"]), str(row["machine"]), str(row["cell"]))
        for number in histories.values():
            seen.setdefault((str(row["class"]), number), int(str(place)))
    ordered = sorted(seen, key=lambda key: (page_data.is_unstable(key[0]), len(key[0]), key))
    shown = ordered[:_MOST_CURVES]
    return {
        "left_out": len(ordered) - len(shown),
        "lines": [
            {"class": name, "cell": seen[name, number], "history": details.histories.values[number]}
            for name, number in shown
        ],
    }


def _class_tables(part: Part) -> ClassTables:
    """The classes as each matrix shows them: what they are and how large is another thing there."""
    return {
        str(matrix): class_table.of_cells(cells.drop(columns="init"))
        for matrix, cells in part.cells.groupby("matrix", sort=False)
    }


def _context(
    merged: MergedResults,
    parts: Sequence[Part],
    cells: pd.DataFrame,
    tables: Sequence[ClassTables],
) -> dict[str, Any]:
    several = cells["matrix"].nunique() > 1
    found = advice.findings(merged)
    return {
        "several": several,
        "counts": page_findings.counts(merged.runs),
        "findings": [page_findings.of_part(part, found, several=several) for part in parts],
        "effects": [table for part in parts for table in page_effects.of_cells(part.cells)],
        "tables": [
            _class_table(part.workload, matrix, table)
            for part, by_matrix in zip(parts, tables, strict=True)
            for matrix, table in by_matrix.items()
            if len(table)
        ],
        "emulated": int(cells["emulated"].sum()),
        "summary": summary(merged.runs),
    }


def _class_table(workload: str, matrix: str, table: pd.DataFrame) -> dict[str, Any]:
    return {
        "workload": workload,
        "matrix": matrix,
        "columns": layout(table),
        "shared": str(table["every_cell"].iloc[0]),
    }


def _copy_records(out: Path, merged: MergedResults) -> None:
    """The records as they are, byte for byte; weights stay where they are.

    Parts of one sweep have plans of their own, so the second goes into `results-2`.
    """
    for source in sweep_sources.sources(merged):
        top = out / (RESULTS_FOLDER if source.part == 1 else f"{RESULTS_FOLDER}-{source.part}")
        folder = top / source.matrix / source.machine.replace("/", "-")
        for path in sweep_sources.files(source):
            target = folder / path.relative_to(source.sweep.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            with regular_files.opened(path) as original, target.open("xb") as copy:
                shutil.copyfileobj(original, copy)
