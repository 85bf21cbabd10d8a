"""What going into a difference of versions found out, in sentences."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis import origins
from harness.analysis.origins import Origin
from harness.matrix.environment import Environment
from harness.studies import explained
from harness.studies.explanation import Hybrid
from harness.studies.version_search import Step
from harness.studies.version_series import Exchange


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Two neighbouring environments with other bits, and what single packages do between them.

    `step` is how they were found, `before` and `after` what they left, `origin` where in the
    training the two parted, by the traces of their first runs. `exchanges` are the
    packages that were taken from the later one, with what that left; those in `unfitting` differ,
    too, and cannot be installed beside the rest of the earlier one.
    """

    environments: tuple[Environment, Environment]
    step: Step
    before: Hybrid
    after: Hybrid
    origin: Origin
    exchanges: tuple[tuple[Exchange, Hybrid], ...]
    unfitting: tuple[str, ...] = ()


def sentences(finding: Finding) -> list[str]:
    """Between which releases the bits changed, and what each package alone has to do with it."""
    return [*_releases(finding), *_packages(finding)]


def _releases(finding: Finding) -> list[str]:
    old, new = finding.environments
    if old.tensorflow == new.tensorflow:
        return [f"Between the two the bits first differ {_where(finding.origin)}."]
    runs = f"{explained.outcome(finding.before)}; {explained.outcome(finding.after)}"
    start = "the same" if finding.before.init == finding.after.init else "other"
    lines = [
        f"The bits changed between TensorFlow {old.tensorflow} and {new.tensorflow} ({runs}), from"
        f" {start} initial weights on; they first differ {_where(finding.origin)}."
    ]
    if finding.step.passed_over:
        lines.append(f"Between them gave no result: {'; '.join(finding.step.passed_over)}.")
    if not finding.step.is_last:
        lines.append(f"They change again later: {new.tensorflow} does not have B's bits yet.")
    return lines


def _where(origin: Origin) -> str:
    """`in epoch 1, step 3: other arithmetic`, or why that is not known."""
    if origin.kind == "undecided" or not origin.place:
        return f"at a place that is not known: {origin}"
    return f"{'' if origin.step == 0 else 'in '}{origin.place}: {origin.kind}"


def fields(finding: Finding) -> dict[str, object]:
    """The same for programs."""
    before, after = finding.environments
    return {
        "before": before.id,
        "after": after.id,
        "is_last": finding.step.is_last,
        "origin": origins.fields(finding.origin),
        "exchanges": [
            {"exchange": each.label, "environment": each.environment.id, "bits": hybrid.bits}
            for each, hybrid in finding.exchanges
        ],
        "unfitting": list(finding.unfitting),
    }


def _packages(finding: Finding) -> list[str]:
    old, new = finding.environments
    effects = [
        f"{exchange.words}: {_effect(finding, hybrid)}" for exchange, hybrid in finding.exchanges
    ]
    lines = []
    if effects:
        lines.append(f"In the environment of TensorFlow {old.tensorflow}: {'; '.join(effects)}.")
    if finding.unfitting:
        names = ", ".join(finding.unfitting)
        lines.append(f"Could not be exchanged beside TensorFlow {old.tensorflow}: {names}.")
    if not effects:
        return lines
    shown = [hybrid.bits for _, hybrid in finding.exchanges if hybrid.bits is not None]
    if old.tensorflow != new.tensorflow and set(shown) <= {finding.before.bits}:
        so = "None that could be tried does it alone" if shown else "None could be tried alone"
        lines.append(f"{so}: left is TensorFlow, with all that follows it.")
    return lines


def _effect(finding: Finding, hybrid: Hybrid) -> str:
    if hybrid.bits is None:
        return f"no result ({explained.outcome(hybrid)})"
    if hybrid.bits == finding.before.bits:
        return f"same bits ({explained.outcome(hybrid)})"
    whose = "the same as all of them" if hybrid.bits == finding.after.bits else "other weights"
    start = "same" if hybrid.init == finding.before.init else "other"
    return f"{whose}, {start} start ({explained.outcome(hybrid)})"


def name_of(environment: Environment, exchange: Exchange | None) -> str:
    """How a table names an environment: `TensorFlow 2.15.1`, `… with NumPy 1.26.4`."""
    part = f" with {exchange.label}" if exchange else ""
    return f"TensorFlow {environment.tensorflow}{part}"
