"""What is true of a person: it reaches every loan of the person, whatever the lender calls them."""

import unicodedata
from enum import StrEnum


class PersonFact(StrEnum):
    """A lasting fact about a person. What pauses the ladder for a time is a hold instead."""

    CEASED = "ceased"  # asked that nobody contact them any more, about one debt or about all
    NO_CHANNEL = "no_channel"  # asked not to be contacted by one channel
    REPRESENTED = "represented"  # an attorney or a debt adviser acts for them
    EMPLOYER_FORBIDS = "employer_forbids"  # no contact at their place of work


class Link(StrEnum):
    """Whether two records of the lender's customers stand for one person."""

    PRESUMED = "presumed"  # counts as one person for everything that protects
    CONFIRMED = "confirmed"  # somebody said so
    PARTED = "parted"  # somebody said that they are two

    @property
    def joins(self) -> bool:
        return self is not Link.PARTED


def same_person_key(name: str, phone: str) -> str:
    """What is equal for two records of one person: the name, however written, and the number.

    `phone` is in E.164. Spaces, points, case and full-width letters make no difference to a name.
    """
    letters = filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold())
    return f"{''.join(letters)}\n{phone}"
