"""The house itself under judgement: the real store, workers that race and are lost, and its laws.

The judge is shown what the outside saw: the provider's log, the calls that dialers dialled and the
doors at which visitors stood. Of the house it reads only the rules that each contact names.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select, update

from config.policy import Policy
from domain.errors import ArrearsError
from domain.ladder import Work
from domain.outcomes import ArrearsReason, ContactOutcome
from tests.judge.law import against
from tests.judge.log import Life, Pause, Reached
from tests.judge.world import Found
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book, only, shipped_policy
from workers import inbox
from workers.attempts import begin_call, begin_visit
from workers.calling import assign_call
from workers.escalation import escalate_loans
from workers.evidence.chaining import chain_evidence
from workers.evidence.verifying import verify
from workers.gateways.sms import InboundText, OutgoingText, SendOutcome, SendResult
from workers.litigating import open_legal_file
from workers.reconciling import reconcile_texts
from workers.repairing import mark_lost_claims, wake_due_actions
from workers.replies import take_reply
from workers.scanning import scan_portfolio
from workers.store.schema import borrower, contact, loan, visit, visit_staff
from workers.store.schema import staff as staff_table
from workers.texting import send_sms
from workers.visiting import schedule_visit
from workers.worklist import Kind, read_work

FIRST_DAY = date(2026, 3, 2)
LENDER_ZONE = "Asia/Shanghai"
TAKE_UP: dict[Work, Callable[..., str]] = {
    Work.SEND_SMS: send_sms,
    Work.ASSIGN_CALL: assign_call,
    Work.SCHEDULE_VISIT: schedule_visit,
    Work.OPEN_LEGAL_FILE: open_legal_file,
}
COUNTRIES = {
    "CN": ("CNY", "consumer_loan", "zh-Hans", "Asia/Shanghai", "+86138001"),
    "US": ("USD", "personal_loan", "en", "America/Chicago", "+1646201"),
    "US-MA": ("USD", "personal_loan", "en", "America/New_York", "+1617201"),
    "US-WA": ("USD", "personal_loan", "en", "America/Los_Angeles", "+1206201"),
    "GB": ("GBP", "personal_loan", "en", "Europe/London", "+4474001"),
    "IN": ("INR", "personal_loan", "en", "Asia/Kolkata", "+9198200"),
    "AU": ("AUD", "personal_loan", "en", "Australia/Sydney", "+6141234"),
}
SPEAKS_OF_STOPPING = ("Reply STOP", "回复TD")
LENDER = "Example Lender"


class LostError(BaseException):
    """A worker is lost at this very moment: no handler of the house's may catch it."""


@dataclass(slots=True)
class Losing:
    """Loses workers at their commits: before one, so that nothing happened, or right after."""

    chance: random.Random
    share: float
    lost: int = 0
    _of: threading.local = field(default_factory=threading.local)

    def watch(self, engine: Engine) -> None:
        commit = engine.dialect.do_commit

        def do_commit(connection: Any) -> None:
            loses = getattr(self._of, "a_worker", False) and self.chance.random() < self.share
            if loses and self.chance.random() < 0.5:
                self._lose()
            commit(connection)
            if loses:
                self._lose()

        engine.dialect.do_commit = do_commit  # type: ignore[method-assign]

    def _lose(self) -> None:
        self.lost += 1
        raise LostError

    @contextmanager
    def a_worker(self) -> Iterator[None]:
        """What runs in here may be lost, and is not missed."""
        self._of.a_worker = True
        try:
            with suppress(LostError):
                yield
        finally:
            self._of.a_worker = False


@dataclass(slots=True)
class Provider(FakeSmsGateway):
    """Takes texts, keeps a log by the house's time, and now and then loses its own answer."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: random.Random = field(default_factory=random.Random)
    log: list[tuple[datetime, OutgoingText]] = field(default_factory=list)

    def send(self, text: OutgoingText) -> SendResult:
        at = self.now().astimezone(UTC)
        result = FakeSmsGateway.send(self, text)
        if result.outcome is SendOutcome.ACCEPTED:
            self.log.append((at, text))
            if self.chance.random() < 0.05:
                return SendResult(SendOutcome.UNKNOWN, "The answer was lost.")
        return result


@dataclass(slots=True)
class Street:
    """Everything outside the house: the borrowers, what they do, and what reached them."""

    book: Book
    provider: Provider
    losing: Losing
    chance: random.Random
    lives: dict[str, Life] = field(default_factory=dict)
    """By telephone number."""
    of_loan: dict[str, str] = field(default_factory=dict)
    """The number of each loan's borrower, by the lender's id of the loan."""
    calls: list[tuple[str, Reached]] = field(default_factory=list)
    """By loan, what dialers dialled and at which doors visitors stood."""
    told: int = 0


@dataclass(frozen=True, slots=True)
class Lived:
    """What the judge made of the house itself."""

    found: Found
    by_channel: dict[str, int]
    texted_twice: int
    workers_lost: int
    evidence_wrong: int


def live_in_the_store(
    engine: Engine,
    seed: int,
    borrowers: int,
    days: int,
    *,
    losses: float = 0.02,
    tell: Callable[[str], None] = lambda said: None,
) -> Lived:
    """Let so many borrowers live in a house on `engine` for so many days, and judge it."""
    street = _a_street(engine, seed, borrowers, losses)
    started = time.monotonic()
    for n in range(days):
        for at in _moments_of(street, FIRST_DAY + timedelta(days=n)):
            street.book.clock.at = at
            _an_hour(street)
        if n % 10 == 9:
            took = time.monotonic() - started
            tell(f"{took:7.1f} s  in the store: day {n + 1}, {len(street.provider.log)} texts")
    return _judged(street, borrowers * days)


def _policy() -> Policy:
    """The shipped one, with the American ladder for each country that has rules and no ladder."""
    shipped = shipped_policy()
    (american,) = (one for one in shipped.ladders if "US" in one.applies_to.jurisdictions)
    more = tuple(
        replace(
            american,
            id=f"consumer_loan_{country.lower()}",
            currency=COUNTRIES[country][0],
            applies_to=replace(american.applies_to, jurisdictions=(country,)),
        )
        for country in ("GB", "IN", "AU")
    )
    return replace(shipped, ladders=shipped.ladders + more)


def _a_street(engine: Engine, seed: int, borrowers: int, losses: float) -> Street:
    chance = random.Random(seed)
    book = Book(engine, now=f"{FIRST_DAY} 00:00", zone=LENDER_ZONE, policy=_policy())
    provider = Provider(now=lambda: book.clock.at, chance=chance)
    book.house = replace(book.house, sms=only(provider))
    street = Street(book, provider, Losing(chance, losses), chance)
    always = (f"{FIRST_DAY - timedelta(days=1)} 00:00", "2027-01-01 00:00")
    for n in range(6):
        book.staff(f"c-{n}", "caller", capacity=1_000, shift=always)
        book.staff(f"v-{n}", "visitor", capacity=1_000, shift=always)
    book.staff("sup-1", "supervisor")
    with engine.begin() as connection:
        connection.execute(update(staff_table).values(trained_on=date(2026, 1, 1)))
    for n in range(borrowers):
        _moves_in(street, n)
    street.losing.watch(engine)
    return street


def _moves_in(street: Street, n: int) -> None:
    chance = street.chance
    jurisdiction = chance.choice(list(COUNTRIES))
    currency, product, locale, zone, prefix = COUNTRIES[jurisdiction]
    phone = f"{prefix}{n:04d}"
    zones = tuple({zone, chance.choice([zone, zone, zone, "Europe/Moscow"])})
    first = None
    for k in range(chance.choice((1, 2, 3))):
        id = f"L-{n:04d}-{k}"
        due_on = FIRST_DAY - timedelta(days=chance.choice((0, 0, 1, 5, 28)) + k)
        street.book.loan(
            id,
            due_on=str(due_on),
            jurisdiction=jurisdiction,
            product=product,
            locale=locale,
            zones=zones,
            phone=phone,
            currency=currency,
        )
        street.of_loan[id] = phone
        known = street.book.one(select(loan).where(loan.c.external_id == id))
        first = first or known.borrower_id
        with street.book.house.engine.begin() as connection:
            connection.execute(update(loan).where(loan.c.id == known.id).values(borrower_id=first))
        life = street.lives.setdefault(phone, Life(n, jurisdiction, zones, LENDER_ZONE, {}))
        life.loans[_key(id)] = due_on


def _key(loan_id: str) -> int:
    return int(loan_id.rsplit("-", 1)[1])


def _moments_of(street: Street, day: date) -> list[datetime]:
    """A few hours of the day and of the night, and every moment at which a visit begins."""
    zone = street.book.zone
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    chance = street.chance
    moments = {midnight + timedelta(minutes=chance.randrange(24 * 60)) for _ in range(4)}
    visits = street.book.rows(select(visit.c.starts_at).where(visit.c.cancelled_at.is_(None)))
    moments |= {
        one.starts_at.astimezone(zone)
        for one in visits
        if one.starts_at.astimezone(zone).date() == day
    }
    return sorted(moments)


def _an_hour(street: Street) -> None:
    book, house = street.book, street.book.house
    _something_comes(street)
    announced: list[list[int]] = []
    with street.losing.a_worker():
        scan_portfolio(house, announced.extend)
    jobs: list[Callable[[], object]] = []
    for ids in announced:
        jobs += [lambda ids=ids: escalate_loans(house, ids)] * 2
    _race(street, jobs)
    jobs = []
    for work, take_up in TAKE_UP.items():
        due: list[int] = []
        with street.losing.a_worker():
            wake_due_actions(house, work, due.extend, waiting=0)
        for id in due:
            jobs += [lambda take_up=take_up, id=id: take_up(house, id)] * 2
    _race(street, jobs)
    _collectors(street)
    _visitors(street)
    for repair in (mark_lost_claims, reconcile_texts):
        with street.losing.a_worker():
            repair(house)
    for waits in read_waiting(street):
        with suppress(ArrearsError):
            book.approve(waits)


def read_waiting(street: Street) -> list[str]:
    """The loans for which something waits for a yes."""
    house = street.book.house
    with house.engine.connect() as connection:
        found = read_work(connection, house, house.today(), [Kind.APPROVALS])
    return [one.loan for one in found.approvals]


def _race(street: Street, jobs: list[Callable[[], object]]) -> None:
    """Every message twice, in any order, on workers that may be lost."""
    street.chance.shuffle(jobs)

    def run(job: Callable[[], object]) -> None:
        with street.losing.a_worker():
            job()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result(timeout=60)


def _collectors(street: Street) -> None:
    house = street.book.house
    with house.engine.connect() as connection:
        calls = read_work(connection, house, house.today(), [Kind.CALLS]).calls
    reported: list[tuple[str, str]] = []

    def dial(loan_id: str, by: str) -> None:
        try:
            begun = begin_call(house, loan_id, by=by)
        except ArrearsError:
            return
        outcome = street.chance.choice(list(ContactOutcome)[:-1])
        reached = Reached(
            at=house.now().astimezone(UTC),
            channel="call",
            loan=_key(loan_id),
            connected=outcome.connected,
            number="A",
        )
        street.calls.append((loan_id, reached))
        reported.append((str(begun.attempt), outcome))

    jobs = [
        lambda id=one.loan, by=by: dial(id, by)
        for one in calls
        if one.begun_as is None and street.chance.random() < 0.7
        for by in street.chance.sample([f"c-{n}" for n in range(6)], 2)
    ]
    _race(street, jobs)
    for attempt, outcome in reported:
        _report(street, attempt, outcome)
    for one in calls:
        # Of a call that was begun when its collector was lost, somebody says so later.
        if one.begun_as is not None:
            _report(street, one.begun_as, ContactOutcome.NO_ANSWER)


def _report(street: Street, attempt: str, outcome: str) -> None:
    told = {
        "attempt": attempt,
        "outcome": outcome,
        "reason": ArrearsReason.OTHER if outcome == ContactOutcome.SPOKE else None,
        "made_by": "c-0",
    }
    _tell(street, "contact_outcome", told)


def _visitors(street: Street) -> None:
    house, now = street.book.house, street.book.house.now()
    due = street.book.rows(
        select(visit.c.id, loan.c.external_id, staff_table.c.external_id.label("who"))
        .join(loan, loan.c.id == visit.c.loan_id)
        .join(visit_staff, visit_staff.c.visit_id == visit.c.id)
        .join(staff_table, staff_table.c.id == visit_staff.c.staff_id)
        .where(
            visit.c.starts_at <= now,
            visit.c.ends_at > now,
            visit.c.begun_at.is_(None),
            visit.c.cancelled_at.is_(None),
        )
    )
    noticed = {one.id: one.scheduled_at for one in street.book.rows(select(visit))}
    for id, one in {row.id: row for row in due}.items():
        try:
            begun = begin_visit(house, one.external_id, by=one.who)
        except ArrearsError:
            continue
        stood = Reached(
            at=now.astimezone(UTC),
            channel="visit",
            loan=_key(one.external_id),
            staff=2,
            noticed_at=noticed[id],
        )
        street.calls.append((one.external_id, stood))
        _report(street, str(begun.attempt), ContactOutcome.NO_ANSWER)


def _something_comes(street: Street) -> None:
    """Money, holds, wishes and texts, before the hour's work."""
    chance, now = street.chance, street.book.house.now()
    for phone, life in street.lives.items():
        happens = chance.random()
        key = chance.choice(list(life.loans))
        loan_id = f"L-{life.id:04d}-{key}"
        if happens < 0.002 and key not in life.paid:
            paid = {
                "external_id": f"P-{loan_id}",
                "loan": loan_id,
                "amount": "1000",
                "currency": COUNTRIES[life.jurisdiction][0],
                "paid_on": str(now.date()),
            }
            _tell(street, "payment", paid)
            life.paid[key] = now.astimezone(UTC)
        elif happens < 0.003:
            sent = InboundText("twilio", f"SM{street.told:032d}", phone, "STOP", None)
            street.told += 1
            take_reply(street.book.house, sent, help_is_answered=True)
            life.stopped.setdefault("sms", now.astimezone(UTC))
        elif happens < 0.004:
            known = street.book.one(
                select(borrower.c.external_id)
                .join(loan, loan.c.borrower_id == borrower.c.id)
                .where(loan.c.external_id == loan_id)
            )
            wish = {"borrower": known.external_id, "channel": None, "made_by": "c-0"}
            _tell(street, "opt_out", wish)
            life.stopped.setdefault("*", now.astimezone(UTC))
        elif happens < 0.01:
            end = now.date() + timedelta(days=chance.choice((1, 3, 14)))
            hold = {
                "hold": f"H-{street.told}",
                "loan": loan_id,
                "kind": "manual",
                "starts_on": str(now.date()),
                "ends_on": str(end),
                "why": "a test needs it",
                "made_by": "c-0",
            }
            _tell(street, "hold", hold)
            life.pauses.append(Pause(key, now.date(), end, now.astimezone(UTC)))


def _tell(street: Street, kind: str, payload: dict[str, Any]) -> None:
    street.told += 1
    settled = inbox.take_in(street.book.house, f"{kind}:{street.told}", kind, payload)
    assert settled.status == "applied", settled.reason


def _judged(street: Street, borrower_days: int) -> Lived:
    found = Found(borrower_days=borrower_days)
    named = _rules_named(street)
    texts: Counter[tuple[str, str]] = Counter()
    for at, text in street.provider.log:
        life = street.lives[text.to]
        loan_id = next(id for id in street.of_loan if id in text.body)
        texts[loan_id, text.body] += 1
        says = {"debt"}
        says |= {"identity"} if LENDER in text.body else set()
        says |= {"opt_out"} if any(one in text.body for one in SPEAKS_OF_STOPPING) else set()
        life.contacts.append(
            Reached(
                at, "sms", _key(loan_id), number="A", says=frozenset(says), rules=named[loan_id]
            )
        )
    for loan_id, reached in street.calls:
        life = street.lives[street.of_loan[loan_id]]
        life.contacts.append(replace(reached, rules=named[loan_id]))
    by_channel: Counter[str] = Counter()
    for life in street.lives.values():
        life.contacts.sort(key=lambda one: one.at)
        for one in life.contacts:
            by_channel[one.channel] += 1
            if broken := against(life, one):
                found.unlawful += 1
                found.offenders.append(f"unlawful: {life.id} {life.jurisdiction} {one}: {broken}")
            if not one.rules:
                found.unexplained += 1
        found.contacts += len(life.contacts)
    return Lived(
        found=found,
        by_channel=dict(by_channel),
        texted_twice=sum(n - 1 for n in texts.values()),
        workers_lost=street.losing.lost,
        evidence_wrong=_evidence_wrong(street),
    )


def _evidence_wrong(street: Street) -> int:
    while chain_evidence(street.book.house):
        pass
    engine = street.book.house.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        return len(list(verify(connection)))


def _rules_named(street: Street) -> dict[str, tuple[str, ...]]:
    """By loan, the rules of its contacts; nothing where one of them names none."""
    named: dict[str, tuple[str, ...]] = dict.fromkeys(street.of_loan, ())
    silent = set()
    for one in street.book.rows(
        select(loan.c.external_id, contact.c.rules).join(loan, loan.c.id == contact.c.loan_id)
    ):
        named[one.external_id] += tuple(one.rules)
        if not one.rules:
            silent.add(one.external_id)
    return {id: () if id in silent else rules for id, rules in named.items()}
