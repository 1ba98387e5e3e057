"""The base class of all errors that a person can correct."""

from __future__ import annotations


class ArrearsError(Exception):
    """An error that a person can correct.

    The message is one or more whole sentences: what is wrong, where, and what to do. It never holds
    personal data. The command line prints it as it is and exits with 2; no traceback is shown.
    """
