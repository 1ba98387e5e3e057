"""Who sees what a loan owes at the desk: who has the right person before them, or supervises."""

from sqlalchemy import Connection

from domain.access_log import Opened
from domain.actors import ActorKind, Role
from domain.collectors import business_day
from domain.errors import ArrearsError, NotPermittedError
from domain.permissions import Permission, may
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import ask, permitted
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.free_text import keep_words
from workers.db.loans import known_loan_id
from workers.db.party_checks import loan_of_attempt, sees_person, sees_who_said
from workers.hardship.arrangement_reads import loan_of_arrangement

NOT_CONFIRMED = (
    "What loan {loan} owes is shown once the right person is confirmed at the desk (`right-party` "
    "of the API; no command does it): in a call or a visit of yours, or in a contact of theirs "
    "that you recorded today. A supervisor may see it for a purpose."
)


def amounts_are_shown(
    connection: Connection,
    ctx: Context,
    loan: str | None,
    collector: str | None = None,
    attempt: str | None = None,
) -> bool:
    """Whether amounts of a loan may be shown to whoever acts. It shows nothing itself.

    They are shown to a collector who confirmed the person today, in their own call or in a contact
    that the person began; and to a visitor in their own visit, unless they met nobody or somebody
    else. A machine names the `collector`. Without a `loan`, the loan of the `attempt` counts; if
    that is not known either, amounts are shown to nobody.
    """
    if ctx.actor.kind is ActorKind.SYSTEM:
        return True
    who = collector if ctx.actor.kind is ActorKind.MACHINE else ctx.actor.reference
    if loan is None and attempt is not None:
        loan = loan_of_attempt(connection, attempt)
    if loan is None or who is None:
        return False
    return sees_person(connection, who, loan, business_day(ctx.now()).starts_at)


def is_confirmed_today(
    connection: Connection, ctx: Context, loan: str, collector: str, record: str | None
) -> bool:
    """Whether whoever acts, or the `collector` whom a machine names, confirmed today the one who
    has this `record`; None: the borrower of the loan."""
    who = collector if ctx.actor.kind is ActorKind.MACHINE else ctx.actor.reference
    return sees_who_said(connection, who, loan, business_day(ctx.now()).starts_at, record)


CONTACT = frozenset({Role.CALLER, Role.VISITOR})
"""Whoever only contacts borrowers sees amounts for the sake of a conversation, and of no other."""


def commands_show_amounts(
    connection: Connection, ctx: Context, loan: str | None = None, attempt: str | None = None
) -> bool:
    """Whether commands show amounts of a loan to whoever acts. It shows nothing itself.

    Who only contacts borrowers sees them as at the desk. All others work with amounts, and what
    they look at is on record.
    """
    actor = ctx.actor
    if actor.kind is ActorKind.STAFF and not actor.roles <= CONTACT:
        return True
    return amounts_are_shown(connection, ctx, loan, attempt=attempt)


def _of_command(
    *_: object, permission: Permission = Permission.READ_LOANS, **__: object
) -> Permission:
    return permission


@permitted(_of_command)
def assert_commands_show_amounts(
    ctx: Context,
    *,
    loan: str | None = None,
    arrangement: str | None = None,
    sender: str | None = None,
    permission: Permission = Permission.READ_LOANS,
) -> None:
    """Check that a command may show amounts of a loan, or of the loan of an arrangement.

    `permission` is that of the command. It is asked first: who lacks it does not learn whether
    there is such an arrangement.

    Raises:
        NotPermittedError: whoever acts only contacts borrowers, and nobody was confirmed to them.
        ArrearsError: the arrangement is not known.
    """
    with ctx.engine.connect() as connection:
        if arrangement is not None:
            loan = loan_of_arrangement(connection, arrangement, sender)
        if not commands_show_amounts(connection, ctx, loan):
            raise NotPermittedError(NOT_CONFIRMED, loan=loan or "")


@permitted(Permission.READ_LOANS)
def assert_amounts_are_shown(
    ctx: Context,
    *,
    loan: str | None = None,
    arrangement: str | None = None,
    sender: str | None = None,
    purpose: str | None = None,
) -> None:
    """Check that whoever acts may see amounts of a loan, or of the loan of an arrangement.

    Who has the permission `amounts:see` may do so without the person: for a `purpose`, in words,
    which is on record.

    Raises:
        NotPermittedError: nobody was confirmed to be the right person, and no purpose is given by
            whoever may see them for one.
        RefusedError: whoever acts must not handle the borrower.
        ArrearsError: the loan or the arrangement is not known.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        if arrangement is not None:
            loan = loan_of_arrangement(connection, arrangement, sender)
        if loan is None:
            raise ArrearsError("Say of which loan.")
        loan_id = known_loan_id(connection, loan)
        assert_may_handle(connection, ctx.actor, of_loan_id(loan_id))
        if amounts_are_shown(connection, ctx, loan):
            return
        if not may(ctx.actor, Permission.SEE_AMOUNTS):
            raise NotPermittedError(NOT_CONFIRMED, loan=loan)
        if purpose is None or not any(character.isalnum() for character in purpose):
            raise NotPermittedError(
                "Nobody of loan {loan} was confirmed to you today. Say for which purpose you look "
                "at what it owes: `purpose`. It is on record.",
                loan=loan,
            )
        ask(ctx, Permission.SEE_AMOUNTS)
        purpose_id = keep_words(connection, ctx.cipher, purpose, now, loan_id=loan_id)
        note_access(connection, loan_id, Opened.AMOUNTS, ctx.actor, now, purpose_id=purpose_id)
