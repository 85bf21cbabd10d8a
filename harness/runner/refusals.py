"""Why a run cannot count: exceptions that carry the status and the reason of the reply."""

from __future__ import annotations


class Unsupported(Exception):
    """This TensorFlow, in this combination, cannot do what was asked."""


class Invalid(Exception):
    """What was found differs from what was asked, so a result would mean nothing."""
