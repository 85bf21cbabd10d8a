"""Virtual environments in the cache: named by the digest of what goes in, made once."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import console, places, processes, scratch, trees
from harness.engines import outdated
from harness.engines.protocol import Image
from harness.environments import bases, bytecode, commands, interpreters, users, wheels
from harness.environments.bytecode import Compiler
from harness.environments.interpreters import Interpreter
from harness.environments.lock import Lock
from harness.errors import BuildError
from harness.processes import ProcessFailedError
from harness.protocol import files, untrusted

FORMAT = 2
"""Counts up when environments are made in another way."""

MADE_OF = "complete.json"
"""What a virtual environment is made of, as `made_of` gives it."""

_LARGEST_BYTES = 1 << 20


def assemble(lock: Lock, log: Path) -> Image:
    """The virtual environment of this lock, made unless it is there.

    Raises:
        BuildError: it cannot be made here.
        LockError: a wheel does not match the lock.
    """
    scratch.use_cache()
    _require_platform(lock)
    _require_cuda(lock)
    users.note_lock(lock)
    interpreter = interpreters.find(lock.environment.python)
    folder = root() / digest(lock, interpreter)
    with places.written(folder), FileLock(folder.with_suffix(".lock")):
        if not _is_sound(folder):
            _make(lock, interpreter, folder, log)
    return _image(lock, interpreter, folder)


def existing(lock: Lock) -> Image | str:
    """The virtual environment of this lock if it is there, else why it would be made."""
    interpreter = interpreters.present(lock.environment.python)
    if interpreter is None:
        return f"no Python {lock.environment.python} here yet; uv would fetch it"
    folder = root() / digest(lock, interpreter)
    if is_complete(folder):
        return _image(lock, interpreter, folder)
    wanted = {"lock": lock.sha256, "base": interpreter.description}
    return outdated.reason(wanted, _others(lock), kind="virtual environment")


def root() -> Path:
    """The folder of all virtual environments in the cache."""
    return places.cache("environments")


def made_of(folder: Path) -> dict[str, Any]:
    """What a virtual environment says of itself; empty where it was not made to its end.

    `lock` (its digest), `environment`, `base`, and `bytecode`: the folders of the cache that its
    bytecode lies in.
    """
    try:
        found = untrusted.read_json(folder / MADE_OF, _LARGEST_BYTES)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and trees.is_sealed(folder) else {}


def _others(lock: Lock) -> list[dict[str, Any]]:
    """What the other virtual environments for the same request are made of, the newest first."""
    found = [(path.stat().st_mtime, made_of(path.parent)) for path in root().glob(f"*/{MADE_OF}")]
    newest = sorted(found, key=lambda pair: pair[0], reverse=True)
    return [made for _, made in newest if made.get("environment") == lock.environment.id]


def _image(lock: Lock, interpreter: Interpreter, folder: Path) -> Image:
    return Image(
        engine="local",
        id=f"venv-{folder.name}",
        reference=str(folder),
        base=interpreter.description,
        lock=lock,
    )


def digest(lock: Lock, interpreter: Interpreter) -> str:
    """The digest of everything that decides what the environment holds."""
    parts = {
        "format": FORMAT,
        "lock": lock.sha256,
        "build": interpreter.build,
        # A virtual environment only points to its interpreter.
        "path": str(interpreter.path),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def discard(folder: Path) -> None:
    """Remove a virtual environment."""
    trees.unseal(folder)
    shutil.rmtree(folder, ignore_errors=True)


def python_of(folder: Path) -> Path:
    """The interpreter to start in a virtual environment."""
    return folder / "bin" / "python"


def is_complete(folder: Path) -> bool:
    """Whether it was made to its end, can start, and has its bytecode; its files are not read."""
    # The interpreter it points to may have been removed since, and so may the bytecode.
    whole = all(bytecode.is_whole(path) for path in bytecode_of(folder))
    return trees.is_sealed(folder) and python_of(folder).exists() and whole


def bytecode_of(folder: Path) -> list[Path]:
    """The folders in the cache that a virtual environment has its bytecode from."""
    return [Path(path) for path in made_of(folder).get("bytecode", ())]


def change(folder: Path, *, thorough: bool = False) -> str | None:
    """What of a virtual environment is not as it was made, its bytecode included; None if all is.

    `thorough` reads every file, also those that have not been touched since they were checked.
    """
    changes = (trees.change(path, thorough=thorough) for path in (folder, *bytecode_of(folder)))
    return next(filter(None, changes), None)


def _is_sound(folder: Path) -> bool:
    if not is_complete(folder):
        return False
    changed = change(folder)
    if changed:
        console.note(f"{changed}; the virtual environment is made anew")
    return changed is None


def _make(lock: Lock, interpreter: Interpreter, folder: Path, log: Path) -> None:
    # In place, because a virtual environment holds its own path; what seals it comes last.
    discard(folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        _create(interpreter, folder, log)
        inside = f"lib/python{lock.environment.python}/site-packages"
        # uv puts a module of its own there, which no lock has.
        shutil.rmtree(folder / inside)
        installed = wheels.install(lock, folder / inside)
        shared = bytecode.share(lock, _compiler(interpreter), folder / inside, log)
        made = {
            "lock": lock.sha256,
            "environment": lock.environment.id,
            "base": interpreter.description,
            "bytecode": [str(path) for path in shared],
        }
        files.write_json(folder / MADE_OF, made)
        trees.seal(folder, trees.contents(folder, installed.below(inside)))
    except ProcessFailedError as failure:
        raise BuildError(_failed(lock, log, str(failure))) from failure
    except OSError as error:
        raise BuildError(_failed(lock, log, str(error))) from error
    finally:
        if not is_complete(folder):
            discard(folder)


def _compiler(interpreter: Interpreter) -> Compiler:
    def run(arguments: Sequence[str], folder: Path, log: Path) -> None:
        processes.run([str(interpreter.path), *arguments], variables={}, log=log, cwd=folder)

    return Compiler(build=interpreter.build, run=run)


def _create(interpreter: Interpreter, folder: Path, log: Path) -> None:
    options = ("--no-project", "--no-config", "--python", str(interpreter.path))
    command = commands.uv_command("venv", *options, str(folder))
    processes.run(command, variables=commands.variables({}), log=log)


def _failed(lock: Lock, log: Path, reason: str) -> str:
    return (
        f"{lock.environment.id}: the virtual environment could not be made: {reason}\n"
        f"{untrusted.tail(log)}\nThe whole log: {log}"
    )


def _require_platform(lock: Lock) -> None:
    machine = f"{sys.platform} {platform.machine()}"
    if machine != "linux x86_64":
        raise BuildError(
            f"{lock.path}: this lock serves x86-64 Linux, and this is {machine}; use --engine"
            f" docker with an engine on x86-64 Linux"
        )


def _require_cuda(lock: Lock) -> None:
    environment = lock.environment
    if environment.device == "gpu" and not bases.cuda_in_wheels(environment.tensorflow):
        raise BuildError(
            f"{environment.id}: this TensorFlow takes its CUDA libraries from the image, and a"
            f" virtual environment has none; use --engine docker"
        )
