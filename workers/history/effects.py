"""What was done about a loan: texts, calls, visits, documents and legal files."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, exists, or_, select

from domain.compliance.vocabulary import Channel, Purpose
from domain.contact_outcomes import ContactOutcome
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.messages import MessageStatus
from domain.parties import ROLES
from workers.db.messages import in_text
from workers.db.schema import (
    action,
    borrower,
    call,
    contact,
    contact_outcome,
    document,
    hold,
    legal_file,
    legal_file_need,
    message,
    receipt,
    staff,
    visit,
    visit_staff,
)
from workers.db.typed_rows import columns_of, typed_rows
from workers.history.citations import Citations
from workers.history.conversations import who_owes
from workers.history.loan import ExplainedLoan, by_whom_and_why, of_actions

WENT_NOWHERE = {
    MessageStatus.NOT_SENT: Phrase.MESSAGE_NOT_SENT,
    MessageStatus.REFUSED: Phrase.MESSAGE_REFUSED,
}
"""What no text moves on from: the moment of its last change is the moment it happened."""

ON_THE_WAY = ("accepted", "queued", "sending", "sent")
"""Providers' words for a text that has not arrived yet, in their order."""


class _Receipt(NamedTuple):
    message_id: int
    status: str
    code: str | None
    received_at: datetime
    item: str


class _LegalFile(NamedTuple):
    id: int
    opened_at: datetime
    principal: Decimal
    interest: Decimal
    fees: Decimal
    currency: str
    limitation_on: date | None
    item: str


class _Need(NamedTuple):
    legal_file_id: int
    need: str
    met_by: str | None


def messages(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each text as it was given to a provider; never what it says, nor to which number."""
    for row in connection.execute(_texts(subject)):
        written = part(
            Phrase.MESSAGE,
            item=row.item,
            template=row.template,
            version=row.template_version,
            language=row.locale,
            segments=row.segments,
            provider=row.provider,
        )
        yield Entry(row.created_at, (written,))


def messages_gone_wrong(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each text that a provider did not take, and each that was left to a person.

    A text without a receipt is among them.
    """
    for row in connection.execute(_texts(subject)):
        if row.parked_at is not None:
            parked = part(Phrase.MESSAGE_PARKED, item=row.item, provider=row.provider)
            yield Entry(row.parked_at, (parked,))
        if row.presumed_at is not None:
            presumed = part(Phrase.MESSAGE_PRESUMED, item=row.item, provider=row.provider)
            yield Entry(row.presumed_at, (presumed,))
        if phrase := WENT_NOWHERE.get(MessageStatus(row.status)):
            text = part(phrase, item=row.item, provider=row.provider)
            yield Entry(row.changed_at, (text, *_code(row.code)))


def receipts(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """What the provider reported of each text.

    Reports overtake each other: within a minute, a text was sent before it was delivered.
    """
    found = (
        select(*columns_of(_Receipt, receipt, action))
        .join(message, message.c.id == receipt.c.message_id)
        .join(contact, in_text(contact, message.c.contact_id))
        .join(action, action.c.id == contact.c.action_id)
        .where(action.c.loan_id == subject.id)
        .order_by(receipt.c.id)
    )
    rows = typed_rows(_Receipt, connection.execute(found))
    for row in sorted(rows, key=_stage):
        text = part(Phrase.RECEIPT, item=row.item, receipt=row.status)
        overtaken_by = [
            record.received_at
            for record in rows
            if record.message_id == row.message_id
            and _minute(record) == _minute(row)
            and _stage(record) > _stage(row)
        ]
        sort_at = min(overtaken_by, default=row.received_at)
        yield Entry(
            row.received_at, (text, *_code(row.code)), sort_at=min(sort_at, row.received_at)
        )


def calls(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    assigned = of_actions(call, subject).add_columns(staff.c.external_id.label("staff"))
    for row in connection.execute(assigned.join(staff, staff.c.id == call.c.staff_id)):
        parts = [part(Phrase.CALL, item=row.item, staff=row.staff, language=row.language)]
        if row.must_learn:
            parts.append(part(Phrase.MUST_LEARN, topics=tuple(row.must_learn)))
        if row.may_offer:
            parts.append(part(Phrase.MAY_OFFER, offers=tuple(row.may_offer)))
        yield Entry(row.assigned_at, tuple(parts))
        if row.cancelled_at is not None:
            off = part(Phrase.CALL_CALLED_OFF, item=row.item, staff=row.staff)
            yield Entry(row.cancelled_at, (off,))


_IN_HOLD = (
    exists()
    .where(
        hold.c.why_id == contact_outcome.c.why_id,
        or_(hold.c.loan_id == contact.c.loan_id, hold.c.borrower_id == contact.c.borrower_id),
    )
    .label("in_hold")
)
"""Whether a hold or a dispute has the words of an outcome."""


def outcomes(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """The outcome of each call and each visit, as whoever made it reported it."""
    rows = connection.execute(
        select(contact_outcome, contact.c.channel, action.c.item, _IN_HOLD)
        .join(contact, contact.c.id == contact_outcome.c.contact_id)
        .join(action, action.c.id == contact.c.action_id)
        .where(action.c.loan_id == subject.id)
        .order_by(contact.c.id)
    )
    for row in rows:
        text = part(
            Phrase.OUTCOME,
            item=row.item,
            channel=row.channel,
            outcome=row.outcome,
            actor=row.actor,
        )
        again = (part(Phrase.CALLBACK_AT, callback_at=at),) if (at := row.callback_at) else ()
        yield Entry(row.reported_at, (text, *_why_overdue(row.reason), *again, *_in_words(row)))


def location_calls(
    connection: Connection, subject: ExplainedLoan, citations: Citations
) -> Iterator[Entry]:
    """Each call that asked somebody else where the borrower is, and what came of it."""
    rows = connection.execute(
        select(
            contact.c.at,
            contact.c.actor,
            contact.c.rules,
            contact_outcome.c.outcome,
            contact_outcome.c.actor.label("reporter"),
            contact_outcome.c.reported_at,
            contact_outcome.c.why_id,
        )
        .outerjoin(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .where(
            contact.c.borrower_id == subject.borrower_id,
            contact.c.loan_id == subject.id,
            contact.c.purpose == Purpose.LOCATE,
        )
        .order_by(contact.c.id)
    )
    for row in rows:
        cited = part(Phrase.RULES, rules=citations.cite(row.rules, row.at.date()))
        yield Entry(row.at, (part(Phrase.LOCATION_CALL, actor=row.actor), cited))
        if row.outcome is not None:
            came = part(Phrase.LOCATION_OUTCOME, outcome=row.outcome, actor=row.reporter)
            yield Entry(row.reported_at, (came, *by_whom_and_why(None, row.why_id)))


def inbound(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each contact that the borrower, or who else owes the loan, began about it."""
    rows = connection.execute(
        select(
            contact_outcome,
            contact.c.channel,
            contact.c.at,
            contact.c.party,
            borrower.c.external_id,
            _IN_HOLD,
        )
        .join(contact, contact.c.id == contact_outcome.c.contact_id)
        .join(borrower, borrower.c.id == contact.c.borrower_id)
        .where(
            # There is an index of the contacts of a record, and none of those about a loan.
            contact.c.borrower_id.in_(who_owes(connection, subject)),
            or_(contact.c.borrower_id == subject.borrower_id, contact.c.party.in_(ROLES)),
            contact.c.loan_id == subject.id,
            contact.c.inbound,
        )
        .order_by(contact.c.id)
    )
    for row in rows:
        if row.channel == Channel.LETTER:
            parts = [part(Phrase.INBOUND_LETTER, outcome=row.outcome, actor=row.actor)]
        else:
            began = {"channel": row.channel, "outcome": row.outcome, "actor": row.actor}
            parts = [part(Phrase.INBOUND, **began)]
        if row.party in ROLES:
            parts.append(part(Phrase.OF_PARTY, party=row.party, other=row.external_id))
        yield Entry(row.at, (*parts, *_why_overdue(row.reason), *_in_words(row)))


def _in_words(row: Row[*tuple[Any, ...]]) -> Iterator[Part]:
    """What the person said, unless what follows from it says it."""
    if not row.in_hold and row.outcome != ContactOutcome.COMPLAINS:
        yield from by_whom_and_why(None, row.why_id)


def _why_overdue(reason: str | None) -> tuple[Part, ...]:
    return (part(Phrase.ARREARS_REASON, arrears_reason=reason),) if reason else ()


def visits(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each visit as it was scheduled, whatever came of it; and its calling off."""
    goes: dict[int, list[str]] = defaultdict(list)
    for record in connection.execute(
        select(visit_staff.c.visit_id, staff.c.external_id)
        .join(staff, staff.c.id == visit_staff.c.staff_id)
        .join(visit, visit.c.id == visit_staff.c.visit_id)
        .join(action, action.c.id == visit.c.action_id)
        .where(action.c.loan_id == subject.id)
        .order_by(staff.c.external_id)
    ):
        goes[record.visit_id].append(record.external_id)
    for row in connection.execute(of_actions(visit, subject)):
        who = tuple(goes[row.id])
        text = part(
            Phrase.VISIT, item=row.item, starts_at=row.starts_at, ends_at=row.ends_at, staff=who
        )
        yield Entry(row.scheduled_at, (text,))
        if row.cancelled_at is not None:
            off = part(Phrase.VISIT_CALLED_OFF, item=row.item, starts_at=row.starts_at, staff=who)
            yield Entry(row.cancelled_at, (off,))


def documents(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each document that was written; never what it says."""
    for row in connection.execute(of_actions(document, subject)):
        text = part(
            Phrase.DOCUMENT,
            item=row.item,
            document=row.kind,
            template=row.template,
            version=row.template_version,
            language=row.locale,
        )
        yield Entry(row.created_at, (text,))


def legal_files(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each legal file: the claim, and what a court will ask for, on file or missing."""
    needs: dict[int, list[_Need]] = defaultdict(list)
    found = connection.execute(
        select(*columns_of(_Need, legal_file_need))
        .join(legal_file, legal_file.c.id == legal_file_need.c.legal_file_id)
        .join(action, action.c.id == legal_file.c.action_id)
        .where(action.c.loan_id == subject.id)
        .order_by(legal_file_need.c.need)
    )
    for need in typed_rows(_Need, found):
        needs[need.legal_file_id].append(need)
    rows = connection.execute(of_actions(legal_file, subject, _LegalFile))
    for row in typed_rows(_LegalFile, rows):
        yield Entry(row.opened_at, tuple(_legal_file(row, needs[row.id])))


def _legal_file(row: _LegalFile, needs: list[_Need]) -> Iterator[Part]:
    yield part(
        Phrase.LEGAL_FILE,
        item=row.item,
        principal=row.principal,
        interest=row.interest,
        fees=row.fees,
        loan_currency=row.currency,
    )
    if row.limitation_on is not None:
        yield part(Phrase.LIMITATION, limitation_on=row.limitation_on)
    if met := tuple(need.need for need in needs if need.met_by):
        yield part(Phrase.MET, needs=met)
    if missing := tuple(need.need for need in needs if not need.met_by):
        yield part(Phrase.MISSING, needs=missing)


def _texts(subject: ExplainedLoan) -> Select[*tuple[Any, ...]]:
    """The loan's texts, which are found by their contacts; never what they say."""
    shown = (column for column in message.c if column is not message.c.body_encrypted)
    return (
        select(*shown, action.c.item)
        .join(contact, contact.c.id == message.c.contact_id)
        .join(action, action.c.id == contact.c.action_id)
        .where(action.c.loan_id == subject.id)
        .order_by(message.c.contact_id)
    )


def _code(code: str | None) -> tuple[Part, ...]:
    return (part(Phrase.CODE, provider_code=code),) if code else ()


def _stage(row: _Receipt) -> int:
    word = row.status.lower()
    return ON_THE_WAY.index(word) if word in ON_THE_WAY else len(ON_THE_WAY)


def _minute(row: _Receipt) -> datetime:
    return row.received_at.replace(second=0, microsecond=0)
