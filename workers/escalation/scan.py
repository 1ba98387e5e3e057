"""The scan: find the loans whose review date has come, and publish messages about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from workers.context import Context
from workers.db.schema import announcement, loan, scan_run
from workers.messaging.publish import NAMES_SHOWN
from workers.queues import QUEUE_HOLDS

CLAIM_BATCH_SIZE = 2_000
SINGLE_UP_TO = 2_000
"""Up to so many due loans go one to a message, so that operators can follow each in Flower."""
ENVELOPES = 200
"""Messages on a larger day: enough to keep every worker busy to the end, and few, because the
review of one loan alone costs many times its share of the review of hundreds."""
LARGEST_ENVELOPE = 500
COUNT_UP_TO = ENVELOPES * LARGEST_ENVELOPE

ScanPosition = tuple[date, int]
"""A loan's position in the order of the scan: its review date, then its id."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The loans of one message."""

    loan_ids: list[int]
    names: list[str]
    """The lender's own ids of the first `NAMES_SHOWN` of them, which Flower shows."""


Announce = Callable[[list[Envelope]], None]


class ClaimedLoan(NamedTuple):
    """A loan that the scan has claimed."""

    review_on: date
    id: int
    external_id: str | None
    """None: not among the first of its message, which Flower shows by name."""

    @property
    def position(self) -> ScanPosition:
        return self.review_on, self.id


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one pass of the scan announced."""

    business_date: date
    loans: int
    envelopes: int


def scan_portfolio(ctx: Context, announce: Announce, waiting: int = 0) -> Scanned:
    """Announce every loan that is due for review and is not announced already.

    The scan knows no stage rules: a loan is due when its review date has come. The scan may run at
    any time, repeatedly, and twice at the same time: a loan belongs to one announcement until that
    lapses, and is announced again after that if it is still due. `waiting` is the number of
    messages that the queue holds already. Once the queue is full the next scan announces the rest.
    """
    now = ctx.now()
    today = now.date()
    with ctx.engine.begin() as connection:
        _open_run(connection, today, now, _policy_in_force(ctx, today))
        size = envelope_size(ctx.settings.envelope, _count_due(connection, today))
    scan = uuid4()
    loans = envelopes = 0
    reached: ScanPosition | None = None
    while waiting + envelopes < QUEUE_HOLDS:
        with ctx.engine.begin() as connection:
            claimed = _claim(connection, ctx, today, scan, reached, size)
        if claimed:
            reached = claimed[-1].position
            messages = [
                _envelope(claimed[start : start + size]) for start in range(0, len(claimed), size)
            ]
            announce(messages)
            loans += len(claimed)
            envelopes += len(messages)
            with ctx.engine.begin() as connection:
                _note_run(
                    connection,
                    today,
                    loans=scan_run.c.loans + len(claimed),
                    envelopes=scan_run.c.envelopes + len(messages),
                )
        if len(claimed) < CLAIM_BATCH_SIZE:
            with ctx.engine.begin() as connection:
                finished_at = func.coalesce(scan_run.c.finished_at, ctx.now())
                _note_run(connection, today, finished_at=finished_at)
            break
    return Scanned(today, loans, envelopes)


def envelope_size(setting: int | str, due: int) -> int:
    """How many loans go into one message when `due` loans are due.

    With `auto` it is one loan up to `SINGLE_UP_TO` due loans. On a larger day the number of
    messages is fixed, up to the largest size that a message may have.
    """
    if isinstance(setting, int):
        return setting
    return 1 if due <= SINGLE_UP_TO else min(LARGEST_ENVELOPE, -(-due // ENVELOPES))


def _count_due(connection: Connection, today: date) -> int:
    due = select(loan.c.id).where(loan.c.review_on <= today).limit(COUNT_UP_TO).subquery()
    return connection.execute(select(func.count()).select_from(due)).scalar_one()


def _envelope(loans: Sequence[ClaimedLoan]) -> Envelope:
    names = [each.external_id for each in loans if each.external_id is not None]
    return Envelope([each.id for each in loans], names)


def _claim(
    connection: Connection,
    ctx: Context,
    today: date,
    scan: UUID,
    reached: ScanPosition | None,
    size: int,
) -> list[ClaimedLoan]:
    """Claim the next loans in the order of their positions, after the position that was `reached`.

    The loans that a scan announced are one range in that order, so no loan is updated. `size` loans
    are one message; only the first loans of a message get their names.
    """
    now = ctx.now()
    # One claim at a time: a scan that runs at the same time sees what this one claimed.
    connection.execute(
        select(scan_run.c.business_date).where(scan_run.c.business_date == today).with_for_update()
    )
    position = tuple_(loan.c.review_on, loan.c.id)
    # A subquery, so that finding the loans reads the index only. Names are looked up after that,
    # and only those that Flower shows, because each is a row of the table to read.
    due = (
        select(loan.c.review_on, loan.c.id)
        .where(
            loan.c.review_on <= today,
            position > reached if reached else true(),
            or_(loan.c.quarantined_until.is_(None), loan.c.quarantined_until < now),
            ~exists().where(announced_already(now)),
        )
        .order_by(loan.c.review_on, loan.c.id)
        .limit(CLAIM_BATCH_SIZE)
        .subquery("due")
    )
    external_id = select(loan.c.external_id).where(loan.c.id == due.c.id).scalar_subquery()
    in_message = (func.row_number().over(order_by=(due.c.review_on, due.c.id)) - 1) % size
    shown = case((in_message < NAMES_SHOWN, external_id))
    in_order = select(due, shown).order_by(due.c.review_on, due.c.id)
    claimed = [ClaimedLoan(*row) for row in connection.execute(in_order)]
    if claimed:
        _extend(
            connection, scan, claimed[0].position, claimed[-1].position, now + ctx.settings.lease
        )
    return claimed


def announced_already(now: datetime) -> ColumnElement[bool]:
    """The condition that joins a loan to the live announcement that its position lies in."""
    first = tuple_(announcement.c.from_review_on, announcement.c.from_loan_id)
    last = tuple_(announcement.c.to_review_on, announcement.c.to_loan_id)
    position = tuple_(loan.c.review_on, loan.c.id)
    return and_(announcement.c.lapses_at >= now, position >= first, position <= last)


def _extend(
    connection: Connection, scan: UUID, first: ScanPosition, last: ScanPosition, lapses_at: datetime
) -> None:
    (from_review_on, from_loan_id), (to_review_on, to_loan_id) = first, last
    reached = {"to_review_on": to_review_on, "to_loan_id": to_loan_id, "lapses_at": lapses_at}
    connection.execute(
        insert(announcement)
        .values(id=scan, from_review_on=from_review_on, from_loan_id=from_loan_id, **reached)
        .on_conflict_do_update(index_elements=["id"], set_=reached)
    )


def _open_run(connection: Connection, today: date, now: datetime, policy_digest: str) -> None:
    connection.execute(delete(announcement).where(announcement.c.lapses_at < now))
    # Of today or an earlier day; none before the first scan.
    last = connection.execute(
        select(scan_run.c.policy_digest).order_by(scan_run.c.business_date.desc()).limit(1)
    ).scalar()
    connection.execute(
        insert(scan_run)
        .values(business_date=today, started_at=now, policy_digest=policy_digest)
        .on_conflict_do_update(
            index_elements=[scan_run.c.business_date],
            set_={"policy_digest": policy_digest, "finished_at": None},
            where=scan_run.c.policy_digest != policy_digest,
        )
    )
    if last is not None and last != policy_digest:
        # Other stage rules mean other review dates: every loan past due is reviewed today.
        connection.execute(
            update(loan).where(loan.c.delinquent_since.is_not(None)).values(review_on=today)
        )


def _policy_in_force(ctx: Context, today: date) -> str:
    """What the day's decisions depend on: the policy documents, the calendars that they name, and
    the ladders in force.
    """
    names = sorted(ladder.name for ladder in ctx.policy.ladders if ladder.in_force(today))
    calendars = {ladder.calendar for ladder in ctx.policy.ladders}
    calendars |= {pack.calendar for pack in ctx.policy.rule_packs}
    digests = sorted(calendar.digest for calendar in calendars)
    return f"{ctx.policy.digest} {' '.join((*names, *digests))}"


def _note_run(connection: Connection, today: date, **values: object) -> None:
    connection.execute(update(scan_run).where(scan_run.c.business_date == today).values(values))
