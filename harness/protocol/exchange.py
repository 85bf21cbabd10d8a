"""What crosses between host and runner: names of files and fields, and the schema number.

Two folders, so that neither side writes where the other does. `control` is the host's, and
mounted read-only for the runner:

    request.json            a fresh process: the one run it is for
    state.npz               the state of another run from which it makes one step, where it is to
    requests/NAME.json      a warm process: one file per run, as they come
    wakeups/NAME            a named pipe per run, by which the runner says that the run is over
    wakeup                  the same for the runner: there is a new request, or `stop`
    stop                    end, and whatever still runs
    alive                   locked by the host while it lives; the runner ends when nobody locks it

`output` is the runner's. Whatever is in it may be a training's work, so the host opens it with
`untrusted` only. In a fresh process the run's folder is `output` itself, in a warm one:

    ready.json              {"import": S, "confines": true | false}: TensorFlow is imported,
                            requests are taken; whether runs can be kept from each other's files
    runs/NAME/              the run's folder: reply.json, log.txt, weights.npz, predictions.npz,
                            trace.npz
    endings/NAME.json       how the run ended, written once nothing of it is left running:
                            {"schema": 2, "cause": "exited" | "timeout" | "out_of_memory" |
                             "killed", "exit_code": N, "seconds": S}

What a process prints goes to a log of the engine's, which lies in neither folder.

A request::

    {"schema": 2, "cell": ID, "repeat": N,
     "data": NAME | null,                       # the folder of the data set, below DATA
     "script": {...} | null,                    # a user's script, see `script.Script`
     "observe": true | false,                   # whether a script is observed
     "trace": true | false,                     # whether the training leaves a trace
     "watch": {"first": N, "last": N, "whole": N | null,
               "model": N, "fit": N} | null,    # see `trace.Watch`
     "state": true | false,                     # make one step from the state in `state.npz`
     "settings": {AXIS: VALUE, ...},            # every process and run axis, `env` as an object
     "device": "cpu" | "gpu",
     "versions": {"python": VERSION, ...},      # and tensorflow, numpy, keras: as locked
     "variables": {NAME: VALUE, ...},           # what the host sets before the process starts
     "packages": {NAME: VERSION, ...},          # the lock, to compare with what is installed
     "limits": {"cpus": [N, ...], "timeout_s": S, "memory_bytes": N}}   # a warm process keeps them

A reply::

    {"schema": 2,
     "status": "completed" | "unsupported" | "failed" | "invalid",
     "reason": TEXT,                             # empty when completed
     "error": {"type", "message", "traceback"} | null,
     "found": {AXIS: {"value": VALUE | null, "how": TEXT}},   # null: could not be read back;
                                                 # the versions and the device, too
     "reader_errors": {AXIS: TEXT},              # readers that failed: a fault of the harness
     "versions": {"python", "tensorflow", "keras", "numpy"},
     "packages": {NAME: VERSION},                # every installed distribution
     "build": {...},                             # git version, compiler, CUDA, cuDNN, SIMD ...
     "devices": [{"name", "type", ...}],
     "cpu_flags": [...], "glibc": TEXT,
     "confined": TEXT,                           # a forked run: how it is kept to its own folder
     "data_sha256": TEXT,
     "init_sha256": TEXT, "weights_sha256": TEXT, "predictions_sha256": TEXT,
     "tensors": [{"name", "shape", "dtype", "init_sha256", "sha256"}],
     "history": {NAME: [HEX, ...]},              # float.hex(), one per epoch
     "loss": HEX,                                # the training loss of the last epoch, exact
     "metric": NAME, "unit": TEXT, "value": HEX, # on the test part
     "scale": HEX | null,                        # one step of the predictions in that unit
     "parameters": N,
     "trace_sha256": TEXT,                       # "" where there is none
     "seconds": {"import": S, "build": S, "fit": S, "predict": S, "total": S}}

The reply of a user's script has, instead of predictions and a metric (null, and "" as digest)::

     "fits": [{"model": N, "fit": N, "name": TEXT, "process": TEXT, "steps": N,
               "init_sha256": TEXT, "weights_sha256": TEXT,
               "history": {NAME: [HEX, ...]}, "history_sha256": TEXT}],
     "outputs": [{"call": "predict" | "evaluate" | ..., "sha256": TEXT}],
     "files": {NAME: SHA256}, "printed_sha256": TEXT,

The reply of a run that is watched has, instead of all results::

     "watched": {"trace_sha256": TEXT}           # and `step.npz` lies beside it

A user's script has, whatever its status::

     "script": {"arguments": [TEXT, ...],
                "calls": [{"setting", "value", "place", "effect": "applied" | "held" | "late"}],
                "connections": [{"address", "place"}],
                "unobserved": TEXT,              # why nothing is known of its training; "": it is
                "written": {NAME: SHA256}}       # files that are new or changed; "": too large

Fields from `data_sha256` on, and single `seconds`, are missing where the run did not get that far.
A forked run has no `import`: it was paid once, by the warm process.

A run that finds the disk full leaves no reply and ends with the status `DISK_FULL`: a disk says
nothing about a training.
"""

SCHEMA = 2
"""Of jobs, requests, replies and endings: both sides are of one program, or refuse each other."""

REQUEST = "request.json"
REQUESTS = "requests"
WAKEUPS = "wakeups"
WAKEUP = "wakeup"
STOP = "stop"
ALIVE = "alive"

READY = "ready.json"
RUNS = "runs"
ENDINGS = "endings"
REPLY = "reply.json"
LOG = "log.txt"
WEIGHTS = "weights.npz"
PREDICTIONS = "predictions.npz"
TRACE = "trace.npz"
WATCHED = "watched.json"
STEP = "step.npz"
STATE = "state.npz"
WORK = "work"
"""The working folder of a user's script; one that is there already is gone on with."""

COMPLETED = "completed"
UNSUPPORTED = "unsupported"
FAILED = "failed"
INVALID = "invalid"

DISK_FULL = 28
"""Exit status of a runner, or of a warm process's child, whose disk is full."""
