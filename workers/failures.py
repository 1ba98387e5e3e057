"""Errors that nobody foresaw: which are transient, what the user is told, what the log says."""

from __future__ import annotations

import traceback
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError

TRANSIENT_ERRORS = (OperationalError, SoftTimeLimitExceeded)
"""What ends a task and blames nothing in it: the database is away or a lock was not had in time, or
the task's time is over. The work stays as it was, and is announced again."""


def user_message(error: Exception, what_failed: str) -> str:
    """What to put on record of an error: its own sentence if it was written for people.

    Any other may quote personal data, and only its type is named.
    """
    if isinstance(error, ArrearsError):
        return str(error)
    return f"{what_failed} ({type(error).__name__}). See the log of the worker."


def log_summary(error: Exception) -> str:
    """An error's type and where it arose. Its own words may quote what must not be logged."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
    return f"{type(error).__name__} in {places}"
