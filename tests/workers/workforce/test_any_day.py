"""Whatever happens to a roster in a day, nobody is given what they cannot do.

Nobody is over their capacity, off shift for the rest of the day, absent, not trained, or given whom
they must not handle; nobody's call is lost or given twice; a person has one collector a day.
"""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor
from domain.collectors import Span, is_trained
from domain.errors import RefusedError
from domain.reasons import ReasonCode
from domain.staffing import Absence, at_work
from tests.support.acting import acting
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.schema import (
    absence,
    action,
    borrower,
    call,
    collector_day,
    loan,
    shift,
    staff,
)
from workers.db.schema import must_not_handle as barred
from workers.inbox.submit import submit
from workers.workforce.absences import hand_on_all, must_not_handle
from workers.workforce.hand_on import hand_on_what_must_be

LOANS, CALLERS, STEPS = 9, 4, 12
DAY_ENDS = "2026-03-03 00:00"
SAID_OF_NO_USE = {
    ReasonCode.ABSENCE_KNOWN,
    ReasonCode.STAFF_HAS_LEFT,
    ReasonCode.STAFF_NOT_ABSENT,
}
"""Why word about staff is refused: it changes nothing."""


class Day:
    """A made-up day, the same for the same seed."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.random = Random(seed)
        self.book = Book(engine, now="2026-03-02 08:30")
        for nr in range(1, CALLERS + 1):
            starts, ends = self.random.choice([(8, 12), (8, 20), (12, 20), (9, 18)])
            self.book.staff(
                f"c-{nr}",
                "caller",
                capacity=self.random.randrange(1, 5),
                trained_on=self.random.choice(["2026-01-01", "2026-01-01", "2024-01-01"]),
                shift=(f"2026-03-02 {starts:02}:00", f"2026-03-02 {ends:02}:00"),
            )
        for nr in range(LOANS):
            self.book.loan(f"L-{nr}", due_on="2026-03-01", borrower_id=f"B-{nr % 7}")
        self.book.escalate(*(f"L-{nr}" for nr in range(LOANS)))

    def step(self) -> None:
        often = [self.assign, self.ill, self.back, self.complain, self.resize, self.wait]
        seldom = [self.leave, self.hand_on, self.certificate_ends]
        happens = self.random.choice([*often, *often, self.assign, *seldom])
        happens()

    def assign(self) -> None:
        """The workers take up what is due, in any order, and each call given is one that may be."""
        book, now = self.book, self.book.ctx.now()
        before = {row.id for row in book.rows(call)}
        due = select(action.c.id).where(
            action.c.type == "assign_call", action.c.status == "planned", action.c.due_at <= now
        )
        ids = [row.id for row in book.rows(due)]
        self.random.shuffle(ids)
        for action_id in ids:
            assign_call(book.ctx, action_id)
        assert book.rows(due) == [], "each is given, or waits for a moment that it says"
        self.check([row for row in book.rows(call) if row.id not in before], now)

    def check(self, given: list, now: datetime) -> None:  # type: ignore[type-arg]
        members = {row.id: row for row in self.book.rows(staff)}
        shifts, away = defaultdict[int, list[Span]](list), defaultdict[int, list[Absence]](list)
        end = self.book.moment(DAY_ENDS)
        for row in self.book.rows(shift):
            if row.ends_at > now:
                shifts[row.staff_id].append(Span(max(now, row.starts_at), min(end, row.ends_at)))
        for row in self.book.rows(absence):
            away[row.staff_id].append(Absence(row.starts_at, row.ends_at))
        persons = {
            row.id: row.person_id
            for row in self.book.rows(select(loan.c.id, borrower.c.person_id).join(borrower))
        }
        of_records = select(barred.c.staff_id, borrower.c.person_id).join(borrower)
        must_not = {(row.staff_id, row.person_id) for row in self.book.rows(of_records)}
        for row in given:
            assert at_work(shifts[row.staff_id], away[row.staff_id]), "working time is left"
            assert is_trained(members[row.staff_id].trained_on, date(2026, 3, 2))
            assert members[row.staff_id].left_on is None
            assert (row.staff_id, persons[row.loan_id]) not in must_not

    def ill(self) -> None:
        until = self.random.choice([None, self.book.ctx.now() + timedelta(hours=2)])
        facts = {"kind": "illness", "until": until.isoformat() if until else None}
        self._tell("staff_absent", at=self.book.ctx.now().isoformat(), **facts)

    def back(self) -> None:
        self._tell("staff_back")

    def _tell(self, event: str, **facts: object) -> None:
        facts |= {"staff": f"c-{self.random.randrange(1, CALLERS + 1)}", "actor": "s-1"}
        try:
            told = submit(self.book.ctx, f"{event}:{self.random.random()}", event, facts)
        except RefusedError as refused:
            if not {reason.code for reason in refused.reason} <= SAID_OF_NO_USE:
                raise
        else:
            assert told.status == "applied", told.reason

    def complain(self) -> None:
        person = self.random.choice(self.book.rows(borrower)).person_id
        collector = self.random.randrange(1, CALLERS + 1)
        with self.book.ctx.engine.begin() as connection:
            now = self.book.ctx.now()
            said = (collector, person, "rude", Actor("s-1"), now)
            must_not_handle(connection, self.book.ctx, *said)

    def leave(self) -> None:
        """Somebody leaves for good."""
        self._tell("staff_left", at=self.book.ctx.now().isoformat())

    def hand_on(self) -> None:
        """A supervisor gives all open calls of somebody to others."""
        reference = f"c-{self.random.randrange(1, CALLERS + 1)}"
        hand_on_all(acting(self.book.ctx, Actor("s-1")), reference)

    def certificate_ends(self) -> None:
        somebody = staff.c.id == self.random.randrange(1, CALLERS + 1)
        with self.book.ctx.engine.begin() as connection:
            long_ago = {"trained_on": date(2024, 1, 1)}
            connection.execute(update(staff).where(somebody).values(long_ago))

    def resize(self) -> None:
        """A supervisor gives somebody more calls a day."""
        somebody = staff.c.id == self.random.randrange(1, CALLERS + 1)
        more = {"daily_capacity": staff.c.daily_capacity + 1}
        with self.book.ctx.engine.begin() as connection:
            connection.execute(update(staff).where(somebody).values(more))

    def wait(self) -> None:
        """An hour passes, and the sweep looks who has gone home."""
        self.book.clock.at += timedelta(hours=1)
        with self.book.ctx.engine.begin() as connection:
            hand_on_what_must_be(connection, self.book.ctx, self.book.ctx.now())

    def always(self) -> None:
        """What holds after every step."""
        live = [row for row in self.book.rows(call) if row.cancelled_at is None]
        assert len({row.action_id for row in live}) == len(live), "no call is given twice"
        pieces = Counter(row.staff_id for row in live if row.part_of is None)
        counted = {row.staff_id: row.pieces for row in self.book.rows(collector_day)}
        capacity = {row.id: row.daily_capacity for row in self.book.rows(staff)}
        assert {id: n for id, n in counted.items() if n} == dict(pieces)
        assert all(n <= capacity[id] for id, n in pieces.items())
        statuses = {row.id: row.status for row in self.book.rows(action)}
        assert {statuses[row.action_id] for row in live} <= {"assigned"}
        assigned = {id for id, status in statuses.items() if status == "assigned"}
        assert assigned == {row.action_id for row in live}, "none is lost"
        holders = defaultdict[int, set[int]](set)
        of_loan = {row.id: row.borrower_id for row in self.book.rows(loan)}
        for row in live:
            holders[of_loan[row.loan_id]].add(row.staff_id)
        assert all(len(each) == 1 for each in holders.values()), "one collector a person a day"


@pytest.mark.parametrize("seed", range(6))
def test_on_any_day_nobody_is_given_what_they_cannot_do(engine: Engine, seed: int) -> None:
    day = Day(engine, seed)
    for _ in range(STEPS):
        day.step()
        day.always()
