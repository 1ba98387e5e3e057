"""One simulated day: a morning, an approval by a supervisor, a payment, an afternoon.

Beat, the workers, the webhook and the simulated provider run as processes of their own. This module
does what people do: import the loans, approve legal files, record a payment, and wait.
"""

import time
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, inspect, select

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
from workers.simulator.demo.installation import ZONE, Installation
from workers.staff.roster import load_roster
from workers.tapes.import_tape import ImportReport, import_tape
from workers.tapes.progress import Progress

SAMPLES = Path(config.__file__).parent / "samples"
TAPE = SAMPLES / "lending_club_sample.csv"
MAPPING = "lending_club_sample"
ROSTER = SAMPLES / "roster.yaml"
ROSTER_DAYS = 28

# The sample tape is the state at the end of 25 June 2018. At 09:30 in New York it is 06:30 in Los
# Angeles, where nobody may be texted before 08:00; at 15:00 it is noon there.
MORNING = datetime(2018, 6, 25, 9, 30, tzinfo=ZoneInfo(ZONE))
AFTERNOON = datetime(2018, 6, 25, 15, 0, tzinfo=ZoneInfo(ZONE))

DRAIN_TIMEOUT = 180.0
"""Seconds after which the work of a morning or an afternoon has failed to finish."""

POLL_SECONDS = 0.25


class ProgressReporter(Protocol):
    """Receives the progress of the day. `at` is the simulated time."""

    def report(self, at: datetime, sentence: str) -> None:
        """Report what was done."""

    def show_backlog(self, at: datetime, backlog: Backlog) -> None:
        """Show what is left to do; called several times a second."""


class PendingApproval(NamedTuple):
    """One action that waits for approval."""

    loan: str
    """The lender's own id."""
    item: str
    ladder_id: str
    ladder_version: int


def prepare_database(installation: Installation) -> None:
    """Create the tables, and register the policy.

    Raises:
        ArrearsError: the database contains loans already. Nothing in it is changed.
    """
    ctx = installation.ctx
    if installation.external_servers:
        _refuse_database_with_loans(ctx)
    upgrade(ctx.settings.database_url)
    register_policy(ctx)


def _refuse_database_with_loans(ctx: Context) -> None:
    assert_reachable(ctx.engine)
    with ctx.engine.connect() as connection:
        if not inspect(connection).has_table(loan.name):
            return
        if connection.execute(select(loan.c.id).limit(1)).scalar() is not None:
            raise ArrearsError(
                "The database that DATABASE_URL names holds loans, and the demo would add its own "
                "to them. Name an empty one, or unset DATABASE_URL and REDIS_URL."
            )


def import_samples(installation: Installation, progress: Progress) -> ImportReport:
    """Load the sample roster, and import the sample tape.

    Raises:
        ArrearsError: one of the two cannot be read.
    """
    ctx = installation.ctx
    load_roster(ctx, ROSTER, ctx.today(), ROSTER_DAYS)
    return import_tape(
        ctx,
        TAPE,
        load_mapping(MAPPING),
        as_of=ctx.today(),
        rejects_path=installation.directory / "rejects.csv",
        progress=progress,
    )


def run_day(installation: Installation, reporter: ProgressReporter) -> None:
    """Run the whole day, from the first scan to the last receipt.

    Raises:
        ArrearsError: a process ended by itself, or the work was not finished in time.
    """
    installation.start_beat()
    drain(installation, reporter)
    reporter.report(installation.ctx.now(), "The morning's work is done.")
    reporter.report(installation.ctx.now(), approve_legal_files(installation))
    reporter.report(installation.ctx.now(), record_payment(installation))
    drain(installation, reporter)
    installation.move_clock(AFTERNOON)
    reporter.report(
        installation.ctx.now(), "The clock moves to 15:00. Texts to the west are lawful now."
    )
    drain(installation, reporter)
    reporter.report(installation.ctx.now(), "The day's work is done.")


def drain(installation: Installation, reporter: ProgressReporter) -> None:
    """Wait until nothing is left to do at this hour.

    Raises:
        ArrearsError: a process ended by itself, or the work was not finished in time.
    """
    ctx = installation.ctx
    deadline = time.monotonic() + DRAIN_TIMEOUT
    while True:
        now = ctx.now()
        with ctx.engine.connect() as connection:
            backlog = read_backlog(connection, now)
        if not backlog:
            return
        reporter.show_backlog(now, backlog)
        installation.processes.check_running()
        if time.monotonic() > deadline:
            raise ArrearsError(
                f"After {DRAIN_TIMEOUT:.0f} seconds there is still work left: {backlog}. "
                f"The last lines of the logs:\n{installation.processes.log_tails()}"
            )
        time.sleep(POLL_SECONDS)


def approve_legal_files(installation: Installation) -> str:
    """Approve every action that waits for it, each by a person whose role may approve it."""
    ctx = installation.ctx
    with ctx.engine.connect() as connection:
        pending = [
            PendingApproval(*row)
            for row in connection.execute(
                select(
                    loan.c.external_id, action.c.item, action.c.ladder_id, action.c.ladder_version
                )
                .join(loan)
                .where(action.c.status == ActionStatus.AWAITING_APPROVAL)
                .order_by(action.c.id)
            )
        ]
        roles = [_approval_role(installation, approval) for approval in pending]
        approvers = {role: _find_approver(connection, role) for role in dict.fromkeys(roles)}
    for approval, role in zip(pending, roles, strict=True):
        approve(ctx, approval.loan, approval.item, Actor(approvers[role]))
    if not pending:
        return "No action waited for approval."
    return f"{' and '.join(approvers.values())} approved the {len(pending)} waiting legal files."


def record_payment(installation: Installation) -> str:
    """Pay all that is past due on a loan whose text is deferred: the text must not be sent then."""
    ctx = installation.ctx
    with ctx.engine.connect() as connection:
        deferred = connection.execute(
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
    if deferred is None:
        return "No text waits for a lawful hour, so no payment is made."
    loan_id, currency, item, due_at, past_due = deferred
    payment = Payment(f"demo-{loan_id}", loan_id, past_due, currency, ctx.today())
    until = due_at.astimezone(ctx.settings.lender_zone)
    return (
        f"Loan {loan_id} pays {past_due:.2f} {currency} while its {item} waits until "
        f"{until:%H:%M}. {_submit(installation, payment)}"
    )


def _submit(installation: Installation, payment: Payment) -> str:
    ctx = installation.ctx
    with ctx.engine.begin() as connection:
        event_id = process.store_event(
            connection,
            f"payment:{payment.external_id}",
            "payment",
            process.payment_payload(payment),
            ctx.now(),
        )
    return speak(process.apply_event(ctx, event_id).reason)


def _approval_role(installation: Installation, approval: PendingApproval) -> str:
    ladder = find_ladder(
        installation.ctx.policy.ladders, approval.ladder_id, approval.ladder_version
    )
    return str(ladder.item(approval.item).approval)


def _find_approver(connection: Connection, role: str) -> str:
    found: str | None = connection.execute(
        select(staff.c.external_id).where(staff.c.roles.any(role)).order_by(staff.c.id).limit(1)
    ).scalar()
    if found is None:
        raise ArrearsError(f"Nobody in {ROSTER} is a {role}. Add somebody to the roster.")
    return found
