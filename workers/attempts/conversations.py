"""A conversation: what was said in it, and which loans it was about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import NEEDS_LETTER, ArrearsReason, ContactOutcome
from domain.disputes import ComplaintKind, DisputeKind
from domain.events import STAFF, RejectedError
from domain.promises import PromisePart
from domain.reasons import ReasonCode
from workers.context import Context
from workers.db.free_text import keep_words
from workers.db.said_facts import SaidFact
from workers.db.schema import loan
from workers.db.typed_rows import columns_of, typed_rows


@dataclass(frozen=True, slots=True)
class SaidPromise:
    """What the borrower promised in a conversation."""

    currency: str
    amount: Decimal | None = None
    """With `due_on`, unless there are `parts`."""
    due_on: date | None = None
    """The last business date on which the payment keeps it."""
    loan: str | None = None
    """The loan; None: that of the attempt."""
    parts: tuple[PromisePart, ...] = ()
    """Several payments, each with its day."""
    agreed_by: str | None = None
    """The supervisor who agreed to what goes beyond the limits, as a machine says."""
    can_pay_monthly: Decimal | None = None
    """What the person said to be able to pay a month; None: nobody asked."""

    def is_of(self, parts: Sequence[PromisePart]) -> bool:
        """Whether it says these payments, by their days, however it says them."""
        total, last = sum(part.amount for part in parts), parts[-1].due_on
        if not self.parts:
            return len(parts) == 1 and (self.amount, self.due_on) == (total, last)
        said = self.amount in (None, total) and self.due_on in (None, last)
        return said and sorted(self.parts) == list(parts)


@dataclass(frozen=True, slots=True)
class SaidComplaint:
    """What somebody complained of in a conversation, as far as whoever had it knows."""

    kind: ComplaintKind | None = None
    about_staff: str | None = None
    """The staff reference of the member of staff in question."""
    about_attempt: str | None = None
    """The contact in question."""


NO_COMPLAINT = SaidComplaint()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDetails:
    """What an outcome says besides its name, where it has to."""

    reason: ArrearsReason | None = None
    promised: SaidPromise | None = None
    dispute_kind: DisputeKind | None = None
    """What is disputed."""
    complaint: SaidComplaint = NO_COMPLAINT
    stopped_channel: Channel | None = None
    """The channel by which the person wants no contact; None: that of the conversation."""
    why: str | None = None
    """What the person said, in words. Kept encrypted."""

    @property
    def names_loan(self) -> bool:
        """Whether it is about a loan that the conversation need not have been about."""
        return self.promised is not None and self.promised.loan is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReport:
    """The outcome of a contact as it is reported, whoever began the contact."""

    outcome: ContactOutcome
    reason: ArrearsReason | None
    """Why the loan is overdue, if the person said so."""
    actor: str
    """The staff reference of who had the contact."""
    also_about: tuple[str, ...] = ()
    """The other loans that were mentioned, by the lender's ids."""
    callback_at: datetime | None = None
    """When the person asked to be called; aware. Only with that outcome."""
    said: tuple[SaidFact, ...] = ()
    """When, where and in which language the person wants to be contacted."""
    promised: SaidPromise | None = None
    """What the person promised; only with that outcome."""
    dispute_kind: DisputeKind | None = None
    """What is disputed; only with that outcome."""
    complaint_kind: ComplaintKind | None = None
    """What the person complains of. This and the next two only with that outcome."""
    about_staff: str | None = None
    """The staff reference of the member of staff in question."""
    about_attempt: str | None = None
    """The contact in question."""
    stopped_channel: Channel | None = None
    """The channel by which the person wants no contact; None: that of this contact."""
    why: str | None = None
    """What the person said, in words."""
    recording: str | None = None
    """The reference of the recording; of a letter, under which it is filed."""
    event_id: int | None = None
    """The row of its event; None: it is not stored, and only asks what is on record."""

    @property
    def details(self) -> OutcomeDetails:
        return OutcomeDetails(
            reason=self.reason,
            promised=self.promised,
            dispute_kind=self.dispute_kind,
            complaint=SaidComplaint(self.complaint_kind, self.about_staff, self.about_attempt),
            stopped_channel=self.stopped_channel,
            why=self.why,
        )


@dataclass(frozen=True, slots=True)
class ReportedOutcome(OutcomeReport):
    """The reported outcome of an attempt."""

    attempt: str
    sender: str = STAFF
    """Who sent the report. The id of a hold or a promise that follows from it is this sender's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A contact with an outcome that is on record; its person and its loans are locked."""

    attempt: str
    contact_id: int
    record: int
    """The record of the person it was with: the borrower, a co-borrower or a guarantor. What was
    said is this person's word."""
    borrower: str
    """The lender's id of that record."""
    loan_ids: Sequence[int]
    """The loans that it was about, the first one first."""
    channel: Channel
    outcome: ContactOutcome
    details: OutcomeDetails
    actor: str
    sender: str
    """The sender to whom the ids of the holds and promises belong."""
    callback_at: datetime | None = None
    """When the person wants to be called again."""
    why_id: UUID | None = None
    """Under which their words are kept, if they are on record with the outcome."""
    mentioned: Sequence[int] = ()
    """The other loans of the person that were mentioned."""
    arrived_at: datetime | None = None
    """Of a letter: the time to answer what it disputes or complains of runs from then on."""
    told_apart: str = ""
    """In what the dispute or the complaint differs from the first one of this conversation."""
    hold_is_placed: bool = False
    """Whether the hold that follows is on record: a reported death places its own."""


def check_details(outcome: ContactOutcome, details: OutcomeDetails) -> None:
    """Check that an outcome says what it has to, and nothing that belongs to another one.

    Raises:
        RejectedError: a promise without amount and day, a refusal without reason, a dispute without
            kind; or one of these with another outcome; or a reason where the borrower was not
            reached, who alone can say it.
    """
    needs: tuple[tuple[ContactOutcome, object, ReasonCode], ...] = (
        (ContactOutcome.PROMISED, details.promised, ReasonCode.OUTCOME_NEEDS_PROMISE),
        (ContactOutcome.DISPUTES, details.dispute_kind, ReasonCode.OUTCOME_NEEDS_DISPUTE),
    )
    for only, given, code in needs:
        if outcome is only and given is None:
            raise RejectedError(code)
        if outcome is not only and given is not None:
            raise RejectedError(ReasonCode.OUTCOME_HAS_NO_SUCH, outcome=outcome, only=only)
    if details.complaint != NO_COMPLAINT and outcome is not ContactOutcome.COMPLAINS:
        only = ContactOutcome.COMPLAINS
        raise RejectedError(ReasonCode.OUTCOME_HAS_NO_SUCH, outcome=outcome, only=only)
    if details.reason is not None and not outcome.with_borrower:
        raise RejectedError(ReasonCode.REASON_OF_NOBODY, outcome=outcome)
    if outcome is ContactOutcome.REFUSES and details.reason is None:
        raise RejectedError(ReasonCode.ARREARS_REASON_MISSING, known=ArrearsReason)
    if details.stopped_channel is not None and outcome is not ContactOutcome.STOP_CHANNEL:
        only = ContactOutcome.STOP_CHANNEL
        raise RejectedError(ReasonCode.OUTCOME_HAS_NO_SUCH, outcome=outcome, only=only)


def keep_what_was_said(
    connection: Connection,
    ctx: Context,
    report: OutcomeReport,
    loan_id: int,
    record: int,
    now: datetime,
) -> UUID | None:
    """Keep the words of an outcome, encrypted: they are of whom the conversation was with, by their
    record, about a loan. Returns their id; None: there are none. One statement; up to two more
    where they have a number."""
    if report.why is None:
        return None
    return keep_words(
        connection, ctx.cipher, report.why, now, borrower_id=record, flagged_on=loan_id
    )


def check_letter(report: OutcomeReport) -> None:
    """Check that a letter says what only writing can carry: nobody could be asked who they are, or
    anything else.

    Raises:
        RejectedError: what it promises or asks for has no reference; or it does not say by which
            channel the person wants no contact.
    """
    if report.outcome in NEEDS_LETTER and report.recording is None:
        raise RejectedError(ReasonCode.LETTER_NEEDS_REFERENCE, outcome=report.outcome)
    if report.outcome is ContactOutcome.STOP_CHANNEL and report.stopped_channel is None:
        raise RejectedError(ReasonCode.LETTER_NEEDS_CHANNEL)


class LoanOfContact(NamedTuple):
    """One of the loans of a conversation."""

    id: int
    external_id: str
    jurisdiction: str
    product: str
    currency: str


def loans_of_contact(connection: Connection, loan_ids: Sequence[int]) -> list[LoanOfContact]:
    """The loans of a conversation, in this order."""
    rows = select(*columns_of(LoanOfContact, loan)).where(loan.c.id.in_(loan_ids))
    found = {row.id: row for row in typed_rows(LoanOfContact, connection.execute(rows))}
    return [found[id] for id in loan_ids]
