"""A matrix file: what it says is kept as text, and all that is wrong is said at once."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.matrix import reading, yaml_file
from harness.matrix.matrix import Matrix
from harness.matrix.text import Problems
from harness.matrix.yaml_file import FileProblemsError

DATA = Path(__file__).parent.parent / "data" / "matrices"
MATRICES = Path(__file__).parents[2] / "matrices"


def problems_of(source: str) -> list[str]:
    problems = Problems()
    assert (reading.parse(source, problems) is None) == bool(problems.found)
    return [f"{p.line}:{p.column}: {p.message}" for p in sorted(problems.found)]


def parsed(axes: str = "", environments: str = "{tensorflow: 2.15.1}") -> Matrix:
    problems = Problems()
    matrix = reading.parse(
        f"schema: 1\nname: x\nenvironments: {environments}\naxes: {{{axes}}}\n", problems
    )
    assert matrix is not None, problems.found
    return matrix


def test_every_mistake_is_reported_with_its_place() -> None:
    with pytest.raises(FileProblemsError) as caught:
        reading.read(DATA / "ten_mistakes.yaml")
    places = [(p.line, p.column) for p in caught.value.problems]
    assert places == sorted(places)
    text = str(caught.value)
    for expected in (
        ":1:9: schema 2 is not known",
        ":2:7: the name '../escape'",
        ":4:14: python is a minor version such as 3.10",
        ":4:35: tensorflow must be one exact release (2.10.0 or 2.10.1), not '2.10'",
        ":5:26: unknown key 'numpi' in an environment; perhaps you meant 'numpy'",
        ":7:16: threads has this value twice",
        ":8:16: determinism cannot be 'true'; allowed: on, off, default; perhaps you meant 'on'",
        ":9:14: workload cannot be 'mnist-mpl'",
        "perhaps you meant 'mnist-mlp'",
        ":10:3: tensorflow belongs under environments",
        ":11:21: the variable LD_PRELOAD may not be set: it puts other code in place",
        ":12:3: unknown key 'thread' in axes; perhaps you meant 'threads'",
        ":13:10: repeats must be a whole number",
        ":14:1: the key 'repeats' stands twice",
        ":16:5: an exclude needs `because",
    ):
        assert expected in text
    assert caught.value.exit_code == 2


def test_scalars_stay_the_text_they_are() -> None:
    matrix = parsed("determinism: [on, off], isa: native", "{tensorflow: 2.10.0, python: 3.10}")
    assert matrix.blocks[0].axes["determinism"] == ("on", "off")
    assert matrix.blocks[0].environments[0].python == ("3.10",)


def test_one_value_may_stand_without_brackets() -> None:
    assert parsed("threads: 2").blocks[0].axes == parsed("threads: [2]").blocks[0].axes


def test_variables_are_sorted_pairs() -> None:
    matrix = parsed("env: [{TZ: 2, LC_ALL: on}, {}]")
    assert matrix.blocks[0].axes["env"] == ((("LC_ALL", "on"), ("TZ", "2")), ())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", "1:1: the file is empty"),
        ("[]", "1:1: the matrix must be a mapping"),
        ("a: [", "is not YAML"),
        ("schema: 1\nname: x\n", "the key 'environments' is missing"),
        ("schema: 1\nname: x\nenvironments: []\n", "environments is empty"),
        ("schema: 1\nname: x\nenvironments: {python: 3.10}\n", "needs a tensorflow version"),
        ("a: 1\n---\nb: 2\n", "is not YAML"),
        ("[" * 100_000, "1:17: nested too deeply"),
        ("{a: " * 50_000, "1:62: nested too deeply"),
        ("- " * 50_000, "1:33: nested too deeply"),
        ("? " * 50_000, "1:33: nested too deeply"),
        ("a: [" + "{}," * 20_000, "1:29996: more than 10,000 values"),
        ("a: 1\n" * 30_000, "5000:4: more than 10,000 values"),
        ("#" * 300_000, "1:1: the file has more than 200,000 characters"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", "2:4: the tag"),
        ("a: 1\nb: !!binary aGk=\n", "2:4: the tag 'tag:yaml.org,2002:binary' is not known"),
        ("a: !x y\n", "1:4: the tag '!x' is not known"),
        ('a: "\\0"\n', "1:4: this text holds a control character"),
        ('a: "\\uD800"\n', "1:4: this text holds a control character or half a character"),
        ('a: "\\U00110000"\n', "this is not YAML: no such character"),
        ('a: "\\UFFFFFFFF"\n', "this is not YAML: no such character"),
        ("a: 1\nb: \0\n", "2:4: this is not YAML: special characters are not allowed"),
        ("a: &a [*a]\n", "unknown key 'a'"),
        (f"environments: {{tensorflow: {'9' * 9999}.1.1}}\n", "tensorflow must be one exact"),
        ("a: *nothing\n", "1:4: this is not YAML: found undefined alias"),
        ("<<: {a: 1}\n", "1:1: unknown key '<<'"),
        ("schema: 1\nschema: 1\n", "2:1: the key 'schema' stands twice"),
        ("? [a, b]\n: 1\n", "1:3: a key must be a single value"),
    ],
)
def test_a_text_that_is_no_matrix_is_said_to_be_none(source: str, expected: str) -> None:
    assert any(expected in problem for problem in problems_of(source)), problems_of(source)


def test_aliases_that_would_explode_end_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert problems_of("\n".join(lines))


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "A", "x" * 65, "a b", "$(ls)"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    source = f"schema: 1\nname: '{name}'\nenvironments: {{tensorflow: 2.15.1}}\n"
    assert any(":7: " in problem or "name" in problem for problem in problems_of(source))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such matrix file; harness init"):
        reading.read(tmp_path / "missing.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        reading.read(tmp_path / "binary.yaml")


@pytest.mark.parametrize("path", sorted(MATRICES.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_shipped_matrices_are_right(path: Path) -> None:
    assert reading.read(path).name == path.stem


_words = st.sampled_from(
    [
        "schema",
        "name",
        "environments",
        "axes",
        "tensorflow",
        "2.10.0",
        "threads",
        "on",
        "1",
        "include",
        "exclude",
        "because",
        "env",
        "python",
        "3.10",
        "~",
        "&a",
        "*a",
        "!!int",
        "-",
        "?",
        ": ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        '"',
        "#",
        "|",
        ">",
        "%",
        "\t",
        "\x00",
        "é",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(_words, max_size=60).map("".join)))
def test_no_text_gives_a_traceback(source: str) -> None:
    problems_of(source)


def test_every_pair_of_axes_can_stand_together() -> None:
    names = ["threads: 1", "seed: 3", "jit: off", "cpus: 1", "isa: avx2"]
    for pair in itertools.combinations(names, 2):
        assert len(parsed(", ".join(pair)).blocks[0].axes) == 2


@pytest.mark.parametrize("number", ["9" * 5000, "00000000199999999", "1_000", "١", "1.0", "-1"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    source = f"schema: 1\nname: x\nenvironments: {{tensorflow: 2.15.1}}\nrepeats: {number}\n"
    assert any("repeats must be" in problem for problem in problems_of(source))
    source = f"schema: 1\nname: x\nenvironments: {{tensorflow: 2.15.1}}\naxes: {{seed: {number}}}\n"
    assert any("seed cannot be" in problem for problem in problems_of(source))


def test_a_line_break_in_a_version_is_refused() -> None:
    source = 'schema: 1\nname: x\nenvironments: {tensorflow: "2.15.1\\n"}\n'
    assert any("exact release" in problem for problem in problems_of(source))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("schema: 1\n".encode("utf-16"), ":1:1: this is not UTF-8 text; save the file as UTF-8"),
        (b"schema: 1\nname: \xff\n", ":2:7: this is not UTF-8 text"),
        (b"\xed\xa0\x80", ":1:1: this is not UTF-8 text"),
        (b"\x00" * 900_000, "more than 200,000 characters"),
        ("\u00e9".encode() * 900_000, "more than 200,000 characters"),
    ],
)
def test_bytes_that_are_no_text_are_said_to_be_none(
    tmp_path: Path, data: bytes, expected: str
) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        reading.read(path)
    assert expected in str(caught.value)


def test_a_byte_order_mark_and_foreign_line_ends_are_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    text = "schema: 1\r\nname: x\r\nenvironments: {tensorflow: 2.15.1}\r\n"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert reading.read(path).name == "x"


def test_a_file_without_end_is_not_read_to_it() -> None:
    with pytest.raises(UsageError, match="not a regular file"):
        reading.read(Path("/dev/zero"))


def test_of_many_problems_the_first_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("".join(f"key{number}: 1\n" for number in range(500)))
    with pytest.raises(UsageError) as caught:
        reading.read(path)
    text = str(caught.value)
    assert "has 503 problems" in text and text.endswith("… and 303 more")
    assert len(text.splitlines()) == 1 + yaml_file.SHOWN + 1
