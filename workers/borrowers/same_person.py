"""Whether two customer records are one person: somebody says so, and somebody may undo it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, select

from domain.actors import Actor
from domain.events import NotYetError, RejectedError
from domain.persons import Link, links_between
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.free_text import keep_words
from workers.db.parties import loans_of
from workers.db.persons import lock_loans, record_named, records_of_person
from workers.db.same_person import (
    given_anew_among,
    keep_decided,
    links_of,
    lock_persons,
    make_persons,
    set_link,
)
from workers.db.schema import borrower, loan, same_person
from workers.escalation.reassess import reassess
from workers.gate.problems import reopen_barred


@dataclass(frozen=True, slots=True, kw_only=True)
class SamePersonDecision:
    """What somebody decided about two records."""

    borrower: str
    """The lender's id of one record."""
    other: str
    """The lender's id of the other."""
    status: Link
    """`confirmed` or `parted`."""
    why: str
    """A sentence without personal data."""
    actor: str
    received_at: datetime | None = None
    """When the decision came in, which may be long before it is applied; None: now."""


def decide_same_person(
    connection: Connection, ctx: Context, decision: SamePersonDecision
) -> Reasons:
    """Make two records one person, or part them, in the caller's transaction.

    Facts stay on the record on which they came in, and from now on reach the records that it is
    joined with. Each decision can be undone by another one. If a tape gave the ids of two people to
    other people, parting the ids parts each from the record that had it before: so what was said
    stays with whoever said it. If other links join the two beside their own, their own is parted,
    and the answer names the others: so links in a ring are parted one by one.

    A decision changes nothing if a later one was applied already. A decision to part them changes
    nothing if a tape has moved a loan from one to the other since.

    Raises:
        NotYetError: one of the records is not known.
        RejectedError: they are one record, or only other links join them.
    """
    now = ctx.now()
    names = {"borrower": decision.borrower, "other": decision.other}
    if decision.borrower == decision.other:
        raise RejectedError(ReasonCode.SAME_RECORD, **names)
    pair = (_known(connection, decision.borrower), _known(connection, decision.other))
    if pair[0] == pair[1]:
        raise RejectedError(ReasonCode.SAME_RECORD, **names)
    is_one = len(lock_persons(connection, pair)) == 1
    since = decision.received_at or now
    known = _link(connection, pair)
    parts_in_vain = decision.status is Link.PARTED and is_one
    if known is not None and known.status == decision.status and not parts_in_vain:
        keep_decided(connection, pair, since)
        return because(ReasonCode.LINK_KNOWN, **names)
    if known is not None and _is_outdated(known, decision.status, since):
        return because(ReasonCode.LINK_OUTDATED, **names)
    records = frozenset(pair)
    why_id = keep_words(connection, ctx.cipher, decision.why, now, borrower_id=pair[0])
    set_link(connection, pair, decision.status, Actor(decision.actor), why_id, since)
    others: list[str] = []
    if decision.status is Link.PARTED:
        parted, others = _part_ids_given_anew(connection, decision, why_id, pair, since)
        records |= parted
        if others and (known is None or known.status == Link.PARTED):
            raise RejectedError(ReasonCode.STILL_ONE_PERSON, **names, links=others)
    records = make_persons(connection, records, now)
    if decision.status is not Link.PARTED:
        # What the person agreed to on one record now counts for the other.
        records |= frozenset(pair)
    _reassess(connection, ctx, records, now)
    if others:
        return because(ReasonCode.STILL_ONE_PERSON, **names, links=others)
    code = ReasonCode.TWO_PERSONS if decision.status is Link.PARTED else ReasonCode.ONE_PERSON
    return because(code, **names)


def _known(connection: Connection, external_id: str) -> int:
    id = record_named(connection, external_id)
    if id is None:
        raise NotYetError(ReasonCode.BORROWER_NOT_KNOWN, borrower=external_id, event="same_person")
    return id


def _link(
    connection: Connection, pair: tuple[int, int]
) -> Row[str, datetime | None, datetime | None] | None:
    first, second = sorted(pair)
    of_pair = (same_person.c.borrower_id == first) & (same_person.c.other_id == second)
    columns = same_person.c.status, same_person.c.decided_at, same_person.c.moved_at
    return connection.execute(select(*columns).where(of_pair)).one_or_none()


def _is_outdated(
    known: Row[str, datetime | None, datetime | None], status: Link, since: datetime
) -> bool:
    """Whether something newer is known than a decision that came in at `since`."""
    newer = [known.decided_at, known.moved_at if status is Link.PARTED else None]
    return any(moment is not None and moment > since for moment in newer)


def _part_ids_given_anew(
    connection: Connection,
    decision: SamePersonDecision,
    why_id: UUID,
    pair: tuple[int, int],
    since: datetime,
) -> tuple[frozenset[int], list[str]]:
    """Part the records that still join the two, if a tape gave their ids to somebody else before
    `since`, from the records that have these ids now. Returns the parted records, and the other
    links that still join the two."""
    parted = frozenset[int]()
    of_person = [row.id for row in connection.execute(records_of_person(pair[0]))]
    while links := links_between(links_of(connection, of_person), *pair):
        given_anew = given_anew_among(connection, links, since)
        if given_anew is None:
            ids = {id for link in links for id in link}
            named = select(borrower.c.id, borrower.c.external_id).where(borrower.c.id.in_(ids))
            names = {row.id: row.external_id for row in connection.execute(named)}
            return parted, [f"{names[one]} = {names[other]}" for one, other in links]
        set_link(connection, given_anew, Link.PARTED, Actor(decision.actor), why_id, since)
        parted |= frozenset(given_anew)
    return parted, []


def _reassess(connection: Connection, ctx: Context, records: frozenset[int], now: datetime) -> None:
    if records:
        loans = lock_loans(connection, loan.c.id.in_(loans_of(records)))
        reassess(connection, ctx, loans, now)
        reopen_barred(connection, loans, now)
