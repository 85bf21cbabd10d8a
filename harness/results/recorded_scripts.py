"""From the record of a run back to the user's script that was run."""

from __future__ import annotations

from harness.protocol import script as scripts
from harness.protocol.script import DataFile, Script
from harness.results.record import Record


def script_of(record: Record) -> Script | None:
    """The script of a record, None where it is of a reference workload or does not say enough.

    Raises:
        ValueError: the record says what no script is.
    """
    part = record.script
    if part is None or part.template is None:
        return None
    script = Script(
        name=str(record.settings["workload"]),
        path=part.path,
        module=part.module,
        folder_sha256=part.folder_sha256,
        arguments=part.template,
        data=tuple(DataFile(target=name, sha256=each) for name, each in part.data.items()),
        files=part.files,
        hold=part.hold,
        keeps_folder=part.keeps_folder,
    )
    scripts.check(script)
    if script.sha256 != part.sha256:
        raise ValueError(f"the script has the digest {script.sha256}, and is named {part.sha256}")
    return script
