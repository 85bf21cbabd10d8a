"""Packages of scripts in an environment: what is asked of the resolver, and what locks say."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.environments import lockfile, locking
from harness.environments.lock import Package
from harness.errors import LockError
from harness.matrix import environment as environments
from harness.matrix.environment import Environment

PLAIN = Environment(python="3.11", tensorflow="2.15.1")
FEW = Environment(python="3.11", tensorflow="2.15.1", requirements=("pandas==2.2.2", "rich"))
MANY = Environment(
    python="3.11",
    tensorflow="2.15.1",
    requirements=tuple(f"package-{number:02}==1.0" for number in range(9)),
)
LEGACY = Environment(python="3.11", tensorflow="2.16.2", requirements=("tf-keras",))


def package(name: str, version: str) -> Package:
    file = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    return Package(name=name, version=version, file=file, sha256="0" * 64)


def written(environment: Environment, folder: Path, *packages: Package) -> Path:
    """A lock of the environment, as if these packages had been its answer."""
    path = locking.path_of(environment, folder)
    header = locking._header(environment, locking.requirements(environment))
    lockfile.write(path, lockfile.render(header, packages))
    return path


def test_packages_are_asked_for_and_those_with_a_version_whatever_their_date() -> None:
    plain, few = locking.requirements(PLAIN), locking.requirements(FEW)
    assert few.requirements == (*plain.requirements, "pandas==2.2.2", "rich")
    assert (plain.undated, few.undated) == ((), ("pandas",))


def test_no_package_brings_a_second_build_of_tensorflow() -> None:
    assert "tensorflow" in locking.requirements(FEW).without
    assert "tensorflow" not in locking.requirements(PLAIN).without


def test_legacy_keras_is_held_to_the_tensorflow() -> None:
    assert "tf-keras>=2.16,<2.17" in locking.requirements(LEGACY).constraints
    wrong = Environment(python="3.11", tensorflow="2.16.2", requirements=("tf-keras==2.17.0",))
    with pytest.raises(LockError, match="does not work with tf-keras"):
        locking.requirements(wrong)


@pytest.mark.parametrize("environment", [PLAIN, FEW, MANY, LEGACY], ids=lambda e: e.id)
def test_a_lock_says_which_environment_it_is_of(environment: Environment, tmp_path: Path) -> None:
    pins = [each.split("==") for each in environment.requirements if "==" in each]
    packages = [package(name, version) for name, version in pins] or [package("rich", "1.0")]
    path = written(environment, tmp_path, *packages)
    assert locking.environment_of(path) == environment
    assert locking.read(path, environment).environment == environment


def test_a_lock_without_the_version_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="the environment asks for pandas"):
        locking.read(written(FEW, tmp_path, package("pandas", "2.2.3")), FEW)
    locking.read(written(MANY, tmp_path, package("package-01", "1.0.0")), MANY)


def test_an_id_names_few_packages_and_no_more() -> None:
    assert environments.from_id(FEW.id) == FEW
    assert environments.from_id(LEGACY.id) == LEGACY
    assert MANY.id.startswith("tf2.15.1,py3.11,cpu,with-9-packages~")
    with pytest.raises(ValueError, match="does not name its packages"):
        environments.from_id(MANY.id)
    assert environments.from_id(MANY.id, "+".join(MANY.requirements)) == MANY
    with pytest.raises(ValueError, match="does not name its packages"):
        environments.from_id(MANY.id, "pandas")


@pytest.mark.network
def test_the_package_index_answers(tmp_path: Path) -> None:
    lock = locking.make(LEGACY, tmp_path)
    assert (lock.version_of("tf-keras"), lock.version_of("tensorflow")) == ("2.16.0", None)
    missing = Environment(python="3.11", tensorflow="2.15.1", requirements=("no-such-package-zz",))
    with pytest.raises(LockError, match="no-such-package-zz was not found"):
        locking.make(missing, tmp_path)
