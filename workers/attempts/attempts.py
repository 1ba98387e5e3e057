"""What calls and visits share when a person starts one: the contact gate checks it once more.

A call counts for the legal frequency caps from the moment it starts, whatever its outcome. Two
people who start at the same time wait for each other at the lock of the borrower's row, as all
claims do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, Exists, and_, exists, func, select, true, union

from domain.access_log import Opened
from domain.actions import SENDING_HOLD, ActionStatus
from domain.actors import Actor, Role
from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import ContactOutcome
from domain.errors import ArrearsError, RefusedError, WrongRoleError, text_of
from domain.language.speak import speak
from domain.parties import RepresentativeKind
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from domain.right_party import Question
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.places import Placed
from workers.db.schema import action, contact, contact_outcome, loan, visit
from workers.db.staff import roles_of
from workers.gate.check import CheckedAction


class BarredError(RefusedError):
    """The contact may not start now. The message says why."""

    def __init__(self, reason: Reasons, rules: Sequence[str], until: datetime | None) -> None:
        super().__init__(speak(reason), reason)
        self.rules = tuple(rules)
        self.until = until
        """The first lawful moment, timezone-aware; None if there is none to name."""


@dataclass(frozen=True, slots=True)
class LoanInContact:
    """What a call is about: an item of a loan, which may have several. What the loan owes is shown
    once the person is confirmed."""

    loan: str
    item: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class StartedAttempt:
    """A call or a visit that may start now."""

    attempt: str | None
    """The id under which its outcome is reported; None after a dry run."""
    item: str
    """The ladder item; of a call about several, the first one."""
    purpose: str
    """The purpose of this item."""
    language: str
    """BCP 47."""
    must_learn: tuple[str, ...] = ()
    """For any of the items, and so is `may_offer`."""
    may_offer: tuple[str, ...] = ()
    outcomes: tuple[ContactOutcome, ...] = ()
    """At most fifteen to choose from. Every other one may be reported too."""
    warnings: tuple[str, ...] = ()
    """Advisory rules that advise against it."""
    loans: tuple[LoanInContact, ...] = ()
    """Of a call: all that the person is called about, in its order."""
    borrower: str = ""
    """The lender's id of the borrower record of the person to be reached."""
    party: Party = Party.BORROWER
    """What they are to the loan; `representative` if their representative is contacted instead."""
    representative: RepresentativeKind | None = None
    """What kind of representative it is."""
    name: str | None = field(default=None, repr=False)
    """Of a visit: the name of the person; personal data. None: a dry run, or no name is known."""
    questions: tuple[Question, ...] = ()
    """Of a visit: what to ask at the door. What is owed is shown once the answers are right."""
    hand_over: tuple[str, ...] = ()
    """Of a visit: the kinds of the letters that are printed for it, to be handed over closed."""
    reach: str | None = field(default=None, repr=False)
    """The telephone number or the address: personal data. None after a dry run."""


def refuse_if_barred(checked: CheckedAction) -> None:
    """Refuse a contact that the gate does not allow, whose arrears are paid, or that a sending hold
    stops.

    Raises:
        BarredError: the contact may not start now.
    """
    if checked.sending_held:
        raise sending_is_held()
    if (move := checked.next_move) is None:
        return
    paid = because(ReasonCode.NOT_TO_BE_MADE) if move.to is ActionStatus.CANCELLED else ()
    raise BarredError(paid + move.reason, move.rules, move.due_at)


def sending_is_held() -> BarredError:
    """The refusal of a contact that a sending hold stops."""
    return BarredError(because(ReasonCode.SENDING_HELD), (SENDING_HOLD,), None)


def open_contact_detail(
    connection: Connection,
    ctx: Context,
    checked: CheckedAction,
    what: Opened,
    placed: Placed | None,
    actor: Actor,
    machine: Actor | None = None,
) -> str:
    """Decrypt a telephone number or an address, and record this access: by `actor`, and by the
    `machine` that is given it for them, if one is.

    Raises:
        ArrearsError: there is none on record.
    """
    if placed is None:
        raise ArrearsError(
            "There is no {what} on record for loan {external_id}.",
            what=what,
            external_id=checked.loan.external_id,
        )
    loan_id, item = checked.loan.loan_id, checked.loan.item
    note_access(connection, loan_id, what, actor, checked.now, item=item, machine=machine)
    return ctx.cipher.decrypt(*placed)


@permitted(Permission.RECORD_CONVERSATIONS)
def find_open_attempt(
    connection: Connection, ctx: Context, loan_external_id: str, channel: Channel
) -> str:
    """The newest attempt of a loan that was started and has no outcome yet.

    Raises:
        ArrearsError: there is none, or the loan is not known.
    """
    first = contact.alias("first")
    named = select(loan.c.id).where(loan.c.external_id == loan_external_id)
    actions = select(action.c.id).where(action.c.loan_id == named.scalar_subquery())
    # A call to a third party has no action. It is found by the borrower.
    records = select(loan.c.borrower_id).where(loan.c.external_id == loan_external_id)
    to_others = and_(
        contact.c.borrower_id == records.scalar_subquery(),
        contact.c.loan_id == named.scalar_subquery(),
        contact.c.purpose.is_not(None),
    )
    of_loan = union(
        select(contact.c.id).where(contact.c.action_id.in_(actions)),
        select(contact.c.id).where(to_others),
    ).subquery()
    found: str | None = connection.execute(
        select(first.c.attempt)
        .select_from(contact)
        .join(of_loan, of_loan.c.id == contact.c.id)
        .join(first, first.c.id == func.coalesce(contact.c.part_of, contact.c.id))
        .where(
            contact.c.channel == channel,
            first.c.attempt.is_not(None),
            ~has_outcome(),
            exists().where(visit.c.contact_id == contact.c.id, visit.c.started_at.is_not(None))
            if channel is Channel.VISIT
            else true(),
        )
        .order_by(contact.c.id.desc())
        .limit(1)
    ).scalar()
    if found is None:
        raise ArrearsError(
            "No started {channel} of loan {loan} waits for its outcome.",
            channel=channel,
            loan=loan_external_id,
        )
    return found


def has_outcome() -> Exists:
    """Whether the outcome of a contact is recorded, for a query of `contact`."""
    return exists().where(contact_outcome.c.contact_id == contact.c.id)


def check_role(connection: Connection, actor: Actor, role: Role, on: date) -> None:
    """Check that the actor has this role on a business date.

    Raises:
        WrongRoleError: nobody has that reference, or the person has other roles.
    """
    roles = roles_of(connection, actor, on)
    if role not in roles:
        raise WrongRoleError(
            "{actor} is on the roster as {roles}, not as a {role}. Let a {role} do it.",
            actor=actor,
            roles=sorted(roles) or text_of("nothing"),
            role=role,
        )
