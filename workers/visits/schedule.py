"""Schedule a visit: the first lawful slot in which two visitors are free, and its written notice.

One transaction writes the slot, the two visitors, the notice and the action, or nothing.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

from sqlalchemy import Connection, insert

from config.readers.locales import format_date
from domain.actions import SCHEDULE_VISIT, ActionStatus, Move
from domain.collectors import Span, business_day
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.verdict import ON_HOLD, Permission, Verdict
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, because
from domain.staffing import terms_on
from domain.visits import (
    DAYS_AHEAD,
    NOTICE_DAYS,
    SLOT_LENGTH,
    Visitor,
    choose_visitors,
    nobody_speaks,
    slots,
)
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.places import place_of_address, place_of_letter, place_of_name
from workers.db.schema import document, visit, visit_staff
from workers.db.staff import lock_visitors
from workers.gate.claim import ClaimedAction, claim, complete
from workers.gate.reserve import reserve_contact
from workers.sms.template_values import text_values

WRITTEN_NOTICE = "written_notice"
"""The kind of document that announces a visit to the borrower."""

QUARTER = timedelta(minutes=15)
QUARTERS = SLOT_LENGTH // QUARTER

# A day more than the search needs: in the borrower's zone it may be the next day already.
VISITS_AHEAD = timedelta(days=NOTICE_DAYS + DAYS_AHEAD + 1)


def schedule_visit(ctx: Context, action_id: int) -> str:
    """Schedule the visit of one action. Returns the result in a word.

    If no two visitors are free in any lawful slot, the action stays planned with the reason. It is
    due again the next day, when the search reaches one day further.
    """
    with ctx.engine.begin() as connection:
        lawful = LawfulSlots(ctx.now())
        claimed = claim(connection, ctx, action_id, SCHEDULE_VISIT, lawful)
        if claimed is None:
            return "nothing to do"
        visitors = lock_visitors(
            connection, claimed.now, claimed.now + VISITS_AHEAD, claimed.loan.person_id
        )
        minutes = terms_on(ctx.policy.staffing, claimed.now.date()).visit_minutes
        region, language = claimed.loan.region, claimed.loan.locale
        for slot in lawful.slots:
            if pair := choose_visitors(visitors, slot, region, language, minutes):
                _schedule(connection, ctx, claimed, slot, pair)
                return "scheduled"
        why = because(ReasonCode.NO_TWO_VISITORS, days=DAYS_AHEAD)
        if nobody_speaks(visitors, region, language):
            why = because(ReasonCode.NO_VISITOR_SPEAKS, language=language)
        move = Move(ActionStatus.PLANNED, why, due_at=business_day(claimed.now).ends_at)
        complete(connection, claimed, move, claimed.now)
        return "nobody free"


@dataclass(slots=True)
class LawfulSlots:
    """The gate for a visit: it checks the slots to come instead of this moment."""

    now: datetime
    slots: list[Span] = field(default_factory=list)
    """The lawful slots, earliest first; set when the gate is called."""

    def __call__(self, facts: ContactFacts) -> Verdict:
        """Allowed if any slot is lawful from its start to its end.

        A hold that is in force today is checked first: no visit is announced during it.
        """
        verdict = may_contact(facts, Channel.VISIT, self.now)
        if verdict.permission is not Permission.ALLOWED and (
            verdict.until is None or ON_HOLD in verdict.rules
        ):
            return verdict
        verdicts = [(slot, _check_slot(facts, slot)) for slot in slots(facts.zones[0], self.now)]
        lawful = [
            (slot, verdict)
            for slot, verdict in verdicts
            if verdict.permission is Permission.ALLOWED
        ]
        self.slots = [slot for slot, _ in lawful]
        return lawful[0][1] if lawful else verdicts[-1][1]


def _check_slot(facts: ContactFacts, slot: Span) -> Verdict:
    """The first verdict against a contact within the slot, or that at its end.

    Hours of the law have no gap within a slot. A time that is inconvenient for the person may lie
    within it, so the gate is asked about the beginning of each such time. It is also asked about
    each quarter of an hour, because such a time may begin when the clock is changed.
    """
    steps = {slot.starts_at.astimezone(UTC)}
    for time in facts.inconvenient_times:
        steps.update(QUARTER * part + slot.starts_at.astimezone(UTC) for part in range(QUARTERS))
        for zone in facts.zones:
            steps.update(time.begins(slot.starts_at, slot.ends_at, zone))
    for moment in sorted(steps):
        verdict = may_contact(facts, Channel.VISIT, moment)
        if verdict.permission is not Permission.ALLOWED:
            return verdict
    return may_contact(facts, Channel.VISIT, slot.ends_at)


def _schedule(
    connection: Connection,
    ctx: Context,
    claimed: ClaimedAction,
    slot: Span,
    pair: tuple[Visitor, Visitor],
) -> None:
    attempt = f"visit-{uuid4()}"
    contact_id = reserve_contact(connection, claimed, slot.starts_at, attempt=attempt)
    hours = {"starts_at": slot.starts_at, "ends_at": slot.ends_at}
    visit_id = connection.execute(
        insert(visit)
        .values(
            loan_id=claimed.loan.loan_id,
            action_id=claimed.action_id,
            contact_id=contact_id,
            purpose=claimed.item.purpose or claimed.item.id,
            scheduled_at=claimed.now,
            **hours,
        )
        .returning(visit.c.id)
    ).scalar_one()
    of_visitors = [{"visit_id": visit_id, "staff_id": visitor.id, **hours} for visitor in pair]
    insert_rows(connection, visit_staff, of_visitors)
    _write_notice(connection, ctx, claimed, slot, pair)
    assigned = Move(
        ActionStatus.ASSIGNED, because(ReasonCode.VISITORS_HAVE_VISIT), claimed.verdict.rules
    )
    complete(connection, claimed, assigned, claimed.now)


def _write_notice(
    connection: Connection,
    ctx: Context,
    claimed: ClaimedAction,
    slot: Span,
    pair: tuple[Visitor, Visitor],
) -> None:
    """Write the letter that says who comes when and why; encrypted, for it names the borrower."""
    template, locale = str(claimed.item.template), claimed.loan.locale
    values = text_values(ctx, claimed) | {
        "borrower_name": ctx.cipher.decrypt(
            cast(bytes, claimed.loan.name_encrypted), place_of_name(claimed.loan.record)
        ),
        "address": ctx.cipher.decrypt(
            cast(bytes, claimed.loan.address_encrypted), place_of_address(claimed.loan.record)
        ),
        "as_of": format_date(claimed.now.date(), locale),
        "visitors": ("、" if locale.startswith("zh") else ", ").join(
            visitor.reference for visitor in pair
        ),
        "visit_on": format_date(slot.starts_at.date(), locale),
        "visit_hours": f"{slot.starts_at:%H:%M}–{slot.ends_at:%H:%M}",
    }
    connection.execute(
        insert(document).values(
            loan_id=claimed.loan.loan_id,
            action_id=claimed.action_id,
            kind=WRITTEN_NOTICE,
            template=template,
            template_version=ctx.templates.version(template, locale),
            locale=locale,
            body_encrypted=ctx.cipher.encrypt(
                ctx.templates.render(template, locale, values), place_of_letter(claimed.action_id)
            ),
            created_at=claimed.now,
        )
    )
