"""As `harness job --for-worker`, but the runs only sleep, and their records were made before.

    simulated_job.py SECONDS PREPARED LOG --isolation X --results DIR JOBS

PREPARED is a results folder with the records and arrays that the runs leave. Every run that begins
is written to LOG, so that a test sees what was really done, and how often. The standard library
only: what is measured with it is not how long it takes to start.
"""

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path


def main(seconds: float, prepared: Path, log: Path, results: Path, jobs: Path) -> None:
    """Carry out the jobs in a file."""
    threading.Thread(target=_listen, daemon=True).start()
    for job in json.loads(jobs.read_text()):
        arrays = prepared / job["matrix"] / "blobs"
        shutil.copytree(arrays, results / job["matrix"] / "blobs", dirs_exist_ok=True)
        for run in job["runs"]:
            cell, repeat = run["cell"], run["repeat"]
            _say(event="started", cell=cell, repeat=repeat)
            _PASSED_ON.acquire()
            with log.open("a") as file:
                file.write(f"{cell} #{repeat}\n")
            time.sleep(seconds)
            (record,) = prepared.glob(f"{job['matrix']}/*/{cell}/{repeat}.json")
            text = record.read_text(encoding="utf-8")
            _say(event="finished", cell=cell, repeat=repeat, record=text)


def _say(**event: object) -> None:
    print(json.dumps(event), flush=True)


_PASSED_ON = threading.Semaphore(0)


def _listen() -> None:
    while os.read(0, 1):
        _PASSED_ON.release()
    os._exit(130)


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(Path, (sys.argv[2], sys.argv[3], sys.argv[7], sys.argv[8])))
