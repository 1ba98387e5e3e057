"""Outside Arrears: borrowers under every law, what they do, and what reaches them."""

import random
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, select, update

from config.readers.policy import Policy
from config.readers.tape_mapping_reader import load_mapping
from domain.reasons import ReasonCode, because
from tests.oracle.log import Life, Pause, Reached
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import NAME, Book, only, shipped_policy
from workers.borrowers.inbound_texts import record_inbound_text
from workers.db.schema import borrower, loan
from workers.db.schema import staff as staff_table
from workers.inbox import process
from workers.sms.providers.port import InboundText, OutgoingText, SendOutcome, SendResult
from workers.tapes.import_tape import import_tape

FIRST_DAY = date(2026, 3, 2)


LENDER_ZONE = "Asia/Shanghai"


COUNTRIES = {
    "CN": ("CNY", "consumer_loan", "zh-Hans", "Asia/Shanghai", "+861380013"),
    "US": ("USD", "personal_loan", "en", "America/Chicago", "+1646201"),
    "US-MA": ("USD", "personal_loan", "en", "America/New_York", "+1617201"),
    "US-WA": ("USD", "personal_loan", "en", "America/Los_Angeles", "+1206201"),
    "GB": ("GBP", "personal_loan", "en", "Europe/London", "+44740012"),
    "IN": ("INR", "personal_loan", "en", "Asia/Kolkata", "+91982001"),
    "AU": ("AUD", "personal_loan", "en", "Australia/Sydney", "+6141234"),
}


class LostError(BaseException):
    """A worker is lost at this very moment: no handler of the engine may catch it."""


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

        engine.dialect.do_commit = do_commit  # type: ignore[assignment, method-assign]

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
    """Takes texts, keeps a log by Arrears's time, and now and then loses its own answer."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: random.Random = field(default_factory=random.Random)
    log: list[tuple[datetime, OutgoingText]] = field(default_factory=list)

    def send(self, text: OutgoingText) -> SendResult:
        at = self.now().astimezone(UTC)
        result = FakeSmsGateway.send(self, text)
        if result.outcome is SendOutcome.ACCEPTED:
            self.log.append((at, text))
            if self.chance.random() < 0.05:
                return SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
        return result


@dataclass(slots=True)
class Simulation:
    """Everything outside Arrears: the borrowers, what they do, and what reached them."""

    book: Book
    provider: Provider
    losing: Losing
    chance: random.Random
    lives: dict[str, Life] = field(default_factory=dict)
    """By telephone number."""
    of_loan: dict[str, str] = field(default_factory=dict)
    """The number of each loan's borrower, by the lender's id of the loan."""
    has_number: dict[str, str] = field(default_factory=dict)
    """By the number that a borrower had at first, the number that they have now."""
    given_up: list[str] = field(default_factory=list)
    """Numbers that nobody has at present."""
    closed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """By channel and number, since when the number takes nothing more, whoever has it."""
    calls: list[tuple[str, Reached]] = field(default_factory=list)
    """By loan, what dialers dialled and at which doors visitors stood."""
    event_count: int = 0
    renumbered: int = 0
    """How often a tape gave a loan another customer id."""


def new_simulation(engine: Engine, seed: int, borrowers: int, losses: float) -> Simulation:
    chance = random.Random(seed)
    book = Book(engine, now=f"{FIRST_DAY} 00:00", zone=LENDER_ZONE, policy=_policy())
    provider = Provider(now=lambda: book.clock.at, chance=chance)
    book.ctx = replace(book.ctx, sms=only(provider))
    simulation = Simulation(book, provider, Losing(chance, losses), chance)
    always = (f"{FIRST_DAY - timedelta(days=1)} 00:00", "2027-01-01 00:00")
    for n in range(6):
        book.staff(f"c-{n}", "caller", capacity=1_000, shift=always)
        book.staff(f"v-{n}", "visitor", capacity=1_000, shift=always)
    book.staff("sup-1", "supervisor")
    with engine.begin() as connection:
        connection.execute(update(staff_table).values(trained_on=date(2026, 1, 1)))
    for n in range(borrowers):
        _add_borrower(simulation, n)
    simulation.losing.watch(engine)
    return simulation


def _policy() -> Policy:
    """The shipped one, with the American ladder for each country that has rules and no ladder."""
    shipped = shipped_policy()
    (american,) = (ladder for ladder in shipped.ladders if "US" in ladder.applies_to.jurisdictions)
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


def _add_borrower(simulation: Simulation, n: int) -> None:
    chance = simulation.chance
    jurisdiction = chance.choice(list(COUNTRIES))
    currency, product, locale, zone, prefix = COUNTRIES[jurisdiction]
    phone = f"{prefix}{n:04d}"
    zones = tuple({zone, chance.choice([zone, zone, zone, "Europe/Moscow"])})
    first = None
    for k in range(chance.choice((1, 2, 3))):
        id = f"L-{n:04d}-{k}"
        due_on = FIRST_DAY - timedelta(days=chance.choice((0, 0, 1, 5, 28)) + k)
        simulation.book.loan(
            id,
            due_on=str(due_on),
            jurisdiction=jurisdiction,
            product=product,
            locale=locale,
            zones=zones,
            phone=phone,
            currency=currency,
        )
        simulation.of_loan[id] = simulation.has_number[phone] = phone
        known = simulation.book.one(select(loan).where(loan.c.external_id == id))
        first = first or known.borrower_id
        with simulation.book.ctx.engine.begin() as connection:
            connection.execute(update(loan).where(loan.c.id == known.id).values(borrower_id=first))
        newborn = Life(n, jurisdiction, zones, LENDER_ZONE, {}, closed=simulation.closed)
        life = simulation.lives.setdefault(phone, newborn)
        life.loans[key_of(id)] = life.due[key_of(id)] = due_on


def key_of(loan_id: str) -> int:
    return int(loan_id.rsplit("-", 1)[1])


def something_comes(simulation: Simulation) -> None:
    """Money, holds, deaths, wishes, texts and new customer ids, before the hour's work."""
    chance, now = simulation.chance, simulation.book.ctx.now()
    for phone, life in simulation.lives.items():
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
            submit_event(simulation, "payment", paid)
            life.paid[key] = now.astimezone(UTC)
        elif happens < 0.004:
            number = simulation.has_number[phone]
            sent = InboundText("twilio", f"SM{simulation.event_count:032d}", number, "STOP", None)
            simulation.event_count += 1
            record_inbound_text(simulation.book.ctx, sent, help_is_answered=True)
            close_number(simulation, number, "sms")
        elif happens < 0.005:
            wish = {"borrower": record_of(simulation, loan_id), "channel": None, "actor": "c-0"}
            submit_event(simulation, "opt_out", wish)
            life.stopped.setdefault("*", now.astimezone(UTC))
        elif happens < 0.009:
            change_number(simulation, phone, life, loan_id)
        elif happens < 0.01:
            hold_person(simulation, life, loan_id)
        elif happens < 0.015:
            end = now.date() + timedelta(days=chance.choice((1, 3, 14)))
            hold = {
                "hold": f"H-{simulation.event_count}",
                "loan": loan_id,
                "kind": "manual",
                "starts_on": str(now.date()),
                "ends_on": str(end),
                "why": "a test needs it",
                "actor": "c-0",
            }
            submit_event(simulation, "hold", hold)
            life.pauses.append(Pause(key, now.date(), end, now.astimezone(UTC)))
        elif happens < 0.0105:
            died = {
                "hold": f"H-{simulation.event_count}",
                "loan": loan_id,
                "kind": "deceased",
                "starts_on": str(now.date()),
                "ends_on": None,
                "why": "a test needs it",
                "actor": "c-0",
            }
            submit_event(simulation, "hold", died)
            for each in life.loans:
                life.pauses.append(Pause(each, now.date(), None, now.astimezone(UTC)))
        elif happens < 0.014:
            _renumber(simulation, life, key, phone)


_TAPE = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried\n"
)


def _renumber(simulation: Simulation, life: Life, key: int, phone: str) -> None:
    """A tape gives a loan another customer id, or none; perhaps the name is written anew too."""
    chance, ctx = simulation.chance, simulation.book.ctx
    simulation.renumbered += 1
    loan_id = f"L-{life.id:04d}-{key}"
    currency, product, locale, _, _ = COUNTRIES[life.jurisdiction]
    customer = chance.choice(("", f"C-{simulation.renumbered}", f"C-{simulation.renumbered}"))
    name = chance.choice((NAME, NAME.upper(), "Another Example"))
    paid_at = life.paid.get(key)
    is_paid = paid_at and paid_at.astimezone(simulation.book.zone).date() < ctx.today()
    row = (
        *(loan_id, customer, name, phone, "1 Example Road", locale, "", ";".join(life.zones)),
        *(life.jurisdiction, product, currency, f"{life.loans[key]} 1000.00"),
        *("1000.00" if is_paid else "0", ""),
    )
    with TemporaryDirectory() as folder:
        tape = Path(folder) / "tape.csv"
        tape.write_text(_TAPE + ",".join(row) + "\n", encoding="utf-8")
        report = import_tape(ctx, tape, load_mapping("arrears"), as_of=ctx.today())
    assert report.kept, report.first_errors


def record_of(simulation: Simulation, loan_id: str) -> str:
    """The lender's id of the borrower of a loan."""
    of_loan = select(borrower.c.external_id).join(loan, loan.c.borrower_id == borrower.c.id)
    return str(simulation.book.one(of_loan.where(loan.c.external_id == loan_id)).external_id)


def close_number(
    simulation: Simulation, number: str, *channels: str, after: timedelta = timedelta(0)
) -> None:
    """From now on, or a while `after`, nothing may go to a number by these channels, whoever has
    it."""
    at = simulation.book.ctx.now().astimezone(UTC) + after
    for channel in channels:
        simulation.closed.setdefault((channel, number), at)


def change_number(simulation: Simulation, phone: str, life: Life, loan_id: str) -> None:
    """A borrower gives up a number and gets a new one, or one that somebody else gave up."""
    prefix = COUNTRIES[life.jurisdiction][-1]
    used = [number for number in simulation.given_up if number.startswith(prefix)]
    simulation.event_count += 1
    number = f"{prefix}{5_000 + simulation.event_count % 4_000:04d}"
    if used and simulation.chance.random() < 0.7:
        number = simulation.chance.choice(used)
        simulation.given_up.remove(number)
    simulation.given_up.append(simulation.has_number[phone])
    simulation.has_number[phone] = number
    sealed = b64encode(simulation.book.ctx.cipher.encrypt(number)).decode()
    change = {"borrower": record_of(simulation, loan_id), "phone_encrypted": sealed}
    submit_event(simulation, "contact_change", change)


def hold_person(simulation: Simulation, life: Life, loan_id: str) -> None:
    """Somebody dies, or is ill for some days: told of one loan, and true of all of them."""
    now = simulation.book.ctx.now()
    dies = simulation.chance.random() < 0.3
    end = None if dies else now.date() + timedelta(days=simulation.chance.choice((3, 14)))
    kind = "deceased" if dies else "vulnerability"
    hold = {
        "hold": f"H-{simulation.event_count}",
        "loan": loan_id,
        "kind": kind,
        "starts_on": str(now.date()),
        "ends_on": str(end) if end else None,
        "why": "a test needs it",
        "actor": "c-0",
    }
    submit_event(simulation, "hold", hold)
    life.pauses += [Pause(key, now.date(), end, now.astimezone(UTC), kind) for key in life.loans]


def submit_event(simulation: Simulation, kind: str, payload: dict[str, Any]) -> None:
    simulation.event_count += 1
    result = process.submit(simulation.book.ctx, f"{kind}:{simulation.event_count}", kind, payload)
    assert result.status == "applied", result.reason
