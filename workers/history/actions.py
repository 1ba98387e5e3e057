"""The actions of a loan: how each began, each of its moves, and what the gate answered."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, ScalarSelect, func, or_, select

from config.readers.templates import NAMED_LOANS
from domain.actions import ACTION_TYPES, ActionStatus
from domain.follow_ups import parts_of_cause
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.reasons import Reasons
from workers.db.schema import (
    action,
    action_event,
    approval,
    borrower,
    contact,
    decision,
    loan,
    loan_party,
    visit,
)
from workers.db.typed_rows import typed_rows
from workers.history.citations import Citations
from workers.history.loan import ExplainedLoan, of_actions, of_loan, why

BEGAN_AS = {
    ActionStatus.AWAITING_APPROVAL: Phrase.PLANNED_FOR_APPROVAL,
    ActionStatus.SKIPPED: Phrase.PLANNED_TOO_LATE,
}


class _Move(NamedTuple):
    action_id: int
    at: datetime
    from_status: str
    to_status: str
    due_at: datetime | None
    reason: Reasons
    rules: Sequence[str] | None
    item: str


def planned(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each action as its decision began it."""
    moves_of: dict[int, list[_Move]] = defaultdict(list)
    for move in _events(connection, subject):
        moves_of[move.action_id].append(move)
    decided = (
        of_loan(action, subject)
        .add_columns(
            decision.c.decided_at, loan_party.c.role, borrower.c.external_id.label("of_party")
        )
        .outerjoin(decision)
        .outerjoin(loan_party, loan_party.c.id == action.c.party_id)
        .outerjoin(borrower, borrower.c.id == loan_party.c.borrower_id)
    )
    for row in connection.execute(decided):
        began_at = row.decided_at or row.caused_at
        first_status = _first_status(moves_of[row.id], began_at, row.status)
        text = part(
            BEGAN_AS.get(first_status, Phrase.PLANNED) if row.cause is None else Phrase.FOLLOWS,
            item=row.item,
            action_type=ACTION_TYPES[row.type],
            step=row.step,
            ladder=row.ladder_id,
            ladder_version=row.ladder_version,
            ladder_since=row.ladder_since,
            follows=row.follows,
            **parts_of_cause(row.cause),
        )
        for_party = (
            (part(Phrase.FOR_PARTY, party=row.role, other=row.of_party),) if row.role else ()
        )
        yield Entry(began_at, (text, *for_party))


def moves(connection: Connection, subject: ExplainedLoan, citations: Citations) -> Iterator[Entry]:
    """Every move of every action after it was planned."""
    for move in _events(connection, subject):
        parts = [part(Phrase(f"moved_{move.to_status}"), item=move.item)]
        parts += _until(move)
        parts += why(move.reason)
        # Of what was done, the contact names the rules that allowed it.
        if move.rules and move.to_status not in (ActionStatus.ASSIGNED, ActionStatus.DONE):
            cited = citations.cite(move.rules, move.at.date())
            parts.append(part(Phrase.RULES, rules=cited))
        yield Entry(move.at, tuple(parts))


def approvals(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    for row in connection.execute(of_actions(approval, subject)):
        text = part(Phrase.APPROVED, item=row.item, actor=row.actor, role=row.role)
        yield Entry(row.approved_at, (text,))


def contacts(
    connection: Connection, subject: ExplainedLoan, citations: Citations
) -> Iterator[Entry]:
    """Each contact that the gate let through, under the moment at which it was asked."""
    asked_at = func.coalesce(visit.c.scheduled_at, contact.c.at).label("asked_at")
    of_visits = visit.c.contact_id == contact.c.id
    asked = (
        of_actions(contact, subject)
        .add_columns(asked_at, _loans_of_contact().label("loans"), _named_by().label("named_by"))
        .outerjoin(visit, of_visits)
    )
    for row in connection.execute(asked):
        if row.at == row.asked_at:
            parts = [part(Phrase.CONTACT, item=row.item, channel=row.channel, party=row.party)]
        else:
            parts = [
                part(
                    Phrase.CONTACT_TO_COME,
                    item=row.item,
                    channel=row.channel,
                    party=row.party,
                    at=row.at,
                )
            ]
        parts += _for_the_borrower(row.at, row.zones)
        if row.named_by is not None:
            parts.append(part(Phrase.SAME_CALL, item=row.named_by))
        parts += _shared(row.channel, row.loans)
        parts += why(row.passed_over)
        if row.rules:
            cited = citations.cite(row.rules, row.at.date())
            parts.append(part(Phrase.RULES, rules=cited))
        packs = tuple(row.rule_packs)
        parts.append(part(Phrase.PACKS, packs=packs) if packs else part(Phrase.NO_PACKS))
        yield Entry(row.asked_at, tuple(parts))


def _loans_of_contact() -> ColumnElement[list[str]]:
    """The lender's ids of all loans of a text or a call, for a query of `contact`."""
    row, of_row = contact.alias("row"), loan.alias("of_row")
    first = func.coalesce(contact.c.part_of, contact.c.id)
    loans = (
        select(of_row.c.external_id)
        .join(row, row.c.loan_id == of_row.c.id)
        .where(or_(row.c.id == first, row.c.part_of == first))
        .correlate(contact)
        .group_by(of_row.c.external_id)
        .order_by(func.min(row.c.id))
    )
    return func.array(loans.scalar_subquery())


def _named_by() -> ScalarSelect[str]:
    """The first item of the call that was also about this item, if both are of one loan."""
    first, of_first = contact.alias("first"), action.alias("of_first")
    return (
        select(of_first.c.item)
        .join(first, first.c.action_id == of_first.c.id)
        .where(first.c.id == contact.c.part_of, first.c.loan_id == contact.c.loan_id)
        .correlate(contact)
        .scalar_subquery()
    )


def _shared(channel: str, loans: Sequence[str]) -> Iterator[Part]:
    """That a contact was about other loans too; of many, a few are named."""
    if len(loans) > 1:
        phrase = Phrase.SHARED if len(loans) <= NAMED_LOANS else Phrase.SHARED_WITH_MORE
        named = tuple(loans[:NAMED_LOANS])
        yield part(phrase, channel=channel, number=len(loans), loans=named)


def _for_the_borrower(at: datetime, zones: Sequence[str]) -> Iterator[Part]:
    """The borrower's own time, in each zone that was known of then."""
    for zone in zones:
        local = f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
        yield part(Phrase.LOCAL_TIME, local=local, zone=zone)


def _events(connection: Connection, subject: ExplainedLoan) -> list[_Move]:
    return typed_rows(_Move, connection.execute(of_actions(action_event, subject, _Move)))


def _first_status(moves: Sequence[_Move], decided_at: datetime, status: str) -> ActionStatus:
    """What the decision made of an action: where its next move came from, or where it still is.

    A skipped action that a later step turned out to require belongs to the later decision.
    """
    after = [move for move in moves if move.at >= decided_at]
    return ActionStatus(after[0].from_status if after else status)


def _until(move: _Move) -> tuple[Part, ...]:
    """When the move lets the action go on."""
    if move.due_at is not None:
        return (part(Phrase.UNTIL, until=move.due_at),)
    if move.to_status == ActionStatus.DEFERRED:
        return (part(Phrase.UNTIL_A_FACT_CHANGES),)
    return ()
