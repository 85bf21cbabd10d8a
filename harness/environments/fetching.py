"""Fetching the files of a lock with pip, in parallel, each file once."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from packaging.utils import parse_wheel_filename

from harness import compatibility, scratch, trees
from harness.environments import commands, targets, wheelhouse
from harness.environments.lock import Lock, Package
from harness.errors import BuildError, LockError
from harness.processes import ProcessFailedError

_WORKERS = 4
_BATCH = 6
"""Files per pip process: starting pip costs more than fetching a small file."""
_LARGE = ("tensorflow", "nvidia-")
"""Names that start first and alone, because they are most of the bytes."""


def fetch(lock: Lock, progress: Callable[[str], None]) -> None:
    """Have every file of the lock in the cache, with the bytes the lock asks for.

    Raises:
        LockError: the package index has other bytes than the lock, or the file no more.
        BuildError: the index cannot be reached, pip failed, or the disk is full.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        present = list(pool.map(wheelhouse.holds, lock.packages))
        missing = [p for p, there in zip(lock.packages, present, strict=True) if not there]
        waiting = {pool.submit(_fetch, batch, lock): batch for batch in _batches(missing)}
        try:
            _await(waiting, progress)
        except BaseException:
            # What has not started need not; what has, ends by itself or by the same Ctrl-C.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _await(waiting: Mapping[Future[None], list[Package]], progress: Callable[[str], None]) -> None:
    done = 0
    for future in as_completed(waiting):
        future.result()
        done += len(waiting[future])
        progress(f"fetched {done} of {sum(map(len, waiting.values()))} files")


@contextmanager
def builder() -> Iterator[Path]:
    """A folder with the one tool that builds packages from source, to put on PYTHONPATH."""
    package = Package(**compatibility.builder())
    _have([package], ["--only-binary", ":all:"])
    with scratch.folder("builder") as folder:
        with zipfile.ZipFile(wheelhouse.place(package)) as archive:
            archive.extractall(folder)
        yield folder


def _batches(packages: Sequence[Package]) -> list[list[Package]]:
    """Large files alone, then the small wheels some at a time, then each source alone."""
    large = [[p] for p in packages if p.name.startswith(_LARGE) and targets.is_wheel(p.file)]
    small = [p for p in packages if [p] not in large and targets.is_wheel(p.file)]
    sources = [[p] for p in packages if not targets.is_wheel(p.file)]
    return [*large, *(small[n : n + _BATCH] for n in range(0, len(small), _BATCH)), *sources]


def _fetch(batch: Sequence[Package], lock: Lock) -> None:
    if targets.is_wheel(batch[0].file):
        _have(batch, _target_options(batch, lock))
        return
    # pip asks a source distribution for its name, which runs it: with the builder, nothing else.
    with builder() as folder:
        options = ["--no-binary", ":all:", "--no-build-isolation", "--ignore-requires-python"]
        _have(batch, options, {**compatibility.builder_variables(), "PYTHONPATH": str(folder)})


def _target_options(batch: Sequence[Package], lock: Lock) -> list[str]:
    tags = [tag for package in batch for tag in parse_wheel_filename(package.file)[3]]
    options = ["--only-binary", ":all:", "--implementation", "cp"]
    options += ["--python-version", lock.environment.python]
    for name in sorted({tag.abi for tag in tags}):
        options += ["--abi", name]
    for name in sorted({tag.platform for tag in tags}):
        options += ["--platform", name]
    return options


def _have(
    packages: Sequence[Package], options: Sequence[str], variables: Mapping[str, str] | None = None
) -> None:
    with wheelhouse.reserved(package.sha256 for package in packages):
        missing = [package for package in packages if not wheelhouse.holds(package)]
        if missing:
            _download(missing, options, variables)


def _download(
    packages: Sequence[Package], options: Sequence[str], variables: Mapping[str, str] | None
) -> None:
    pins = [f"{p.name}=={p.version} --hash=sha256:{p.sha256}" for p in packages]
    with tempfile.TemporaryDirectory(dir=wheelhouse.root(), prefix=".partial-") as name:
        folder = Path(name)
        (folder / "wanted.txt").write_text("\n".join([*pins, ""]), encoding="utf-8")
        command = ["download", "--quiet", "--no-deps", "--require-hashes", "--retries", "2"]
        command += [*options, "--dest", name, "--requirement", str(folder / "wanted.txt")]
        try:
            commands.run(commands.pip_command(*command), variables)
        except ProcessFailedError as failure:
            raise _explained(failure.output, packages) from failure
        for package in packages:
            _keep(package, folder / package.file)


def _keep(package: Package, file: Path) -> None:
    if not file.exists() or trees.sha256_of(file) != package.sha256:
        raise LockError(_changed(package))
    wheelhouse.keep(package, file)


def _explained(output: str, packages: Sequence[Package]) -> LockError | BuildError:
    if "DO NOT MATCH THE HASHES" in output:
        said = output[output.index("DO NOT MATCH THE HASHES") :]
        guilty = next((p for p in packages if f"{p.name}==" in said), packages[0])
        return LockError(_changed(guilty))
    if commands.unreachable(output):
        return BuildError(
            f"{_names(packages)}: cannot be fetched: the package index cannot be reached. "
            "Connect to the network, or run once where there is one and bring its cache."
        )
    if "No matching distribution found" in output:
        return LockError(
            f"{_names(packages)}: the package index does not have what the lock asks for:\n"
            f"{commands.explanation(output)}"
        )
    return BuildError(f"{_names(packages)}: cannot be fetched:\n{commands.explanation(output)}")


def _changed(package: Package) -> str:
    return (
        f"{package.name} {package.version}: the package index has no {package.file} with the "
        f"hash the lock asks for ({package.sha256[:12]}…). Nothing was installed. Restore the "
        "lock, or renew it with `harness lock --renew`."
    )


def _names(packages: Sequence[Package]) -> str:
    return ", ".join(f"{package.name} {package.version}" for package in packages)
