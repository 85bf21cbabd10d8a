"""One digest for each kind of thing that a run left beside its weights; None where it left none.

Equal digests are equal bits. How a reference training and a user's script come by theirs is said
here once, for tables and for whatever else compares runs.
"""

from __future__ import annotations

import hashlib

from harness.protocol.histories import history_digest
from harness.results.record import Measured
from harness.runner import hashing


def history_sha256(measured: Measured) -> str | None:
    """Of a reference training the digest of its history, of a script that of all its fits.

    The fits count in the order of their process, model and number, not as they came to an end.
    None where no fit has a history.
    """
    if not measured.fits:
        return history_digest(measured.history) if measured.history else None
    if not any(fit.history for fit in measured.fits):
        return None
    fits = sorted(measured.fits, key=lambda fit: (fit.process, fit.model, fit.fit))
    return hashing.combined_digest(fit.history_sha256 for fit in fits)


def outputs_sha256(measured: Measured) -> str | None:
    """Of a reference training that of its predictions, of a script that of all it predicted."""
    if measured.outputs:
        return hashing.combined_digest(output.sha256 for output in measured.outputs)
    return measured.predictions_sha256 or None


def files_sha256(measured: Measured) -> str | None:
    """The digest of the lines `DIGEST  NAME`, as `sha256sum` prints them, sorted by name."""
    if not measured.files:
        return None
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(measured.files.items()))
    return hashlib.sha256(lines.encode("utf-8", "replace")).hexdigest()
