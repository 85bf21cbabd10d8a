"""Scripts in a matrix file: what an entry says, and every mistake at its place."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.matrix import cells, json_schema, reading, workload_entries
from harness.matrix.matrix import Matrix
from harness.matrix.text import Problems
from harness.subjects.scripts import DataSource, ScriptEntry

HEAD = "schema: 1\nname: x\nenvironments: {tensorflow: 2.15.1}\n"
SHA256 = hashlib.sha256(b"").hexdigest()
"""Of the data file, which is empty."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a matrix file, with scripts and what they need."""
    for name in ("train.py", "sub/train.py", "churn/train.py", "churn.csv", "book.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link.py").symlink_to("/etc/hosts")
    return tmp_path


def problems_of(source: str, folder: Path | None) -> list[str]:
    problems = Problems()
    assert (reading.parse(HEAD + source, problems, folder) is None) == bool(problems.found)
    return [f"{p.line}:{p.column}: {p.message}" for p in sorted(problems.found)]


def matrix_of(source: str, folder: Path) -> Matrix:
    problems = Problems()
    matrix = reading.parse(HEAD + source, problems, folder)
    assert matrix is not None, problems.found
    return matrix


def entry_of(keys: str, folder: Path) -> ScriptEntry:
    source = f"workloads:\n  churn: {{{keys}}}\naxes: {{workload: churn}}\n"
    return matrix_of(source, folder).scripts["churn"]


def test_an_entry_says_all_of_it(folder: Path) -> None:
    source = (
        "workloads:\n"
        "  churn:\n"
        "    script: sub/train.py\n"
        "    folder: .\n"
        '    arguments: [--epochs, "{epochs}", --workers, "{workers}", "{{x}}", ""]\n'
        "    parameters: {workers: [1, 4]}\n"
        "    packages: [Pandas==2.2.2, scikit_learn]\n"
        "    data:\n"
        f"      data/train.csv: {{from: churn.csv, sha256: {SHA256.upper()}}}\n"
        "      '~/.keras/datasets/mnist.npz': mnist\n"
        "    files: ['*.npy']\n"
        "    hold: [threads]\n"
        "    working_folder: kept\n"
        "axes: {workload: [churn, mnist-mlp], epochs: [1, 5]}\n"
    )
    assert matrix_of(source, folder).scripts["churn"] == ScriptEntry(
        name="churn",
        path="sub/train.py",
        folder=folder,
        arguments=("--epochs", "{epochs}", "--workers", "{workers}", "{{x}}", ""),
        parameters={"workers": ("1", "4")},
        requirements=("pandas==2.2.2", "scikit-learn"),
        data=(
            DataSource(target="data/train.csv", path=folder / "churn.csv", sha256=SHA256),
            DataSource(target="~/.keras/datasets/mnist.npz", dataset="mnist"),
        ),
        files=("*.npy",),
        hold=("threads",),
        keeps_folder=True,
        line=5,
        column=3,
    )


def test_all_keys_but_the_script_may_be_empty_or_left_out(folder: Path) -> None:
    empty = ", ".join(
        f"{key}: "
        for key in ("folder", "arguments", "parameters", "packages", "data", "files", "hold")
    )
    assert entry_of(f"script: train.py, {empty}", folder) == entry_of("script: train.py", folder)
    lists = "arguments: [], parameters: {}, data: {}, working_folder: fresh"
    assert entry_of(f"script: train.py, {lists}", folder) == entry_of("script: train.py", folder)


def test_the_folder_is_that_of_the_script_unless_it_is_named(folder: Path) -> None:
    left_out = entry_of("script: sub/train.py", folder)
    assert (left_out.folder, left_out.path) == (folder / "sub", "train.py")
    named = entry_of(f"script: sub/train.py, folder: {folder}", folder)
    assert (named.folder, named.path) == (folder, "sub/train.py")
    above = entry_of("script: ../train.py, folder: ..", folder / "sub")
    assert (above.folder, above.path) == (folder, "train.py")


def test_a_module_is_found_from_its_folder(folder: Path) -> None:
    entry = entry_of("module: churn.train", folder)
    assert (entry.module, entry.path, entry.folder) == ("churn.train", "", folder)
    assert entry_of("module: train, folder: churn", folder).folder == folder / "churn"


def test_a_file_of_requirements_stands_for_the_list(folder: Path) -> None:
    (folder / "needs.txt").write_text("# what it needs\n\npandas==2.2.2  # tables\nscikit-learn\n")
    listed = entry_of("script: train.py, packages: [pandas==2.2.2, scikit-learn]", folder)
    assert entry_of("script: train.py, packages: needs.txt", folder) == listed


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("script: missing.py", "5:19: there is no file"),
        ("script: sub", "5:19: there is no file"),
        ("script: ../x/train.py", "5:19: there is no file"),
        ("script: /etc/hosts", "5:19: /etc/hosts leads out of the folder"),
        ("script: link.py", "5:19: link.py leads out of the folder"),
        ("script: train.py, folder: sub", "5:19: train.py leads out of the folder"),
        ("script: train.py, folder: nowhere", "5:37: there is no folder"),
        ("script: train.py, module: x", "5:37: a workload needs either script: FILE or module"),
        ("folder: sub", "5:3: a workload needs either script: FILE or module: NAME"),
        ("module: churn.nothing", "5:19: there is no module churn.nothing"),
        ("module: ../churn", "5:19: '../churn' is no module"),
        ("script: train.py, epoch: 1", "5:29: unknown key 'epoch' in churn"),
        ("script: train.py, arguments: --epochs 5", "5:40: arguments must be a list"),
        ("script: train.py, arguments: [{epochs}]", "5:41: an argument must be a text; put one"),
        ("script: train.py, arguments: [[a]]", "5:41: an argument must be a text, not a list"),
        ("script: train.py, arguments: ['{worker}']", "5:41: {worker} is neither a parameter"),
        ("script: train.py, arguments: ['{device}']", "5:41: {device} is neither a parameter"),
        ("script: train.py, arguments: ['{']", "5:41: a single brace; write {{ or }}"),
        ("script: train.py, parameters: {workers: 1}", "5:42: no argument uses the parameter"),
        ("script: train.py, parameters: {threads: 1}", "5:42: a parameter cannot bear the name"),
        ("script: train.py, parameters: {keras: 1}", "5:42: a parameter cannot bear the name"),
        ("script: train.py, parameters: {A-b: 1}", "5:42: the parameter 'A-b' needs a name"),
        ("script: train.py, parameters: {w: }", "5:44: a value of w must be a single value"),
        ('script: train.py, parameters: {w: "a\\nb"}', "5:45: a value of w must be one line"),
        ("script: train.py, parameters: {w: [1, 1]}", "5:49: w has this value twice"),
        ("script: train.py, hold: [thread]", "5:36: 'thread' cannot be held; perhaps you meant"),
        ("script: train.py, files: [/tmp/x]", "5:37: '/tmp/x' must be relative"),
        ("script: train.py, files: [../x]", "5:37: '../x' must be relative"),
        ("script: train.py, working_folder: old", "5:45: working_folder must be fresh or kept"),
        ("script: train.py, packages: [pandas>=2]", "5:40: 'pandas>=2' is no package"),
        ("script: train.py, packages: [tensorflow]", "put it under environments: tensorflow"),
        ("script: train.py, packages: [NumPy==1.26.4]", "put it under environments: numpy"),
        ("script: train.py, packages: [tf_keras]", "put it under environments: keras"),
        ("script: train.py, packages: [a==1, a]", "5:46: a stands there twice, as a==1 too"),
        ("script: train.py, packages: gone.txt", "5:39: "),
        ("script: train.py, data: {/x: churn.csv}", "5:36: '/x' must lie in the script's"),
        ("script: train.py, data: {../x: churn.csv}", "5:36: '../x' must lie in"),
        ("script: train.py, data: {~x/y: churn.csv}", "5:36: '~x/y' must lie in"),
        ("script: train.py, data: {.: churn.csv}", "5:36: '.' must lie in"),
        ("script: train.py, data: {a: churn.csv, ./a: churn.csv}", "is, or lies in, another"),
        ("script: train.py, data: {a: churn.csv, a/b: churn.csv}", "is, or lies in, another"),
        ("script: train.py, data: {a: gone.csv}", "5:39: there is no file"),
        ("script: train.py, data: {a: {sha256: 1}}", "5:39: a source of data needs `from: FILE`"),
        ("script: train.py, data: {a: {from: churn.csv, sha256: 1}}", "64 hexadecimal digits"),
        (
            f"script: train.py, data: {{a: {{from: churn.csv, sha256: {'0' * 64}}}}}",
            "churn.csv: has SHA-256 ",
        ),
        ("script: train.py, data: {co2.csv: co2}", "co2 cannot be given to a script as a file"),
        ("script: train.py, data: {x.npz: mnist}", "mnist is a file mnist.npz"),
    ],
)
def test_a_mistake_in_an_entry_is_said_at_its_place(folder: Path, keys: str, expected: str) -> None:
    source = f"workloads:\n  churn: {{{keys}}}\naxes: {{workload: churn}}\n"
    found = problems_of(source, folder)
    assert any(expected in problem for problem in found), found


def test_a_wrong_line_of_a_requirements_file_is_named(folder: Path) -> None:
    (folder / "needs.txt").write_text("pandas\n-r more.txt\nnumpy\n")
    source = (
        "workloads: {churn: {script: train.py, packages: needs.txt}}\naxes: {workload: churn}\n"
    )
    found = problems_of(source, folder)
    assert found[0].startswith("4:49: needs.txt:2: '-r more.txt' is no package")
    assert found[1].startswith("4:49: needs.txt:3: numpy is no further package")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist-mlp", "5:3: mnist-mlp is a reference workload; give the script another name"),
        ("Churn", "5:3: the name 'Churn' of a workload stands in file names"),
    ],
)
def test_a_name_that_cannot_be_is_refused(folder: Path, name: str, expected: str) -> None:
    source = f"workloads:\n  {name}: {{script: train.py}}\naxes: {{workload: {name}}}\n"
    assert any(expected in problem for problem in problems_of(source, folder))


CHURN = (
    "workloads:\n"
    '  churn: {script: train.py, arguments: ["{workers}"], parameters: {workers: [1, 4]}}\n'
)
SHUFFLE = 'workloads:\n  churn: {script: train.py, arguments: ["{shuffle}"]}\n'
EPOCHS = 'workloads:\n  churn: {script: train.py, arguments: ["{epochs}"]}\n'


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            CHURN + "axes: {workload: churn, epochs: [1, 5]}\n",
            "6:33: epochs: no argument of churn has {epochs}",
        ),
        (EPOCHS + "axes: {workload: churn}\n", "6:7: epochs has no value here, and stands as"),
        (
            EPOCHS + "axes: {workload: churn, epochs: [1, default]}\n",
            "6:7: epochs has no value here",
        ),
        (
            EPOCHS + "axes: {workload: churn, epochs: 1}\ninclude:\n  - {workload: churn}\n",
            "8:5: epochs has no value here",
        ),
        (
            CHURN + "axes: {workload: churn, seed: [1, 2]}\n",
            "6:31: seed: no argument of churn has {seed}, and seeding is none",
        ),
        (
            CHURN + "axes: {workload: churn, seed: 42}\n",
            "6:31: seed: no argument of churn has {seed}, and seeding is none",
        ),
        (
            CHURN + "axes: {workers: [2, 3]}\ninclude: {workload: churn}\n",
            "6:17: no workload here has the parameter workers",
        ),
        (
            CHURN + "axes: {workload: churn, worker: 2}\n",
            "6:25: unknown key 'worker' in axes; perhaps you meant 'workers'",
        ),
        (
            CHURN + "axes: {workload: [churn, mnist-mlp], initial_weights: [own, shared]}\n",
            "6:55: initial_weights: shared acts on reference trainings only, and churn is a script",
        ),
        (
            CHURN + "axes: {workload: churn, nudge: one-ulp}\n",
            "6:32: nudge: one-ulp acts on reference trainings only",
        ),
        (
            SHUFFLE + "axes: {workload: churn, shuffle: [shared, on]}\n",
            "6:34: shuffle: shared acts on reference trainings only",
        ),
        (CHURN + "axes: {workload: churm}\n", "perhaps you meant 'churn'"),
        (CHURN + "axes: {workload: churn, parameters: {workers: 1}}\n", "unknown key 'parameters'"),
        (CHURN, "5:3: nothing trains churn; add `workload: churn` to axes"),
    ],
)
def test_what_a_script_is_asked_in_vain_is_said_at_its_place(
    folder: Path, source: str, expected: str
) -> None:
    found = problems_of(source, folder)
    assert any(expected in problem for problem in found), found


def test_a_seed_may_act_through_an_argument_or_through_seeding(folder: Path) -> None:
    assert not problems_of(
        CHURN + "axes: {workload: churn, seed: [1, 2], seeding: [all, none]}\n", folder
    )
    source = 'workloads:\n  churn: {script: train.py, arguments: ["{seed}"]}\n'
    assert not problems_of(source + "axes: {workload: churn, seed: [1, 2]}\n", folder)


def test_a_shared_order_asks_for_no_argument(folder: Path) -> None:
    [problem] = problems_of(CHURN + "axes: {workload: churn, shuffle: shared}\n", folder)
    assert "ask for it in a block of `include` that names no script" in problem


def test_what_acts_on_scripts_too_may_be_asked_of_them(folder: Path) -> None:
    source = CHURN + "axes: {workload: churn, load: [none, busy], nudge: none}\n"
    assert not problems_of(source + "include: {workload: mnist-mlp, shuffle: shared}\n", folder)


def test_a_matrix_that_is_no_file_can_name_no_scripts() -> None:
    found = problems_of(CHURN + "axes: {workload: mnist-mlp}\n", None)
    assert found == ["5:3: scripts are found from the matrix' folder: put the matrix into a file"]
    assert not problems_of("workloads:\n", None)


def test_a_matrix_file_is_read_from_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "m.yaml").write_text(HEAD + CHURN + "axes: {workload: churn}\n")
    monkeypatch.chdir(folder.parent)
    matrix = reading.read(Path(folder.name, "m.yaml"))
    assert matrix.scripts["churn"].folder == folder


def test_legacy_keras_needs_its_package(folder: Path) -> None:
    asked = "axes: {env: [{}, {TF_USE_LEGACY_KERAS: 1}]}\n"
    source = "schema: 1\nname: x\nenvironments: {tensorflow: 2.16.2%s}\n" + asked
    problems = Problems()
    reading.parse(source % "", problems)
    (problem,) = problems.found
    assert (problem.line, problem.column) == (4, 13)
    assert "`keras: tf-keras`" in problem.message
    for keras in (", keras: tf-keras", ", keras: tf-keras==2.16.0"):
        assert reading.parse(source % keras, Problems()) is not None
    assert reading.parse(source.replace("2.16.2", "2.15.1") % "", Problems()) is not None


def test_a_set_of_generators_is_one_value(folder: Path) -> None:
    matrix = matrix_of("axes: {seeding: [[tf, numpy], all, [python], [], numpy+python]}\n", folder)
    expected = ("numpy+tf", "all", "python", "none", "python+numpy")
    assert matrix.blocks[0].axes["seeding"] == expected
    found = problems_of("axes: {seeding: [[tf, jax], [numpy, python, tf], all]}\n", folder)
    assert found == [
        "4:18: seeding cannot join 'jax'; allowed: python, numpy, tf",
        "4:50: seeding has this value twice",
    ]


_words = st.sampled_from(
    [
        *("churn", "script", "module", "folder", "arguments", "parameters", "packages", "data"),
        *("files", "hold", "train.py", "sub", "..", "/", "~", "~x", "{epochs}", "{", "}", "[", "]"),
        *(":", ": ", ",", "\n", "  ", "'", '"', "&a", "*a", "- ", "mnist", "from", "sha256", "é"),
        *("x" * 300, "w", "needs.txt", "pandas==1"),
    ]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(_words, max_size=40).map("".join))
def test_no_section_gives_a_traceback(text: str) -> None:
    for source in (f"workloads: {text}", f"workloads:\n  churn: {{script: train.py, {text}}}"):
        problems_of(source, Path(__file__).parent)


@pytest.mark.slow
def test_the_example_of_the_documentation_is_right(folder: Path) -> None:
    text = (Path(__file__).parents[2] / "matrices" / "README.md").read_text()
    text = text[text.index("## Your own script") : text.index("## Comparing versions")]
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (folder / "m.yaml").write_text(example)
    matrix = reading.read(folder / "m.yaml")
    assert cells.count(matrix) == 2 * (2 * 2 + 2)
    schema = json_schema.schema()
    jsonschema.validate(yaml.safe_load(example), schema)
    keys = {row.split("`")[1] for row in text.splitlines() if row.startswith("| `")}
    assert keys == set(workload_entries.KEYS)


@pytest.mark.parametrize(
    "wrong", ["{}", "{script: a, module: b}", "{script: a, hold: [x]}", "{script: a, epoch: 1}"]
)
def test_the_schema_refuses_entries_that_are_none(wrong: str) -> None:
    matrix = yaml.safe_load(HEAD + f"workloads: {{churn: {wrong}}}\n")
    assert list(jsonschema.Draft202012Validator(json_schema.schema()).iter_errors(matrix))
