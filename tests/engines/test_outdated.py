"""Why an environment is not there yet: what changed since the nearest one that is."""

from __future__ import annotations

from harness.engines import outdated

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def test_nothing_of_the_kind_is_said() -> None:
    assert outdated.reason({"lock": A, "base": B}, [], kind="image") == "no image of it yet"


def test_the_changed_digest_is_named_old_and_new() -> None:
    wanted = {"lock": A, "base": f"python@sha256:{B}"}
    made = [{"lock": C, "base": f"sha256:{B}"}]
    assert outdated.reason(wanted, made, kind="image") == "the lock changed (cccccccc → aaaaaaaa)"


def test_the_nearest_one_is_compared() -> None:
    made = [{"lock": C, "base": "CPython 3.10.1"}, {"lock": A, "base": "CPython 3.10.1"}]
    found = outdated.reason({"lock": A, "base": "CPython 3.10.2"}, made, kind="image")
    assert found == "the base changed (CPython 3.10.1 → CPython 3.10.2)"


def test_equal_inputs_made_in_another_way_are_said() -> None:
    made = {"lock": A, "base": B}
    assert "in another way" in outdated.reason(made, [made], kind="image")
