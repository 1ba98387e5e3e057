"""What a conversation raises about its loans: holds, disputes and complaints."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, select, text

from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.disputes import NOT_IN_WORDS, ComplaintKind, DisputeKind, RaisedBy
from domain.outcome_follows import Follows
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.conversations import Conversation, LoanOfContact
from workers.context import Context
from workers.db.prepared_statements import prepared
from workers.db.schema import complaint, contact, dispute
from workers.db.sender_ids import is_named
from workers.hardship.complaints import NewComplaint, receive_complaint
from workers.hardship.disputes import NewDispute, raise_dispute
from workers.hardship.holds import NewHold, place_hold

_RAISED_BY = {
    Channel.CALL: RaisedBy.CALL,
    Channel.VISIT: RaisedBy.VISIT,
    Channel.LETTER: RaisedBy.LETTER,
}


def place_holds(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    loans: Sequence[LoanOfContact],
    follows: Follows,
) -> Reasons:
    """Of a person one hold, of loans one for each."""
    if follows.hold is None or about.hold_is_placed:
        return ()
    today = ctx.today()
    came: Reasons = ()
    for number, each in enumerate(loans[:1] if follows.hold.of_person else loans):
        if enough := had_enough(connection, ctx, about, follows, each.id):
            came += because(ReasonCode.PAUSED_OFTEN_ENOUGH, count=enough)
            continue
        new = NewHold(
            hold=_id_of_loan(about, number, each),
            loan=each.external_id,
            borrower=about.borrower if follows.hold.of_person else None,
            kind=follows.hold,
            starts_on=today,
            ends_on=today + timedelta(days=follows.days) if follows.days else None,
            why=about.details.why,
            why_id=about.why_id,
            actor=about.actor,
            sender=about.sender,
        )
        came += place_hold(connection, ctx, new, by_policy=True)
    return came


def had_enough(
    connection: Connection, ctx: Context, about: Conversation, follows: Follows, loan_id: int
) -> int:
    """How often this outcome was heard in conversations before, since the loan's present arrears
    began. 0, if that is less often than the outcome places its hold. The loan is locked."""
    if follows.times is None:
        return 0
    values = {
        "of_loan": loan_id,
        "outcome": about.outcome,
        "of_contact": about.contact_id,
        "zone": str(ctx.settings.lender_zone),
    }
    before = int(connection.execute(_TIMES_BEFORE, values).scalar_one())
    return before if before >= follows.times else 0


_TIMES_BEFORE = prepared(
    text("""
SELECT count(DISTINCT coalesce(c.part_of, c.id))
  FROM collection_case k
       JOIN contact c ON c.loan_id = k.loan_id
            AND CAST(c.at AT TIME ZONE :zone AS date) >= k.opened_on
       JOIN contact_outcome o ON o.contact_id = c.id
 WHERE k.loan_id = :of_loan AND k.closed_at IS NULL AND o.outcome = :outcome
   AND coalesce(c.part_of, c.id) <> :of_contact
""")
)


def _id_of(about: Conversation) -> str:
    """The id of what a conversation brings: `disputes:a-1`."""
    return f"{about.outcome}:{about.attempt}"


def _id_of_loan(about: Conversation, number: int, loan: LoanOfContact) -> str:
    """The same, of one of its loans: of all but the first one `disputes:a-1:L-2`. Of a second
    dispute of the conversation it is `disputes:a-1:fraud`, `disputes:a-1:fraud:L-2`."""
    apart = (about.told_apart, loan.external_id if number else "")
    return ":".join([_id_of(about), *filter(None, apart)])


def told_apart(connection: Connection, about: Conversation) -> str | None:
    """In what this dispute or complaint differs from the first one of the conversation: what it is
    about, for its id. Empty: there was none before. None: it differs in nothing from what is on
    record by now.

    Of another outcome it is empty. One statement for a dispute or a complaint.
    """
    table = _RAISED.get(about.outcome)
    if table is None:
        return ""
    first = (
        select(table, contact.c.attempt.label("about_attempt"))
        .join_from(table, contact, contact.c.id == table.c.contact_id, isouter=True)
        .where(is_named(table, _id_of(about), about.sender))
    )
    row = connection.execute(first).mappings().one_or_none()
    if row is None:
        return ""
    complained = about.details.complaint
    told = {
        "kind": about.details.dispute_kind or complained.kind,
        "about_staff": complained.about_staff,
        "about_attempt": complained.about_attempt,
    }
    said = {name: value for name, value in told.items() if value is not None}
    if all(row.get(name) == value for name, value in said.items()):
        return None
    return ":".join(map(str, said.values()))


_RAISED = {ContactOutcome.DISPUTES: dispute, ContactOutcome.COMPLAINS: complaint}


def raise_disputes(
    connection: Connection, ctx: Context, about: Conversation, loans: Sequence[LoanOfContact]
) -> Reasons:
    """A dispute of each loan that the conversation was about, each with its hold and its clock."""
    came: Reasons = ()
    for number, each in enumerate(loans):
        new = NewDispute(
            dispute=_id_of_loan(about, number, each),
            loan=each.external_id,
            why=_in_words(about),
            why_id=about.why_id,
            actor=about.actor,
            starts_on=ctx.today(),
            kind=about.details.dispute_kind or DisputeKind.OTHER,
            raised_by=_RAISED_BY[about.channel],
            received_at=about.arrived_at,
            borrower=about.borrower,
            sender=about.sender,
        )
        came += raise_dispute(connection, ctx, new)
    return came


def receive_said_complaint(
    connection: Connection, ctx: Context, about: Conversation, first: LoanOfContact
) -> Reasons:
    """A complaint whose clock runs from now on. Whoever handles it finds out what was not said, and
    corrects it."""
    said = about.details.complaint
    new = NewComplaint(
        complaint=_id_of_loan(about, 0, first),
        loan=first.external_id,
        kind=said.kind or ComplaintKind.OTHER,
        why=_in_words(about),
        why_id=about.why_id,
        actor=about.actor,
        raised_by=_RAISED_BY[about.channel],
        received_at=about.arrived_at,
        borrower=about.borrower,
        about_staff=said.about_staff,
        about_attempt=said.about_attempt,
        sender=about.sender,
    )
    return receive_complaint(connection, ctx, new)


def _in_words(about: Conversation) -> str:
    return about.details.why or NOT_IN_WORDS
