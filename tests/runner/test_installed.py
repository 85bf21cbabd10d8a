"""What is installed: of two distributions with one name, the one an import would get."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.mark.tensorflow
def test_a_vendored_copy_further_down_the_path_is_not_what_is_installed(
    tmp_path: Path, runner_root: Path, tensorflow_python: Path
) -> None:
    for folder, version in (("first", "2.0"), ("second", "1.0")):
        metadata = tmp_path / folder / f"some_thing-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"Metadata-Version: 2.1\nName: some_thing\nVersion: {version}\n")
    program = (
        f"import sys; sys.path += [{str(tmp_path / 'first')!r}, {str(tmp_path / 'second')!r}]\n"
        "from harness.runner import packages\n"
        "print(packages.installed()['some-thing'])"
    )
    done = subprocess.run(
        [str(tensorflow_python), "-c", program],
        cwd=runner_root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["2.0"]
