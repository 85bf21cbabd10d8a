"""Scripts that send the shards of a matrix to machines, for schedulers that others wrote.

Every shard writes into a results folder of its own, `shards/NUMBER`: on a cluster with a shared
disk several nodes may be the same kind of machine, and one folder takes one sweep at a time.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Template

FOLDER = "shards"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A sweep to send: `matrix` is its file, `name` what it is called, `count` the shards.

    `options` are those of `harness run` that every shard gets.
    """

    matrix: str
    name: str
    count: int
    options: tuple[str, ...] = ()


def script(kind: str, submission: Submission) -> str:
    """The text of the script for one of `KINDS`, ready to send."""
    return _WRITERS[kind](submission)


def _run(submission: Submission) -> str:
    """`harness run` but for the shard, quoted for a shell."""
    return shlex.join(["harness", "run", submission.matrix, *submission.options])


def _slurm(submission: Submission) -> str:
    return _SLURM.substitute(
        name=submission.name, count=submission.count, run=_run(submission), folder=FOLDER
    )


def _ssh(submission: Submission) -> str:
    return _SSH.substitute(run=shlex.quote(_run(submission)), folder=FOLDER)


def _github(submission: Submission) -> str:
    return _GITHUB.substitute(
        name=submission.name,
        numbers=", ".join(str(number) for number in range(1, submission.count + 1)),
        count=submission.count,
        run=_run(submission),
        folder=FOLDER,
    )


class _Marked(Template):
    """`@name` is replaced: `$` belongs to the shell."""

    delimiter = "@"


_SLURM = _Marked("""\
#!/bin/sh
#SBATCH --job-name=@name
#SBATCH --array=1-@count
#SBATCH --cpus-per-task=2
#SBATCH --output=@name-%a.log
# Send it with sbatch from the folder in which this was printed; add partition, memory and time as
# your site asks. The number of CPUs is part of what a machine is: keep it equal.
# Afterwards: harness table @folder/*
set -eu
exec @run \\
    --shard "$SLURM_ARRAY_TASK_ID/@count" --results "@folder/$SLURM_ARRAY_TASK_ID"
""")

_SSH = _Marked("""\
#!/bin/sh
# Usage: sh SCRIPT HOST...    (in the folder in which this was printed)
# Each host runs one shard; it has this folder under the same path, and harness among its commands.
# Results come back into @folder/. After a failure the same command goes on where it was.
set -u
[ $# -gt 0 ] || { echo "usage: sh $0 HOST..." >&2; exit 2; }
run=@run
mkdir -p @folder
shard() {
    number=$1 count=$2 host=$3
    ssh "$host" "cd '$PWD' && $run --shard $number/$count --results @folder/$number" \\
        >"@folder/$number.log" 2>&1 </dev/null
    code=$?
    # By way of another folder: on a shared disk the host's files are these.
    mkdir -p "@folder/.$number"
    ssh "$host" "cd '$PWD/@folder' && tar -cf - $number" </dev/null \
        | tar -xf - -C "@folder/.$number" \
        && rm -rf "@folder/$number" && mv "@folder/.$number/$number" @folder/
    rm -rf "@folder/.$number"
    echo "$host: shard $number/$count ended with $code, see @folder/$number.log" >&2
    return "$code"
}
number=0 pids=
for host in "$@@"; do
    number=$((number + 1))
    shard "$number" $# "$host" &
    pids="$pids $!"
done
worst=0
for pid in $pids; do wait "$pid" || worst=$?; done
harness table @folder/*/
exit "$worst"
""")

_GITHUB = _Marked("""\
# .github/workflows/@name.yaml
name: @name
on: workflow_dispatch
jobs:
  shard:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        shard: [@numbers]
    steps:
      - uses: actions/checkout@@v4
      - uses: actions/setup-python@@v5
        with: {python-version: "3.12"}
      - run: pip install reproducibility-harness
      - run: >-
          @run
          --shard ${{ matrix.shard }}/@count --results @folder/${{ matrix.shard }}
      - uses: actions/upload-artifact@@v4
        if: always()
        with:
          name: shard-${{ matrix.shard }}
          path: @folder
  table:
    needs: shard
    if: always()
    runs-on: ubuntu-latest
    steps:
      - uses: actions/setup-python@@v5
        with: {python-version: "3.12"}
      - run: pip install reproducibility-harness
      - uses: actions/download-artifact@@v4
        with: {pattern: shard-*, path: @folder, merge-multiple: true}
      - run: harness table @folder/*/
""")

_WRITERS: Mapping[str, Callable[[Submission], str]] = {
    "slurm": _slurm,
    "ssh": _ssh,
    "github": _github,
}

KINDS = tuple(_WRITERS)
