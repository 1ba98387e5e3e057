"""The one family of errors that are meant for people."""

from __future__ import annotations


class ArrearsError(Exception):
    """Something a person can put right.

    The message is one or more whole sentences: what is wrong, where, and what to do. It never holds
    personal data. The command line prints it as it is and exits with 2; no traceback is shown.
    """
