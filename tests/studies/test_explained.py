"""What is said about a difference: the answer first, and never more than the runs show."""

from __future__ import annotations
