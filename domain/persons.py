"""What is true of a person: it reaches every loan of the person, whatever the lender calls them."""

import unicodedata
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.compliance.vocabulary import ConsentTo
from domain.unicode_forms import normalized


class PersonFact(StrEnum):
    """A lasting fact about a person. What pauses the ladder for a time is a hold instead."""

    CEASED = "ceased"  # asked that nobody contact them any more, about one debt or about all
    NO_CHANNEL = "no_channel"  # asked not to be contacted by one channel
    REPRESENTED = "represented"  # an attorney or a debt adviser acts for them
    EMPLOYER_FORBIDS = "employer_forbids"  # no contact at their place of work
    AGREED_MORE_CONTACTS = "agreed_more_contacts"  # than a cap allows
    AGREED_OTHER_HOURS = "agreed_other_hours"  # than those of the law
    INCONVENIENT_TIME = "inconvenient_time"  # asked not to be contacted at these hours
    INCONVENIENT_PLACE = "inconvenient_place"  # asked not to be contacted there
    LANGUAGE = "language"  # speaks it, whatever the lender's records say


CONSENTS = {
    PersonFact.AGREED_MORE_CONTACTS: ConsentTo.MORE_CONTACTS,
    PersonFact.AGREED_OTHER_HOURS: ConsentTo.OTHER_HOURS,
}
"""The facts that are consents, and what they allow."""

MAY_EXPIRE = frozenset(CONSENTS) | {PersonFact.INCONVENIENT_TIME, PersonFact.INCONVENIENT_PLACE}
"""The facts that may have a moment from which on they count no more."""

ONE_AT_A_TIME = frozenset(CONSENTS) | {PersonFact.LANGUAGE}
"""The facts of which the person's last word counts: each takes the place of the one before."""

OF_ALL_DEBTS = frozenset(
    {
        PersonFact.EMPLOYER_FORBIDS,
        PersonFact.INCONVENIENT_TIME,
        PersonFact.INCONVENIENT_PLACE,
        PersonFact.LANGUAGE,
    }
)
"""The facts that cannot be about one debt only."""


OF_REPRESENTATIVES = (
    PersonFact.INCONVENIENT_TIME,
    PersonFact.INCONVENIENT_PLACE,
    PersonFact.LANGUAGE,
)
"""What who acts for somebody may ask for, who is then called instead. It holds for their number,
whomever they act for."""


class Link(StrEnum):
    """Whether two records of the lender's customers stand for one person."""

    PRESUMED = "presumed"  # counts as one person for everything that protects
    CONFIRMED = "confirmed"  # somebody said so
    PARTED = "parted"  # somebody said that they are two

    @property
    def joins(self) -> bool:
        return self is not Link.PARTED


OF_LOAN = "loan:"
"""Begins the id of a borrower to whom the lender gave none. No customer id may begin with it, so
the id of a loan never meets that of a customer."""


def borrower_of_loan(loan_id: str) -> str:
    """The id of a borrower to whom the lender gave none, made of that of the loan."""
    return OF_LOAN + loan_id


FORMER = "former:"
"""How the id of a record begins after a tape gave its customer id to somebody else. No customer id
may begin so."""


@dataclass(frozen=True, slots=True)
class RenamedRecord:
    """A record to which a tape gives another name, and what shows whether the same person is
    meant."""

    id: int
    external_id: str
    is_erased: bool
    """Its data was erased, so nobody knows any more whose record it was."""
    has_other_number: bool
    """The tape has a number that the record never had."""
    has_other_address: bool
    is_known_otherwise: bool
    """Another record has that name, and the number or the address."""

    @property
    def is_somebody_else(self) -> bool:
        """Whether the id may stand for somebody else from now on.

        A name alone makes nobody another person: people marry, and clerks mistype.
        """
        return (
            self.is_erased
            or self.has_other_number
            or self.has_other_address
            or self.is_known_otherwise
        )


def name_key(name: str) -> str:
    """What is equal for one name, however it is written.

    Spaces, points, case and full-width letters make no difference.
    """
    if name.isascii():
        return "".join(letter for letter in name.casefold() if letter.isalnum())
    letters = normalized("NFKC", normalized("NFKC", name).casefold())
    return "".join(letter for letter in letters if unicodedata.category(letter)[0] in "LMN")


def groups(
    person_of: Mapping[int, int], links: Iterable[tuple[int, int]]
) -> list[tuple[frozenset[int], int | None]]:
    """Groups of records that links join, each with the person that it stands for; None: a new one.

    `person_of` has, by record, the person that it stood for before; both records of a link are in
    it. If several persons become one, the oldest person stays. If a person is parted, the oldest
    record keeps it.
    """
    root = {record: record for record in person_of}

    def root_of(record: int) -> int:
        while root[record] != record:
            root[record] = root[root[record]]
            record = root[record]
        return record

    for one, other in links:
        first, second = sorted((root_of(one), root_of(other)))
        root[second] = first
    joined: defaultdict[int, set[int]] = defaultdict(set)
    for record in person_of:
        joined[root_of(record)].add(record)
    found: list[tuple[frozenset[int], int | None]] = []
    taken: set[int] = set()
    for _, records in sorted(joined.items()):
        free = sorted({person_of[record] for record in records} - taken)
        taken.update(free[:1])
        found.append((frozenset(records), free[0] if free else None))
    return found


def links_between(links: Iterable[tuple[int, int]], one: int, other: int) -> list[tuple[int, int]]:
    """The fewest links that join two records; none if none do."""
    neighbours: defaultdict[int, list[int]] = defaultdict(list)
    for first, second in links:
        neighbours[first].append(second)
        neighbours[second].append(first)
    came_from = {one: one}
    waiting = deque([one])
    while waiting and other not in came_from:
        record = waiting.popleft()
        for neighbour in neighbours[record]:
            if neighbour not in came_from:
                came_from[neighbour] = record
                waiting.append(neighbour)
    found: list[tuple[int, int]] = []
    record = other
    while record in came_from and record != one:
        found.append((came_from[record], record))
        record = came_from[record]
    return found[::-1]
