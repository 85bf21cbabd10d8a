"""What `diff` found of two sides: how strong its evidence is, its sentences, and its fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis import origins
from harness.studies import step_difference, step_study
from harness.studies.run_origins import Pair
from harness.studies.step_study import StepStudy

State = Literal["equal", "different", "unverified"]
Evidence = Literal["digests", "traces", "step", "transplant"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """All pairs of runs, and the step that was made again; `obstacle` is why it was not."""

    pairs: Sequence[Pair]
    step: StepStudy | None = None
    obstacle: str = ""

    @property
    def unverified(self) -> tuple[str, ...]:
        """Every reason why something of it is not verified, each once."""
        of_step = self.step.unverified if self.step else ()
        return tuple(dict.fromkeys((*(p.unverified for p in self.pairs if p.unverified), *of_step)))

    @property
    def state(self) -> State:
        """What is claimed of the sides; nothing where anything is not verified."""
        if self.unverified:
            return "unverified"
        return "different" if any(pair.origin.kind for pair in self.pairs) else "equal"

    @property
    def evidence(self) -> Evidence:
        """The strongest that it rests upon."""
        if self.step is not None:
            return "transplant" if self.step.transplant else "step"
        return "traces" if any(p.origin.step is not None for p in self.pairs) else "digests"

    @property
    def sentences(self) -> list[str]:
        """The answer first."""
        lines = step_study.of_pairs(self.pairs)
        if self.step is not None:
            lines += step_study.of_step(self.step)
        return [*lines, *(f"Unverified: {reason}." for reason in self.unverified)]

    @property
    def fields(self) -> dict[str, object]:
        """The same for programs."""
        one_pair = self.pairs[0].origin if len(self.pairs) == 1 else None
        origin = self.step.origin if self.step else one_pair
        return {
            "state": self.state,
            "unverified": list(self.unverified),
            "evidence": self.evidence,
            "origin": origins.fields(origin) if origin else None,
            "pairs": [
                {"a": pair.one.name, "b": pair.other.name, "origin": origins.fields(pair.origin)}
                for pair in self.pairs
            ],
            "step": _of_step(self.step) if self.step else None,
            "obstacle": self.obstacle,
        }


def _of_step(step: StepStudy) -> dict[str, object]:
    first = step_difference.first_difference(step.parts)
    transplant = step.transplant
    theirs = step_difference.first_difference(transplant.theirs) if transplant else None
    return {
        "first_different": first.name if first else None,
        "is_repeated": step.is_repeated,
        "has_outputs": step.has_outputs,
        "transplant": transplant
        and {
            "is_controlled": transplant.is_controlled,
            "first_different": theirs.name if theirs else None,
        },
        "obstacle": step.obstacle,
    }
