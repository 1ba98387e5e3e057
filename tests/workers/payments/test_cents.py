"""Cents add up, whatever comes in and in whatever order: the money of one loan against a ledger.

Random sequences of payments, reversals in part and taken back, refunds, charges, waivers,
accelerations, instalments left out, restructurings, and tapes that are late, repeated or stale.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, func, select, text

from config.readers.tape_mapping_reader import load_mapping
from tests.support.events import pay, refund, restore, reverse, take_back_refund, tell
from tests.support.loans import Book
from tests.support.rights import all_rights
from tests.workers.payments.ledger import PARTS, Booking, Ledger, Owed, Stand
from tests.workers.tapes.test_import_tape import COLUMNS, row
from workers.db.schema import (
    adjustment,
    adjustment_part,
    allocation,
    instalment,
    loan,
    payment,
    payment_return,
    replaced_instalment,
)
from workers.inbox.apply import EventResult
from workers.tapes.import_tape import import_tape

ASKED = os.environ.get("MONEY_EXAMPLES")
EXAMPLES = int(ASKED or "6")
"""How many stories are told: the same few in the suite, and others each time if more are asked."""

FEBRUARY, APRIL = date(2026, 2, 28), date(2026, 4, 1)
SCHEDULE: Owed = {
    (due_on, part): cents
    for due_on in (FEBRUARY, APRIL)
    for part, cents in (("principal", 100_00), ("interest", 10_00))
}
BEGIN = date(2026, 3, 2)

CENTS = st.sampled_from([1, 10_00, 33_33, 60_00, 110_00, 150_00])


def written(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"


class Money(NamedTuple):
    """The money on record of the loan, in cents."""

    owed: int
    paid: int
    left_over: int
    """Of payments that were not reversed."""


@dataclass
class Paid:
    """A payment that an event told or will tell."""

    id: str
    day: date
    cents: int
    gone: int = 0
    """Refunded, or reversed in part."""
    is_reversed: bool = False
    parts: dict[str, int] = field(default_factory=dict)
    """Reversals in part that were not taken back."""
    refunds: dict[str, int] = field(default_factory=dict)
    """That were not taken back."""


class Loan(RuleBasedStateMachine):
    """One loan, as its lender books it and as its events and tapes come in."""

    engine: Engine

    @initialize()
    def begins(self) -> None:
        with all_rights(self.engine) as connection:
            connection.execute(
                text("TRUNCATE person, borrower, loan, inbox_event, tape_import CASCADE")
            )
        self.folder = Path(tempfile.mkdtemp())
        self.book = Book(self.engine, now=f"{BEGIN} 10:00")
        self.ledger = Ledger(SCHEDULE)
        self.count = 0
        self.payments: list[Paid] = []
        self.adjustments: dict[str, Booking] = {}
        self.late: list[Callable[[], None]] = []
        self.may_fall = 0
        """At most: what went back of payments that a tape contains."""
        self.tape_day = BEGIN
        self.restructured_on: date | None = None
        self.last_tape: tuple[Stand, date] | None = None
        self._import(self.ledger.before(BEGIN), BEGIN)

    @property
    def today(self) -> date:
        return self.book.ctx.today()

    def _id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}-{self.count}"

    # ---- what the lender books, and tells at once, later or never

    @rule(days=st.sampled_from([1, 2]))
    def days_pass(self, days: int) -> None:
        self.book.at(f"{self.today + timedelta(days=days)} 10:00")

    @rule(cents=CENTS, told=st.sampled_from(["now", "now", "late", "never"]))
    def money_comes(self, cents: int, told: str) -> None:
        paid = Paid(self._id("P"), self.today, cents)
        self.ledger.book(Booking(self.today, "money", cents))
        if told == "never":
            return
        self._tell(
            told,
            lambda: pay(self.book, written(cents), id=paid.id, paid_on=str(paid.day)),
            lambda: cents if paid.day >= self.tape_day else 0,
            then=lambda: self.payments.append(paid),
        )

    @precondition(lambda self: self._live())
    @rule(data=st.data(), cents=CENTS, told=st.sampled_from(["now", "now", "late"]))
    def a_part_goes_back(self, data: st.DataObject, cents: int, told: str) -> None:
        if told == "now":
            self._tell_the_late()
        paid = data.draw(st.sampled_from(self._live()))
        cents = min(cents, paid.cents - paid.gone)
        if cents == 0:
            return
        id, day = self._id("R"), self.today
        paid.gone += cents
        paid.parts[id] = cents
        self.ledger.book(Booking(day, "money", -cents))
        self._tell(
            told,
            lambda: reverse(self.book, paid.id, str(day), amount=written(cents), reversal=id),
            lambda: self._goes_back(paid, cents),
        )

    @precondition(lambda self: self._live())
    @rule(data=st.data(), told=st.sampled_from(["now", "now", "late"]))
    def all_of_it_goes_back(self, data: st.DataObject, told: str) -> None:
        if told == "now":
            self._tell_the_late()
        paid = data.draw(st.sampled_from(self._live()))
        day, cents = self.today, paid.cents - paid.gone
        if cents == 0:
            return
        paid.is_reversed = True
        self.ledger.book(Booking(day, "money", -cents))
        self._tell(
            told,
            lambda: reverse(self.book, paid.id, str(day)),
            lambda: self._goes_back(paid, cents),
        )

    @precondition(lambda self: self._reversed())
    @rule(data=st.data(), told=st.sampled_from(["now", "now", "late"]))
    def it_did_not_go_back(self, data: st.DataObject, told: str) -> None:
        if told == "now":
            self._tell_the_late()
        paid = data.draw(st.sampled_from(self._reversed()))
        more, back = {}, paid.cents - paid.gone
        if not paid.is_reversed:
            id = data.draw(st.sampled_from(list(paid.parts)))
            back = paid.parts.pop(id)
            paid.gone -= back
            more = {"reversal": id}
        paid.is_reversed = False
        self.ledger.book(Booking(self.today, "money", back))
        more["taken_back_on"] = str(self.today)
        self._tell(told, lambda: restore(self.book, paid.id, **more), lambda: None)

    @precondition(lambda self: self._live())
    @rule(data=st.data(), cents=CENTS)
    def it_is_refunded(self, data: st.DataObject, cents: int) -> None:
        self._tell_the_late()
        paid = data.draw(st.sampled_from(self._live()))
        known = self.book.one(select(payment).where(payment.c.external_id == paid.id))
        cents = min(cents, int(known.unallocated * 100))
        if cents == 0:
            return
        id = self._id("RF")
        paid.gone += cents
        self.ledger.book(Booking(self.today, "money", -cents))
        before = self.money()
        result = refund(self.book, written(cents), id=id, payment=paid.id)
        assert result.status == "applied"
        assert self.money() == before._replace(left_over=before.left_over - cents)
        paid.refunds[id] = cents

    @precondition(lambda self: any(paid.refunds for paid in self._live()))
    @rule(data=st.data(), told=st.sampled_from(["now", "late"]))
    def it_was_not_refunded_after_all(self, data: st.DataObject, told: str) -> None:
        if told == "now":
            self._tell_the_late()
        paid = data.draw(st.sampled_from([each for each in self._live() if each.refunds]))
        id = data.draw(st.sampled_from(list(paid.refunds)))
        cents, day = paid.refunds.pop(id), str(self.today)
        paid.gone -= cents
        self.ledger.book(Booking(self.today, "money", cents))
        self._tell(
            told,
            lambda: take_back_refund(self.book, id, paid.id, on=day),
            lambda: cents if date.fromisoformat(day) >= self.tape_day else None,
        )

    @rule(cents=CENTS, told=st.sampled_from(["now", "now", "late"]))
    def something_is_charged(self, cents: int, told: str) -> None:
        due_on = min(due for due, _ in self.ledger.before(self.today).owed)
        booked = Booking(self.today, "charge", cents, due_on)
        said = {"component": "fees", "due_on": str(due_on), "amount": written(cents)}
        self._adjust(told, "charge", booked, currency="CNY", **said)

    @rule(cents=CENTS)
    def something_is_waived(self, cents: int) -> None:
        booked = Booking(self.today, "waiver", cents)
        self._adjust("now", "waiver", booked, currency="CNY", amount=written(cents))

    @rule()
    def an_instalment_is_left_out(self) -> None:
        due_on = max(due for due, _ in self.ledger.before(self.today).owed)
        to = due_on + timedelta(days=40)
        booked = Booking(self.today, "left_out", due_on=due_on, moved_to=to)
        said = {"instalment": str(due_on), "due_on": str(to)}
        self._adjust("now", "instalment_left_out", booked, **said)

    @rule()
    def the_rest_falls_due(self) -> None:
        booked = Booking(self.today, "acceleration", moved_to=self.today)
        self._adjust("now", "acceleration", booked, due_on=str(self.today))

    @precondition(lambda self: self.adjustments)
    @rule(data=st.data())
    def an_adjustment_is_taken_back(self, data: st.DataObject) -> None:
        self._tell_the_late()
        id = data.draw(st.sampled_from(list(self.adjustments)))
        booked = self.adjustments.pop(id)
        booked.undone_on = self.today
        told = {"adjustment": id, "loan": "L-1", "reversed_on": str(self.today)}
        self._tell("now", lambda: tell(self.book, "adjustment_reversal", **told), lambda: None)

    @rule(cents=st.sampled_from([50_00, 120_01]), paid=st.sampled_from([0, 20_00]))
    def it_is_restructured(self, cents: int, paid: int) -> None:
        day = self.today
        if day <= self.tape_day or day == self.restructured_on:
            return
        self._tell_the_late()
        dues = [day + timedelta(days=30 * n) for n in (1, 2, 3)]
        schedule = {(due_on, "principal"): cents for due_on in dues}
        self.ledger.book(Booking(day, "restructuring", paid, schedule=schedule))
        told = {
            "restructuring": self._id("RS"),
            "loan": "L-1",
            "currency": "CNY",
            "restructured_on": str(day),
            "paid": written(paid),
            "instalments": [{"due_on": str(d), "principal": written(cents)} for d in dues],
            "why": "agreed",
            "actor": "c-1",
        }
        before = self.money()
        assert tell(self.book, "restructuring", **told).status == "applied"
        old = self.book.rows(replaced_instalment)
        kept = [each for each in old if each.replaced_schedule_id == old[-1].replaced_schedule_id]
        assert before.paid == sum(
            int(getattr(each, f"paid_{part}") * 100) for each in kept for part in PARTS
        )
        self.restructured_on = self.tape_day = day
        self.adjustments.clear()

    @precondition(lambda self: self.late)
    @rule()
    def the_oldest_late_event_comes(self) -> None:
        self.late.pop(0)()

    # ---- tapes

    @rule()
    def the_tape_of_the_day_comes(self) -> None:
        stand = self.ledger.before(self.today)
        self._import(stand, self.today)
        days = {day for each in self.ledger.bookings for day in (each.day, each.undone_on) if day}
        if not days or max(days) < self.today:
            owed = {
                (due.due_on, part): int(getattr(due, part) * 100)
                for due in self.book.rows(instalment)
                for part in PARTS
                if getattr(due, part)
            }
            assert owed == {key: cents for key, cents in stand.owed.items() if cents}
            assert self.money().paid >= stand.paid
            if not self.late and not stand.restructured_on:
                assert self.money().left_over <= stand.received - stand.paid

    @rule()
    def a_tape_cut_in_the_evening_comes_under_the_date_of_its_day(self) -> None:
        """It contains what was booked on its day. No charge of the day counts twice."""
        stand = self.ledger.before(self.today + timedelta(days=1))
        before = self.money()
        self._import(stand, self.today)
        assert self.money().owed <= max(before.owed, sum(stand.owed.values()))

    @precondition(lambda self: self.last_tape)
    @rule()
    def the_last_tape_comes_again(self) -> None:
        """Nothing is undone that came in since."""
        assert self.last_tape
        before = self.money()
        self._import(*self.last_tape)
        after = self.money()
        assert after.paid + after.left_over == before.paid + before.left_over
        rows = self.snapshot()
        self._import(*self.last_tape)
        assert self.snapshot() == rows

    @rule(days=st.sampled_from([1, 3]))
    def a_late_tape_comes(self, days: int) -> None:
        day = self.tape_day - timedelta(days=days)
        before = self.snapshot()
        self._import(self.ledger.before(day), day)
        assert self.snapshot() == before

    @rule(days=st.sampled_from([1, 2]))
    def a_stale_tape_comes_under_todays_date(self, days: int) -> None:
        day = self.tape_day - timedelta(days=days)
        before = self.money()
        self._import(self.ledger.before(day), self.today)
        after = self.money()
        assert after.paid >= min(before.paid - self.may_fall, after.owed)

    # ---- what is true at any time

    @invariant()
    def no_component_is_overpaid_or_below_zero(self) -> None:
        for due in self.book.rows(instalment):
            for part in PARTS:
                assert 0 <= getattr(due, f"paid_{part}") <= getattr(due, part)

    @invariant()
    def each_payment_adds_up(self) -> None:
        """Allocated + left over + went back = received, unless a tape contained it."""
        of_payment = select(allocation.c.payment_id, func.sum(allocation.c.amount))
        allocated = dict(map(tuple, self.book.rows(of_payment.group_by(allocation.c.payment_id))))
        backs = self.book.rows(
            select(payment_return).where(payment_return.c.taken_back_on.is_(None))
        )
        for paid in self.book.rows(payment):
            back = sum(each.amount for each in backs if each.payment_id == paid.id)
            assert back == paid.returned <= paid.amount
            assert 0 <= paid.unallocated <= paid.amount - paid.returned
            pays = allocated.get(paid.id, Decimal(0))
            # What went back of one that a tape contains is noted. What it paid stays on record.
            if paid.reversed_on is None:
                assert pays + paid.unallocated <= paid.amount
            if paid.reversed_on is None and paid.paid_on >= self.tape_day:
                assert pays + paid.unallocated == paid.amount - paid.returned

    @invariant()
    def what_was_lowered_was_owed(self) -> None:
        """A waiver waives no more than its amount; what is moved is neither more nor less."""
        sums = select(
            adjustment.c.kind,
            adjustment.c.amount,
            func.sum(adjustment_part.c.amount).label("parts"),
        ).join(adjustment_part)
        for each in self.book.rows(sums.group_by(adjustment.c.id)):
            if each.kind == "waiver":
                assert -each.amount <= each.parts <= 0
            else:
                assert each.parts == (each.amount if each.kind == "charge" else 0)

    # ---- how it is done

    def money(self) -> Money:
        dues = self.book.rows(instalment)
        live = self.book.rows(select(payment).where(payment.c.reversed_on.is_(None)))
        return Money(
            sum(int(getattr(due, part) * 100) for due in dues for part in PARTS),
            sum(int(getattr(due, f"paid_{part}") * 100) for due in dues for part in PARTS),
            sum(int(each.unallocated * 100) for each in live),
        )

    def snapshot(self) -> list[object]:
        """All money on record, row by row."""
        tables = (instalment, payment, allocation, payment_return, adjustment, adjustment_part)
        return [*map(self.book.rows, tables), self.book.one(select(loan.c.tape_as_of))]

    def _goes_back(self, paid: Paid, cents: int) -> int | None:
        """By how much what is paid and left over falls; None if that is noted for the next tape."""
        if paid.day >= self.tape_day:
            return -cents
        self.may_fall += cents
        return None

    def _live(self) -> list[Paid]:
        return [paid for paid in self.payments if not paid.is_reversed]

    def _reversed(self) -> list[Paid]:
        return [paid for paid in self.payments if paid.is_reversed or paid.parts]

    def _tell_the_late(self) -> None:
        while self.late:
            self.late.pop(0)()

    def _tell(
        self,
        when: str,
        event: Callable[[], EventResult],
        comes: Callable[[], int | None],
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Tell an event now or later. `comes` is by how much what is paid and what is left over
        grow together; None if that is not known."""

        def told() -> None:
            before, expected = self.money(), comes()
            result = event()
            assert result.status in ("applied", "received"), result
            after = self.money()
            grown = after.paid + after.left_over - before.paid - before.left_over
            if result.status == "applied" and expected is not None:
                assert grown == expected
            then()

        if when == "now":
            told()
        else:
            self.late.append(told)

    def _adjust(self, when: str, kind: str, booked: Booking, **said: str) -> None:
        id = self._id("A")
        self.ledger.book(booked)
        given: dict[str, Any] = {"adjustment": id, "loan": "L-1", "booked_on": str(booked.day)}

        def keep() -> None:
            if booked.day >= (self.restructured_on or booked.day):
                self.adjustments[id] = booked

        self._tell(when, lambda: tell(self.book, kind, **given, **said), lambda: 0, then=keep)

    def _import(self, stand: Stand, day: date) -> None:
        dues = sorted({due_on for (due_on, _), cents in stand.owed.items() if cents})
        if not dues:
            return
        amounts = (
            " ".join(
                [str(due), *(written(stand.owed.get((due, part), 0)) for part in reversed(PARTS))]
            )
            for due in dues
        )
        line = row("L-1", instalments="; ".join(amounts), paid=written(stand.paid))
        tape = self.folder / "tape.csv"
        tape.write_text(f"{COLUMNS},restructured_on\n{line},{stand.restructured_on or ''}\n")
        report = import_tape(self.book.ctx, tape, load_mapping("arrears"), as_of=day)
        assert report.kept
        if day >= self.tape_day:
            self.last_tape = stand, day
        known = self.book.one(select(loan.c.tape_as_of)).tape_as_of
        assert known >= self.tape_day
        self.tape_day = known


def test_cents_add_up_whatever_comes_in(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loan, "engine", engine, raising=False)
    run_state_machine_as_test(
        Loan,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            derandomize=not ASKED,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
