"""What is said about a difference: the answer first, and never more than the runs show."""

from __future__ import annotations

from collections.abc import Callable

from results_factory import SweepOnDisk, cell

from harness.studies import explained, hybrid_table, setting_groups
from harness.studies.explained import Study
from harness.studies.explanation import Hybrid, explain
from harness.studies.hybrid_table import Row
