"""Two simulated days: a morning, an approval by a supervisor, a payment, an afternoon, in which
promises and a plan are agreed; and two days later what came of them.

Beat, the workers, the webhook and the simulated provider run as processes of their own. This module
does what the lender's people do: import the loans, approve legal files, and wait. What borrowers do
is in `borrowers.py`.
"""

from typing import NamedTuple

from sqlalchemy import Connection, inspect, select

from config.readers.tape_mapping_reader import load_mapping
from domain.actions import OPEN_LEGAL_FILE, SCHEDULE_VISIT, ActionStatus
from domain.actors import Actor, ActorKind
from domain.errors import ArrearsError
from domain.ladder import find_ladder
from workers.actions.approvals import approve
from workers.cli.language import say
from workers.context import Context
from workers.db.engine import assert_reachable
from workers.db.migrate import upgrade
from workers.db.schema import action, loan, staff
from workers.operations.policy_register import register_policy
from workers.simulator.demo.books import CN
from workers.simulator.demo.borrowers import (
    DemoStep,
    answer,
    first_done,
    keep_the_promise,
    pay_before_the_text,
    promise_before_the_call,
)
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.later_days import agree_with_borrowers, see_what_came_of_it
from workers.simulator.demo.sign_in import allow_machine_of_the_demo, sign_everybody_in
from workers.simulator.demo.waiting import ProgressReporter, drain
from workers.staff.roster import load_roster
from workers.tapes.import_tape import ImportReport, import_tape
from workers.tapes.progress import Progress

ROSTER_DAYS = 28

STOP = "TD"
WRONG_NUMBER = "打错了，我不认识这个人"
"""What two borrowers of the Chinese book answer to their texts."""

LEFT_TO_APPROVE = 2
"""Legal files that nobody approves, so that `arrears approval grant` can be tried."""


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


def load_staff(installation: Installation) -> None:
    """Load the sample roster, sign everybody on it in, and allow the machine of the demo.

    Raises:
        ArrearsError: it cannot be read.
    """
    ctx = installation.ctx
    load_roster(ctx, installation.book.roster, ctx.today(), ROSTER_DAYS)
    sign_everybody_in(ctx, installation.directory)
    allow_machine_of_the_demo(ctx)


def import_samples(installation: Installation, progress: Progress) -> ImportReport:
    """Load the sample roster, and import the sample tape.

    Raises:
        ArrearsError: one of the two cannot be read.
    """
    ctx = installation.ctx
    book = installation.book
    load_staff(installation)
    return import_tape(
        ctx,
        book.tape,
        load_mapping(book.mapping),
        as_of=ctx.today(),
        rejects_path=installation.directory / "rejects.csv",
        progress=progress,
    )


def run_days(installation: Installation, reporter: ProgressReporter) -> list[str]:
    """Run all of the days, from the first scan to the last receipt.

    Returns the loans whose history is worth telling.

    Raises:
        ArrearsError: a process ended by itself, or the work was not finished in time.
    """
    ctx = installation.ctx
    installation.start_beat()
    drain(installation, reporter)
    reporter.report(ctx.now(), say("The morning's work is done."))
    reporter.report(ctx.now(), approve_legal_files(installation))
    paid = pay_before_the_text(installation)
    reporter.report(ctx.now(), paid.sentence)
    if installation.book is not CN:
        drain(installation, reporter)
        installation.move_clock(installation.book.afternoon)
        reporter.report(
            ctx.now(), say("The clock moves to 15:00. Texts to the west are lawful now.")
        )
        reported: list[DemoStep] = []
    else:
        reported = _rest_of_the_chinese_day(installation, reporter)
    drain(installation, reporter)
    agreed = agree_with_borrowers(installation, reporter)
    drain(installation, reporter)
    reporter.report(ctx.now(), say("The day's work is done."))
    see_what_came_of_it(installation, reporter, agreed)
    drain(installation, reporter)
    reporter.report(ctx.now(), say("The day's work is done."))
    told = [each.loan for each in (paid, *reported) if each.loan] if reported else []
    return [*told, *agreed.loans]


def _rest_of_the_chinese_day(
    installation: Installation, reporter: ProgressReporter
) -> list[DemoStep]:
    """A promise before the call, the texts of the morning, two answers to them, and a payment."""
    ctx = installation.ctx
    promise = promise_before_the_call(installation)
    reporter.report(ctx.now(), promise.sentence)
    drain(installation, reporter)
    installation.move_clock(installation.book.afternoon)
    reporter.report(
        ctx.now(), say("The clock moves to 09:00. From 08:00 to 22:00 contacts are lawful.")
    )
    drain(installation, reporter)
    reported = [
        promise,
        *(first_done(installation, done) for done in (SCHEDULE_VISIT, OPEN_LEGAL_FILE)),
    ]
    for item, words in (("text_day_3", STOP), ("text_day_1", WRONG_NUMBER)):
        reported.append(answer(installation, item, words))
        reporter.report(ctx.now(), reported[-1].sentence)
    if promise.loan:
        reporter.report(ctx.now(), keep_the_promise(installation, promise.loan).sentence)
    return reported


def approve_legal_files(installation: Installation) -> str:
    """Approve the legal files that wait, but the last ones: they are for whoever tries it.

    Each is approved by a person whose role may approve it.
    """
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
        ][:-LEFT_TO_APPROVE]
        roles = [_approval_role(installation, approval) for approval in pending]
        approvers = {role: _find_approver(connection, role) for role in dict.fromkeys(roles)}
    for approval, role in zip(pending, roles, strict=True):
        # A demonstration needs no second person, so it is Arrears that acts under this name.
        approver = Actor(approvers[role], ActorKind.SYSTEM)
        approve(ctx.acting(approver), approval.loan, approval.item)
    if not pending:
        return say("No action waited for approval.")
    return say(
        "{approvers} approved {files} legal files; {left} wait for you.",
        approvers=say(" and ").join(approvers.values()),
        files=len(pending),
        left=LEFT_TO_APPROVE,
    )


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
        raise ArrearsError(
            "Nobody in the sample roster is a {role}. Add somebody to the roster.", role=role
        )
    return found
