"""The reply of a script: what its processes noted, what it printed, the files it left."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import dataclass
from typing import Any, Container, Dict, List, Tuple

from harness.protocol import exchange, processor
from harness.protocol.axes import BY_NAME, to_json
from harness.protocol.script import VARIABLE, Script
from harness.runner import findings, packages
from harness.runner.findings import Finding
from harness.runner.reply import Reply, failed
from harness.runner.scripts import observations, printed, result_files
from harness.runner.scripts.observations import Observed
from harness.runner.scripts.working_folder import Folders

_PACKAGES_NAMED = 8
"""How many packages a reason names."""
_LONGEST_LINE = 300
_OF_TENSORFLOW = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] |[IWEF]\d{4} \d\d:|To enable the following"
)
"""Lines that TensorFlow logs; none of them says why a script ended."""
_NOT_OBSERVED = "it ran without being observed"
_UNSEEN_END = "the end of the script was not seen, so no setting could be read back"


@dataclass(frozen=True)
class Ended:
    """How a script's process ended: its status (negative: the signal), what it wrote to standard
    output and standard error, its number, and the load that there was beside it."""

    code: int
    output: str
    errors: str
    pid: int
    load: Finding


def fill(
    reply: Reply, request: Dict[str, Any], script: Script, folders: Folders, ended: Ended
) -> None:
    """Fill in everything but times and arguments, and write the weights beside the reply."""
    observed = observations.read(folders.observed, ended.pid)
    if observed.found:
        value, how = ended.load
        observed.found["values"]["load"] = {"value": value, "how": how}
    reply.update(
        packages=packages.installed(),
        cpu_flags=processor.cpu_flags(),
        glibc=processor.glibc(),
        data_sha256=script.sha256,
        script={
            "calls": _public(observed.calls),
            "connections": observed.connections,
            "unobserved": observed.unobserved or ("" if request["observe"] else _NOT_OBSERVED),
            "written": result_files.written(folders.work, folders.before),
        },
        found=observed.found.get("values", {}),
        reader_errors=observed.found.get("errors", {}),
    )
    if observed.fit_seconds:
        reply["seconds"]["fit"] = observed.fit_seconds
    for name in ("versions", "build", "devices"):
        reply[name] = observed.found.get(name, reply[name])
    if request["watch"]:
        _describe_watched(reply, folders, observed, ended)
        return
    _judge(reply, request, observed, ended)
    if reply["status"] == exchange.COMPLETED:
        _describe_results(reply, script, folders, observed, ended)


def _describe_watched(reply: Reply, folders: Folders, observed: Observed, ended: Ended) -> None:
    """Put what a watched fit left beside the reply; without it the script's own end is the reason.

    A script that ends early cannot tell all; its trace shows that it went as the recorded one.
    """
    place = os.path.join(folders.observed, exchange.WATCHED)
    if not os.path.exists(place):
        status, reason = exchange.UNSUPPORTED, "the step that is asked for was not seen"
        if ended.code:
            status, reason = _failure(ended, observed)
        failed(reply, status, reason, None)
        return
    with open(place, encoding="utf-8") as file:
        reply["watched"] = json.load(file)
    for name in (exchange.TRACE, exchange.STEP):
        if os.path.exists(os.path.join(folders.observed, name)):
            os.replace(
                os.path.join(folders.observed, name),
                os.path.join(os.path.dirname(folders.work), name),
            )


def _describe_results(
    reply: Reply, script: Script, folders: Folders, observed: Observed, ended: Ended
) -> None:
    output = os.path.dirname(folders.work)
    reply.update(
        observations.weights(observed, os.path.join(output, exchange.WEIGHTS)),
        predictions_sha256="",
        history={},
        loss=observed.loss,
        metric=None,
        unit="",
        value=None,
        scale=None,
        fits=observed.fits,
        outputs=observed.outputs,
        files=result_files.digests(folders.work, script.files),
        printed_sha256=printed.digest(ended.output, [folders.work, folders.home]),
        trace_sha256=observed.trace.write(output),
    )
    if not observed.arrays:
        left = reply["script"]
        left["unobserved"] = left["unobserved"] or "no weights were seen"


def _public(calls: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The calls as a reply has them."""
    return [{name: each[name] for name in each if name != "generator"} for each in calls]


def _judge(reply: Reply, request: Dict[str, Any], observed: Observed, ended: Ended) -> None:
    """Say in the reply how the script ended, and whether its results count."""
    error = observed.error
    if ended.code:
        status, reason = _failure(ended, observed)
        failed(reply, status, reason, None)
        reply["error"] = error and {key: error[key] for key in ("type", "message", "traceback")}
        return
    if not request["observe"]:
        return
    sentences = packages.differences(request["packages"], reply["packages"])[:_PACKAGES_NAMED]
    overridden = _overridden(request, observed)
    sentences += [*overridden.values(), *_mismatches(request, observed, overridden)]
    if sentences:
        failed(reply, exchange.INVALID, "; ".join(sentences), None)
    elif observed.unobserved:
        return
    elif not observed.fits:
        failed(reply, exchange.FAILED, "no training was seen", None)
    elif not observed.found:
        failed(reply, exchange.INVALID, _UNSEEN_END, None)


def _failure(ended: Ended, observed: Observed) -> Tuple[str, str]:
    """Status and reason of a script that did not end with 0."""
    if ended.code < 0:
        name = _signal(-ended.code)
        return exchange.FAILED, "the script crashed with %s" % name
    if observed.error is None:
        lines = [line.strip() for line in ended.errors.splitlines()]
        said = [line for line in lines if line and not _OF_TENSORFLOW.match(line)]
        last = ": %s" % said[-1][:_LONGEST_LINE] if said else ""
        return exchange.FAILED, "the script ended with status %d%s" % (ended.code, last)
    kind, reason = observed.error["type"], observed.error["reason"]
    if kind in ("Invalid", "Unsupported"):
        status = exchange.INVALID if kind == "Invalid" else exchange.UNSUPPORTED
        return status, observed.error["message"]
    if _is_missing_kernel(observed.error):
        return exchange.UNSUPPORTED, reason
    return exchange.FAILED, reason + _advice(observed)


def _is_missing_kernel(error: Dict[str, str]) -> bool:
    """Whether an operation said that it has no deterministic kernel."""
    kinds = ("UnimplementedError", "FailedPreconditionError")
    return error["type"] in kinds and "determinis" in error["message"].lower()


def _advice(observed: Observed) -> str:
    """What to do about an error whose cause is known."""
    error = observed.error or {}
    if error.get("type") == "ModuleNotFoundError":
        return "; put its package under `packages` (--package)"
    if observed.connections:
        last = observed.connections[-1]
        text = "; it tried to reach %s (%s), and runs have no network: put the file under `data`"
        return text % (last["address"], last["place"] or "not from the script's own lines")
    return ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def _overridden(request: Dict[str, Any], observed: Observed) -> Dict[str, str]:
    """A sentence per setting that the matrix asks for and the script sets to something else."""
    asked = {**request["settings"], "device": request["device"]}
    asked.update((VARIABLE + name, value) for name, value in asked["env"].items())
    sentences = {}
    for call in observed.calls:
        setting, value = call["setting"], call["value"]
        if call["effect"] == "held" or not _is_asked_for(asked, setting) or value == asked[setting]:
            continue
        if setting == "seed" and not _gets_the_seed(asked["seeding"], call["generator"]):
            continue
        text = "%s: asked %s, the script set %s (%s)"
        sentences[setting] = text % (setting, asked[setting], value, call["place"])
    return sentences


def _is_asked_for(asked: Dict[str, Any], setting: str) -> bool:
    """Whether the matrix asks for a value."""
    if setting.startswith(VARIABLE):
        return setting in asked
    return setting in asked and asked[setting] != to_json(BY_NAME[setting].script_default)


def _gets_the_seed(seeding: str, generator: str) -> bool:
    """Whether the matrix seeds a generator; "" stands for all of them."""
    if seeding == "none":
        return False
    return seeding == "all" or not generator or generator in seeding.split("+")


def _mismatches(
    request: Dict[str, Any], observed: Observed, overridden: Container[str]
) -> List[str]:
    """A sentence per setting that was asked for, is not what was found, and has none yet."""
    asked = {**request["versions"], **request["settings"], "device": request["device"]}
    values = observed.found.get("values", {})
    compared = {
        name: value
        for name, value in asked.items()
        if name in values
        and name not in overridden
        and (name not in BY_NAME or _is_asked_for(asked, name))
    }
    return findings.mismatches(compared, values) + findings.faults(observed.found.get("errors", {}))
