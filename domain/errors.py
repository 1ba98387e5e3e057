"""Errors that a person can correct."""

from domain.reasons import Reasons


class ArrearsError(Exception):
    """An error that a person can correct.

    The message is one or more whole sentences: what is wrong, where, and what to do. It never holds
    personal data. The command line prints it and exits with 2; no traceback is shown.

    An error that may also reach a caller over HTTP has a class of its own and names no command. The
    command line adds the command that helps.
    """

    def __init__(self, text: str, **values: object) -> None:
        """Takes the text in English, with its values in braces in the style of `str.format`.

        The command line says the same text in the reader's language, with the same values. Without
        values the text has no braces to fill.
        """
        super().__init__(text.format(**values) if values else text)
        self.text = text
        self.values = values


class ReasonedError(ArrearsError):
    """An error with its reason as a code, for records that are read in any language."""

    def __init__(self, message: str, reason: Reasons) -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(ReasonedError):
    """What a person asked for is refused, for reasons that can be said in the person's language."""


class KeptAsRejectedError(RefusedError):
    """The same event came in before, and is kept as rejected."""


class NotOnRosterError(ArrearsError):
    """Nobody on the roster has the reference."""


class NoOpenCallError(ArrearsError):
    """No call of the loan is open."""


class OutcomeMissingError(ArrearsError):
    """An attempt was started, and its outcome is not recorded yet."""
