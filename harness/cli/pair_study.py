"""Two cells and the hybrids between them, run as the search asks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from harness import console
from harness.analysis.origins import Origin
from harness.cli.cell_experiment import CellExperiment
from harness.matrix import cells
from harness.matrix.cells import Cell
from harness.matrix.environment import Environment
from harness.results.record import Record
from harness.studies import (
    explained,
    explanation,
    repetition,
    run_origins,
    setting_groups,
    version_findings,
    version_search,
    version_series,
)
from harness.studies.explained import Study
from harness.studies.explanation import Explanation, Groups, Hybrid
from harness.studies.hybrid_table import Row
from harness.studies.named_cells import Side
from harness.studies.run_origins import Run
from harness.studies.setting_groups import VERSIONS
from harness.studies.version_findings import Finding
from harness.studies.version_series import Exchange, Package


class PairStudy:
    """The hybrids of two cells of one workload; `rows` are those that were tried."""

    def __init__(
        self,
        experiment: CellExperiment,
        sides: Sequence[Side],
        ends: Sequence[Cell],
        repeats: int,
    ) -> None:
        self._experiment = experiment
        self._sides = sides
        self._a, self._b = ends
        self._repeats = repeats
        self._rows: dict[str, Row] = {}
        self.finding: Finding | None = None
        records = [side.records[0] for side in sides]
        self._groups = setting_groups.groups(self._a, self._b, *records)
        self._names: Groups = tuple(group.name for group in self._groups)
        self._follow = setting_groups.followers(self._groups, *records)
        self._around = setting_groups.surroundings(*records)

    @property
    def folder(self) -> Path:
        """Where the records lie."""
        return self._experiment.store.folder.parent

    @property
    def rows(self) -> list[Row]:
        """The cells that were tried, in order."""
        return list(self._rows.values())

    def note_differences(self) -> None:
        """Say what the two are and in what they differ."""
        for end, side in zip("AB", self._sides, strict=True):
            console.note(f"{end}: {side.name}")
        console.note(f"differs: {'; '.join(group.words for group in self._groups)}")
        if self._follow:
            follow = "; ".join(each.words for each in self._follow)
            console.note(f"follows, as the same was asked for: {follow}")
        if self._around:
            console.note(f"differs beside that: {'; '.join(self._around)}")

    def prospect(self, versions: bool) -> list[str]:
        """What would be run, at most."""
        lines = []
        for end, cell in (("A", self._a), ("B", self._b)):
            known = self._experiment.answered(cell, self._repeats)
            settled = self._experiment.settled(cell)
            runs = f"{self._repeats} runs, {known} of them recorded"
            what = runs if settled.status is None else f"cannot run here: {settled.reason}"
            lines.append(f"{end}: {what}: {cell.id}")
        lines += self._hybrids_ahead()
        if versions and VERSIONS in self._names:
            lines.append(f"If it is the versions: up to {self._environments()} new environments")
        return lines

    def _hybrids_ahead(self) -> list[str]:
        count = len(self._names)
        lines = [f"Groups, the cheapest to change first: {', '.join(self._names)}"]
        if count == 1:
            return [*lines, "Nothing more: with one group the ends are all there is"]
        if count > explanation.ALL_UP_TO:
            alone = count + 1 + 2 * (self._repeats - 1)
            lines.append(f"If one of them alone explains it: at most {alone} runs more")
        most = explanation.most_hybrids(count)
        lines.append(
            f"In any case at most {most} hybrids, one run each, and {self._repeats} runs of those"
            " that the answer rests upon"
        )
        return lines

    def explained(self) -> Study:
        """Run the ends and the hybrids that are needed."""
        self._experiment.prepare([self._a, self._b], self._repeats)
        found = explanation.explain(self._names, self._hybrid, repeats=self._repeats)
        weights = [
            frozenset(r.measured.weights_sha256 for r in side.records if r.measured)
            for side in self._sides
        ]
        return Study(
            groups=self._groups,
            explanation=found,
            recorded=(weights[0], weights[1]),
            surroundings=self._around,
            repeats=self._repeats,
        )

    def letters(self, study: Study) -> dict[str, str]:
        """The letter of every weights that was left."""
        every = [row.hybrid for row in self.rows]
        known = {hybrid.taken for hybrid in study.explanation.tried}
        further = tuple(hybrid for hybrid in every if hybrid.taken not in known)
        together = Explanation(
            groups=study.explanation.groups,
            sets=(),
            tried=(*study.explanation.tried, *further),
        )
        return together.letters

    def versions(self, study: Study) -> list[str]:
        """Where the versions are part of the answer: which release, and which package, it was."""
        sets = study.explanation.sets
        members = next((each for each in sets if VERSIONS in each), None)
        if members is None:
            return []
        cell = setting_groups.hybrid(self._a, self._b, members)
        first = setting_groups.hybrid(self._a, self._b, set(members) - {VERSIONS}).environment
        last, values = cell.environment, cell
        count = self._environments()
        if count:
            console.note(
                f"versions: up to {count} environments are still to be made, about a minute and a"
                " gigabyte each; --no-versions leaves them out"
            )
        lame = [
            hybrid
            for hybrid in (self._in(values, first), self._in(values, last))
            if hybrid.bits is None
        ]
        if lame:
            return [f"Versions were not gone into: {explained.outcome(lame[0])}."]
        self.finding = self._finding(values, first, last)
        return version_findings.sentences(self.finding)

    @property
    def unverified(self) -> list[str]:
        """Why weights that were found equal are not verified to be; none where all are."""
        return self._experiment.unverified(self.rows)

    def _finding(self, cell: Cell, first: Environment, last: Environment) -> Finding:
        before, after, step = version_series.search(
            first, last, lambda each: self._in(cell, each).bits, self._experiment.is_ready
        )
        exchanges, unfitting = self._exchanges(cell, before, after)
        return Finding(
            environments=(before, after),
            step=step,
            before=self._in(cell, before),
            after=self._in(cell, after),
            origin=self._origin(cell, before, after),
            exchanges=tuple((each, self._in(cell, each.environment, each)) for each in exchanges),
            unfitting=tuple(each.name for each in unfitting),
        )

    def _exchanges(
        self, cell: Cell, before: Environment, after: Environment
    ) -> tuple[list[Exchange], list[Package]]:
        """What is to be taken over from `after`, and the packages that do not fit into `before`."""
        one, other = (self._record(cell, each) for each in (before, after))
        found = [setting_groups.found_values(record) for record in (one, other)]
        packages = version_series.other_packages(
            one.environment.packages, other.environment.packages
        )
        fitting = version_series.that_fit(before, packages, self._experiment.resolves)
        exchanges = version_series.exchanges(before, *found)
        if fitting:
            exchanges += self._of_others(cell, before, fitting)
        return exchanges, [each for each in packages if each not in fitting]

    def _of_others(
        self, cell: Cell, before: Environment, packages: Sequence[Package]
    ) -> list[Exchange]:
        """All these packages together, and, where that leaves other bits, those that do it."""
        together = version_series.with_packages(before, packages)
        own, left = self._in(cell, before), self._in(cell, together.environment, together)
        if len(packages) == 1 or left.bits in (None, own.bits):
            return [together]
        by_count = {
            str(count): version_series.with_packages(before, packages[:count])
            for count in range(len(packages) + 1)
        }
        step = version_search.first_step(
            list(by_count),
            lambda count: self._in(cell, by_count[count].environment, by_count[count]).bits,
            is_ready=lambda count: self._experiment.is_ready(by_count[count].environment),
        )
        theirs = packages[int(step.before) : int(step.after)]
        return [together, version_series.with_packages(before, theirs)]

    def _environments(self) -> int:
        """How many environments going into the versions may make."""
        records = [side.records[0] for side in self._sides]
        found = [setting_groups.found_values(record) for record in records]
        differing = [n for n in version_series.PACKAGES if found[0].get(n) != found[1].get(n)]
        ends = self._a.environment, self._b.environment
        of_releases = version_series.most_environments(*ends, self._experiment.is_ready, differing)
        # One more for all other packages together.
        installed = [record.environment.packages for record in records]
        return of_releases + bool(version_series.other_packages(*installed))

    def _origin(self, cell: Cell, *environments: Environment) -> Origin:
        """Where the first runs of the cell in two environments parted, by their traces."""
        records = [self._record(cell, each) for each in environments]
        runs = [Run(record=each, sweep=self._experiment.with_trace(each)) for each in records]
        (pair,) = run_origins.pairs(runs[:1], runs[1:])
        return pair.origin

    def _record(self, cell: Cell, environment: Environment) -> Record:
        """The first record of a cell that gave a result there."""
        own = cells.combined(environment, cell.values)
        return self._experiment.records(own, self._repeats)[0]

    def _in(self, cell: Cell, environment: Environment, exchange: Exchange | None = None) -> Hybrid:
        """What the cell leaves in another environment; `exchange` is how that was made."""
        own = cells.combined(environment, cell.values)
        name = version_findings.name_of(environment, exchange)
        return self._tried(own, {environment.id}, self._repeats, name)

    def _hybrid(self, taken: frozenset[str], runs: int) -> Hybrid:
        return self._tried(setting_groups.hybrid(self._a, self._b, taken), taken, runs, "")

    def _tried(self, cell: Cell, taken: Collection[str], runs: int, name: str) -> Hybrid:
        cell = self._experiment.settled(cell)
        known = self._rows.get(cell.id)
        if known is not None and known.hybrid.asked >= runs:
            return known.hybrid
        obstacle = f"{cell.status}: {cell.reason}" if cell.status else ""
        records = self._experiment.records(cell, runs)
        found = repetition.hybrid(taken, records, runs, obstacle)
        name = known.name if known else name or explained.name_of(self._groups, found)
        self._rows[cell.id] = Row(name=name, cell=cell.id, hybrid=found)
        console.note(f"{name}: {explained.outcome(found)}")
        return found
