"""`.venv/bin/python -m tests.benchmarks [ROW …]`: measures, prints a Markdown table.

Takes the rows named, by default all of them; `--list` names them. Progress goes to standard
error. Exit status 9: a bar was missed; 1: a row could not be measured.

The rows `docker-sweep` and `images` need a Docker Engine (DOCKER_HOST) with a base for Python
3.11, which HARNESS_BASES names; tests/conftest.py shows how the tests get one. On a machine
without an engine:

    eval "$(HARNESS_ENGINE_HOME=/var/tmp/bench-engine .ci/engine start)"
    dockerfiles/bootstrap-base.sh bookworm reproducibility-harness-base:bookworm

BENCHMARK_SEEDS=1 makes the sweeps a fifth as long, to try them out. What is made for the rows lies
in --folder and is used again; nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import (
    clusters,
    differences,
    environments,
    measuring,
    own_scripts,
    results,
    scale,
    sweeps,
    traces,
)
from benchmarks.measuring import Result
from harness.results import machine

ROWS: dict[str, Callable[[Path, int], list[Result]]] = {
    "docker-sweep": sweeps.docker_sweep,
    "local-sweep": sweeps.local_sweep,
    "images": environments.four_images,
    "local-environment": environments.local_environment,
    "nothing-to-do": results.nothing_to_do,
    "table-by-class": results.table_by_class,
    "scale": scale.scale,
    "traces": traces.traces,
    "own-script": own_scripts.own_script,
    "diff": differences.second_level,
    "cluster": clusters.cluster,
}
MISSED, UNMEASURED = 9, 1


def main() -> int:
    """Measure the rows asked for; the exit status."""
    asked = _arguments()
    if asked.list:
        print("\n".join(ROWS))
        return 0
    found: list[Result] = []
    failed = False
    for name in asked.rows or ROWS:
        measuring.say(name)
        try:
            folder = asked.folder / name
            folder.mkdir(parents=True, exist_ok=True)
            found += ROWS[name](folder, asked.times)
        except Exception:
            failed = True
            traceback.print_exc()
    print(_table(found))
    if failed:
        return UNMEASURED
    return 0 if all(result.met for result in found) else MISSED


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("rows", nargs="*", metavar="ROW", choices=[[], *ROWS], default=[])
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--times", type=int, default=3, help="how often each side is measured")
    default = Path(tempfile.gettempdir()) / "harness-benchmarks"
    parser.add_argument("--folder", type=Path, default=default, help=f"default: {default}")
    return parser.parse_args()


def _table(found: list[Result]) -> str:
    lines = [
        f"{datetime.date.today().isoformat()}, {_machine()}; medians (smallest–largest).",
        "",
        "| what | against | ours | theirs | figure | bar | |",
        "|---|---|---:|---:|---:|---|---|",
    ]
    for result in found:
        what = "; ".join((result.what, *result.notes))
        met = "met" if result.met else "**missed**"
        cells = (what, result.against, result.ours, result.theirs, result.figure, result.bar, met)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _machine() -> str:
    told = machine.describe()
    memory = told["memory_bytes"] / 2**30
    return f"{len(told['visible_cpus'])} CPUs of {told['cpu_model']}, {memory:.0f} GiB"


if __name__ == "__main__":
    sys.exit(main())
