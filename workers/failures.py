"""Unexpected errors: which are transient, and what the user and the log get to see."""

import traceback
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy.exc import OperationalError

from domain.errors import ArrearsError, ReasonedError
from domain.reasons import ReasonCode, Reasons, because
from workers.db.journal import JournalUnusableError

TRANSIENT_ERRORS = (OperationalError, SoftTimeLimitExceeded, JournalUnusableError)
"""Errors that end a task without a fault of its data: the database is not reachable, a lock was not
obtained in time, the time limit of the task has passed, or the journal cannot be written. The work
is published again."""


def reason_of_failure(error: Exception, otherwise: ReasonCode) -> Reasons:
    """What to record of an error: its own reason if it has one.

    Otherwise it is `otherwise`, which names the type of the error only: its text cannot be said in
    every language, and may quote personal data.
    """
    if isinstance(error, ReasonedError):
        return error.reason
    return because(otherwise, error=type(error).__name__)


def log_summary(error: Exception) -> str:
    """An error's type and where it was raised, and its text if it is an `ArrearsError`.

    The text of any other error may quote data that must not be logged.
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-4:]))
    said = f": {error}" if isinstance(error, ArrearsError) else ""
    return f"{type(error).__name__} in {places}{said}"
