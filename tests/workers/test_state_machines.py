"""Whatever happens in whatever order: actions, texts and promises keep to the moves that are drawn.

Random sequences of the real use cases on a real database, with a provider that loses answers, dies
half-way and answers too late.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum, auto
from typing import Any
from uuid import UUID

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
from sqlalchemy import Engine, Row, Table, select, text

from config.readers.policy import Policy
from domain.actions import ACTION_MOVES, CLAIMABLE, SEND_SMS, ActionStatus
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.ladder import Days, Item, Step
from domain.loans import Instalment
from domain.messages import MESSAGE_MOVES, UNSENT, MessageStatus
from domain.promises import PROMISE_MOVES, PromiseStatus
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.events import pay, place, promise, reverse, tell
from tests.support.loans import Book, shipped_ladder, shipped_policy
from tests.support.rights import all_rights
from workers.actions.dead_letters import discard, retry
from workers.db.schema import action, action_event, collection_case, hold, message, promise_event
from workers.db.schema import promise as promises
from workers.escalation.reassess import close_paid_cases
from workers.hardship.promise_judgement import break_overdue_promises
from workers.sms.decide_unconfirmed import abandon_text, mark_sent, mark_unsent
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult, StatusReport
from workers.sms.providers.routing import Routes, Sender
from workers.sms.reconcile import mark_lost_claims, reconcile_texts
from workers.sms.send import send_sms

TEXTS = 8
DUE = (date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 15))

BOUNDED = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


class Answer(StrEnum):
    """What the provider does with the next text."""

    TAKEN = auto()
    TAKEN_UNHEARD = auto()  # it has the text, and its answer is lost
    NOT_TAKEN_UNHEARD = auto()
    BUSY = auto()
    REFUSED = auto()
    DIES_BEFORE = auto()  # the sender's process is killed, before or after the provider took it
    DIES_AFTER = auto()
    LATE = auto()  # the answer comes when the claim has lapsed and the repairs have run


ANSWERS = {
    Answer.TAKEN: SendOutcome.ACCEPTED,
    Answer.LATE: SendOutcome.ACCEPTED,
    Answer.TAKEN_UNHEARD: SendOutcome.UNKNOWN,
    Answer.NOT_TAKEN_UNHEARD: SendOutcome.UNKNOWN,
    Answer.BUSY: SendOutcome.NOT_SENT,
    Answer.REFUSED: SendOutcome.REFUSED,
}
TAKES = {Answer.TAKEN, Answer.TAKEN_UNHEARD, Answer.DIES_AFTER, Answer.LATE}


def many_texts() -> Policy:
    """The policy that ships, with a ladder that texts more often than any lender should."""
    policy = shipped_policy()
    shipped = shipped_ladder("consumer_loan_cn")
    days = Days(1, 30)
    items = tuple(
        Item(f"text_{number}", SEND_SMS, days, template="reminder_first")
        for number in range(1, TEXTS + 1)
    )
    ladder = replace(shipped, steps=(Step("remind", days, items),))
    # Any promise is taken.
    return replace(policy, ladders=(ladder,), promises=())


NOTHING_TO_PROMISE = (ReasonCode.PROMISE_NOTHING_PAST_DUE, ReasonCode.PROMISE_NOTHING_OWED)


class Killed(BaseException):
    """The process is gone: nobody catches this."""


@dataclass(slots=True)
class Provider:
    """Does as it is told, and remembers every text that it took."""

    book: Book | None = None
    answer: Answer = Answer.TAKEN
    taken: dict[UUID, str] = field(default_factory=dict)

    def send(self, text: OutgoingText) -> SendResult:
        if self.answer in TAKES:
            self.taken[text.reference] = f"SM{text.reference.hex}"
        if self.answer in (Answer.DIES_BEFORE, Answer.DIES_AFTER):
            raise Killed
        if self.answer is Answer.LATE and self.book is not None:
            self.book.clock.at += self.book.ctx.settings.lease + timedelta(seconds=1)
            mark_lost_claims(self.book.ctx)
            reconcile_texts(self.book.ctx)
        outcome = ANSWERS[self.answer]
        sid = self.taken[text.reference] if outcome is SendOutcome.ACCEPTED else None
        return SendResult(outcome, because(ReasonCode.PROVIDER_HAS_IT), sid=sid)

    def receipt_of(self, sid: str, to: str, since: datetime) -> StatusReport | None:
        return None  # it took the text, and knows no more of it

    def find(self, text: OutgoingText, since: datetime) -> tuple[str, ...]:
        sid = self.taken.get(text.reference)
        return (sid,) if sid else ()


Rows = Mapping[Table, Sequence[Row[*tuple[Any, ...]]]]
"""What is on record after a step, by table."""


class Loan(RuleBasedStateMachine):
    """One loan past due, and everything that may happen to it."""

    engine: Engine

    @initialize()
    def falls_due(self) -> None:
        with all_rights(self.engine) as connection:
            connection.execute(text("TRUNCATE loan, borrower, inbox_event CASCADE"))
        self.book = Book(self.engine, now="2026-03-02 10:00", policy=many_texts())
        self.provider = Provider(self.book)
        sender = Sender("twilio", "+15005550006", self.provider)
        routes = Routes({"twilio": sender}, {"*": ("twilio",)})
        self.book.ctx = replace(self.book.ctx, sms=routes)
        self.book.loan("L-1", instalments=[Instalment(due_on, Decimal(100)) for due_on in DUE])
        self.book.escalate("L-1")
        self.event_count = 0
        self.paid: list[str] = []
        self.sent_again: set[int] = set()
        self.seen_actions: dict[int, ActionStatus] = {}
        self.seen_texts: dict[UUID, MessageStatus] = {}

    @rule(minutes=st.sampled_from([1, 6, 40]))
    def minutes_pass(self, minutes: int) -> None:
        self.book.clock.at += timedelta(minutes=minutes)

    @rule(days=st.sampled_from([1, 2, 4]))
    def days_pass(self, days: int) -> None:
        """Until the morning, when texts are lawful."""
        day = self.book.ctx.today() + timedelta(days=days)
        self.book.at(f"{day} 10:00")

    @rule()
    def workers_run(self) -> None:
        self._work(Answer.TAKEN)

    @rule(answer=st.sampled_from([Answer.BUSY, Answer.REFUSED]))
    def the_provider_says_no(self, answer: Answer) -> None:
        self._work(answer)

    @rule(answer=st.sampled_from([Answer.TAKEN_UNHEARD, Answer.NOT_TAKEN_UNHEARD]))
    def answers_are_lost(self, answer: Answer) -> None:
        self._work(answer)

    @rule(answer=st.sampled_from([Answer.DIES_BEFORE, Answer.DIES_AFTER]))
    def senders_die_and_their_claims_lapse(self, answer: Answer) -> None:
        self._work(answer)
        self.book.clock.at += self.book.ctx.settings.lease + timedelta(seconds=1)

    @rule()
    def answers_come_too_late(self) -> None:
        self._work(Answer.LATE)

    @precondition(lambda self: self.provider.taken)
    @rule(word=st.sampled_from(["sent", "undelivered", "send_failed", "delivered"]), data=st.data())
    def a_receipt_comes(self, word: str, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(list(self.provider.taken)))
        tell(
            self.book,
            "receipt",
            provider="twilio",
            message_id=str(reference),
            sid=self.provider.taken[reference],
            word=word,
            status=word,
            code=None,
        )

    @rule()
    def repairs_run(self) -> None:
        mark_lost_claims(self.book.ctx)
        reconcile_texts(self.book.ctx)
        break_overdue_promises(self.book.ctx)
        close_paid_cases(self.book.ctx)

    @rule(says=st.sampled_from(["sent", "again", "discard"]))
    def a_person_decides(self, says: str) -> None:
        """About what was given up, and about texts that nobody else can tell of."""
        decide = discard if says == "discard" else retry
        for row in self._actions(ActionStatus.DEAD):
            with suppress(ArrearsError):
                decide(acting(self.book.ctx, Actor("sup-1")), row.id)
        for row in self.book.rows(select(message.c.id, message.c.action_id)):
            with suppress(ArrearsError):
                if says == "sent":
                    mark_sent(acting(self.book.ctx, Actor("sup-1")), row.id)
                elif says == "again":
                    mark_unsent(acting(self.book.ctx, Actor("sup-1")), row.id)
                    self.sent_again.add(row.action_id)
                else:
                    abandon_text(acting(self.book.ctx, Actor("sup-1")), row.id)

    @rule(amount=st.sampled_from(["40", "100", "200"]))
    def money_comes(self, amount: str) -> None:
        self.paid.append(f"P-{len(self.paid)}")
        assert pay(self.book, amount, id=self.paid[-1]).status == "applied"

    @precondition(lambda self: self.paid)
    @rule(data=st.data())
    def money_bounces(self, data: st.DataObject) -> None:
        payment = data.draw(st.sampled_from(self.paid))
        assert reverse(self.book, payment).status == "applied"

    @rule(amount=st.sampled_from(["40", "100"]), days=st.sampled_from([0, 1, 4]))
    def a_promise_is_made(self, amount: str, days: int) -> None:
        self.event_count += 1
        due_on = self.book.ctx.today() + timedelta(days=days)
        told = promise(self.book, amount, str(due_on), id=f"PR-{self.event_count}")
        assert told.status == "applied" or told.reason[0].code in NOTHING_TO_PROMISE

    @precondition(lambda self: self.event_count)
    @rule()
    def the_last_promise_or_hold_ends(self) -> None:
        tell(self.book, "promise_withdrawal", promise=f"PR-{self.event_count}")
        tell(self.book, "release", hold=f"H-{self.event_count}", ends_on=str(self.book.ctx.today()))

    @rule(days=st.sampled_from([1, 2]))
    def a_hold_begins(self, days: int) -> None:
        self.event_count += 1
        today = self.book.ctx.today()
        ends_on = today + timedelta(days=days)
        place(self.book, "manual", str(today), str(ends_on), id=f"H-{self.event_count}")

    @invariant()
    def everything_is_as_it_is_drawn(self) -> None:
        """All is read in one transaction, for it is asked after each step."""
        looked = (action, action_event, message, promises, promise_event, hold, collection_case)
        with self.engine.connect() as connection:
            rows = {
                table: connection.execute(select(table).order_by(*table.primary_key)).all()
                for table in looked
            }
        self._every_move_is_drawn(rows)
        self._what_is_over_stays_over(rows)
        self._what_is_known_of_a_text_only_grows(rows)
        self._an_action_never_has_two_texts_that_may_have_gone_out(rows)
        self._nobody_is_texted_twice_unless_a_person_said_so(rows)
        self._a_promise_is_in_one_state_and_every_move_of_it_is_drawn(rows)
        self._the_pause_of_a_promise_lasts_while_it_is_open(rows)
        assert sum(row.closed_at is None for row in rows[collection_case]) <= 1

    def _every_move_is_drawn(self, rows: Rows) -> None:
        for move in rows[action_event]:
            assert move.to_status in ACTION_MOVES[ActionStatus(move.from_status)], move

    def _what_is_over_stays_over(self, rows: Rows) -> None:
        for row in rows[action]:
            was, is_now = self.seen_actions.get(row.id), ActionStatus(row.status)
            assert was is None or ACTION_MOVES[was] or was is is_now
            self.seen_actions[row.id] = is_now

    def _what_is_known_of_a_text_only_grows(self, rows: Rows) -> None:
        for row in rows[message]:
            was, is_now = self.seen_texts.get(row.id), MessageStatus(row.status)
            assert was is None or was is is_now or is_now in MESSAGE_MOVES[was]
            self.seen_texts[row.id] = is_now

    def _an_action_never_has_two_texts_that_may_have_gone_out(self, rows: Rows) -> None:
        live = Counter(row.action_id for row in rows[message] if row.status not in UNSENT)
        assert all(count == 1 for count in live.values())

    def _nobody_is_texted_twice_unless_a_person_said_so(self, rows: Rows) -> None:
        of = {row.id: row.action_id for row in rows[message]}
        taken = Counter(of[reference] for reference in self.provider.taken)
        assert all(n == 1 for action_id, n in taken.items() if action_id not in self.sent_again)

    def _a_promise_is_in_one_state_and_every_move_of_it_is_drawn(self, rows: Rows) -> None:
        assert sum(row.status == PromiseStatus.OPEN for row in rows[promises]) <= 1
        stands = {row.id: PromiseStatus.OPEN for row in rows[promises]}
        for move in rows[promise_event]:
            assert move.from_status == stands[move.promise_id]
            assert move.to_status in PROMISE_MOVES[PromiseStatus(move.from_status)], move
            stands[move.promise_id] = PromiseStatus(move.to_status)
        assert stands == {row.id: row.status for row in rows[promises]}

    def _the_pause_of_a_promise_lasts_while_it_is_open(self, rows: Rows) -> None:
        today = self.book.ctx.today()
        ends = {row.id: row.ends_on for row in rows[hold]}
        others = [row for row in rows[hold] if row.kind != "promise"]
        for row in rows[promises]:
            if row.status == PromiseStatus.OPEN:
                # Later by the days that another hold stopped its clock.
                assert ends[row.hold_id] >= row.due_on + timedelta(days=2)
                if not others:
                    assert ends[row.hold_id] == row.due_on + timedelta(days=2)
            else:
                assert ends[row.hold_id] <= today
        of_promises = {row.hold_id for row in rows[promises]}
        for row in rows[hold]:
            if row.kind == "promise":
                assert row.id in of_promises or row.ends_on <= today

    def _work(self, answer: Answer) -> None:
        self.book.escalate("L-1")
        self.provider.answer = answer
        for row in self._actions(*CLAIMABLE)[:2]:
            with suppress(Killed):
                send_sms(self.book.ctx, row.id)

    def _actions(self, *statuses: ActionStatus) -> list[Row[*tuple[Any, ...]]]:
        return self.book.rows(
            select(action)
            .where(action.c.type == SEND_SMS, action.c.status.in_(statuses))
            .order_by(action.c.id)
        )


def test_whatever_happens_every_status_moves_as_it_is_drawn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loan, "engine", engine, raising=False)
    run_state_machine_as_test(Loan, settings=BOUNDED)
