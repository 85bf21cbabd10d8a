"""The lock that a job brings, as a file beside the results that name it."""

from __future__ import annotations

from harness.environments import locking, users
from harness.environments.lock import Lock
from harness.executors.recording import environment_of
from harness.protocol.job import Job
from harness.results import durable, locks
from harness.results.store import Store


def lock_of(job: Job, store: Store) -> Lock:
    """The job's lock, stored where the results are: those name it by its digest only.

    Raises:
        LockError: it is malformed, or of another environment.
        RecordError: it cannot be written.
    """
    environment = environment_of(job)
    folder, partial = locks.folder_of(store.folder.parent), store.folder / durable.PARTIAL
    path = locks.keep(job.lock.encode(), environment.id, folder, partial=partial)
    lock = locking.read_as_is(path, environment)
    users.note_results(store.folder.parent, lock)
    return lock
