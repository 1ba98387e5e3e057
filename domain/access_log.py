"""Access to personal data: each access is recorded with who had it and for which purpose."""

from enum import StrEnum


class Opened(StrEnum):
    """What was opened."""

    LETTER = "letter"
    NUMBER = "number"
    NAME = "name"  # of whom a call is for
    ADDRESS = "address"
    REPLY = "reply"
    AMOUNTS = "amounts"  # what a loan owes, where nobody was confirmed to be the right person
    EVERYTHING = "everything"  # all that is held about a person

    @property
    def usual_purpose(self) -> str:
        """The code of the purpose on record where the person who opens it gives no other."""
        return _USUAL_PURPOSE[self]


_USUAL_PURPOSE = {
    Opened.LETTER: "print_and_post",
    Opened.NUMBER: "call",
    Opened.NAME: "call",
    Opened.ADDRESS: "visit",
    Opened.REPLY: "read_and_handle",
    Opened.AMOUNTS: "supervise",
    Opened.EVERYTHING: "hand_to_data_subject",
}
