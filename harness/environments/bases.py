"""The image an environment stands on, from `dockerfiles/bases.yaml` or a site's own file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs
import yaml
from packaging.version import Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness import places
from harness.errors import BuildError, UsageError
from harness.matrix.environment import Environment
from harness.protocol import untrusted
from harness.protocol.files import write_text

BASES_VARIABLE = "HARNESS_BASES"
_LARGEST_BYTES = 1 << 20
PINNED = re.compile(r"^(?P<name>[^@\s]+@)?(?P<digest>sha256:[0-9a-f]{64})$")


@dataclass(frozen=True, kw_only=True)
class Base:
    """A pinned image. `reference` is as written in `source`: name, tag and digest, or an id."""

    reference: str
    source: Path

    @property
    def digest(self) -> str:
        """`sha256:…`: the manifest's digest, or the image id of an image without a registry."""
        return self.reference.rpartition("@")[2]

    @property
    def is_local(self) -> bool:
        """Named by image id: it exists only in the engine and cannot be pulled."""
        return "@" not in self.reference

    @property
    def engine_reference(self) -> str:
        """What the engine is asked for: the digest decides, so the tag is left out."""
        return self.reference if self.is_local else f"{untagged(self.reference)}@{self.digest}"


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """A reference of a bases file before and after its pin was renewed."""

    old: str
    new: str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CudaBase(_Part):
    tensorflow: str
    python: str
    reference: str


class _GpuPart(_Part):
    cuda_in_wheels_since: str | None = None
    bases: tuple[_CudaBase, ...] = ()


class _Table(_Part):
    schema_number: Literal["1"] = Field(alias="schema")
    cpu: dict[str, str] = Field(default_factory=dict)
    gpu: _GpuPart = _GpuPart()


def files() -> tuple[Path, ...]:
    """The bases files that count here; what an earlier one says wins over a later one.

    Raises:
        UsageError: `HARNESS_BASES` names a file that does not exist.
    """
    named = os.environ.get(BASES_VARIABLE)
    if named and not Path(named).exists():
        raise UsageError(f"{BASES_VARIABLE}: there is no file {named}; correct or unset it")
    own = (Path(named),) if named else (_user_file(),) if _user_file().is_file() else ()
    return (*own, _shipped())


def _user_file() -> Path:
    return platformdirs.user_config_path("reproducibility-harness") / "bases.yaml"


def _shipped() -> Path:
    return places.dockerfiles() / "bases.yaml"


def _renewable() -> Path:
    """The shipped file in a checkout; else the user's, since an installation is never changed."""
    if not places.is_installed():
        return _shipped()
    if not _user_file().exists():
        _user_file().parent.mkdir(parents=True, exist_ok=True)
        write_text(_user_file(), _shipped().read_text(encoding="utf-8"))
    return _user_file()


def base_for(environment: Environment) -> Base:
    """The base of an environment.

    Raises:
        BuildError: no file names one, or it is not pinned; the message says what to do.
        UsageError: a bases file cannot be read.
    """
    reference, source = next(_candidates(environment), (None, files()[0]))
    if reference is None:
        raise BuildError(_missing(environment))
    if not PINNED.match(reference):
        raise BuildError(
            f"{source}: the base {reference} of {environment.id} is not pinned by a digest; pin it"
            f" with `harness bases --renew` where a registry is reachable, or write a reference"
            f" that ends in @sha256:… (or an image id, sha256:…)"
        )
    return Base(reference=reference, source=source)


def cuda_in_wheels(tensorflow: str) -> bool:
    """Whether the GPU wheels of this TensorFlow bring CUDA, so that no CUDA base is needed."""
    since = (_read(path).gpu.cuda_in_wheels_since for path in files())
    first = next((version for version in since if version), None)
    return first is not None and Version(tensorflow) >= Version(first)


def renew(pin: Callable[[str], str], path: Path | None = None) -> tuple[Renewal, ...]:
    """Renew every pin of a bases file (the usual one) in place; returns those that changed.

    `pin` pulls `name:tag` through an engine and returns its digest, `sha256:…`. References by
    image id have no tag to follow and stay. Comments and order of the file stay.
    """
    path = path or _renewable()
    table = _read(path)
    written = [*table.cpu.values(), *(base.reference for base in table.gpu.bases)]
    tagged = sorted({reference for reference in written if not reference.startswith("sha256:")})
    text, renewals = path.read_text(encoding="utf-8"), []
    for old in tagged:
        new = f"{old.partition('@')[0]}@{pin(old.partition('@')[0])}"
        # The lookahead keeps `name:2.1` from matching inside `name:2.10`.
        text = re.sub(re.escape(old) + r"(?![\w.@-])", new, text)
        renewals += [Renewal(old=old, new=new)] if old != new else []
    try:
        write_text(path, text)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be written: {error.strerror}; name one that can"
        ) from error
    return tuple(renewals)


def untagged(reference: str) -> str:
    """The repository of a reference, without tag and digest; a registry's port is kept."""
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _candidates(environment: Environment) -> Iterator[tuple[str, Path]]:
    for path in files():
        table = _read(path)
        if environment.device == "gpu":
            yield from ((reference, path) for reference in _cuda(table, environment))
        if environment.device == "cpu" or cuda_in_wheels(environment.tensorflow):
            yield from ((reference, path) for reference in _plain(table, environment))


def _plain(table: _Table, environment: Environment) -> list[str]:
    return [table.cpu[environment.python]] if environment.python in table.cpu else []


def _cuda(table: _Table, environment: Environment) -> list[str]:
    release = Version(environment.tensorflow).release[:2]
    return [
        base.reference
        for base in table.gpu.bases
        if Version(base.tensorflow).release[:2] == release and base.python == environment.python
    ]


def _missing(environment: Environment) -> str:
    wanted = f"Python {environment.python}"
    if environment.device == "gpu" and not cuda_in_wheels(environment.tensorflow):
        wanted += f" with the CUDA libraries of TensorFlow {environment.tensorflow}"
    return (
        f"{environment.id}: no base with {wanted} in {', '.join(map(str, files()))}; add one to a"
        f" file of your own and name it in {BASES_VARIABLE} (dockerfiles/bootstrap-base.sh makes"
        f" one from a Debian mirror)"
    )


def _read(path: Path) -> _Table:
    try:
        # BaseLoader keeps every scalar as text: 3.10 stays 3.10.
        content = untrusted.read_regular(path, _LARGEST_BYTES, follow_links=True)
        read = yaml.load(content.decode("utf-8"), Loader=yaml.BaseLoader)
        return _Table.model_validate(read)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise UsageError(f"{path}: not a bases file: {error}; see {_shipped()}") from error
