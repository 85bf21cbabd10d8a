"""`bundle`: results and all that is needed to reproduce them, as one archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness import console, places
from harness.cli import options
from harness.datasets import catalogue
from harness.environments import bases
from harness.errors import UsageError
from harness.publish.bundle import crate, signing, writing
from harness.publish.bundle.archive import Content
from harness.publish.bundle.crate import Credits
from harness.publish.bundle.writing import Bundle
from harness.subjects.reference import SUBJECTS

Locks = Annotated[
    list[Path] | None,
    typer.Option("--locks", metavar="DIR", help="A folder with locks; may be repeated."),
]


def bundle(
    folder: options.ResultsFolder,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The archive to write (ZIP).")
    ],
    locks: Locks = None,
    without_arrays: Annotated[
        bool, typer.Option("--without-arrays", help="Leave out weights and predictions.")
    ] = False,
    without_scripts: Annotated[
        bool,
        typer.Option(
            "--without-scripts",
            help="Leave out users' scripts; nobody else can verify their runs then.",
        ),
    ] = False,
    sign: Annotated[
        Path | None,
        typer.Option("--sign", metavar="KEY", help="Sign with this SSH key, into FILE.sig."),
    ] = None,
    license: Annotated[
        str | None,
        typer.Option("--license", metavar="URL", help="Their licence; else the crate says none."),
    ] = None,
    author: Annotated[
        list[str] | None,
        typer.Option("--author", metavar="NAME", help="Who made them; may be repeated."),
    ] = None,
) -> None:
    """Write results, locks, Dockerfiles and matrix into one archive that a stranger can verify.

    It is a Process Run Crate: ro-crate-metadata.json lists every run, what went in, what came out.
    """
    writing.require_place(output)
    if folder.is_file():
        raise UsageError(f"{folder}: is a file; name the results folder to bundle")
    prepared = writing.prepare(
        folder,
        lock_folders=[*(locks or ()), places.locks()],
        more={**dockerfiles(), "data.json": _data()},
        arrays="none" if without_arrays else "all",
        scripts=not without_scripts,
        credits=Credits(licence=license, authors=tuple(author or ())),
    )
    if license is None:
        console.note("the crate says that no licence is stated; --license URL names one")
    # Signed first: a key that does not work leaves no bundle without a signature.
    signed = None if sign is None else signing.sign(prepared.manifest, sign)
    prepared.write(output)
    _note(output, prepared)
    _put_signature(signing.beside(output), signed)


def _put_signature(file: Path, signed: str | None) -> None:
    if signed is not None:
        try:
            file.write_text(signed, encoding="ascii")
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
        console.note(f"{file}: the signature; hand it on with the bundle")
    elif file.exists():
        console.note(f"{file}: is of another bundle; sign again with --sign, or delete it")


def dockerfiles() -> dict[str, Content]:
    """The files that images are built from, by their path in a bundle."""
    shipped = [path for path in sorted(places.dockerfiles().iterdir()) if path.is_file()]
    files: dict[str, Content] = {f"dockerfiles/{path.name}": path.read_bytes() for path in shipped}
    for path in bases.files():
        if path not in shipped:
            files["dockerfiles/own-bases.yaml"] = path.read_bytes()
    return files


def _data() -> bytes:
    """The data sets by name: the digests of their originals, and of what is trained on."""
    sets = {
        name: {
            "title": entry.title,
            "sha256": entry.sha256,
            "originals": dict(entry.originals),
            "workloads": [w for w, subject in SUBJECTS.items() if subject.data == name],
        }
        for name, entry in catalogue.DATA_SETS.items()
    }
    content = {"schema": 1, "data_sets": sets}
    return (json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _note(output: Path, prepared: Bundle) -> None:
    size, said = output.stat().st_size / 1e6, crate.sentence(prepared.contents)
    console.note(f"{output}: {len(prepared.files):,} files, {size:.1f} MB; {said}")
