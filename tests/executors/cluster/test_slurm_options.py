"""The file of `--on slurm`: all that is wrong with it is said at once, with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import called
from simulated_cluster import matrix_of

import harness as program
from harness.executors.cluster import slurm_options
from harness.matrix.yaml_file import FileProblemsError

LEAST = "schema: 1\nworkers: 4\ncpus: 8\nmemory: 32G\nwalltime: 04:00:00\n"


def read(folder: Path, text: str) -> slurm_options.SlurmOptions:
    path = folder / "slurm.yaml"
    path.write_text(text)
    return slurm_options.read(path)


def test_what_it_says_is_what_slurm_is_asked(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        LEAST + "partition: batch\naccount: physics\ndirectives: [--constraint=zen4, -q low]\n"
        "prologue: [module load python, export A=1]\ninterface: ib0\nlog_directory: logs\n"
        "shared_directory: /scratch\n",
    )
    assert (found.workers, found.cpus, found.memory) == (4, 8, "32G")
    assert (found.walltime, found.partition, found.account) == ("04:00:00", "batch", "physics")
    assert found.directives == ("--constraint=zen4", "-q low")
    assert found.prologue == ("module load python", "export A=1")
    assert found.interface == "ib0"
    assert found.log_directory == tmp_path / "logs"
    assert found.shared_directory == Path("/scratch")


def test_the_example_in_the_documentation_is_right(tmp_path: Path) -> None:
    text = (Path(program.__file__).parent / "cli" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(schema: 1\nworkers: .*?)```", text, re.DOTALL)
    found = read(tmp_path, example)
    keys = {line.partition(":")[0] for line in example.splitlines() if not line.startswith("#")}
    assert keys == set(slurm_options.KEYS) and found.workers == 8


def test_what_is_left_out_is_up_to_the_site(tmp_path: Path) -> None:
    found = read(tmp_path, LEAST)
    assert (found.partition, found.account, found.interface) == (None, None, None)
    assert (found.directives, found.prologue) == ((), ())


@pytest.mark.parametrize("word", ["30", "30:00", "04:00:00", "2-12", "2-12:30", "2-12:30:00"])
def test_walltime_is_as_slurm_writes_it(tmp_path: Path, word: str) -> None:
    assert read(tmp_path, LEAST.replace("04:00:00", word)).walltime == word


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty; it needs schema, workers, cpus, memory, walltime"),
        ("schema: 1\n", "1:1: the key 'walltime' is missing"),
        (LEAST.replace("schema: 1", "schema: 2"), "1:9: schema must be 1"),
        (LEAST.replace("workers: 4", "workers: 0"), "2:10: workers must be a whole number"),
        (LEAST.replace("32G", "32"), "4:9: memory must be a size"),
        (LEAST.replace("04:00:00", "4h"), "5:11: walltime must be like"),
        (LEAST + "accuont: a\n", "6:1: unknown key 'accuont'.*'account'"),
        (LEAST + "partition: 'a b'\n", "6:12: this is no name of a partition"),
        (LEAST + "directives: [constraint]\n", "6:14: 'constraint' is no option of sbatch"),
        (LEAST + "directives: [--array=1-3]\n", "6:14: --array is not for directives: workers"),
        (LEAST + "directives: [-t 3]\n", "6:14: -t is not for directives: walltime"),
        (LEAST + "prologue: ['a\n\n  b']\n", "6:12: prologue has one line per entry"),
        (LEAST + "log_directory: 'my logs'\n", "6:16: SLURM takes no blanks"),
    ],
)
def test_a_problem_is_said_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(FileProblemsError, match=rf"slurm\.yaml:{problem}"):
        read(tmp_path, text)


def test_what_is_missing_or_not_meant_is_said_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = matrix_of(tmp_path, cells=1, repeats=1)
    cluster = tmp_path / "slurm.yaml"
    cluster.write_text(LEAST)
    none = called(capsys, "run", matrix, "--on", "slurm")
    assert none.code == 2 and "needs --cluster FILE" in none.err
    other = called(capsys, "run", matrix, "--on", "localhost:8786", "--cluster", cluster)
    assert other.code == 2 and "--on slurm" in other.err
    here = called(capsys, "run", matrix, "--cluster", cluster)
    assert here.code == 2 and "--on slurm" in here.err
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = called(capsys, "run", matrix, "--on", "slurm", "--cluster", cluster)
    assert absent.code == 5 and "sbatch: no such command" in absent.err
