"""The Python inside an image as the compiler of bytecode: what it compiles, it can import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import docker
from docker.models.containers import Container
from docker.types import Mount

from harness.engines.docker import container_owners, ownership
from harness.engines.docker.abilities import Abilities
from harness.engines.docker.containers import OUTPUT, OWNER_LABEL, PYTHON, isolation, memory
from harness.environments.bytecode import Compiler
from harness.processes import ProcessFailedError
from harness.protocol import untrusted

_MEMORY_BYTES = 4 << 30

_BUILDS: dict[str, str] = {}
"""What was asked already, by the id of the image."""

_BUILD = ("-I", "-c", "import sys; print(' '.join(sys.version.split()))")


def compiler(client: docker.DockerClient, image: str, abilities: Abilities) -> Compiler:
    """The Python of the image with this id, in containers without a network.

    They may write to the one folder that is compiled. It is all text: nothing of a package runs.
    """

    def run(arguments: Sequence[str], folder: Path, log: Path) -> None:
        with ownership.lent_folders(folder):
            said = _run(client, image, abilities, arguments, folder)
        with untrusted.open_log(log) as file:
            file.write(said.encode())

    if image not in _BUILDS:
        _BUILDS[image] = _run(client, image, abilities, _BUILD).strip()
    return Compiler(build=_BUILDS[image], run=run)


def _run(
    client: docker.DockerClient,
    image: str,
    abilities: Abilities,
    arguments: Sequence[str],
    folder: Path | None = None,
) -> str:
    """Run Python to its end and return what it printed.

    Raises:
        ProcessFailedError: it ended with another status than 0.
    """
    container = client.containers.create(
        image,
        entrypoint=[PYTHON],
        command=list(arguments),
        user=ownership.user(rootless=abilities.rootless),
        working_dir=OUTPUT if folder else None,
        mounts=[Mount(OUTPUT, str(folder.resolve()), type="bind")] if folder else [],
        labels={OWNER_LABEL: container_owners.owner()},
        **memory(_MEMORY_BYTES, abilities),
        **isolation(abilities),
    )
    try:
        return _ended(container, [PYTHON, *arguments])
    finally:
        container.remove(force=True, v=True)


def _ended(container: Container, command: Sequence[str]) -> str:
    container.start()
    code = int(container.wait(timeout=None)["StatusCode"])
    said = container.logs().decode("utf-8", "replace")
    if code:
        raise ProcessFailedError(command, code, said)
    return said
