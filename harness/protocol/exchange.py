"""What crosses between host and runner: names of files and fields, and the schema number.

Both sides import this module. The host writes `request.json` into the exchange folder and reads
`reply.json` and the array files from there afterwards; standard output is only a log.

Python 3.7 and the standard library only.

A fresh process finds `request.json` in the exchange folder and serves that one run. A warm
process finds the folder `inbox` instead: it imports TensorFlow once and forks a child per run.
The host makes a folder per run (with `request.json` in it) and then a file of the same name in
`inbox`, whose content is an errand::

    {"cpus": [N, ...], "timeout_s": S, "memory_bytes": N}

The warm process removes that file, forks, and when the child has ended writes `ended.json` beside
the child's `reply.json`::

    {"cause": "exited" | "timeout" | "out_of_memory" | "killed", "exit_code": N, "seconds": S}

The child prints to `log.txt` there. Each of the two rings the other's `bell` (`bells`): the one in
the exchange folder when an errand or `stop` is there, the one in the run's folder when `ended.json`
is. `ready.json`, `{"import": S}`, says that it takes runs. The
warm process ends when `stop` appears in the exchange folder, or when nobody holds the lock on
`alive` any more, which the host holds while it lives.

request.json::

    {"schema": 1, "cell": ID, "repeat": N,
     "data": NAME,                              # the folder of the data set, below DATA
     "settings": {AXIS: VALUE, ...},            # every process and run axis, `env` as an object
     "device": "cpu" | "gpu",
     "versions": {"python": VERSION, ...},      # and tensorflow, numpy, keras: as locked
     "variables": {NAME: VALUE, ...},           # what the host sets before the process starts
     "packages": {NAME: VERSION, ...}}          # the lock, to compare with what is installed

reply.json::

    {"schema": 1,
     "status": "completed" | "unsupported" | "failed" | "invalid",
     "reason": TEXT,                             # empty when completed
     "error": {"type", "message", "traceback"} | null,
     "found": {AXIS: {"value": VALUE | null, "how": TEXT}},   # null: could not be read back;
                                                 # the versions and the device, too
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
     "loss": HEX,                                # The training loss of the last epoch, exact.
     "metric": NAME, "value": HEX,               # on the test part
     "parameters": N,
     "seconds": {"import": S, "build": S, "fit": S, "predict": S, "total": S}}

Fields from `data_sha256` on, and single `seconds`, are missing where the run did not get that far.
In a forked run `import` is 0: it was paid once, by the warm process (`ready.json`).

A run that finds the disk full leaves no reply and ends with the status `DISK_FULL`: a disk says
nothing about a training.
"""

SCHEMA = 1

REQUEST = "request.json"
REPLY = "reply.json"
WEIGHTS = "weights.npz"
PREDICTIONS = "predictions.npz"

INBOX = "inbox"
ENDED = "ended.json"
LOG = "log.txt"
STOP = "stop"
BELL = "bell"
ALIVE = "alive"
READY = "ready.json"

COMPLETED = "completed"
UNSUPPORTED = "unsupported"
FAILED = "failed"
INVALID = "invalid"

DISK_FULL = 28
"""Exit status of a runner, or of a warm process's child, whose disk is full."""
