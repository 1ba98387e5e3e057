"""A house that works by itself from day to day, for stories over weeks.

From one moment to the next everything is done that beat starts and workers take up. What people
and the lender's systems do in between, the story says.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import Engine, insert, select, update

from domain.actions import ACTION_TYPES
from domain.actors import Actor, Role
from domain.language.render import Sentence
from domain.language.speak import speak
from domain.loans import Instalment
from tests.support.acting import acting
from tests.support.events import pay, tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import use_case
from workers.borrowers.reply_queue import assign_replies
from workers.calls.callbacks import hand_on_late_callbacks
from workers.calls.start import start_call
from workers.context import Context
from workers.db.schema import action, call, loan, shift, staff
from workers.escalation.escalate import escalate_loans
from workers.escalation.reassess import close_paid_cases
from workers.escalation.scan import Envelope, scan_portfolio
from workers.hardship.answer_clock import watch_answers
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.promise_judgement import break_overdue_promises
from workers.history import loan_history
from workers.inbox.apply import apply_events, dispatch_events
from workers.sms.providers.port import InboundText
from workers.staff.next_work import next_for
from workers.visits.unreported import flag_unreported_visits
from workers.workforce.hand_on import hand_on_work

SWEEPS = (
    *(break_overdue_promises, settle_arrangements, watch_answers, close_paid_cases),
    *(hand_on_work, hand_on_late_callbacks, flag_unreported_visits, assign_replies),
)
HOURS = (time(9),)
"""When the house is at work on each day, besides the moments that a story names."""
ROLES = {
    **{"mei": Role.CALLER, "lan": Role.CALLER, "wu": Role.VISITOR, "xu": Role.VISITOR},
    **{"sun": Role.SUPERVISOR, "tan": Role.SUPERVISOR},
}
DAYS = 120
"""How many days its people have shifts."""


class House:
    """One borrower's loan L-1, and the people who look after it: the collectors mei and lan, the
    visitors wu and xu, and the supervisors sun and tan. All work from nine to six on each day."""

    def __init__(
        self,
        engine: Engine,
        now: str = "2026-03-01 18:00",
        *,
        instalments: Sequence[Instalment] = (),
        tried: Sequence[str] = (),
    ) -> None:
        """L-1 owes 1000 yuan since 1 March, or the `instalments`; steps of its ladder may have been
        `tried` before."""
        self.book = Book(engine, now=now)
        people = [self.book.staff(name, role) for name, role in ROLES.items()]
        self._give_shifts(people, self.now.date())
        self.book.loan("L-1", instalments=instalments, steps_tried=tried)

    def _give_shifts(self, people: list[int], first: date) -> None:
        days = [first + timedelta(days=n) for n in range(DAYS)]
        rows = [
            {
                "staff_id": id,
                "starts_at": self._at(day, time(9)),
                "ends_at": self._at(day, time(18)),
            }
            for id in people
            for day in days
        ]
        with self.book.ctx.engine.begin() as connection:
            connection.execute(insert(shift), rows)

    @property
    def ctx(self) -> Context:
        return self.book.ctx

    @property
    def now(self) -> datetime:
        return self.ctx.now().astimezone(self.book.zone)

    def as_(self, who: str) -> Context:
        """What somebody works with, in the role that they have here."""
        theirs = acting(self.ctx, Actor(who))
        return replace(theirs, actor=replace(theirs.actor, roles=frozenset({ROLES[who]})))

    def until(self, moment: str) -> "House":
        """Let the house work until then, and at that moment too. `moment` is `2026-03-05 10:00`,
        in the lender's zone."""
        end = self.book.moment(moment).astimezone(self.book.zone)
        day = self.now.date()
        while day <= end.date():
            for at in (self._at(day, hour) for hour in HOURS):
                if self.now < at < end:
                    self.book.clock.at = at
                    self._work()
            day += timedelta(days=1)
        self.book.clock.at = end
        self._work()
        return self

    def _at(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, self.book.zone)

    def _work(self) -> None:
        if events := dispatch_events(self.ctx):
            apply_events(self.ctx, events)
        for sweep in SWEEPS:
            sweep(self.ctx)
        announced: list[Envelope] = []
        scan_portfolio(self.ctx, announced.extend)
        for envelope in announced:
            escalate_loans(self.ctx, envelope.loan_ids)
        waiting = (
            select(action.c.type)
            .distinct()
            .where(action.c.due_at <= self.ctx.now(), action.c.status.in_(("planned", "deferred")))
            .order_by(action.c.type)
        )
        for row in self.book.rows(waiting):
            action_type = ACTION_TYPES[row.type]
            due: list[int] = []
            dispatch_due_actions(self.ctx, action_type, due.extend, waiting=0)
            for id in due:
                use_case(action_type)(self.ctx, id)

    def caller(self) -> str:
        """Who has the open call of L-1."""
        open_calls = (
            select(staff.c.external_id)
            .select_from(call.join(staff).join(action, action.c.id == call.c.action_id))
            .where(call.c.cancelled_at.is_(None), action.c.status == "assigned")
            .order_by(call.c.id.desc())
        )
        return str(self.book.rows(open_calls)[0].external_id)

    def called(self, outcome: str, **said: object) -> str:
        """Whoever has the call is served it, makes it, and says, five minutes later, what came of
        it. Gives the attempt."""
        who = self.caller()
        next_for(self.as_(who))
        attempt = f"call-{self.now:%m%d-%H%M}"
        start_call(self.as_(who), "L-1", attempt=attempt)
        self.book.clock.at += timedelta(minutes=5)
        made = {"attempt": attempt, "outcome": outcome, "actor": who, "reason": None}
        self.told("contact_outcome", **(made | said))
        return attempt

    def told(self, event: str, /, **payload: object) -> str:
        """People, or the lender's systems, tell of something. What came of it, in a sentence."""
        result = tell(self.book, event, **payload)
        assert result.status == "applied", speak(result.reason)
        return speak(result.reason)

    def paid(self, amount: str, id: str) -> None:
        """Money comes in today."""
        assert pay(self.book, amount, id=id).status == "applied"

    def writes(self, words: str) -> None:
        """The borrower answers a text."""
        number = self.book.numbers()[0]
        text = InboundText("twilio", f"SM-{self.now:%m%d%H%M}", number, words, None)
        record_inbound_text(self.ctx, text, help_is_answered=False)

    def bears(self, percent: str) -> None:
        """The loan bears this interest, in percent a year, since November."""
        values = {"annual_rate_percent": Decimal(percent), "disbursed_on": date(2025, 11, 1)}
        with self.ctx.engine.begin() as connection:
            connection.execute(update(loan).values(values))

    def texts(self) -> list[str]:
        """The words of all texts that were sent, in order."""
        return [sent.text.body for sent in self.book.sms.sent]

    def record(self, language: str = "en") -> list[Sentence]:
        """The history of L-1, as whoever asks is told it."""
        with self.ctx.engine.connect() as connection:
            return loan_history(connection, self.ctx, "L-1", language=language)
