"""Whatever happens to a loan, cents add up, and no promise and no plan is in two states.

Random sequences of payments, reversals, refunds, promises in parts, arrangements, disputes,
complaints and days that pass, on a real database. Each promise is judged a second time, by the
oracle. `MONEY_EXAMPLES=200` tells as many other stories.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, select

from domain.actions import WAITING, ActionStatus
from domain.disputes import COMPLAINT_MOVES, DISPUTE_MOVES, OPEN, MatterStatus
from domain.promises import PROMISE_MOVES, PromiseStatus
from tests.oracle.agreements import Money, Pledge, pledge_stands, promise_terms
from tests.support.events import refund, restore, reverse, tell
from tests.support.matters import answer_matter
from tests.workers.hardship.in_difficulty import Difficulty, later
from workers.db.disputes import TABLES
from workers.db.schema import (
    action,
    complaint,
    dispute,
    hold,
    instalment,
    payment,
    promise,
    promise_event,
)
from workers.escalation.reassess import close_paid_cases
from workers.hardship.answer_clock import watch_answers
from workers.hardship.promise_judgement import break_overdue_promises
from workers.simulator.demo.integrity import Gap, find_unexplained

ASKED = os.environ.get("MONEY_EXAMPLES")
EXAMPLES = int(ASKED or "3")
"""How many stories are told: the same few in the suite, and others each time if more are asked."""

TERMS = promise_terms("consumer_loan_cn")
NOT_KEPT = ("broken", "part_kept")
FOR_DAYS = st.sampled_from([(0,), (1,), (3,), (1, 3), (2, 5, 9), (14, 31)])
PER_CENT = st.sampled_from([20, 30, 60, 100, 130])
ENDS = {
    "upheld": "goodwill",
    "partly_upheld": "no_proof",
    "rejected": "no_proof",
    "withdrawn": "taken_back",
}
LATE_MONEY = timedelta(days=31)
WITHIN_A_YEAR = timedelta(days=365)
ACTS = WAITING | {ActionStatus.ASSIGNED}


class Everything(Difficulty):
    """The same loan, with all that may be agreed, disputed and complained of beside."""

    @initialize()
    def begins(self) -> None:
        super().begins()
        self.pledges: dict[str, Pledge] = {}
        self.paid_by_nothing_due: set[str] = set()
        """Promises that are kept because nothing was past due any more."""
        self.swept_on: date | None = None
        self.matters: dict[str, MatterStatus] = {}
        self.book.staff("s-1", "supervisor")
        self.book.staff("s-2", "supervisor")

    # ---- promises

    @rule(days=FOR_DAYS, per_cent=PER_CENT)
    def the_borrower_promises(self, days: tuple[int, ...], per_cent: int) -> None:
        # Money that came before is not of this promise.
        self.book.clock.at += timedelta(seconds=1)
        today, due = self.book.ctx.today(), self._past_due()
        each = max(Decimal("0.01"), round(due * per_cent / 100 / len(days), 2))
        id, before = self._id("PR"), self._everything()
        parts = [(today + timedelta(days=n), each) for n in days]
        told = {"promise": id, "loan": "L-1", "currency": "CNY", "actor": "c-1"}
        said = [{"due_on": str(day), "amount": str(amount)} for day, amount in parts]
        made = tell(self.book, "promise", **told, parts=said)
        if made.status != "applied":
            assert self._everything() == before
            return
        cents = ((day, int(amount * 100)) for day, amount in parts)
        self.pledges[id] = Pledge.by_terms(cents, self.book.ctx.now(), TERMS)

    @precondition(lambda self: self.pledges)
    @rule()
    def the_last_promise_is_taken_back(self) -> None:
        tell(self.book, "promise_withdrawal", promise=list(self.pledges)[-1])

    @rule()
    def the_sweep_looks(self) -> None:
        """At everything that its day has come for, and a second time at nothing."""
        super().the_sweep_looks()
        break_overdue_promises(self.book.ctx)
        assert break_overdue_promises(self.book.ctx) == 0
        close_paid_cases(self.book.ctx)
        watch_answers(self.book.ctx)
        self.book.escalate("L-1")
        self.swept_on = self.book.ctx.today()

    @rule(minutes=st.sampled_from([1, 300]))
    def minutes_pass(self, minutes: int) -> None:
        self.book.clock.at += timedelta(minutes=minutes)

    # ---- money goes back in other ways

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def any_money_bounces_and_may_come_again(self, data: st.DataObject) -> None:
        if not (kept := self._kept()):
            return
        id = data.draw(st.sampled_from(kept))
        assert reverse(self.book, id).status == "applied"
        self.payments.remove(id)
        if data.draw(st.booleans()):
            assert restore(self.book, id).status == "applied"
            self.payments.append(id)

    @precondition(lambda self: self.payments)
    @rule(data=st.data(), cents=st.sampled_from([1, 300_00]))
    def a_part_goes_back(self, data: st.DataObject, cents: int) -> None:
        id = data.draw(st.sampled_from(self.payments))
        known = self.book.one(select(payment).where(payment.c.external_id == id))
        amount = min(Decimal(cents) / 100, known.amount - known.returned)
        if amount == known.amount - known.returned:
            return
        told = reverse(self.book, id, amount=str(amount), reversal=self._id("R"))
        assert told.status == "applied", told.reason

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def what_is_left_over_is_refunded(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.payments))
        known = self.book.one(select(payment).where(payment.c.external_id == id))
        if known.unallocated:
            refunded = refund(self.book, str(known.unallocated), id=self._id("RF"), payment=id)
            assert refunded.status == "applied"

    # ---- disputes and complaints

    @rule()
    def the_borrower_disputes(self) -> None:
        today = str(self.book.ctx.today())
        told = {"dispute": self._id("D"), "loan": "L-1", "starts_on": today, "why": "too much"}
        assert tell(self.book, "dispute", **told, actor="c-1").status == "applied"

    @rule(about=st.sampled_from([None, "s-2"]))
    def the_borrower_complains(self, about: str | None) -> None:
        told = {"complaint": self._id("C"), "loan": "L-1", "kind": "conduct", "why": "was rude"}
        told |= {"about_staff": about} if about else {}
        assert tell(self.book, "complaint", **told, actor="c-1").status == "applied"

    @rule(outcome=st.sampled_from(sorted(ENDS)), by=st.sampled_from(["s-1", "s-2"]))
    def a_supervisor_answers(self, outcome: str, by: str) -> None:
        for matter, table in TABLES.items():
            open_ones = [row for row in self.book.rows(table) if row.status in OPEN]
            for row in open_ones[:1]:
                finding = ENDS[outcome]
                answered = answer_matter(self.book, matter, row.external_id, outcome, finding, by)
                was_applied = answered.status == "applied"
                if by == row._mapping.get("about_staff"):
                    assert not was_applied
                elif by not in {each.about_staff for each in self.book.rows(complaint)}:
                    assert was_applied, answered.reason

    @rule()
    def the_lender_releases_a_dispute(self) -> None:
        if rows := self.book.rows(dispute):
            today = str(self.book.ctx.today())
            tell(self.book, "release", hold=rows[-1].external_id, ends_on=today)

    # ---- what always holds

    @invariant()
    def promises_move_as_they_are_drawn_and_stand_where_they_moved(self) -> None:
        rows = self.book.rows(promise)
        assert sum(row.status == "open" for row in rows) <= 1
        stands = {row.id: "open" for row in rows}
        for move in self.book.rows(promise_event):
            assert move.from_status == stands[move.promise_id]
            assert move.to_status in PROMISE_MOVES[PromiseStatus(move.from_status)], move
            stands[move.promise_id] = move.to_status
        assert stands == {row.id: row.status for row in rows}

    @invariant()
    def every_promise_stands_where_the_oracle_says(self) -> None:
        today, money, stopped = self.book.ctx.today(), self._money(), self._stopped()
        ended_today = any(row.ends_on == today for row in self._other_holds())
        rows = self.book.rows(promise)
        for row in rows:
            following = (
                self.pledges[each.external_id].made_at for each in rows if each.id > row.id
            )
            made = self.pledges[row.external_id]
            pledge = replace(made, next_made_at=min(following, default=None))
            status, paid = pledge_stands(pledge, money, today, stopped)
            assert row.amount * 100 == sum(cents for _, cents in pledge.parts)
            if row.status == "withdrawn" or row.due_on < today - LATE_MONEY:
                continue
            if row.status == "kept" and status != "kept":
                # A plan or a payment of before left nothing past due.
                self._assert_nothing_was_due(row)
                continue
            if row.status == "open" and status in NOT_KEPT:
                assert ended_today or self.swept_on != today, (row, status, paid)
                continue
            assert row.status == status, (row, status, paid)

    def _other_holds(self) -> list[Any]:
        return [row for row in self.book.rows(hold) if row.kind != "promise"]

    def _stopped(self) -> Callable[[date], bool]:
        """On which days something that is no promise stopped collection."""
        today, held = self.book.ctx.today(), self._other_holds()
        return lambda day: (
            day <= today
            and any(
                row.starts_on <= day and (row.ends_on is None or day < row.ends_on) for row in held
            )
        )

    def _assert_nothing_was_due(self, row: Any) -> None:
        if row.external_id not in self.paid_by_nothing_due:
            assert self._past_due() <= 0, row
            self.paid_by_nothing_due.add(row.external_id)

    @invariant()
    def nothing_pauses_the_ladder_but_what_lasts(self) -> None:
        today = self.book.ctx.today()
        lasting = {
            row.id: row.kind
            for row in self.book.rows(hold)
            if row.ends_on is None or row.ends_on > today
        }
        promised = {row.hold_id for row in self.book.rows(promise) if row.status == "open"}
        assert {id for id, kind in lasting.items() if kind == "promise"} <= promised
        stopped = self._stopped()
        open_until = {
            row.hold_id: self.pledges[row.external_id]
            for row in self.book.rows(promise)
            if row.status == "open"
        }
        for row in self.book.rows(hold):
            if row.id in open_until:
                pledge = open_until[row.id]
                assert pledge.pauses_until <= row.ends_on <= pledge.judged_on(-1, stopped)
        disputed = {row.hold_id for row in self.book.rows(dispute) if row.status in OPEN}
        right = {
            row.hold_id
            for row in self.book.rows(dispute)
            if row.status in ("upheld", "partly_upheld")
        }
        held = {id for id, kind in lasting.items() if kind == "dispute"}
        assert disputed <= held <= disputed | right

    @invariant()
    def matters_move_only_as_they_are_drawn(self) -> None:
        for table, moves in ((dispute, DISPUTE_MOVES), (complaint, COMPLAINT_MOVES)):
            for row in self.book.rows(table):
                is_now = MatterStatus(row.status)
                was = self.matters.get(row.external_id, MatterStatus.RECEIVED)
                assert is_now is was or is_now in later(moves, was)
                self.matters[row.external_id] = is_now

    @invariant()
    def what_follows_follows_from_what_stands(self) -> None:
        """What waits has a cause that is not over, and what is not kept is followed up once."""
        standing = {row.external_id: row for row in self.book.rows(promise)}
        rows = [row for row in self.book.rows(action) if row.cause]
        for row in rows:
            name = row.cause.removeprefix("promise:").split(" ")[0]
            if row.status not in ACTS or name not in standing:
                continue
            if row.item == "promise_reminder":
                assert standing[name].status == "open", row
            else:
                assert standing[name].status in NOT_KEPT, row
        after = Counter(
            row.cause for row in rows if row.item in ("promise_broken_call", "hardship_offer")
        )
        assert max(after.values(), default=1) == 1
        if self.swept_on == self.book.ctx.today() and self._past_due() >= 10:
            judged = (row for row in standing.values() if self._was_judged_today(row))
            for row in judged:
                whose = "" if row.sender == "staff" else f" [{row.sender}]"
                assert after[f"promise:{row.external_id}{whose}"] == 1, row

    def _was_judged_today(self, row: Any) -> bool:
        ended = row.completed_at and row.completed_at.astimezone(self.book.zone).date()
        return row.status in NOT_KEPT and ended == self.book.ctx.today()

    @invariant()
    def no_promise_and_no_plan_is_in_two_states(self) -> None:
        with self.book.ctx.engine.connect() as connection:
            found = find_unexplained(connection, self.book.ctx)
        of_people = {Gap.PROMISE_IN_TWO_STATES, Gap.PLAN_IN_TWO_STATES, Gap.PLAN_DOES_NOT_ADD_UP}
        assert of_people.isdisjoint(found), found

    def _everything(self) -> list[Any]:
        more = [[tuple(row) for row in self.book.rows(table)] for table in (promise, action)]
        return [*super()._everything(), *more]

    def _money(self) -> Iterable[Money]:
        return [
            Money(
                row.paid_on,
                row.recorded_at.astimezone(self.book.zone),
                int((row.amount - row.returned) * 100),
            )
            for row in self.book.rows(payment)
            if row.reversed_on is None
        ]

    def _past_due(self) -> Decimal:
        """Of what fell due before today, what is unpaid."""
        today = self.book.ctx.today()
        due = [each for each in self.book.rows(instalment) if (each.counts_from or today) < today]
        owed = (each.principal + each.interest + each.fees for each in due)
        paid = (each.paid_principal + each.paid_interest + each.paid_fees for each in due)
        return sum(owed, Decimal(0)) - sum(paid, Decimal(0))


@pytest.mark.timeout(3600)
def test_whatever_happens_everything_adds_up(engine: Engine) -> None:
    machine = type("Told", (Everything,), {"engine": engine})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not ASKED,
        ),
    )
