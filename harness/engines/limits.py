"""Limits that hold for every order on every engine, beside those the order states."""

from __future__ import annotations

FILE_BYTES = 8 * 2**30
"""The largest file a process may write, its log included."""

TEMPORARY_BYTES = 2 * 2**30
"""The size of a container's /tmp, which lives in memory."""

PROCESSES = 8192
"""Processes and threads. TensorFlow starts several threads per CPU, so this is generous."""

USER_PROCESSES = 32_768
"""The same of all containers together, and of what else the user runs; the kernel's usual limit."""

OPEN_FILES = 4096
"""Files and sockets that a container's process may have open."""

FOLDER_BYTES = 16 * 2**30
"""What an order may write to its output folder (and, on the local engine, its home) in all."""

FOLDER_ENTRIES = 200_000
"""How many files and folders it may make there."""

FOLDER_DEPTH = 256
"""How many folders in one another it may make there."""
