"""One day of a small loan book: a morning, a supervisor, a payment, an afternoon.

Beat, workers, webhook and the stand-in for the provider do the work, each in its own process. What
is done here is what people do: bring the book in, approve, take a payment, and wait.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, inspect, select

import config
from config.readers.tape_mapping_reader import load_mapping
from domain.actions import SEND_SMS, ActionStatus
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.ladder import find_ladder
from domain.language.speak import speak
from workers.actions.approvals import approve
from workers.context import Context
from workers.db.engine import assert_reachable
from workers.db.migrate import upgrade
from workers.db.schema import action, decision, loan, staff
from workers.inbox import process
from workers.operations.policy_register import register_policy
from workers.payments.payments import Payment
from workers.simulator.demo.backlog import Backlog, read_backlog
from workers.simulator.demo.installation import ZONE, RehearsalHouse
from workers.staff.roster import load_roster
from workers.tapes.csv_lines import Progress
from workers.tapes.import_tape import ImportReport, import_tape

SAMPLES = Path(config.__file__).parent / "samples"
TAPE = SAMPLES / "lending_club_sample.csv"
MAPPING = "lending_club_sample"
ROSTER = SAMPLES / "roster.yaml"
ROSTER_DAYS = 28

# The sample tape stands for the end of 25 June 2018. At 09:30 in New York it is 06:30 in Los
# Angeles, where nobody may be texted before 08:00; at 15:00 it is noon there.
MORNING = datetime(2018, 6, 25, 9, 30, tzinfo=ZoneInfo(ZONE))
AFTERNOON = datetime(2018, 6, 25, 15, 0, tzinfo=ZoneInfo(ZONE))

DRAINED_WITHIN = 180.0
"""Seconds that the work of a morning or an afternoon may take."""

LOOK_EVERY = 0.25


class Onlooker(Protocol):
    """Whoever is shown how the day goes."""

    def say(self, at: datetime, sentence: str) -> None:
        """Something was done; `at` is the house's own time."""

    def show(self, at: datetime, backlog: Backlog) -> None:
        """What is left at this moment; called several times a second."""


def prepare_store(rehearsal: RehearsalHouse) -> None:
    """Bring the database to this release's version.

    Raises:
        ArrearsError: it holds loans already; nothing of it is touched.
    """
    ctx = rehearsal.ctx
    if rehearsal.own_servers:
        _refuse_a_book(ctx)
    upgrade(ctx.settings.database_url)
    register_policy(ctx)


def _refuse_a_book(ctx: Context) -> None:
    assert_reachable(ctx.engine)
    with ctx.engine.connect() as connection:
        if not inspect(connection).has_table(loan.name):
            return
        if connection.execute(select(loan.c.id).limit(1)).scalar() is not None:
            raise ArrearsError(
                "The database that DATABASE_URL names holds loans, and the demo would mix its own "
                "among them. Name an empty one, or unset DATABASE_URL and REDIS_URL."
            )


def bring_in_the_book(rehearsal: RehearsalHouse, progress: Progress) -> ImportReport:
    """Put the roster and the sample tape into the store.

    Raises:
        ArrearsError: one of them cannot be read.
    """
    ctx = rehearsal.ctx
    load_roster(ctx, ROSTER, ctx.today(), ROSTER_DAYS)
    return import_tape(
        ctx,
        TAPE,
        load_mapping(MAPPING),
        as_of=ctx.today(),
        rejects_path=rehearsal.directory / "rejects.csv",
        progress=progress,
    )


def live_through(rehearsal: RehearsalHouse, onlooker: Onlooker) -> None:
    """The whole day, from the first scan to the last receipt.

    Raises:
        ArrearsError: a process ended, or the work was not done in its time.
    """
    rehearsal.start_beat()
    drain(rehearsal, onlooker)
    onlooker.say(rehearsal.ctx.now(), "The morning's work is done.")
    onlooker.say(rehearsal.ctx.now(), approve_legal_files(rehearsal))
    onlooker.say(rehearsal.ctx.now(), take_a_payment(rehearsal))
    drain(rehearsal, onlooker)
    rehearsal.move_clock(AFTERNOON)
    onlooker.say(rehearsal.ctx.now(), "The clock moves on: in the west it is lawful to text now.")
    drain(rehearsal, onlooker)
    onlooker.say(rehearsal.ctx.now(), "The day's work is done.")


def drain(rehearsal: RehearsalHouse, onlooker: Onlooker) -> None:
    """Return once nothing is left to do at this hour.

    Raises:
        ArrearsError: a process ended, or the work was not done in its time.
    """
    ctx = rehearsal.ctx
    give_up_at = time.monotonic() + DRAINED_WITHIN
    while True:
        now = ctx.now()
        with ctx.engine.connect() as connection:
            backlog = read_backlog(connection, now)
        if not backlog:
            return
        onlooker.show(now, backlog)
        rehearsal.children.check()
        if time.monotonic() > give_up_at:
            raise ArrearsError(
                f"After {DRAINED_WITHIN:.0f} seconds there is still work left: {backlog}. "
                f"The processes said last:\n{rehearsal.children.last_words()}"
            )
        time.sleep(LOOK_EVERY)


def approve_legal_files(rehearsal: RehearsalHouse) -> str:
    """Say yes wherever an action waits for it, as somebody on the roster who may."""
    ctx = rehearsal.ctx
    with ctx.engine.connect() as connection:
        waiting = connection.execute(
            select(loan.c.external_id, action.c.item, action.c.ladder_id, action.c.ladder_version)
            .join(loan)
            .where(action.c.status == ActionStatus.AWAITING_APPROVAL)
            .order_by(action.c.id)
        ).all()
        roles = {str(_role(rehearsal, row)) for row in waiting}
        people = {role: _somebody(connection, role) for role in roles}
    for row in waiting:
        role = str(_role(rehearsal, row))
        approve(ctx, row.external_id, row.item, Actor(people[role]))
    if not waiting:
        return "Nothing waited for approval."
    return f"{' and '.join(people.values())} approved {len(waiting)} legal files that waited."


def take_a_payment(rehearsal: RehearsalHouse) -> str:
    """Pay all that is past due on a loan whose text waits for a lawful hour: it must not go out."""
    ctx = rehearsal.ctx
    with ctx.engine.connect() as connection:
        debt = connection.execute(
            select(
                loan.c.external_id,
                loan.c.currency,
                action.c.item,
                action.c.due_at,
                decision.c.past_due,
            )
            .join(loan, loan.c.id == action.c.loan_id)
            .join(decision, decision.c.id == action.c.decision_id)
            .where(
                action.c.status == ActionStatus.DEFERRED,
                action.c.type == SEND_SMS,
                action.c.due_at.is_not(None),
            )
            .order_by(action.c.id)
            .limit(1)
        ).one_or_none()
    if debt is None:
        return "No text waits for a lawful hour, so no payment is made."
    paid = Payment(
        f"demo-{debt.external_id}", debt.external_id, debt.past_due, debt.currency, ctx.today()
    )
    until = debt.due_at.astimezone(ctx.settings.lender_zone)
    return (
        f"Loan {debt.external_id} pays {debt.past_due:.2f} {debt.currency} while its {debt.item} "
        f"waits until {until:%H:%M}. {_record(rehearsal, paid)}"
    )


def _record(rehearsal: RehearsalHouse, paid: Payment) -> str:
    ctx = rehearsal.ctx
    with ctx.engine.begin() as connection:
        event_id = process.store_event(
            connection,
            f"payment:{paid.external_id}",
            "payment",
            process.payment_payload(paid),
            ctx.now(),
        )
    return speak(process.apply_event(ctx, event_id).reason)


def _role(rehearsal: RehearsalHouse, row: Row[*tuple[Any, ...]]) -> str | None:
    ladders = rehearsal.ctx.policy.ladders
    return find_ladder(ladders, row.ladder_id, row.ladder_version).item(row.item).approval


def _somebody(connection: Connection, role: str) -> str:
    found: str | None = connection.execute(
        select(staff.c.external_id).where(staff.c.roles.any(role)).order_by(staff.c.id).limit(1)
    ).scalar()
    if found is None:
        raise ArrearsError(f"Nobody in {ROSTER} is a {role}. Put somebody on the roster.")
    return found
