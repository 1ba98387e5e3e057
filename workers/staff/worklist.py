"""The work list of the staff: calls, replies, visits, legal files, and approvals.

It only reads. It has no personal data: people and loans are ids. Work for arrears that have been
paid or replaced since is left out.
"""

from collections.abc import Collection
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)

from config.readers.legal_checklists import checklist_for
from domain.actions import ActionStatus
from domain.collectors import Span, business_day
from domain.compliance.vocabulary import Party
from domain.errors import NotOnRosterError
from domain.ladder import find_ladder
from domain.permissions import Permission
from workers.access.may_handle import readable
from workers.access.permitted import permitted
from workers.borrowers.reply_queue import read_replies
from workers.context import Context
from workers.db.actions import is_current
from workers.db.loans import known_loan_id
from workers.db.open_calls import place_of
from workers.db.pages import (
    ALL,
    NOTHING,
    Asked,
    Listing,
    Page,
    assert_of,
    count_by,
    count_rows,
    maker,
    of_loan,
    read_page,
)
from workers.db.parties import with_contacted
from workers.db.prepared_statements import literal
from workers.db.schema import (
    action,
    borrower,
    call,
    contact,
    contact_outcome,
    legal_file,
    legal_file_need,
    loan,
    loan_party,
    staff,
    visit,
    visit_staff,
)
from workers.db.spoken_language import spoken_language
from workers.db.typed_rows import columns_of
from workers.staff.work_items import (
    ApprovalToGive,
    CallToMake,
    FileToBring,
    Kind,
    VisitToMake,
    WorkList,
)
from workers.visits.notices import printed_at


@permitted(Permission.READ_LOANS)
def read_work(
    connection: Connection,
    ctx: Context,
    on: date,
    kinds: Collection[Kind] = frozenset(Kind),
    member: str | None = None,
    asked: Asked = ALL,
    *,
    language: str = "en",
) -> WorkList:
    """The open calls of business date `on`, the visits from then on, and all other open work.

    What a checklist says of evidence is in the `language`: `en` or `zh`.

    With `member`, a staff reference, only that person's calls, visits and replies. Files and
    approvals belong to nobody, so they are always included. What is about people whom whoever reads
    must not handle is left out.

    Raises:
        NotOnRosterError: nobody has that reference.
        ArrearsError: the loan is not known, or the page is none of these kinds.
        ArrearsError: an action names a ladder that is not loaded.
    """
    assert_of(kinds, asked)
    if asked.loan is not None:
        known_loan_id(connection, asked.loan)
    zone = ctx.settings.lender_zone
    day = business_day(datetime.combine(on, time.min, zone))
    staff_id = _staff_id(connection, member) if member is not None else None
    return WorkList(
        calls=_calls(connection, ctx, day, staff_id, asked) if Kind.CALLS in kinds else NOTHING,
        visits=_visits(connection, ctx, day, staff_id, asked) if Kind.VISITS in kinds else NOTHING,
        files=_files(connection, ctx, asked, language) if Kind.FILES in kinds else NOTHING,
        approvals=_approvals(connection, ctx, asked) if Kind.APPROVALS in kinds else NOTHING,
        replies=(
            read_replies(connection, ctx.actor, zone, staff_id, asked)
            if Kind.REPLIES in kinds
            else NOTHING
        ),
    )


def _staff_id(connection: Connection, reference: str) -> int:
    staff_id: int | None = connection.execute(
        select(staff.c.id).where(staff.c.external_id == reference)
    ).scalar()
    if staff_id is None:
        raise NotOnRosterError(
            "Nobody on the roster has the reference {reference}.", reference=reference
        )
    return staff_id


def _is_current() -> ColumnElement[bool]:
    """Whether the action belongs to the present arrears of its loan."""
    return literal_column(is_current("action", "loan"), Boolean)


def _role() -> ColumnElement[str]:
    """What whoever an action is for is to its loan, for a query of `with_contacted`."""
    return func.coalesce(loan_party.c.role, str(Party.BORROWER))


def _calls(
    connection: Connection, ctx: Context, day: Span, staff_id: int | None, asked: Asked
) -> Page[CallToMake]:
    columns = columns_of(
        CallToMake,
        call,
        action,
        staff=staff.c.external_id,
        loan=loan.c.external_id,
        other_loans=func.array(_other_loans().scalar_subquery()),
        other_purposes=func.array(_other_purposes().scalar_subquery()),
        must_learn=func.array(_of_any_row(_PART.c.must_learn).scalar_subquery()),
        may_offer=func.array(_of_any_row(_PART.c.may_offer).scalar_subquery()),
        party=_role(),
        record=borrower.c.external_id,
        tries=_attempts(),
        language=spoken_language(),
        started_as=_open_attempt(),
        callback_at=_callback(),
    )
    rows = (
        select(*columns)
        .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
        .join(call, call.c.action_id == action.c.id)
        .join(staff, staff.c.id == call.c.staff_id)
        .where(
            call.c.assigned_at < day.ends_at,
            call.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            _is_current(),
            ~_rows_of_call(_PART.c.id).where(_BEFORE).exists(),
            call.c.staff_id == staff_id if staff_id is not None else true(),
            *of_loan(call.c.loan_id, asked),
            *readable(ctx.actor, borrower.c.id, loan.c.borrower_id),
        )
    )
    listing = Listing(
        Kind.CALLS,
        rows,
        (staff.c.external_id, call.c.id),
        maker(CallToMake, ctx.settings.lender_zone),
        count_rows(rows, action.c.item),
    )
    return read_page(connection, listing, asked)


_PART, _PART_ACTION, _PART_LOAN = (
    call.alias("part"),
    action.alias("part_action"),
    loan.alias("part_loan"),
)


_BEFORE = literal_column(f"{place_of('part_action')} < {place_of('action')}", Boolean)


def _rows_of_call(*columns: ColumnElement[Any]) -> Select[tuple[Any]]:
    """What is still to be called about in a `call`, the row itself too."""
    first = func.coalesce(call.c.part_of, call.c.id)
    return (
        select(*columns)
        .select_from(_PART)
        .join(_PART_ACTION, _PART_ACTION.c.id == _PART.c.action_id)
        .join(_PART_LOAN, _PART_LOAN.c.id == _PART.c.loan_id)
        .where(
            or_(_PART.c.id == first, _PART.c.part_of == first),
            _PART.c.cancelled_at.is_(None),
            _PART_ACTION.c.status == ActionStatus.ASSIGNED,
        )
        .correlate(call, action)
    )


def _other_loans() -> Select[tuple[str]]:
    """The lender's ids of the other loans that a `call` is still about."""
    loan_id = _PART_LOAN.c.external_id
    other = _rows_of_call(loan_id).where(_PART.c.loan_id != call.c.loan_id)
    return other.group_by(loan_id).order_by(func.min(_PART.c.id))


def _other_purposes() -> Select[tuple[str]]:
    purpose = _PART.c.purpose
    other = _rows_of_call(purpose).where(purpose != call.c.purpose)
    return other.group_by(purpose).order_by(func.min(_PART.c.id))


def _of_any_row(words: ColumnElement[Any]) -> Select[tuple[str]]:
    """Each of these words of any of its rows, once, in the order of the alphabet."""
    each = func.unnest(words)
    return _rows_of_call(each).distinct().order_by(each)


def _attempts() -> ScalarSelect[int]:
    return (
        select(func.count()).where(contact.c.action_id == action.c.id).correlate(action)
    ).scalar_subquery()


def _callback() -> ScalarSelect[datetime]:
    """The moment that the borrower named last, in an attempt at this call."""
    return (
        select(contact_outcome.c.callback_at)
        .join(contact, contact.c.id == contact_outcome.c.contact_id)
        .where(contact.c.action_id == action.c.id, contact_outcome.c.callback_at.is_not(None))
        .order_by(contact.c.id.desc())
        .limit(1)
        .correlate(action)
    ).scalar_subquery()


def _open_attempt() -> ScalarSelect[str]:
    has_outcome = exists().where(contact_outcome.c.contact_id == contact.c.id)
    first = contact.alias("first")
    return (
        select(func.max(first.c.attempt))
        .select_from(contact)
        .join(first, first.c.id == func.coalesce(contact.c.part_of, contact.c.id))
        .where(contact.c.action_id == action.c.id, ~has_outcome)
        .correlate(action)
    ).scalar_subquery()


def _visits(
    connection: Connection, ctx: Context, day: Span, staff_id: int | None, asked: Asked
) -> Page[VisitToMake]:
    of_visit = visit_staff.c.visit_id == visit.c.id
    visitors = (
        select(staff.c.external_id)
        .join(visit_staff, visit_staff.c.staff_id == staff.c.id)
        .where(of_visit)
        .order_by(staff.c.external_id)
        .correlate(visit)
    )
    rows = (
        select(
            loan.c.external_id.label("loan"),
            _role().label("party"),
            borrower.c.external_id.label("record"),
            action.c.item,
            visit.c.purpose,
            func.array(visitors.scalar_subquery()).label("staff"),
            visit.c.starts_at,
            visit.c.ends_at,
            visit.c.started_at,
            printed_at().label("printed_at"),
            borrower.c.zones,
        )
        .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
        .join(visit, visit.c.action_id == action.c.id)
        .where(
            visit.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            _is_current(),
            exists().where(of_visit, visit_staff.c.staff_id == staff_id)
            if staff_id is not None
            else true(),
            *of_loan(visit.c.loan_id, asked),
            *readable(ctx.actor, borrower.c.id, loan.c.borrower_id),
        )
    )

    def to_make(row: Row[Any]) -> VisitToMake:
        zone = row.zones[0] if row.zones else ctx.settings.zone
        return VisitToMake(
            loan=row.loan,
            party=Party(row.party),
            record=row.record,
            item=row.item,
            purpose=row.purpose,
            staff=tuple(row.staff),
            starts_at=row.starts_at.astimezone(day.starts_at.tzinfo),
            ends_at=row.ends_at.astimezone(day.starts_at.tzinfo),
            zone=zone,
            local_starts_at=row.starts_at.astimezone(ZoneInfo(zone)),
            local_ends_at=row.ends_at.astimezone(ZoneInfo(zone)),
            started=row.started_at is not None,
            notice_printed_at=row.printed_at and row.printed_at.astimezone(day.starts_at.tzinfo),
        )

    listing = Listing(
        Kind.VISITS,
        rows,
        (visit.c.starts_at, visit.c.id),
        to_make,
        count_rows(rows, action.c.item),
    )
    return read_page(connection, listing, asked)


NO_LIMITATION = date(9999, 12, 31)
"""Files without a day of limitation come last."""


def _files(connection: Connection, ctx: Context, asked: Asked, language: str) -> Page[FileToBring]:
    missing = select(legal_file_need.c.need).where(
        legal_file_need.c.legal_file_id == legal_file.c.id, legal_file_need.c.met_by.is_(None)
    )
    rows = (
        select(
            legal_file,
            loan.c.external_id.label("loan"),
            loan.c.jurisdiction,
            action.c.item,
            func.array(missing.scalar_subquery()).label("missing"),
        )
        .join_from(legal_file, action, action.c.id == legal_file.c.action_id)
        .join(loan, loan.c.id == legal_file.c.loan_id)
        .where(
            _is_current(),
            *of_loan(legal_file.c.loan_id, asked),
            *readable(ctx.actor, loan.c.borrower_id),
        )
    )

    def to_bring(row: Row[Any]) -> FileToBring:
        return FileToBring(
            loan=row.loan,
            item=row.item,
            currency=row.currency,
            principal=row.principal,
            interest=row.interest,
            fees=row.fees,
            limitation_on=row.limitation_on,
            missing=_texts(ctx, row.jurisdiction, row.missing, language),
            opened_at=row.opened_at.astimezone(ctx.settings.lender_zone),
        )

    listing = Listing(
        Kind.FILES,
        rows,
        (func.coalesce(legal_file.c.limitation_on, NO_LIMITATION), legal_file.c.id),
        to_bring,
        count_rows(rows, action.c.item),
    )
    return read_page(connection, listing, asked)


def _texts(
    ctx: Context, jurisdiction: str, needs: Collection[str], language: str
) -> dict[str, str]:
    """The texts in the order of the checklist; evidence that left the checklist has its id only."""
    checklist = checklist_for(ctx.policy.checklists, jurisdiction)
    evidence = checklist.evidence if checklist else ()
    listed = {need.id: need.text_zh if language == "zh" else need.text_en for need in evidence}
    texts = {need: text for need, text in listed.items() if need in needs}
    return texts | {need: need for need in sorted(needs) if need not in texts}


def _approvals(connection: Connection, ctx: Context, asked: Asked) -> Page[ApprovalToGive]:
    whose = select(loan.c.borrower_id).where(loan.c.id == action.c.loan_id).correlate(action)
    where = [
        action.c.status == literal(ActionStatus.AWAITING_APPROVAL),
        *of_loan(action.c.loan_id, asked),
        *readable(ctx.actor, whose.scalar_subquery()),
    ]
    rows = (
        select(
            loan.c.external_id.label("loan"),
            action.c.item,
            action.c.ladder_id,
            action.c.ladder_version,
            action.c.changed_at,
        )
        .join_from(action, loan, loan.c.id == action.c.loan_id)
        .where(*where)
    )

    def to_give(row: Row[Any]) -> ApprovalToGive:
        ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
        return ApprovalToGive(
            loan=row.loan,
            item=row.item,
            role=str(ladder.item(row.item).approval),
            waits_since=row.changed_at.astimezone(ctx.settings.lender_zone),
        )

    counts = count_by(action.c.item, action, *where)
    listing = Listing(Kind.APPROVALS, rows, (action.c.id,), to_give, counts)
    return read_page(connection, listing, asked)
