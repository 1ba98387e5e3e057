"""Letters: decrypt what was written for a borrower, to be printed and posted; those that the post
brings back."""

import logging
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, ScalarSelect, exists, func, select, true, union_all, update

from domain.access_log import Opened
from domain.actions import ActionStatus
from domain.actors import Actor, ActorKind, Role
from domain.arrangements import ArrangementStatus
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact, stopped_by
from domain.errors import ArrearsError, NotKnownError, NotPermittedError
from domain.events import RejectedError
from domain.follow_ups import MAY_REMIND_DURING
from domain.holds import active_hold
from domain.inconvenient import locations_of_address
from domain.permissions import PERMISSIONS, Permission
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.access_log import note_access
from workers.db.action_claims import read_held_back
from workers.db.closed_numbers import close_number
from workers.db.loan_facts import load_facts, load_party_facts
from workers.db.loans import loan_not_known, not_known_yet
from workers.db.places import place_of_document
from workers.db.problems import DEFAULT_NOTICE_NOT_PRINTED, resolve_problems
from workers.db.schema import (
    action,
    arrangement,
    borrower,
    contact,
    contact_point,
    document,
    loan,
    staff,
    visit,
    visit_staff,
)
from workers.db.sending_holds import is_contact_held
from workers.db.typed_rows import columns_of, typed_row
from workers.gate.facts import all_holds
from workers.visits.notices import NOTICE_NOT_PRINTED

CALLED_OFF = frozenset({ActionStatus.CANCELLED, ActionStatus.BARRED, ActionStatus.DEAD})
"""The statuses of a visit that will not be made."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. Its body is personal data: for paper, never for a log."""

    item: str
    body: str | None = field(repr=False)
    """None: it was not opened, because it must not be posted and no preview was asked for."""
    still_due: bool
    """False: it must not be posted. Its arrears have been paid or replaced since, or its visit was
    called off; or something stops it that is known of the loan or of the person by now, or came in
    and is not applied yet; or a sending hold does."""


@permitted(Permission.PRINT_LETTERS)
def open_letter(
    ctx: Context,
    loan_external_id: str,
    item: str | None = None,
    *,
    preview: bool = False,
) -> Letter:
    """Open the newest letter of a loan, or of one of its items, to print it.

    A letter that must not be posted is opened only for a `preview`, so that nobody prints and posts
    it by mistake. Each opening is recorded and logged; when the letter was first opened to be
    printed stands with the letter.

    Raises:
        NotPermittedError: it is the notice of a visit that colleagues make, and whoever opens it is
            a visitor and nothing else.
        RefusedError: whoever opens it must not handle the borrower.
        ArrearsError: the loan is not known, it has no such letter, or none of the keys decrypts it.
    """
    with ctx.engine.begin() as connection:
        named = select(*columns_of(_Owed, loan)).where(loan.c.external_id == loan_external_id)
        owed = typed_row(_Owed, connection.execute(named))
        if owed is None:
            raise loan_not_known(loan_external_id)
        assert_may_handle(connection, ctx.actor, of_loan_id(owed.id))
        letter = _read_letter(connection, owed.id, loan_external_id, item)
        if _is_of_colleagues(connection, ctx.actor, letter):
            raise NotPermittedError(
                "The letter for {item} of loan {loan} is the notice of a visit of colleagues. They "
                "print it, or a supervisor.",
                item=letter.item,
                loan=loan_external_id,
            )
        if letter.body_encrypted is None:
            raise ArrearsError(
                "The letter for {item} of loan {loan} was erased, with all that "
                "was held about its borrower.",
                item=letter.item,
                loan=loan_external_id,
            )
        stopped = _must_not_be_posted(connection, ctx, letter, owed, loan_external_id)
        if stopped and not preview:
            return Letter(item=letter.item, body=None, still_due=False)
        note_access(connection, owed.id, Opened.LETTER, ctx.actor, ctx.now(), item=letter.item)
        body = ctx.cipher.decrypt(letter.body_encrypted, place_of_document(letter))
        if not stopped and not preview:
            _note_printed(connection, ctx, letter, owed.id)
    log.info(
        "loan %s: document %s was opened by %s for %s",
        loan_external_id,
        letter.id,
        ctx.actor,
        Opened.LETTER.usual_purpose,
    )
    return Letter(item=letter.item, body=body, still_due=not stopped)


class _Owed(NamedTuple):
    id: int
    ladder_since: date | None


class _Stored(NamedTuple):
    """A letter of an item of the ladder, or about an arrangement."""

    id: int
    body_encrypted: bytes | None
    """None: it was erased."""
    action_id: int | None
    arrangement_id: int | None
    created_at: datetime
    item: str
    """The item, or the kind of the letter."""
    ladder_since: date | None
    status: str | None
    """Of the action."""
    party_id: int | None
    noticed_at: datetime | None
    """When the default of the arrangement was noticed."""
    runs: bool | None
    """Whether the arrangement is active."""


def _read_letter(
    connection: Connection, loan_id: int, loan_external_id: str, item: str | None
) -> _Stored:
    """The newest letter of the loan, or of its item.

    Raises:
        NotKnownError: none has been written.
    """
    columns = columns_of(
        _Stored,
        document,
        action,
        arrangement,
        item=func.coalesce(action.c.item, document.c.kind),
        status=action.c.status,
        runs=arrangement.c.status == ArrangementStatus.ACTIVE,
    )
    found = connection.execute(
        select(*columns)
        .select_from(
            document.outerjoin(action, action.c.id == document.c.action_id).outerjoin(
                arrangement, arrangement.c.id == document.c.arrangement_id
            )
        )
        .where(document.c.id == _newest_letter(loan_id, item))
    )
    letter = typed_row(_Stored, found)
    if letter is None and item is not None:
        raise NotKnownError(
            "No letter has been written for {item} of loan {loan}. Its history shows where "
            "it stands.",
            item=item,
            loan=loan_external_id,
        )
    if letter is None:
        raise NotKnownError(
            "No letter has been written for loan {loan}. Its history shows where it stands.",
            loan=loan_external_id,
        )
    return letter


def _is_of_colleagues(connection: Connection, actor: Actor, letter: _Stored) -> bool:
    """Whether a visitor, who has no other role that prints letters, opens the notice of a visit
    that others make, or nobody any more. It has the name and the address of the person."""
    others = PERMISSIONS[Permission.PRINT_LETTERS].roles - {Role.VISITOR}
    if actor.kind is not ActorKind.STAFF or not others.isdisjoint(actor.roles):
        return False
    of_visit = visit.c.action_id == letter.action_id
    theirs = exists().where(
        of_visit,
        visit_staff.c.visit_id == visit.c.id,
        visit_staff.c.cancelled_at.is_(None),
        staff.c.id == visit_staff.c.staff_id,
        staff.c.external_id == actor.reference,
    )
    return bool(connection.execute(select(exists().where(of_visit) & ~theirs)).scalar_one())


def _must_not_be_posted(
    connection: Connection, ctx: Context, letter: _Stored, owed: _Owed, loan_external_id: str
) -> bool:
    """Whether a letter of a loan must not be posted any more: see `Letter.still_due`."""
    if letter.action_id is None:
        return (
            not letter.runs
            or letter.noticed_at != letter.created_at
            or _is_stopped(connection, ctx, owed.id, None, of_arrangement=True)
            or is_contact_held(connection, Channel.VISIT, loan_external_id)
        )
    return (
        letter.ladder_since != owed.ladder_since
        or letter.status in CALLED_OFF
        or _is_stopped(connection, ctx, owed.id, letter.party_id)
        or any(read_held_back(connection, [letter.action_id])[letter.action_id])
    )


def _note_printed(connection: Connection, ctx: Context, letter: _Stored, loan_id: int) -> None:
    """Note the first time that a letter is opened to be printed; nobody has to be reminded then."""
    printed = {"printed_at": ctx.now(), "printed_by": ctx.actor.reference}
    first_time = (document.c.id == letter.id) & document.c.printed_at.is_(None)
    connection.execute(update(document).where(first_time).values(printed))
    problem = NOTICE_NOT_PRINTED if letter.action_id else DEFAULT_NOTICE_NOT_PRINTED
    resolve_problems(connection, [loan_id], (problem,), ctx.now())


def _newest_letter(loan_id: Any, item: str | None) -> ScalarSelect[int | None]:
    """The id of the newest letter of a loan: of an item of its ladder, or of a kind of letter that
    is about an arrangement."""
    of_actions = (
        select(document.c.id)
        .join(action, action.c.id == document.c.action_id)
        .where(action.c.loan_id == loan_id, action.c.item == item if item else true())
    )
    of_arrangements = (
        select(document.c.id)
        .join(arrangement, arrangement.c.id == document.c.arrangement_id)
        .where(arrangement.c.loan_id == loan_id, document.c.kind == item if item else true())
    )
    letters = union_all(of_actions, of_arrangements).subquery()
    return select(func.max(letters.c.id)).scalar_subquery()


def _is_stopped(
    connection: Connection,
    ctx: Context,
    loan_id: int,
    party_id: int | None,
    *,
    of_arrangement: bool = False,
) -> bool:
    """Whether something stops a letter about a loan. `party_id` is None for the borrower.

    A hold stops it, and a closed address. So does the person whom it is for, if they are no such
    party any more, are represented, or asked for no contact, no visit or no letters at that place.
    A letter of an arrangement is stopped neither by the pause of the arrangement nor by the wish
    for no visit.
    """
    now = ctx.now()
    if party_id is None:
        facts = load_facts(connection, [loan_id], now)[loan_id]
    else:
        facts = load_party_facts(connection, [party_id], now)[party_id]
        if not facts.is_contacted(party_id):
            return True
    known = facts.reach.person_facts
    wishes = {PersonFact.CEASED, PersonFact.REPRESENTED} & known
    no_visits = Channel.VISIT in facts.reach.refused_channels and not of_arrangement
    address = facts.reach.address_facts
    reached = locations_of_address(at_work=NumberFact.AT_WORK in address)
    inconvenient = any(
        place.place in reached and place.stops(Channel.VISIT, now)
        for place in facts.reach.inconvenient_places
    )
    at_work = NumberFact.AT_WORK in address and PersonFact.EMPLOYER_FORBIDS in known
    closed = at_work or stopped_by(address, Channel.VISIT) is not None
    packs = packs_for(ctx.policy.rule_packs, facts.jurisdiction)
    holds = all_holds(packs, facts, ctx.today())
    if of_arrangement:
        holds = tuple(hold for hold in holds if hold.kind not in MAY_REMIND_DURING)
    on_hold = active_hold(holds, ctx.today()) is not None
    return inconvenient or closed or bool(wishes) or no_visits or on_hold


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedLetter:
    """A letter that the post brought back."""

    loan: str
    item: str | None = None
    """The ladder item of the letter; None: the newest one."""
    fact: NumberFact
    actor: str
    """The staff reference of who reported it."""


def record_returned_letter(connection: Connection, ctx: Context, letter: ReturnedLetter) -> Reasons:
    """Record what a returned letter says of the address, for everybody who has it, in the caller's
    transaction.

    It is about the address to which the letter went, even if the record has another one by now.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: no such letter was written, or no address is on record.
    """
    of_loan = select(loan.c.id).where(loan.c.external_id == letter.loan).scalar_subquery()
    contacted = contact.c.address_blind_index
    sent_to = (
        select(contacted)
        .where(contact.c.action_id == document.c.action_id, contacted.is_not(None))
        .order_by(contact.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    now_on_record = (
        select(contact_point.c.blind_index)
        .join(borrower, borrower.c.address_point_id == contact_point.c.id)
        .join(loan, loan.c.borrower_id == borrower.c.id)
        .where(loan.c.id == document.c.loan_id)
        .scalar_subquery()
    )
    row = connection.execute(
        select(func.coalesce(sent_to, now_on_record).label("address"))
        .select_from(document)
        .where(document.c.id == _newest_letter(of_loan, letter.item))
        .order_by(document.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        if connection.execute(select(of_loan)).scalar() is None:
            raise not_known_yet(letter.loan, "letter_returned")
        raise RejectedError(ReasonCode.LETTER_NOT_KNOWN, loan=letter.loan)
    if row.address is None:
        raise RejectedError(ReasonCode.NO_ADDRESS_OF_LETTER, loan=letter.loan)
    new = close_number(connection, row.address, letter.fact, Actor(letter.actor), ctx.now())
    code = ReasonCode.ADDRESS_FACT_NOTED if new else ReasonCode.ADDRESS_FACT_KNOWN
    return because(code, number_fact=letter.fact)
