"""What `harness --help` and the help of each command say: one line, and examples.

Apart from the commands themselves, as listing them is not to import them all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CommandHelp:
    """The line of a command in the list of all, and examples of its use."""

    line: str
    examples: tuple[str, ...]


HELP: dict[str, CommandHelp] = {
    "init": CommandHelp(
        line="Write a commented matrix file and its locks into this folder.",
        examples=("harness init", "harness init cpu"),
    ),
    "diagnose": CommandHelp(
        line="Run a script as it is: does it repeat itself, and what makes it?",
        examples=("harness diagnose train.py", "harness diagnose train.py -- --epochs 2"),
    ),
    "adopt": CommandHelp(
        line="Write a matrix file with a script as a workload; run it once.",
        examples=("harness adopt train.py", "harness adopt train.py --tensorflow 2.15.1"),
    ),
    "check": CommandHelp(
        line="Say what is wrong with a matrix file, or in a results folder.",
        examples=(
            "harness check quickstart.yaml",
            "harness check results",
            "harness check verdicts.json --signer author.pub",
        ),
    ),
    "plan": CommandHelp(
        line="Say what would run and why, and what is reused.",
        examples=(
            "harness plan quickstart.yaml",
            "harness plan quickstart.yaml --only mnist-mlp --format csv",
        ),
    ),
    "doctor": CommandHelp(
        line="Say what this machine can do, and what is in the way of a sweep.",
        examples=("harness doctor", "harness doctor quickstart.yaml"),
    ),
    "lock": CommandHelp(
        line="Lock environments: all their packages, with hashes.",
        examples=("harness lock quickstart.yaml", "harness lock quickstart.yaml --renew"),
    ),
    "build": CommandHelp(
        line="Build the environments, and run nothing.",
        examples=("harness build quickstart.yaml", "harness build quickstart.yaml --engine local"),
    ),
    "run": CommandHelp(
        line="Run what has no record yet; print which weights are equal.",
        examples=(
            "harness run quickstart.yaml",
            "harness run quickstart.yaml --only mnist-mlp --dry-run",
            "harness run quickstart.yaml --again '*tf2.10*threads=1*'",
            "harness run quickstart.yaml --on tls://head:8786 --tls cluster",
            "harness run quickstart.yaml --on slurm --cluster slurm.yaml",
        ),
    ),
    "rm": CommandHelp(
        line="Remove the records of cells, so that they count no more.",
        examples=(
            "harness rm '*threads=2*'",
            "harness rm co2-lstm --results results/quickstart --yes",
        ),
    ),
    "worker": CommandHelp(
        line="Carry out runs for harness run --on, as part of a cluster.",
        examples=(
            "harness worker --new-ca cluster",
            "harness worker tls://head:8786 --tls cluster --engine docker",
        ),
    ),
    "job": CommandHelp(
        line="Carry out runs that were written down as JSON elsewhere.",
        examples=("harness job job.json", "harness job job.json --engine docker"),
    ),
    "table": CommandHelp(
        line="Print results: classes of equal weights, cells, runs, axes, …",
        examples=(
            "harness table results/quickstart",
            "harness table results/quickstart --by axis --only mnist-mlp",
            "harness table mine theirs.zip --by run --format csv",
        ),
    ),
    "advise": CommandHelp(
        line="Say per workload what to set so that it repeats, and the price.",
        examples=("harness advise results/reference", "harness advise results --only co2-lstm"),
    ),
    "compare": CommandHelp(
        line="Compare machines, or two cells: what agrees, how far the rest is.",
        examples=(
            "harness compare results/reference",
            "harness compare mine theirs.zip --by machine",
            "harness compare results/quickstart '*mlp,tf2.21*threads=1' '*mlp,tf2.21*threads=2'",
            "harness compare mine:'*mlp,tf2.21*' theirs.zip:'*mlp,tf2.21*#2'",
        ),
    ),
    "diff": CommandHelp(
        line="Say at which step two cells part, and what of it differs first.",
        examples=(
            "harness diff results/quickstart '*cnn*2.10*threads=1' '*cnn*2.10*threads=2'",
            "harness diff results/quickstart 'mnist-aug*threads=2#1' 'mnist-aug*threads=2#2'",
        ),
    ),
    "why": CommandHelp(
        line="Run hybrids of two cells: which settings explain their difference?",
        examples=(
            "harness why results/quickstart '*threads=1' '*threads=2'",
            "harness why results/quickstart 'mnist-augmented*threads=2' --stable",
        ),
    ),
    "publish": CommandHelp(
        line="Write results as a page with tables, or a paper's appendix.",
        examples=(
            "harness publish results/quickstart -o site",
            "harness publish mine theirs.zip -o site --title 'Two laptops'",
            "harness publish results/quickstart --appendix appendix.tex",
        ),
    ),
    "bundle": CommandHelp(
        line="Write results, and all it takes to verify them, as one archive.",
        examples=(
            "harness bundle results/quickstart -o quickstart.zip",
            "harness bundle results -o all.zip --sign ~/.ssh/id_ed25519",
        ),
    ),
    "verify": CommandHelp(
        line="Run cells of somebody's results here, and compare the bits.",
        examples=(
            "harness verify theirs.zip",
            "harness verify results/reference --only 'mnist-mlp,tf2.15*'",
            "harness verify theirs.zip --attest verdicts.json --sign ~/.ssh/id_ed25519",
        ),
    ),
    "migrate": CommandHelp(
        line="Write results of older versions in today's format.",
        examples=("harness migrate results", "harness migrate results --replace"),
    ),
    "clean": CommandHelp(
        line="List what nothing refers to any more; remove it with --yes.",
        examples=("harness clean", "harness clean --kind wheels --yes"),
    ),
    "bases": CommandHelp(
        line="Say which files name the base images, or renew their pins.",
        examples=("harness bases", "harness bases --renew"),
    ),
    "schema": CommandHelp(
        line="Print the JSON Schema of matrix files, for editors.",
        examples=("harness schema", "harness schema > schema.json"),
    ),
    "reference": CommandHelp(
        line="Print the tables of axes and of columns, as in the documents.",
        examples=("harness reference", "harness reference > reference.md"),
    ),
}
"""By command; one that is missing here is listed with the first sentence of its help."""
