"""Arrangements in the database: read by their ids, moved by their table of moves."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, delete, insert, select, text, update

from domain.arrangements import (
    ARRANGEMENT_MOVES,
    OPEN,
    UNANSWERED,
    ArrangementKind,
    ArrangementStatus,
)
from domain.events import STAFF
from domain.loans import ZERO, Instalment
from domain.moves import sources
from workers.db.bulk import is_among
from workers.db.loans import load_schedule
from workers.db.prepared_statements import prepared
from workers.db.schema import (
    arrangement,
    arrangement_instalment,
    arrangement_return,
    hold,
    instalment,
)
from workers.db.sender_ids import is_named
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class Arrangement(NamedTuple):
    """An arrangement as it is on record. Days are business dates."""

    id: int
    loan_id: int
    external_id: str
    sender: str
    status: str
    asked_by: str
    asked_in: str | None
    requested_by: str
    requested_at: datetime
    borrower_id: int | None
    """The record of the co-borrower or the guarantor who asked; None: the borrower."""
    answer_by: date | None
    lapses_on: date | None
    request_hold_id: int | None
    kind: str | None
    wish_days: int | None
    wish_instalments: int | None
    wish_until: date | None
    wish_monthly: Decimal | None
    """Of a row of an earlier release that is not encrypted yet."""
    wish_monthly_id: UUID | None
    """Where it is kept encrypted: it is what a person can pay."""
    offer: int | None
    """The number of the newest offer; None: there is none, or it is of an earlier release."""
    terms_id: str | None
    terms_version: int | None
    quoted_on: date | None
    valid_until: date | None
    quote: Mapping[str, Any] | None
    quote_digest: str | None
    grace_days: int
    missed_ends_it: int
    offered_by: str | None
    offered_as: str | None
    agreed_by: str | None
    offered_at: datetime | None
    accepted_on: date | None
    accepted_at: datetime | None
    accepted_by: str | None
    proof: str | None
    proof_reference: str | None
    confirm_by: date | None
    hold_id: int | None
    confirmed_at: datetime | None
    missed: int
    noticed_at: datetime | None
    notice_days: int | None
    no_default_before: date | None
    ended_at: datetime | None
    ended_by: str | None
    refusal: str | None
    why_id: UUID | None
    review_on: date | None

    @property
    def offers(self) -> int:
        """How often it was offered; an earlier release counted no more than one."""
        return self.offer or int(self.quoted_on is not None)

    @property
    def deferred_until(self) -> date | None:
        """The last day of a deferral that ends then, whatever is unpaid; None: it is no such."""
        until = (self.quote or {}).get("deferred_until")
        return date.fromisoformat(until) if until else None

    @property
    def pauses_until(self) -> date | None:
        """The first day without the pause of an active one; None: it lasts until it ends."""
        until = self.deferred_until
        return until + timedelta(days=1) if until else None


_ARRANGEMENT: Select[*tuple[Any, ...]] = select(*columns_of(Arrangement, arrangement))


def find_arrangement(connection: Connection, external_id: str, sender: str) -> Arrangement | None:
    """The arrangement that a sender knows by this id."""
    named = _ARRANGEMENT.where(is_named(arrangement, external_id, sender))
    return typed_row(Arrangement, connection.execute(named))


def declined_arrangements(connection: Connection, loan_id: int) -> list[Arrangement]:
    """The requests and offers of a loan that the lender, its ledger or the borrower declined."""
    declined = arrangement.c.status == ArrangementStatus.DECLINED
    of_loan = _ARRANGEMENT.where(arrangement.c.loan_id == loan_id, declined)
    return typed_rows(Arrangement, connection.execute(of_loan))


def cause_of(stored: Arrangement, day: date | None = None) -> str:
    """The cause of what follows: the id of the arrangement, with whose id it is, and the due date
    of one instalment, or the day of a second end."""
    whose = "" if stored.sender == STAFF else f" [{stored.sender}]"
    of_day = f" {day}" if day else ""
    return f"arrangement:{stored.external_id}{whose}{of_day}"


def open_arrangement(connection: Connection, loan_id: int) -> Arrangement | None:
    """The open arrangement of a loan: one at most, as a constraint guarantees."""
    of_loan = _ARRANGEMENT.where(arrangement.c.loan_id == loan_id, arrangement.c.status.in_(OPEN))
    return typed_row(Arrangement, connection.execute(of_loan))


_OF_LOANS = prepared(
    _ARRANGEMENT.where(
        is_among(arrangement.c.loan_id, "of_loans"),
        arrangement.c.status.in_(UNANSWERED)
        | arrangement.c.confirmed_at.is_not(None)
        & arrangement.c.status.in_(
            (ArrangementStatus.ACTIVE, ArrangementStatus.COMPLETED, ArrangementStatus.DEFAULTED)
        ),
    ).order_by(arrangement.c.id)
)


def arrangements_to_review(connection: Connection, loan_ids: Sequence[int]) -> list[Arrangement]:
    """The arrangements of locked loans that are kept, or were to their end or not; and what was
    only asked for or offered so far.

    One statement.
    """
    return typed_rows(Arrangement, connection.execute(_OF_LOANS, {"of_loans": list(loan_ids)}))


def owes_nothing(connection: Connection, loan_id: int) -> bool:
    """Whether nothing is left to pay of a loan: there is nothing to arrange any more."""
    return not any(each.unpaid > ZERO for each in load_schedule(connection, loan_id))


def paused_on(connection: Connection, loan_id: int) -> list[date]:
    """The days of the requests of a loan for which its ladder paused."""
    days = select(hold.c.starts_on).join(arrangement, arrangement.c.request_hold_id == hold.c.id)
    return list(connection.execute(days.where(arrangement.c.loan_id == loan_id)).scalars())


def insert_arrangement(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(arrangement).values(values))


def set_request_clock(connection: Connection, id: int, **values: Any) -> None:
    """By when a request is answered and when it lapses, or what it waits for next."""
    connection.execute(update(arrangement).where(arrangement.c.id == id).values(values))


def move_arrangement(
    connection: Connection, id: int, status: ArrangementStatus, **values: Any
) -> bool:
    """Move an arrangement if its status allows it; False, and no change, if it does not."""
    moved = connection.execute(
        update(arrangement)
        .where(arrangement.c.id == id, arrangement.c.status.in_(sources(ARRANGEMENT_MOVES, status)))
        .values(status=status, **values)
    )
    return moved.rowcount == 1


def note_look(connection: Connection, id: int, *, missed: int, review_on: date | None) -> None:
    """What an active arrangement has missed, and when it is looked at again."""
    seen = {"missed": missed, "review_on": review_on}
    connection.execute(update(arrangement).where(arrangement.c.id == id).values(seen))


def set_instalments(connection: Connection, id: int, instalments: Sequence[Instalment]) -> None:
    """Replace the instalments of an arrangement."""
    of_it = arrangement_instalment.c.arrangement_id == id
    connection.execute(delete(arrangement_instalment).where(of_it))
    parts = ("due_on", "principal", "interest", "fees")
    rows = [{"arrangement_id": id} | {p: getattr(each, p) for p in parts} for each in instalments]
    connection.execute(insert(arrangement_instalment), rows)


def note_return(
    connection: Connection, stored: Arrangement, becomes: ArrangementStatus, now: datetime
) -> None:
    """That the end of an arrangement was taken back; before it goes on, or is completed."""
    moved = {"from_status": stored.status, "to_status": becomes, "ended_at": stored.ended_at}
    connection.execute(insert(arrangement_return).values(arrangement_id=stored.id, at=now, **moved))


def look_again(connection: Connection, loan_id: int, today: date) -> None:
    """Let the active arrangement of a locked loan be looked at today."""
    active = (arrangement.c.loan_id == loan_id) & (arrangement.c.status == ArrangementStatus.ACTIVE)
    connection.execute(update(arrangement).where(active).values(review_on=today))


_LOOK_AGAIN = text("""
UPDATE arrangement r SET review_on = :today
 WHERE r.loan_id = ANY(:loan_ids)
   AND (r.status = 'defaulted' AND r.review_on IS NULL
        AND EXISTS (SELECT FROM paid_by_tape t
                     WHERE t.loan_id = r.loan_id AND t.tape_as_of = :as_of
                       AND t.payment_id IS NULL AND t.amount > 0
                       AND coalesce(t.previous_tape, '-infinity') <= r.ended_at)
     OR r.status IN ('requested', 'offered')
        AND NOT EXISTS (SELECT FROM instalment i
                         WHERE i.loan_id = r.loan_id
                           AND i.principal + i.interest + i.fees
                             > i.paid_principal + i.paid_interest + i.paid_fees))
""")


def look_after_tape(
    connection: Connection, loan_ids: Sequence[int], as_of: date, today: date
) -> None:
    """Have arrangements looked at again after a tape of `as_of`. One statement.

    An arrangement that ended in default, if the tape shows money that may have been paid before it
    ended. A request or an offer, if nothing is left to pay.
    """
    given = {"loan_ids": list(loan_ids), "as_of": as_of, "today": today}
    connection.execute(_LOOK_AGAIN, given)


def days_of(connection: Connection, id: int) -> list[date]:
    """The due dates of an arrangement, in order."""
    days = select(arrangement_instalment.c.due_on).where(
        arrangement_instalment.c.arrangement_id == id
    )
    return list(connection.execute(days.order_by(arrangement_instalment.c.due_on)).scalars())


def paid_of(connection: Connection, stored: Arrangement) -> list[Instalment]:
    """What the loan's schedule says of the days of an arrangement, with what is paid.

    A day that the schedule does not have any more is missing.
    """
    rows = connection.execute(
        select(*columns_of(Instalment, instalment))
        .join(arrangement_instalment, arrangement_instalment.c.due_on == instalment.c.due_on)
        .where(
            arrangement_instalment.c.arrangement_id == stored.id,
            instalment.c.loan_id == stored.loan_id,
        )
        .order_by(instalment.c.due_on)
    )
    return typed_rows(Instalment, rows)


def kind_of(stored: Arrangement) -> ArrangementKind:
    """Of an arrangement that was offered."""
    return ArrangementKind(str(stored.kind))
