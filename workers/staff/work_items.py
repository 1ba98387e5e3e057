"""The items of the work list. They have no personal data: people and loans are ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.compliance.vocabulary import Party
from workers.borrowers.reply_queue import ReplyToRead
from workers.db.pages import NOTHING, Page


class Kind(StrEnum):
    """The kinds of work in the list."""

    CALLS = "calls"
    VISITS = "visits"
    FILES = "files"
    APPROVALS = "approvals"
    REPLIES = "replies"


@dataclass(frozen=True, slots=True)
class CallToMake:
    """A call that was assigned to a collector."""

    staff: str
    """The lender's own reference of the collector."""
    loan: str
    other_loans: Sequence[str]
    """The other loans of the person that the same call is about."""
    party: Party
    """Whom it is for: the borrower, or another party of the loan."""
    record: str
    """The lender's own reference of that person."""
    item: str
    """Of several that the same call is about: the first one, which names it."""
    purpose: str
    other_purposes: Sequence[str]
    """Of the others."""
    must_learn: Sequence[str]
    """For any of them; and so is the next one."""
    may_offer: Sequence[str]
    language: str
    """BCP 47: what the person speaks by now."""
    assigned_at: datetime
    """In the lender's zone."""
    tries: int
    """How often it was started."""
    started_as: str | None
    """The attempt that has no outcome yet."""
    callback_at: datetime | None
    """When the borrower asked to be called, in the lender's zone; no call before it."""


@dataclass(frozen=True, slots=True)
class VisitToMake:
    """A visit that two people make."""

    loan: str
    party: Party
    """Whom it is for: the borrower, or another party of the loan."""
    record: str
    """The lender's own reference of that person."""
    item: str
    purpose: str
    staff: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    """Both in the lender's zone."""
    zone: str
    """The zone of whoever is visited, or the lender's if it is not known any more."""
    local_starts_at: datetime
    local_ends_at: datetime
    """Both in that zone, which is the local time of the visitors."""
    started: bool
    """Whether it was started, and only its outcome is missing."""
    notice_printed_at: datetime | None
    """When its notice was first printed, in the lender's zone; None: it is still to be printed, and
    without it the visit cannot begin."""


@dataclass(frozen=True, slots=True)
class FileToBring:
    """A legal file, and the evidence that a person must still attach."""

    loan: str
    item: str
    currency: str
    principal: Decimal
    interest: Decimal
    fees: Decimal
    """The claim when the file was opened."""
    limitation_on: date | None
    """The last day on which the claim can be brought; None if it is not known."""
    missing: dict[str, str]
    """The evidence of the checklist that is missing: its id, and its text."""
    opened_at: datetime
    """In the lender's zone."""


@dataclass(frozen=True, slots=True)
class ApprovalToGive:
    """An action that waits for the approval of a role."""

    loan: str
    item: str
    role: str
    waits_since: datetime
    """In the lender's zone."""


@dataclass(frozen=True, slots=True)
class WorkList:
    """The requested kinds of work; the other kinds are empty."""

    calls: Page[CallToMake] = NOTHING
    visits: Page[VisitToMake] = NOTHING
    files: Page[FileToBring] = NOTHING
    approvals: Page[ApprovalToGive] = NOTHING
    replies: Page[ReplyToRead] = NOTHING
