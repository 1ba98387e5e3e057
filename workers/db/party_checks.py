"""Checks of who somebody is: the rows of `party_check`, and what the answers are compared with."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, insert, select, text

from domain.actors import Actor
from domain.contact_outcomes import ContactOutcome
from domain.right_party import OnRecord, Question
from workers.db.encryption import Cipher
from workers.db.places import place_of_address, place_of_name, place_of_number
from workers.db.prepared_statements import prepared
from workers.db.schema import contact, loan, party_check
from workers.db.typed_rows import columns_of, typed_row, typed_rows
from workers.db.who_acted import person_in


class StartedContact(NamedTuple):
    """A call or a visit that was started, as an answer to who somebody is needs it."""

    id: int
    loan_id: int
    borrower_id: int
    person_id: int
    record: str
    party: str
    by: list[str]
    """The staff references of whoever had it: of a visit, both visitors."""
    at_their_address: bool
    at: datetime
    inbound: bool
    """Whether the person began it: then it is on record with its outcome from the beginning."""
    has_outcome: bool
    name_encrypted: bytes | None
    address_encrypted: bytes | None
    number_blind_index: bytes | None


_STARTED = prepared(
    text(f"""
SELECT c.id, c.loan_id, c.borrower_id, b.person_id, b.external_id AS record, c.party,
       CASE WHEN v.id IS NULL THEN array_remove(ARRAY[{person_in("c.actor")}], NULL)
            ELSE ARRAY(SELECT s.external_id FROM visit_staff w JOIN staff s ON s.id = w.staff_id
                        WHERE w.visit_id = v.id AND w.cancelled_at IS NULL) END AS by,
       v.id IS NOT NULL AS at_their_address, c.at, c.inbound IS TRUE AS inbound,
       EXISTS (SELECT FROM contact_outcome o WHERE o.contact_id = c.id) AS has_outcome,
       b.name_encrypted, b.address_encrypted, c.number_blind_index
  FROM contact c JOIN borrower b ON b.id = c.borrower_id
       LEFT JOIN visit v ON v.contact_id = c.id AND v.cancelled_at IS NULL
                        AND v.started_at IS NOT NULL
 WHERE c.attempt = :attempt
   AND (c.sender IS NULL AND (c.channel = 'call' OR v.id IS NOT NULL)
        OR c.inbound AND c.channel <> 'letter' AND c.sender = :sender)
 ORDER BY c.sender NULLS FIRST LIMIT 1
""")  # noqa: S608 the part is a constant
)
_NUMBERS = prepared(
    text("""
SELECT n.number_encrypted, p.blind_index
  FROM borrower_number n JOIN contact_point p ON p.id = n.contact_point_id
 WHERE n.borrower_id = :of_borrower
""")
)


def read_started(connection: Connection, attempt: str, sender: str) -> StartedContact | None:
    """The call or the visit that was started under this id, or the one that a person began and that
    `sender` recorded under it; None: there is none. Nobody can be asked in a letter."""
    asked = {"attempt": attempt, "sender": sender}
    return typed_row(StartedContact, connection.execute(_STARTED, asked))


class ToCompare(Protocol):
    """Whose record answers are compared with."""

    @property
    def borrower_id(self) -> int: ...
    @property
    def record(self) -> str: ...
    @property
    def name_encrypted(self) -> bytes | None: ...
    @property
    def address_encrypted(self) -> bytes | None: ...


def read_on_record(
    connection: Connection, cipher: Cipher, whose: ToCompare, called: bytes | None = None
) -> OnRecord:
    """What answers are compared with. The caller records the check, and shows none of it.

    One statement. `called` is the blind index of the number at which they are reached.
    """
    name, address = whose.name_encrypted, whose.address_encrypted
    numbers = connection.execute(_NUMBERS, {"of_borrower": whose.borrower_id})
    return OnRecord(
        name=cipher.decrypt(name, place_of_name(whose.record)) if name else None,
        address=cipher.decrypt(address, place_of_address(whose.record)) if address else None,
        other_numbers=tuple(
            cipher.decrypt(row.number_encrypted, place_of_number(whose.record, row.blind_index))
            for row in numbers
            if row.blind_index != called
        ),
    )


class PartyCheck(NamedTuple):
    """One check on record. The answers are not kept."""

    at: datetime
    actor: str
    questions: list[str]
    matched: list[str]
    at_least: int
    passed: bool


def checks_of_attempt(connection: Connection, contact_id: int) -> list[PartyCheck]:
    """The checks in a call, the first one first."""
    of_call = select(*columns_of(PartyCheck, party_check)).where(
        party_check.c.contact_id == contact_id
    )
    return typed_rows(PartyCheck, connection.execute(of_call.order_by(party_check.c.id)))


_WITH_BORROWER = [str(outcome) for outcome in ContactOutcome if outcome.with_borrower]
_WITH_OTHER = [str(outcome) for outcome in ContactOutcome if outcome.with_other]
# With a `who`, only that person counts; without, everybody of the loan.
_SEES = prepared(
    text("""
WITH asked AS (
    SELECT l.id, b.person_id,
           CASE WHEN :of_one THEN coalesce(
               (SELECT r.person_id FROM borrower r WHERE r.external_id = :record), b.person_id)
           END AS who
      FROM loan l JOIN borrower b ON b.id = l.borrower_id
     WHERE l.external_id = :loan
)
SELECT EXISTS (
    SELECT FROM asked, contact c JOIN borrower b ON b.id = c.borrower_id
     WHERE c.actor = :collector AND c.at >= :since
       AND (asked.who IS NULL OR b.person_id = asked.who)
       AND (b.person_id = asked.person_id
            OR EXISTS (SELECT FROM contact p
                        WHERE (p.id = c.id OR p.part_of = c.id) AND p.loan_id = asked.id))
       AND EXISTS (SELECT FROM party_check k WHERE k.contact_id = c.id AND k.passed)
       AND NOT EXISTS (SELECT FROM contact_outcome o
                        WHERE o.contact_id = c.id AND o.outcome = ANY(:with_other))
) OR EXISTS (
    SELECT FROM asked, visit v JOIN visit_staff w ON w.visit_id = v.id
           JOIN staff s ON s.id = w.staff_id JOIN contact c ON c.id = v.contact_id
           JOIN borrower b ON b.id = c.borrower_id
     WHERE s.external_id = :collector AND v.started_at >= :since AND v.cancelled_at IS NULL
       AND (asked.who IS NULL OR b.person_id = asked.who)
       AND (v.loan_id = asked.id OR b.person_id = asked.person_id)
       AND EXISTS (SELECT FROM party_check k WHERE k.contact_id = c.id AND k.passed)
       -- Nobody was home, or somebody else: then the person is not before them.
       AND NOT EXISTS (SELECT FROM contact_outcome o
                        WHERE o.contact_id = c.id AND NOT o.outcome = ANY(:with_borrower))
)
""")
)


def sees_person(connection: Connection, collector: str, loan: str, since: datetime) -> bool:
    """Whether a collector has confirmed the person of a loan since a moment, in a call that they
    began or in a contact that the person began; or in their visit, and has not reported that they
    met nobody or somebody else.

    One statement. `loan` is the lender's id.
    """
    return _sees(connection, collector, loan, since, of_one=False)


def sees_who_said(
    connection: Connection, collector: str, loan: str, since: datetime, record: str | None
) -> bool:
    """The same of one person: who has this `record`; None: the borrower of the loan."""
    return _sees(connection, collector, loan, since, of_one=True, record=record)


def _sees(
    connection: Connection,
    collector: str,
    loan: str,
    since: datetime,
    *,
    of_one: bool,
    record: str | None = None,
) -> bool:
    asked = {
        "collector": collector,
        "of_one": of_one,
        "record": record,
        "loan": loan,
        "since": since,
        "with_other": _WITH_OTHER,
        "with_borrower": _WITH_BORROWER,
    }
    return bool(connection.execute(_SEES, asked).scalar())


def loan_of_attempt(connection: Connection, attempt: str) -> str | None:
    """The lender's id of the loan that a call or a visit is about first; None: none has this id."""
    named = (
        select(loan.c.external_id)
        .join(contact, contact.c.loan_id == loan.c.id)
        .where(contact.c.attempt == attempt)
        .order_by(contact.c.sender.nulls_first(), contact.c.id)
        .limit(1)
    )
    found: str | None = connection.execute(named).scalar()
    return found


# Enough right answers beside a wrong one are no free guess.
_WRONG = prepared(
    text("""
SELECT count(*) FROM party_check k JOIN borrower b ON b.id = k.borrower_id
 WHERE b.person_id = :of_person AND k.at >= :since
   AND (NOT k.passed OR NOT k.questions <@ k.matched)
""")
)


def wrong_since(connection: Connection, person_id: int, since: datetime) -> int:
    """How many checks of a person had a wrong answer since a moment, in all calls, also beside
    enough right ones."""
    wrong = connection.execute(_WRONG, {"of_person": person_id, "since": since})
    count: int = wrong.scalar_one()
    return count


def note_check(
    connection: Connection,
    started: StartedContact,
    actor: Actor,
    now: datetime,
    questions: Collection[Question],
    matched: Collection[Question],
    at_least: int,
) -> None:
    """Record a check: who asked what, and what was right. Never an answer."""
    connection.execute(
        insert(party_check).values(
            contact_id=started.id,
            borrower_id=started.borrower_id,
            actor=actor.reference,
            at=now,
            questions=sorted(questions),
            matched=sorted(matched),
            at_least=at_least,
            passed=len(matched) >= at_least,
        )
    )


def is_confirmed(connection: Connection, contact_ids: Collection[int]) -> bool:
    """Whether somebody was confirmed to be the person in one of these calls."""
    passed = select(party_check.c.id).where(
        party_check.c.contact_id.in_(contact_ids), party_check.c.passed
    )
    return connection.execute(passed.limit(1)).first() is not None
