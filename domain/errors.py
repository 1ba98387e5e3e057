"""Errors that a person can correct."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.filling import filled
from domain.reasons import Reasons


@dataclass(frozen=True, slots=True)
class Text:
    """A text in English, which the command line says in the reader's language.

    A value can be a text itself. Without values the text has no braces to fill.
    """

    text: str
    """Its values stand in braces, in the style of `str.format`."""
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return filled(self.text, self.values) if self.values else self.text


def text_of(text: str, **values: object) -> Text:
    """A text with its values."""
    return Text(text, values)


def either(values: Sequence[object]) -> object:
    """A value that stands for one of several: `a, b or c`."""
    *others, last = values
    return text_of("{others} or {last}", others=others, last=last) if others else last


class ArrearsError(Exception):
    """An error that a person can correct.

    The message is one or more whole sentences: what is wrong, where, and what to do. It never holds
    personal data. The command line prints it and exits with 2; no traceback is shown.

    An error that may also reach a caller over HTTP has a class of its own and names no command. The
    command line adds the command that helps.
    """

    def __init__(self, text: str | Text, *more: Text, **values: object) -> None:
        """Takes the text in English, with its values in braces in the style of `str.format`.

        The command line says the same text in the reader's language, with the same values. Without
        values the text has no braces to fill. Several texts are several errors, one on each line.
        """
        first = text if isinstance(text, Text) else Text(text, values)
        self.texts = (first, *more)
        super().__init__("\n".join(map(str, self.texts)))
        self.text = first.text
        self.values = first.values


class ReasonedError(ArrearsError):
    """An error with its reason as a code, for records that are read in any language."""

    def __init__(self, message: str, reason: Reasons) -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(ReasonedError):
    """What a person asked for is refused, for reasons that can be said in the person's language."""


class KeptAsRejectedError(RefusedError):
    """The same event came in before, and is kept as rejected."""


class AppliedOtherwiseError(ArrearsError):
    """The same event came in before with other contents, and was applied."""


class NotPermittedError(ArrearsError):
    """Somebody may not do what they ask for, or is not known; the message says what is missing."""


class NotSignedInError(NotPermittedError):
    """There is no token, or none that is taken here."""


class AskedForError(NotPermittedError):
    """Somebody else must grant it first. The request for that is on record."""


class TooOftenError(ArrearsError):
    """Somebody asks more often than they may."""

    def __init__(self, text: str, retry_after: int, **values: object) -> None:
        super().__init__(text, **values)
        self.retry_after = retry_after
        """Seconds."""


class NotKnownError(ArrearsError):
    """What somebody names by its id is not on record."""


class NotOnRosterError(ArrearsError):
    """Nobody on the roster has the reference."""


class WrongRoleError(NotPermittedError):
    """Whoever acts has the permission, and not the role that this one loan, call or visit needs."""


class WithoutRoleError(NotOnRosterError, WrongRoleError):
    """Whoever acts is not on the roster, and so has no role."""


class NoOpenCallError(ArrearsError):
    """No call of the loan is open."""


class NotServedError(ArrearsError):
    """Somebody was not served the person whom they want to call."""


class OutcomeMissingError(ArrearsError):
    """An attempt was started, and its outcome is not recorded yet."""
