"""Whether the repeats of one cell left the same, in what they differ, and where that began."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from itertools import zip_longest
from statistics import median

from harness.results.record import Fit, Measured, Record
from harness.studies.explanation import Hybrid
from harness.studies.search import Settings, Trial

_KINDS: dict[str, Callable[[Measured], Hashable]] = {
    "weights": lambda measured: measured.weights_sha256,
    "history": lambda measured: tuple(fit.history_sha256 for fit in measured.fits if fit.history),
    "outputs": lambda measured: tuple((each.call, each.sha256) for each in measured.outputs),
    "files": lambda measured: tuple(sorted(measured.files.items())),
}
"""What has to be equal. What a script prints may say the time, so it does not count."""

_UNOBSERVED: dict[str, Callable[[Measured], Hashable]] = {
    "files": _KINDS["files"],
    "printed": lambda measured: _unless_empty(measured.printed_sha256),
}
"""What has to be equal where a script was not observed: nothing else is known of it."""

_NOTHING = hashlib.sha256(b"").hexdigest()


def _unless_empty(printed_sha256: str | None) -> str:
    return "" if printed_sha256 in (None, _NOTHING) else str(printed_sha256)


def trial(settings: Settings, records: Sequence[Record | None], repeats: int) -> Trial:
    """What the records of one cell say; None stands for a run without one."""
    completed = [r for r in records if r is not None and r.status == "completed" and r.measured]
    results = [record.measured for record in completed if record.measured is not None]
    failed = next((r for r in records if r is not None and r.status != "completed"), None)
    return Trial(
        settings=settings,
        repeats=repeats,
        completed=len(completed),
        distinct={
            kind: len({of(each) for each in results})
            for kind, of in _kinds(results).items()
            if any(of(each) for each in results)
        },
        reason=f"{failed.status}: {failed.reason}" if failed else "",
        seconds=median(r.seconds.get("total", 0.0) for r in completed) if completed else None,
    )


def _kinds(results: Sequence[Measured]) -> Mapping[str, Callable[[Measured], Hashable]]:
    return _KINDS if all(each.weights_sha256 for each in results) else _UNOBSERVED


def hybrid(
    taken: Collection[str], records: Sequence[Record], runs: int, obstacle: str = ""
) -> Hybrid:
    """What the records of so many runs of one hybrid say; `obstacle` is why there are none."""
    completed = [r.measured for r in records if r.status == "completed" and r.measured]
    failed = next((r for r in records if r.status != "completed"), None)
    left = {measured.weights_sha256: measured.init_sha256 for measured in completed}
    return Hybrid(
        taken=frozenset(taken),
        asked=runs,
        completed=len(completed),
        weights=tuple(left),
        init=tuple(left.values()),
        obstacle=obstacle or (f"{failed.status}: {failed.reason}" if failed else ""),
    )


def changed(one: Measured, other: Measured) -> tuple[str, ...]:
    """The kinds of results in which two runs differ."""
    kinds = _kinds([one, other])
    return tuple(kind for kind, of in kinds.items() if of(one) != of(other))


def first_difference(results: Sequence[Measured]) -> str:
    """Where the results of runs first differ, in words; "" where they are equal in all kinds.

    Nothing is said of fits where some run was not observed.
    """
    if _kinds(results) is _UNOBSERVED:
        return ""
    return next(_differences(results), "")


def _differences(results: Sequence[Measured]) -> Iterator[str]:
    for fits in zip_longest(*(measured.fits for measured in results)):
        if any(fit is None for fit in fits):
            yield "how many fits there were"
            return
        yield from _between_fits(fits)
    if len({_KINDS["weights"](each) for each in results}) > 1:
        yield "the weights at the end of the script"
    for calls in zip_longest(*(measured.outputs for measured in results)):
        if len({(each.call, each.sha256) if each else None for each in calls}) > 1:
            call = next(each.call for each in calls if each)
            yield f"what {call} returned"
    if len({_KINDS["files"](each) for each in results}) > 1:
        yield "the files that it left"


def _between_fits(fits: Sequence[Fit]) -> Iterator[str]:
    one = fits[0]
    model = f"model {one.model}" + (f" ({one.name})" if one.name else "")
    if len({fit.init_sha256 for fit in fits}) > 1:
        start = "the initial weights" if one.fit == 1 else f"the weights before fit {one.fit}"
        yield f"{start} of {model}"
    epochs = (
        (epoch, name)
        for name in one.history
        for epoch, values in enumerate(zip_longest(*(f.history.get(name, ()) for f in fits)), 1)
        if len(set(values)) > 1
    )
    first = min(epochs, default=None)
    if first is not None:
        yield f"{first[1]} in epoch {first[0]} of fit {one.fit} of {model}"
    if len({fit.weights_sha256 for fit in fits}) > 1:
        yield f"the weights after fit {one.fit} of {model}"
