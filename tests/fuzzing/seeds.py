"""Which inputs a fuzzing run makes: other ones each day, the same ones when asked for."""

from __future__ import annotations

import datetime
import os

NAME = "HARNESS_FUZZ_SEED"
SEED = int(os.environ.get(NAME) or f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d}")
AGAIN = f"{NAME}={SEED} makes the same inputs again"
