"""A small loan book for tests: a house with a fixed clock and a fake provider, on a real database.

book = Book(engine, now="2026-03-02 10:00")
book.loan("L-1", due_on="2026-03-01")
book.escalate("L-1")
book.actions("L-1")  # {"text_day_1": "planned", ...}
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Row, Select, Table, insert, select

from config.environment import load_settings
from config.readers.policy import Policy, load_policy
from config.readers.templates import Templates
from config.settings import Settings
from domain.actors import ARREARS, Actor
from domain.compliance.gate import may_contact
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact, PointKind
from domain.holds import HoldKind
from domain.ladder import Ladder
from domain.loans import Instalment
from domain.persons import name_key
from tests.support.acting import acting, acting_alone
from tests.support.environment import KEY, an_environment
from tests.support.fakes import FakeSmsGateway
from workers.actions.approvals import approve
from workers.calls.start import start_call
from workers.clock import Clock
from workers.context import Context
from workers.db.contact_points import lock_number, note_number_fact
from workers.db.encryption import Cipher
from workers.db.numbers import address_index, make_point, numbers_of, set_numbers
from workers.db.places import place_of_address, place_of_name
from workers.db.schema import (
    action,
    borrower,
    contact_point_fact,
    hold,
    instalment,
    loan,
    person,
    shift,
    staff,
    visit,
)
from workers.escalation.escalate import Escalated, escalate_loans
from workers.gate.facts import read_contact_facts
from workers.inbox.submit import submit
from workers.sms.providers.port import SmsGateway
from workers.sms.providers.routing import ALL_OTHER_REGIONS, Routes, Sender
from workers.sms.send import send_sms
from workers.visits.letters import open_letter
from workers.visits.start import start_visit

NAME = "Lin Example"
ADDRESS = "1 Example Road"

# What a loan of a country is like when a test does not care.
ZONE = {"CN": "Asia/Shanghai", "US": "America/New_York", "GB": "Europe/London"}
LOCALE = {"CN": "zh-Hans", "US": "en", "GB": "en"}
PRODUCT = {"CN": "consumer_loan", "US": "personal_loan", "GB": "personal_loan"}
CURRENCY = {"CN": "CNY", "US": "USD", "GB": "GBP"}
SENDER = "+15005550006"
PHONE = {"CN": "+8613800138000", "US": "+12125550100", "GB": "+447400123456"}


class FixedClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self.at = at

    is_true = False

    def now(self) -> datetime:
        return self.at

    def sleep(self, wait: timedelta) -> None:
        self.at += wait


def only(gateway: SmsGateway) -> Routes:
    """One provider for all numbers."""
    return Routes({"twilio": Sender("twilio", SENDER, gateway)}, {ALL_OTHER_REGIONS: ("twilio",)})


class Book:
    """Loans, staff and the house that looks after them. Times are in the lender's zone."""

    def __init__(
        self,
        engine: Engine,
        now: str = "2026-03-02 10:00",
        *,
        zone: str = "Asia/Shanghai",
        policy: Policy | None = None,
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.clock = FixedClock(self.moment(now))
        self.sms = FakeSmsGateway()
        settings = settings_for_tests(engine, zone)
        self.ctx = Context(
            settings=settings,
            policy=policy or shipped_policy(),
            templates=shipped_templates(),
            engine=engine,
            cipher=Cipher([KEY]),
            clock=self.clock,
            sms=only(self.sms),
            actor=ARREARS,
        )

    def at(self, now: str) -> Book:
        """Move the clock to `2026-03-02 10:00`, or to the beginning of `2026-03-02`."""
        self.clock.at = self.moment(now)
        return self

    def loan(
        self,
        external_id: str = "L-1",
        *,
        due_on: str = "2026-03-01",
        amount: str = "1000",
        instalments: Sequence[Instalment] = (),
        jurisdiction: str = "CN",
        product: str | None = None,
        zones: Sequence[str] | None = None,
        locale: str | None = None,
        phone: str | None = "",
        more_phones: Sequence[str] = (),
        address: str | None = ADDRESS,
        region: str | None = None,
        currency: str | None = None,
        steps_tried: Sequence[str] = (),
        borrower_id: str = "",
        same_person_as: str = "",
    ) -> int:
        """A borrower with one loan: one instalment of `amount`, or the `instalments` given.

        `borrower_id` is the lender's id of the borrower, who may have other loans here already;
        `same_person_as` is the id of another record of the same person. An empty `phone` means one
        of the country's; None means that no number is known. `more_phones` come after it.
        `steps_tried` are those the lender tried for the first instalment. Returns the loan's id.
        """
        country = jurisdiction[:2]
        phone = PHONE[country] if phone == "" else phone
        schedule = instalments or [Instalment(date.fromisoformat(due_on), Decimal(amount))]
        first_due_on = min(due.due_on for due in schedule)
        cipher = self.ctx.cipher
        known_as = borrower_id or f"B-{external_id}"
        address_point = self._address(address) if address else None
        record = self._record(known_as) or self._insert(
            borrower,
            person_id=self._person(same_person_as),
            external_id=known_as,
            name_encrypted=cipher.encrypt(NAME, place_of_name(known_as)),
            address_encrypted=cipher.encrypt(address, place_of_address(known_as))
            if address
            else None,
            address_point_id=address_point,
            name_digest=cipher.blind_index(name_key(NAME)),
            zones=list(zones) if zones is not None else [ZONE[country]],
            locale=locale or LOCALE[country],
            region=region,
            updated_at=self.clock.at,
        )
        numbers = [number for number in (phone, *more_phones) if number]
        if numbers and not self.numbers(known_as):
            self.set_numbers(known_as, *numbers)
        loan_id = self._insert(
            loan,
            external_id=external_id,
            borrower_id=record,
            jurisdiction=jurisdiction,
            product=product or PRODUCT[country],
            currency=currency or CURRENCY[country],
            review_on=first_due_on + timedelta(days=1),
            steps_tried=list(steps_tried),
            steps_tried_at=first_due_on if steps_tried else None,
            updated_at=self.clock.at,
        )
        parts = [column.name for column in instalment.c if column.name != "loan_id"]
        with self.ctx.engine.begin() as connection:
            connection.execute(
                insert(instalment),
                [{"loan_id": loan_id, **{p: getattr(due, p) for p in parts}} for due in schedule],
            )
        return loan_id

    def numbers(self, borrower_id: str = "B-L-1") -> list[str]:
        """The numbers of a record, in order."""
        record = self._record(borrower_id)
        with self.ctx.engine.connect() as connection:
            known = numbers_of(connection, self.ctx.cipher, record) if record else []
        return [number for number, _ in known]

    def set_numbers(self, borrower_id: str, *numbers: str) -> None:
        """Give a record these numbers, as a tape would."""
        record = self._record(borrower_id)
        assert record
        of_tape = [(number, field) for field, number in enumerate(numbers, start=1)]
        with self.ctx.engine.begin() as connection:
            set_numbers(connection, self.ctx.cipher, record, borrower_id, of_tape)

    def _address(self, address: str) -> int:
        with self.ctx.engine.begin() as connection:
            index = address_index(self.ctx.cipher, address)
            return make_point(connection, index, PointKind.ADDRESS)

    def staff(
        self,
        external_id: str,
        *roles: str,
        languages: Sequence[str] = ("zh-Hans", "en"),
        regions: Sequence[str] = (),
        capacity: int = 10,
        trained_on: str | None = "2026-01-01",
        shift: tuple[str, str] | None = None,
    ) -> int:
        """Somebody who works here, on shift from and until the moments of `shift`. Gives the id."""
        staff_id = self._insert(
            staff,
            external_id=external_id,
            roles=list(roles),
            languages=list(languages),
            regions=list(regions),
            daily_capacity=capacity,
            trained_on=date.fromisoformat(trained_on) if trained_on else None,
        )
        if shift:
            self.shift(staff_id, *shift)
        return staff_id

    def shift(self, staff_id: int, starts_at: str, ends_at: str) -> None:
        values = {
            "staff_id": staff_id,
            "starts_at": self.moment(starts_at),
            "ends_at": self.moment(ends_at),
        }
        with self.ctx.engine.begin() as connection:
            connection.execute(insert(shift).values(values))

    def hold(self, external_id: str, kind: HoldKind, starts_on: str, ends_on: str | None) -> None:
        """Pause a loan, or its borrower, from `starts_on` up to, not including, `ends_on`."""
        self._insert(
            hold,
            loan_id=None if kind.of_person else self.loan_id(external_id),
            borrower_id=self._borrower_of(external_id) if kind.of_person else None,
            kind=kind,
            starts_on=date.fromisoformat(starts_on),
            ends_on=date.fromisoformat(ends_on) if ends_on else None,
            actor="test",
            why="a test needs it",
            made_at=self.clock.at,
        )

    def escalate(self, *external_ids: str) -> Escalated:
        """Look at these loans, if they are due for a look."""
        return escalate_loans(self.ctx, [self.loan_id(id_) for id_ in external_ids])

    def send(self, external_id: str, item: str) -> str:
        """Let a worker take up the text of an item."""
        return send_sms(self.ctx, self.action_id(external_id, item))

    def called(
        self, external_id: str, actor: str, outcome: str = "spoke", reason: str | None = "forgot"
    ) -> str:
        """Somebody makes the call that is open and says what came of it, with the reason if it was
        with the borrower. Gives the attempt."""
        if not ContactOutcome(outcome).with_borrower:
            reason = None
        started = start_call(acting(self.ctx, Actor(actor)), external_id)
        return self._made(started.attempt, outcome, reason, actor)

    def visited(self, external_id: str, actor: str, outcome: str = "spoke") -> str:
        """Its notice is printed the day before. The visitors go when the visit begins, and say what
        came of it. Moves the clock there."""
        self.noticed(external_id)
        starts_at = self.rows(select(visit.c.starts_at).order_by(visit.c.id))[-1].starts_at
        self.clock.at = starts_at.astimezone(self.zone)
        started = start_visit(acting(self.ctx, Actor(actor)), external_id)
        return self._made(started.attempt, outcome, None, actor)

    def noticed(self, external_id: str) -> None:
        """The office prints the notice of the newest visit a day before. Moves the clock there."""
        starts_at = self.rows(select(visit.c.starts_at).order_by(visit.c.id))[-1].starts_at
        self.clock.at = (starts_at - timedelta(days=1)).astimezone(self.zone)
        open_letter(acting(self.ctx, Actor("office")), external_id)

    def _made(self, attempt: str | None, outcome: str, reason: str | None, actor: str) -> str:
        payload = {"attempt": attempt, "outcome": outcome, "reason": reason, "actor": actor}
        settled = submit(self.ctx, f"outcome:{attempt}", "contact_outcome", payload)
        assert settled.status == "applied"
        return str(attempt)

    def approve(self, external_id: str, item: str = "legal_file") -> None:
        if "sup-1" not in {member.external_id for member in self.rows(staff)}:
            self.staff("sup-1", "supervisor")
        approve(acting_alone(self.ctx, Actor("sup-1")), external_id, item)

    def loan_id(self, external_id: str) -> int:
        return int(self.one(select(loan.c.id).where(loan.c.external_id == external_id)).id)

    def actions(self, external_id: str) -> dict[str, str]:
        """The status of each item on record, of whatever arrears; the newest wins."""
        return {row.item: row.status for row in self._actions(external_id)}

    def action(self, external_id: str, item: str) -> Row[*tuple[Any, ...]]:
        """The newest action of an item, all columns."""
        return [row for row in self._actions(external_id) if row.item == item][-1]

    def action_id(self, external_id: str, item: str) -> int:
        return int(self.action(external_id, item).id)

    def rows(self, what: Any) -> list[Row[*tuple[Any, ...]]]:
        """All rows of a table, by its primary key, or of a select, in its order."""
        statement: Select[*tuple[Any, ...]] = (
            select(what).order_by(*what.primary_key) if isinstance(what, Table) else what
        )
        with self.ctx.engine.connect() as connection:
            return list(connection.execute(statement).all())

    def one(self, what: Any) -> Row[*tuple[Any, ...]]:
        """The only row of a table or a select."""
        (row,) = self.rows(what)
        return row

    def _borrower_of(self, external_id: str) -> int:
        of_loan = select(loan.c.borrower_id).where(loan.c.external_id == external_id)
        return int(self.one(of_loan).borrower_id)

    def _record(self, known_as: str) -> int | None:
        rows = self.rows(select(borrower.c.id).where(borrower.c.external_id == known_as))
        return rows[0].id if rows else None

    def _person(self, known_as: str) -> int:
        if not known_as:
            return self._insert(person, made_at=self.clock.at)
        same = select(borrower.c.person_id).where(borrower.c.external_id == known_as)
        return int(self.one(same).person_id)

    def may_call(self, external_id: str) -> str:
        """The contact gate's answer about a call now, from the records."""
        with self.ctx.engine.connect() as connection:
            facts = read_contact_facts(connection, self.ctx, external_id, self.clock.at)
        return may_contact(facts, Channel.CALL, self.clock.at).permission

    def number_facts(self) -> list[str]:
        """What is known of all telephone numbers, by kind; facts that ended are left out."""
        known = select(contact_point_fact.c.kind).where(contact_point_fact.c.ended_at.is_(None))
        return [row.kind for row in self.rows(known.order_by(contact_point_fact.c.id))]

    def note_number_fact(self, fact: NumberFact, actor: Actor, phone: str = "") -> None:
        """Record a fact about a number, by default that which every Chinese borrower has."""
        with self.ctx.engine.begin() as connection:
            number = lock_number(connection, self.ctx.cipher.blind_index(phone or PHONE["CN"]))
            note_number_fact(connection, number, fact, actor, self.clock.at)

    def _actions(self, external_id: str) -> list[Row[*tuple[Any, ...]]]:
        of_loan = action.c.loan_id == self.loan_id(external_id)
        return self.rows(select(action).where(of_loan).order_by(action.c.id))

    def _insert(self, table: Table, **values: Any) -> int:
        with self.ctx.engine.begin() as connection:
            return int(
                connection.execute(
                    insert(table).values(**values).returning(table.c.id)
                ).scalar_one()
            )

    def moment(self, written: str) -> datetime:
        return datetime.fromisoformat(written).replace(tzinfo=self.zone).astimezone(UTC)


def settings_for_tests(engine: Engine, zone: str) -> Settings:
    """Settings as an installation would have them, without reading the environment."""
    database_url = engine.url.render_as_string(hide_password=False)
    given = {
        "ARREARS_ZONE": zone,
        "ARREARS_HOSTS": "testserver",  # as the test client calls it
        "ARREARS_COLLECTOR_NUMBERS_A_MINUTE": "100",  # the clock of a story stands
    }
    return load_settings({**an_environment(database_url), **given})


def shipped_ladder(ladder_id: str) -> Ladder:
    """The newest version of a ladder that ships."""
    versions = [ladder for ladder in shipped_policy().ladders if ladder.id == ladder_id]
    return max(versions, key=lambda ladder: ladder.version)


@cache
def shipped_policy() -> Policy:
    """The policy that the product ships with."""
    directory: Any = Settings.model_fields["policy_dir"].default
    return load_policy(directory, template_names=shipped_templates().names())


@cache
def shipped_templates() -> Templates:
    directory: Any = Settings.model_fields["policy_dir"].default
    return Templates.load(directory / "templates")
