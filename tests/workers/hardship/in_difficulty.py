"""One loan of a borrower in difficulty: money comes and goes back, and arrangements are made.

Random sequences of payments and reversals, requests, offers, acceptances, answers of the ledger,
ends, and days that pass. `test_everything_adds_up.py` adds promises, disputes and complaints.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import Engine, text

from domain.arranged import Wish
from domain.arrangements import ARRANGEMENT_MOVES, OPEN, ArrangementStatus
from domain.errors import ArrearsError
from tests.support.arrangements import (
    accept,
    as_quoted,
    ask,
    confirm,
    in_difficulty,
    offer,
    withdraw,
)
from tests.support.events import pay, reverse, tell
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers.db.schema import (
    arrangement,
    arrangement_instalment,
    hold,
    instalment,
    loan,
    payment,
    problem,
)
from workers.hardship.arrangement_review import settle_arrangements

S = ArrangementStatus

WISHES = st.sampled_from(
    [Wish(days=20), Wish(days=60), Wish(instalments=2), Wish(instalments=7), Wish(instalments=36)]
)
AMOUNTS = st.sampled_from(["0.01", "300.33", "920", "1288.20", "5000"])
PARTS = ("principal", "interest", "fees")
PLANS = ("arrangement", "deferral")
DIFFERS = "arrangement_differs"
Status = TypeVar("Status")


def later(moves: Mapping[Status, Iterable[Status]], status: Status) -> set[Status]:
    """Everything that may follow, at once or after other moves."""
    found, left = set[Status](), {status}
    while left:
        left = {each for one in left for each in moves[one]} - found
        found |= left
    return found


class Difficulty(RuleBasedStateMachine):
    """One loan of a borrower in difficulty."""

    engine: Engine

    @initialize()
    def begins(self) -> None:
        with all_rights(self.engine) as connection:
            connection.execute(text("TRUNCATE person, borrower, loan, inbox_event, staff CASCADE"))
        self.book: Book = in_difficulty(self.engine)
        self.count = 0
        self.payments: list[str] = []
        """Since the schedule that counts, and not gone back."""
        self.stood: dict[int, ArrangementStatus] = {}
        self.paid_before = self._paid()
        """What was paid already when the schedule began to count."""

    def _id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}-{self.count}"

    def _newest(self) -> Any:
        rows = self.book.rows(arrangement)
        return rows[-1] if rows else None

    def _owed(self) -> Decimal:
        return self._sum_of(PARTS)

    def _paid(self) -> Decimal:
        return self._sum_of([f"paid_{part}" for part in PARTS])

    def _unpaid(self) -> Decimal:
        return self._owed() - self._paid()

    def _sum_of(self, parts: Iterable[str]) -> Decimal:
        rows = self.book.rows(instalment)
        return sum((getattr(row, part) for row in rows for part in parts), Decimal(0))

    def _try(self, do: Callable[[], object]) -> bool:
        """Do it, or nothing at all: what is refused leaves everything as it was."""
        before = self._everything()
        try:
            do()
        except ArrearsError:
            assert self._everything() == before
            return False
        return True

    def _everything(self) -> list[Any]:
        tables = (arrangement, arrangement_instalment, hold, instalment)
        return [[tuple(row) for row in self.book.rows(table)] for table in tables]

    @rule(days=st.sampled_from([1, 6, 8, 31]))
    def days_pass(self, days: int) -> None:
        self.book.at(f"{self.book.ctx.today() + timedelta(days=days)} 10:00")

    @rule()
    def the_sweep_looks(self) -> None:
        settle_arrangements(self.book.ctx)
        assert settle_arrangements(self.book.ctx) == 0, "it has seen everything of the day"

    @rule(amount=AMOUNTS)
    def money_comes(self, amount: str) -> None:
        id, before = self._id("P"), self._unpaid()
        assert pay(self.book, amount, id=id).status == "applied"
        self.payments.append(id)
        assert before - self._unpaid() == min(Decimal(amount), before)

    @rule(days=st.sampled_from([1, 6, 31]), amount=AMOUNTS)
    def money_is_reported_late(self, days: int, amount: str) -> None:
        """Unless the schedule contains what was paid on its day."""
        paid_on = self.book.ctx.today() - timedelta(days=days)
        if paid_on < (self.book.one(loan).tape_as_of or paid_on):
            return
        id, before = self._id("P"), self._unpaid()
        told = {"external_id": id, "loan": "L-1", "amount": amount, "currency": "CNY"}
        assert tell(self.book, "payment", **told, paid_on=str(paid_on)).status == "applied"
        self.payments.append(id)
        assert before - self._unpaid() == min(Decimal(amount), before)

    @rule()
    def money_bounces(self) -> None:
        if kept := self._kept():
            assert reverse(self.book, kept[-1]).status == "applied"
            self.payments.remove(kept[-1])

    def _kept(self) -> list[str]:
        """The payments of which not all went back in parts."""
        rows = {row.external_id: row for row in self.book.rows(payment)}
        return [id for id in self.payments if rows[id].returned < rows[id].amount]

    @rule(wish=WISHES)
    def the_borrower_asks(self, wish: Wish) -> None:
        is_open = any(row.status in OPEN for row in self.book.rows(arrangement))
        asked = self._try(lambda: ask(self.book, wish, id=self._id("AR")))
        assert asked is not is_open

    @rule(wish=st.one_of(st.none(), WISHES))
    def somebody_offers(self, wish: Wish | None) -> None:
        if newest := self._newest():
            self._try(lambda: offer(self.book, wish, id=newest.external_id))

    @rule()
    def the_borrower_accepts(self) -> None:
        if newest := self._newest():
            recording = self._id("REC")
            self._try(lambda: accept(self.book, id=newest.external_id, recording=recording))

    @rule()
    def the_borrower_withdraws(self) -> None:
        if newest := self._newest():
            self._try(lambda: withdraw(self.book, id=newest.external_id))

    @rule(says=st.sampled_from(["yes", "yes", "no", "dearer"]))
    def the_ledger_answers(self, says: str) -> None:
        newest = self._newest()
        if newest is None or newest.status != S.ACCEPTED:
            return
        if says == "no":
            tell(self.book, "arrangement_refusal", arrangement=newest.external_id)
            return
        schedule = as_quoted(self.book)
        if says == "dearer":
            schedule[0]["fees"] = str(Decimal(schedule[0]["fees"]) + 5)
        result = confirm(self.book, schedule, id=newest.external_id, restructuring=self._id("RS"))
        assert result.status == "applied", result.reason
        self.payments = []  # what was paid before the new schedule is in it
        self.paid_before = self._paid()

    @rule()
    def somebody_asks_offers_accepts_and_the_ledger_confirms(self) -> None:
        self.the_borrower_asks(Wish(instalments=2))
        self.somebody_offers(None)
        self.the_borrower_accepts()
        self.the_ledger_answers("yes")

    @invariant()
    def a_loan_has_one_open_arrangement_at_most(self) -> None:
        assert sum(row.status in OPEN for row in self.book.rows(arrangement)) <= 1

    @invariant()
    def each_moves_only_as_the_table_of_moves_says(self) -> None:
        for row in self.book.rows(arrangement):
            status, before = S(row.status), self.stood.get(row.id)
            if before is not None and status is not before:
                assert status in later(ARRANGEMENT_MOVES, before), (before, status)
            self.stood[row.id] = status
            assert (status in OPEN) == (row.ended_at is None)

    @invariant()
    def instalments_add_up_to_what_was_quoted(self) -> None:
        for row in self.book.rows(arrangement):
            if row.quote is None:
                continue
            after = sum(Decimal(each[p]) for each in row.quote["after"] for p in PARTS)
            assert after == row.to_pay_after == Decimal(row.quote["to_pay_after"])
            arranged = sum(Decimal(each["amount"]) for each in row.quote["arranged"])
            of_it = [
                each
                for each in self.book.rows(arrangement_instalment)
                if each.arrangement_id == row.id
            ]
            if not self._ledger_differs(row):
                assert sum(each.principal + each.interest + each.fees for each in of_it) == arranged
            cost = Decimal(row.quote["interest"]) + Decimal(row.quote["fee"])
            dropped = Decimal(row.quote["interest_dropped"])
            assert row.to_pay_before + cost - dropped == row.to_pay_after

    def _ledger_differs(self, row: Any) -> bool:
        """Whether the ledger confirmed other amounts, as where money came after the acceptance."""
        said = [each.detail for each in self.book.rows(problem) if each.kind == DIFFERS]
        return any(f"'{row.external_id}'" in str(detail) for detail in said)

    @invariant()
    def what_came_is_what_is_paid_and_left_over(self) -> None:
        known = {row.external_id: row for row in self.book.rows(payment)}
        live = [known[id] for id in self.payments]
        came = sum((row.amount - row.returned for row in live), Decimal(0))
        left_over = sum((row.unallocated for row in live), Decimal(0))
        assert self._paid() - self.paid_before + left_over == came
        assert 0 <= self._paid() <= self._owed()

    @invariant()
    def one_that_is_active_owes_what_is_unpaid_of_it(self) -> None:
        due = {row.due_on: row for row in self.book.rows(instalment)}
        for row in self.book.rows(arrangement):
            days = [
                due.get(each.due_on)
                for each in self.book.rows(arrangement_instalment)
                if each.arrangement_id == row.id
            ]
            if row.status in (S.ACTIVE, S.COMPLETED) and all(days):
                unpaid = any(
                    each.paid_principal + each.paid_interest + each.paid_fees
                    < each.principal + each.interest + each.fees
                    for each in days
                    if each
                )
                assert (row.status == S.ACTIVE) == unpaid

    @invariant()
    def its_pause_lasts_as_long_as_it_is_kept(self) -> None:
        holds = [row for row in self.book.rows(hold) if row.kind in PLANS]
        without_end = [row for row in holds if row.ends_on is None]
        active = [row for row in self.book.rows(arrangement) if row.status == S.ACTIVE]
        assert [row.id for row in without_end] == [row.hold_id for row in active]

    @invariant()
    def the_loan_is_reviewed_while_something_is_owed(self) -> None:
        stands = self.book.one(loan)
        paused = any(row.ends_on is None for row in self.book.rows(hold))
        assert stands.review_on is not None or paused or not self._unpaid()
