"""A publication: a folder with a page, tables, the records and a badge, that needs no server.

The same records give the same bytes, whatever the folders' names and order: nothing in it tells a
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

from harness.analysis.axis_table import by_axis
from harness.analysis.class_table import by_class
from harness.analysis.merging import Gathered
from harness.errors import UsageError
from harness.publish import (
    badge,
    class_distances,
    findings,
    page_data,
    page_rendering,
    sweep_sources,
    table_files,
)
from harness.publish.cell_details import SHARD, Stories
from harness.publish.layout import layout
from harness.publish.page_data import Json, Part
from harness.publish.run_summary import summary
from harness.results.names import RESULTS_FOLDER
from harness.results.statuses import STATUSES

PAGE = "index.html"
_ENTRY = re.compile(rf"index\.html|badge\.svg|data|tables|{RESULTS_FOLDER}(-[0-9]+)?")
_MARK = '<meta name="generator" content="reproducibility-harness">'
_MOST_CURVES = 48


def publish(folders: Sequence[Path], out: Path, title: str = "") -> list[str]:
    """Write the publication of these results folders into `out`; returns what to say about it.

    An earlier publication there is replaced, in the moment in which the new one is complete.

    Raises:
        UsageError: there are no results, or `out` holds something else.
        RecordError: a record, a plan or stored weights cannot be read.
    """
    check_target(folders, out)
    gathered = sweep_sources.gather(folders)
    _make_parent(out)
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".publishing-") as partial:
        made = Path(partial) / "made"
        _write(made, gathered, title)
        made.chmod(0o755)
        if out.exists():
            shutil.move(out, Path(partial) / "before")
        made.rename(out)
    return [*gathered.notes, summary(gathered.runs)]


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


def _write(out: Path, gathered: Gathered, title: str) -> None:
    parts = page_data.parts(gathered.runs)
    classes, effects = by_class(gathered.runs), by_axis(gathered.runs)
    cells = pd.concat([part.cells for part in parts]).drop(columns="init") if parts else None
    if cells is None:
        raise UsageError(
            "nothing is planned in these folders: there is no plan.jsonl in them; copy it along "
            "with the records, or let harness run write it again"
        )
    stories = Stories(gathered)
    found = [class_distances.of_part(part, gathered) for part in parts]
    frames = {"classes": classes, "axes": effects, "cells": cells, "runs": gathered.runs}
    table_files.write(out / "tables", frames)
    (out / "badge.svg").write_text(badge.badge(cells), "utf-8")
    _write_data(out / "data", parts, stories, found)
    data = _data(parts, classes, effects, stories, found)
    context = _context(gathered.runs, parts, cells, classes, effects, title)
    (out / PAGE).write_text(page_rendering.render(context, data), "utf-8")
    _copy_records(out, gathered)


def _write_data(
    folder: Path,
    parts: Sequence[Part],
    stories: Stories,
    found: Sequence[class_distances.Distances],
) -> None:
    folder.mkdir()
    told = {f"cells-{number}": shard for number, shard in enumerate(stories.shards(parts))}
    tables = class_distances.tensor_tables(found)
    tensors = {f"tensors-{number}": table for number, table in enumerate(tables)}
    for name, value in {**told, **tensors, "shared": stories.shared()}.items():
        (folder / f"{name}.js").write_text(page_rendering.data_file(name, value), "utf-8")


def _data(
    parts: Sequence[Part],
    classes: pd.DataFrame,
    effects: pd.DataFrame,
    stories: Stories,
    found: Sequence[class_distances.Distances],
) -> Json:
    workloads, first = [], 0
    for part, apart in zip(parts, found, strict=True):
        mine, axes = (frame[frame["workload"] == part.workload] for frame in (classes, effects))
        told = page_data.of_part(part, mine, axes, first)
        told["curves"] = _curves(part, stories)
        told["distances"] = {
            "points": apart.points,
            "columns": list(class_distances.PAIR),
            "pairs": apart.pairs,
            "note": apart.note,
        }
        workloads.append(told)
        first += len(part.cells)
    return {
        "workloads": workloads,
        "statuses": list(STATUSES),
        "shard": SHARD,
    }


def _curves(part: Part, stories: Stories) -> Json:
    """The different histories of each class, the largest classes first, bounded."""
    seen: dict[tuple[str, int], int] = {}
    cells = part.cells[part.cells["distinct"] > 0]
    for place, row in cells.iterrows():
        found = stories.history(str(row["matrix"]), str(row["machine"]), str(row["cell"]))
        for number in found.values():
            seen.setdefault((str(row["class"]), number), int(str(place)))
    ordered = sorted(seen, key=lambda key: (page_data.is_unstable(key[0]), len(key[0]), key))
    kept = ordered[:_MOST_CURVES]
    return {
        "left_out": len(ordered) - len(kept),
        "lines": [
            {"class": name, "cell": seen[name, number], "history": stories.histories.values[number]}
            for name, number in kept
        ],
    }


def _context(
    runs: pd.DataFrame,
    parts: Sequence[Part],
    cells: pd.DataFrame,
    classes: pd.DataFrame,
    effects: pd.DataFrame,
    title: str,
) -> dict[str, Any]:
    matrices = sorted(cells["matrix"].unique())
    counts = findings.counts(runs)
    return {
        "title": title or " · ".join(matrices),
        "machines": sorted(cells["machine"].unique()),
        "cells": len(cells),
        "sentence": badge.sentence(cells),
        "counts": counts,
        "total": sum(number for _, number in counts),
        "told": [
            findings.of_part(part, effects[effects["workload"] == part.workload]) for part in parts
        ],
        "tables": {
            part.workload: layout(classes[classes["workload"] == part.workload])
            for part in parts
            if (classes["workload"] == part.workload).any()
        },
        "shared": {
            str(name): str(rows["every_cell"].iloc[0])
            for name, rows in classes.groupby("workload", sort=False)
        },
        "emulated": int(cells["emulated"].sum()),
        "summary": summary(runs),
    }


def _copy_records(out: Path, gathered: Gathered) -> None:
    """The records as they are, byte for byte; weights stay where they are.

    Parts of one sweep have plans of their own, so the second goes into `results-2`.
    """
    for source in sweep_sources.sources(gathered):
        top = out / (RESULTS_FOLDER if source.part == 1 else f"{RESULTS_FOLDER}-{source.part}")
        folder = top / source.matrix / source.machine.replace("/", "-")
        for path in sweep_sources.files(source):
            target = folder / path.relative_to(source.sweep.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
