"""What is already done, and why the rest must run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from harness import selection
from harness.engines import outdated
from harness.environments.lock import Lock
from harness.errors import LockError
from harness.matrix.cells import DEFAULTS, Cell, cell_variables
from harness.matrix.environment import Environment
from harness.protocol.axes import to_json
from harness.protocol.script import Script
from harness.results.record import Record
from harness.results.statuses import FINISHED
from harness.results.vouchers import Voucher, Vouchers

_DEFAULTS = {name: to_json(value) for name, value in DEFAULTS.items()}

Action = Literal["done", "run", "waits", "unavailable", "excluded"]
"""`waits`: another run is repeated first, and if its bits are equal, this record still counts."""

_Key = tuple[str, str, str]
"""A lock's digest, a workload, and the digest of the code that its records were made with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One repeat of a cell in the plan: what will happen to it and why.

    `recorded` is the status of the record there is, None where there is none. `repeated` is the
    record whose bits the run is to leave again, so that it vouches for others; `code_sha256` is
    then what its code is today, of the axes that it names.
    """

    cell: Cell
    repeat: int
    action: Action
    why: str
    recorded: str | None = None
    repeated: Record | None = None
    code_sha256: str = ""


Read = Callable[[str, int], Record | None]
"""(cell, repeat) -> the record there is."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a record must agree with to answer for a run.

    `code` gives the digest of the code that runs of a workload use, of these axes; `vouchers` say
    which results of other code still count. `scripts` are the users' scripts by workload. `lock`
    gives an environment's lock, None where there is none yet, or what is wrong with it; `base` the
    base that an engine, by name, would put an environment on, None where that is not known or
    another engine would run; `data_sha256` the
    digest of a workload's prepared data. `engine` is None where any engine's record will do.
    `distrusted` says why forked runs of a lock (by digest) and an engine are not believed, None
    where they are. `timeout` is in seconds, `memory` in bytes.
    """

    code: Callable[[str, Iterable[str]], str]
    vouchers: Vouchers
    scripts: Mapping[str, Script]
    lock: Callable[[Environment], Lock | LockError | None]
    base: Callable[[Environment, str], str | None]
    data_sha256: Callable[[str], str]
    engine: str | None
    distrusted: Callable[[str, str], str | None]
    timeout: float
    memory: int


def steps(
    cells: Iterable[Cell], repeats: int, wanted: Wanted, read: Read, *, vouching: bool = True
) -> Iterator[Step]:
    """A step for every cell and repeat, in order.

    Where only the code is another one, one run per environment and workload is repeated first, if
    `vouching`; the others wait for its bits.
    """
    chosen: dict[_Key, str] = {}
    for cell in cells:
        name = cell.id
        for repeat in range(1, repeats + 1):
            if cell.status is not None:
                yield Step(cell=cell, repeat=repeat, action=cell.status, why=cell.reason)
                continue
            record = read(name, repeat)
            why = _why_run(cell, record, wanted)
            recorded = record.status if record else None
            if why or record is None:
                why = why or "no record yet"
                yield Step(cell=cell, repeat=repeat, action="run", why=why, recorded=recorded)
            elif _same_code(record, wanted):
                yield Step(
                    cell=cell, repeat=repeat, action="done", why="recorded", recorded=recorded
                )
            else:
                stable = partial(_is_stable, name, repeats, read)
                yield _of_other_code(cell, record, wanted, chosen, stable, vouching=vouching)


def done_again(steps: Iterable[Step], again: Sequence[str]) -> Iterator[Step]:
    """The same steps, but those of cells that match one of the globs run whatever they have.

    A glob that ends in the number of a run, as `GLOB#2`, is about this run alone.
    """
    globs = [selection.split_repeat(glob) for glob in again]
    asked = [(selection.matcher([glob]), repeat) for glob, repeat in globs]
    for step in steps:
        anew = step.action in ("done", "waits") and any(
            matches(step.cell.id) and repeat in (None, step.repeat) for matches, repeat in asked
        )
        yield replace(step, action="run", why="asked for again") if anew else step


def _same_code(record: Record, wanted: Wanted) -> bool:
    return record.code == _code_now(record, wanted)


def _code_now(record: Record, wanted: Wanted) -> str:
    return wanted.code(str(record.settings["workload"]), record.settings)


def _of_other_code(
    cell: Cell,
    record: Record,
    wanted: Wanted,
    chosen: dict[_Key, str],
    is_stable: Callable[[], bool],
    *,
    vouching: bool,
) -> Step:
    """What becomes of a run whose record differs in nothing but the code."""
    old, new = record.code, _code_now(record, wanted)
    key = (record.environment.lock_sha256, str(record.settings["workload"]), old)
    changed = outdated.changed("the code", old, new)
    step = partial(Step, cell=cell, repeat=record.repeat, recorded=record.status)
    if record.status != "completed":
        # It left no bits that could be vouched for, and the change may have been its remedy.
        return step(action="run", why=f"last time {record.status}; {changed}")
    voucher = wanted.vouchers.vouch(*key, new)
    refuted = wanted.vouchers.refute(*key, new)
    if voucher:
        why = f"recorded; {changed}, and {_name(voucher)} left equal bits"
        return step(action="done", why=why)
    if refuted or not vouching:
        why = f"{changed}, and {_name(refuted)} left other bits" if refuted else changed
        return step(action="run", why=why)
    if key in chosen:
        return step(action="waits", why=f"{changed}; {chosen[key]} is repeated first")
    if not is_stable():
        return step(action="waits", why=f"{changed}; a stable cell is repeated first")
    chosen[key] = f"{cell.id} #{record.repeat}"
    why = f"{changed}; repeated to vouch for the others"
    return step(action="run", why=why, repeated=record, code_sha256=new)


def _name(voucher: Voucher) -> str:
    return f"{voucher.cell} #{voucher.repeat}"


def _is_stable(name: str, repeats: int, read: Read) -> bool:
    """Whether all repeats of a cell that are recorded completed and left the same bits."""
    records = [each for repeat in range(1, repeats + 1) if (each := read(name, repeat))]
    bits = {each.measured.bits if each.measured else None for each in records}
    return len(bits) == 1 and None not in bits


def _why_run(cell: Cell, record: Record | None, wanted: Wanted) -> str | None:
    """Why the run must happen, None where the record answers for it."""
    if record is None:
        return "no record yet"
    if record.status not in FINISHED:
        return f"last time {record.status}: {record.reason}"
    return (
        "; ".join(_changes(cell, record, wanted))
        or _distrusted(record, wanted)
        or _raised_limit(record, wanted)
        or _other_engine(record, wanted)
    )


def _changes(cell: Cell, record: Record, wanted: Wanted) -> Iterator[str]:
    """Everything that went into the record and is another one now; the code comes later."""
    applied = record.process.get("variables")
    if applied is not None and applied != cell_variables(cell):
        yield "the variables that apply its settings are others"
    settings = {name: to_json(value) for name, value in cell.settings.items()}
    if {**_DEFAULTS, **record.settings} != settings:
        yield "the record is of other settings"
    yield from _changed_environment(cell, record, wanted)
    yield from _changed_subject(str(cell.settings["workload"]), record, wanted)


def _changed_subject(workload: str, record: Record, wanted: Wanted) -> Iterator[str]:
    """What changed of what is trained: the user's script, or the data of a reference workload."""
    script, made = wanted.scripts.get(workload), record.script
    if script is not None and made is not None:
        if script.sha256 != made.sha256:
            yield outdated.changed("the script or its data", made.sha256, script.sha256)
    elif script is not None or made is not None:
        yield "the record is of another workload of this name"
    elif record.measured is not None:
        data, recorded = wanted.data_sha256(workload), record.measured.data_sha256
        if recorded != data:
            yield outdated.changed("the data", recorded, data)


def _changed_environment(cell: Cell, record: Record, wanted: Wanted) -> Iterator[str]:
    made = record.environment
    lock = wanted.lock(cell.environment)
    if isinstance(lock, LockError):
        yield str(lock).partition("\n")[0]
    elif lock is not None and lock.sha256 != made.lock_sha256:
        yield outdated.changed("the lock", made.lock_sha256, lock.sha256)
    base = wanted.base(cell.environment, record.engine.get("name", ""))
    if base is not None and outdated.content_of(base) != outdated.content_of(made.base):
        yield outdated.changed("the base", made.base, base)


def _distrusted(record: Record, wanted: Wanted) -> str | None:
    if record.process.get("isolation") != "forked":
        return None
    return wanted.distrusted(record.environment.lock_sha256, record.engine.get("name", ""))


def _raised_limit(record: Record, wanted: Wanted) -> str | None:
    limits = record.process
    if record.status == "timeout" and wanted.timeout > float(limits.get("timeout_s", 0)):
        return f"timed out at {limits.get('timeout_s')} s, now allowed {wanted.timeout:g} s"
    if record.status == "out_of_memory" and wanted.memory > int(limits.get("memory_bytes", 0)):
        return "ran out of memory, now allowed more"
    return None


def _other_engine(record: Record, wanted: Wanted) -> str | None:
    engine = record.engine.get("name")
    if wanted.engine is not None and engine != wanted.engine:
        return f"recorded with the engine {engine}, now asked for {wanted.engine}"
    return None
