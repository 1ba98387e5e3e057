"""Several loans of one person that are due on one day: one text, which settles all of them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.compliance.frequency_caps import Cap
from domain.ladder import AppliesTo, Ladder
from domain.messages import MessageStatus
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.events import confirm
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book, only, shipped_ladder, shipped_policy
from tests.support.sending import ANSWER_LOST, Scripted
from workers.calls.assign import assign_call
from workers.db.loan_facts import load_facts
from workers.db.schema import call, contact, message, problem, receipt
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify
from workers.history.history import loan_history
from workers.payments.payments import Payment, record_payment
from workers.privacy.subject_export import read_subject_data
from workers.simulator.demo.integrity import count_duplicates, find_unexplained
from workers.simulator.providers.magic_numbers import SimulatedOutcome
from workers.sms.decide_unconfirmed import mark_sent, mark_unsent, read_unconfirmed
from workers.sms.delivery_receipts import record_receipt
from workers.sms.providers.port import OutgoingText, SendResult
from workers.sms.reconcile import (
    LOOKUP_INTERVAL,
    ask_providers,
    mark_lost_claims,
    park_old,
)
from workers.sms.send import send_sms

TEXT = "text_day_1"
COLLECTOR = Actor("op-1")


def a_person(engine: Engine, *amounts: str, due_on: str = "2026-03-01", **more: str) -> Book:
    """One person with a loan of each amount: L-1, L-2 …, all planned."""
    book = Book(engine, now="2026-03-02 10:00")
    names = [f"L-{n}" for n in range(1, len(amounts) + 1)]
    for name, amount in zip(names, amounts, strict=True):
        book.loan(name, due_on=due_on, amount=amount, borrower_id="HOB", **more)
    book.escalate(*names)
    return book


def statuses(book: Book, *names: str) -> list[str]:
    return [book.actions(name)[TEXT] for name in names]


def bodies(book: Book) -> list[str]:
    return [sent.text.body for sent in book.sms.sent]


def test_two_loans_of_one_person_are_one_text_that_names_both(engine: Engine) -> None:
    book = a_person(engine, "200", "300")
    assert book.send("L-1", TEXT) == "accepted"
    assert book.send("L-2", TEXT) == "nothing to do"

    (body,) = bodies(book)
    assert "（编号L-1）应还的¥200.00" in body
    assert "（编号L-2）应还的¥300.00" in body
    assert statuses(book, "L-1", "L-2") == ["done", "done"]
    first, second = book.rows(contact)
    assert (first.part_of, second.part_of) == (None, first.id)
    assert [row.status for row in book.rows(message)] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("loans", "said", "template"),
    [
        (3, "（编号L-3）应还的¥100.00", "reminder_first_three_loans"),
        (4, "您有4笔贷款的应还款项尚未到账，合计¥400.00", "reminder_first_more_loans"),
        (40, "您有40笔贷款的应还款项尚未到账，合计¥4,000.00", "reminder_first_more_loans"),
    ],
)
def test_up_to_three_are_named_and_more_are_counted_and_totalled(
    engine: Engine, loans: int, said: str, template: str
) -> None:
    book = a_person(engine, *["100"] * loans)
    book.send("L-2", TEXT)
    (body,) = bodies(book)
    assert said in body
    assert {row.template for row in book.rows(message)} == {template}
    assert len(book.rows(message)) == loans


def test_in_english_too(engine: Engine) -> None:
    book = a_person(engine, "200", "300", locale="en")
    book.send("L-1", TEXT)
    (body,) = bodies(book)
    assert "CN¥200.00 on loan L-1 and CN¥300.00 on loan L-2" in body


def test_a_loan_that_is_paid_before_the_claim_drops_out(engine: Engine) -> None:
    book = a_person(engine, "200", "300", "400")
    with engine.begin() as connection:
        paid = Payment("P-1", "L-2", Decimal(300), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)
    book.send("L-1", TEXT)
    (body,) = bodies(book)
    assert "L-2" not in body
    assert "L-3" in body
    assert statuses(book, "L-1", "L-2", "L-3") == ["done", "cancelled", "done"]


def test_one_that_the_gate_does_not_allow_goes_its_own_way(engine: Engine) -> None:
    book = a_person(engine, "200", "300")
    with engine.begin() as connection:
        # Its reason is not known to the action yet, as when an event came a moment ago.
        connection.exec_driver_sql("UPDATE loan SET written_off_on = '2026-03-02' WHERE id = 2")
    book.send("L-1", TEXT)
    (body,) = bodies(book)
    assert "L-2" not in body
    assert statuses(book, "L-1", "L-2") == ["done", "cancelled"]


@pytest.mark.parametrize(
    "other",
    [
        {"phone": "+8613900139000"},
        {"locale": "en"},
        {"due_on": "2026-01-20"},
        {"jurisdiction": "US", "currency": "USD", "phone": "+8613800138000"},
    ],
    ids=["another number", "another language", "another step", "another currency"],
)
def test_what_differs_is_a_text_of_its_own(engine: Engine, other: dict[str, str]) -> None:
    book = Book(engine, now="2026-03-02 22:00" if "jurisdiction" in other else "2026-03-02 10:00")
    book.loan("L-1", borrower_id="HOB")
    book.loan("L-2", borrower_id="HOB-2", same_person_as="HOB", **{"due_on": "2026-03-01", **other})
    book.escalate("L-1", "L-2")
    book.at("2026-03-03 10:00")
    book.send("L-1", TEXT)
    assert [row.part_of for row in book.rows(contact)] == [None]
    assert set(book.actions("L-2").values()) <= {"planned", "deferred", "skipped"}


def a_ladder_for(product: str, template: str) -> Ladder:
    """A ladder of the lender for another product. It is the same but for the words of the text."""
    ladder = shipped_ladder("consumer_loan_cn")
    remind, *later = ladder.steps
    items = tuple(
        replace(item, template=template) if item.id == TEXT else item for item in remind.items
    )
    return replace(
        ladder,
        id=f"{product}_cn",
        applies_to=AppliesTo(("CN",), (product,)),
        steps=(replace(remind, items=items), *later),
    )


def three_products(engine: Engine, texts_a_day: int) -> Book:
    """A person with a loan of three products: the card's text says the same as the loan's, and the
    overdraft's says something else."""
    shipped = shipped_policy()
    ladders = (a_ladder_for("card", "reminder_first"), a_ladder_for("overdraft", "reminder_second"))
    packs = tuple(
        replace(
            pack,
            rules=tuple(
                replace(rule, at_most=texts_a_day)
                if isinstance(rule, Cap) and rule.id == "lender.texts_a_day"
                else rule
                for rule in pack.rules
            ),
        )
        for pack in shipped.rule_packs
    )
    policy = replace(shipped, ladders=(*shipped.ladders, *ladders), rule_packs=packs)
    book = Book(engine, now="2026-03-02 10:00", policy=policy)
    products = {"L-1": "consumer_loan", "L-2": "card", "L-3": "overdraft"}
    for name, product in products.items():
        book.loan(name, borrower_id="HOB", product=product)
    book.escalate(*products)
    return book


@pytest.mark.parametrize("first", ["L-1", "L-2"])
def test_two_products_share_a_text_if_their_ladders_have_the_same_words_for_the_step(
    engine: Engine, first: str
) -> None:
    book = three_products(engine, texts_a_day=2)
    assert book.send(first, TEXT) == "accepted"
    (body,) = bodies(book)
    assert "L-1" in body
    assert "L-2" in body
    assert "L-3" not in body
    assert statuses(book, "L-1", "L-2", "L-3") == ["done", "done", "planned"]
    assert {row.template for row in book.rows(message)} == {"reminder_first_two_loans"}


@pytest.mark.parametrize(
    ("texts_a_day", "answer", "status"),
    [(2, "accepted", "done"), (1, "nothing to do", "deferred")],
)
def test_other_words_are_a_text_of_their_own_which_waits_for_the_cap_and_is_not_skipped(
    engine: Engine, texts_a_day: int, answer: str, status: str
) -> None:
    book = three_products(engine, texts_a_day)
    book.send("L-1", TEXT)
    assert book.send("L-3", TEXT) == answer
    assert statuses(book, "L-3") == [status]
    book.at("2026-03-03 10:00").escalate("L-1", "L-2", "L-3")
    book.send("L-3", TEXT)
    assert statuses(book, "L-1", "L-2", "L-3") == ["done"] * 3
    assert len(bodies(book)) == 2


def test_two_products_share_a_call_too(engine: Engine) -> None:
    book = three_products(engine, texts_a_day=2)
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    first, second, third = book.rows(call)
    assert (first.part_of, second.part_of, third.part_of) == (None, first.id, first.id)


@pytest.fixture
def two_records(engine: Engine) -> Book:
    """Two records that are presumed to stand for one person, and a stranger with their number."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", amount="100", borrower_id="HOB")
    book.loan("L-2", amount="257", borrower_id="HOB-2", same_person_as="HOB")
    book.loan("L-3", borrower_id="stranger")
    book.escalate("L-1", "L-2", "L-3")
    return book


def test_records_of_one_person_share_a_text_and_strangers_with_one_number_do_not(
    two_records: Book,
) -> None:
    confirm(two_records, "HOB", "HOB-2")
    two_records.send("L-1", TEXT)
    assert statuses(two_records, "L-1", "L-2", "L-3") == ["done", "done", "planned"]


def test_who_is_only_presumed_to_be_the_person_is_not_told_of_their_debt(
    two_records: Book,
) -> None:
    """They may be a father and a son of one name, who share a telephone."""
    two_records.send("L-1", TEXT)
    (body,) = bodies(two_records)
    assert "L-2" not in body
    assert "257" not in body
    assert "357" not in body
    assert statuses(two_records, "L-1", "L-2") == ["done", "planned"]


def test_what_the_two_are_sent_counts_for_both(two_records: Book) -> None:
    for loan in ("L-1", "L-2"):
        assert two_records.send(loan, TEXT) == "accepted"
    first, second = bodies(two_records)
    assert "L-1" in first
    assert "L-2" in second
    with two_records.ctx.engine.connect() as connection:
        facts = load_facts(connection, [two_records.loan_id("L-1")], two_records.ctx.now())
    assert len(facts[two_records.loan_id("L-1")].reach.history) == 2


def test_a_text_without_wordings_for_several_loans_goes_alone(engine: Engine) -> None:
    book = a_person(engine, "200", "300")
    sender = replace(
        book.ctx.sms.senders["twilio"], registered=frozenset({("reminder_first", "zh-Hans")})
    )
    book.ctx = replace(book.ctx, sms=replace(book.ctx.sms, senders={"twilio": sender}))
    book.send("L-1", TEXT)
    assert "L-2" not in bodies(book)[0]
    assert statuses(book, "L-1", "L-2") == ["done", "planned"]


def test_it_counts_once_for_the_person_and_for_each_debt(engine: Engine) -> None:
    book = a_person(engine, *["100"] * 5)
    book.send("L-1", TEXT)
    with engine.connect() as connection:
        facts = load_facts(connection, [3], book.ctx.now())[3]
    (text,) = facts.reach.history
    assert {text.loan_id, *text.also_about} == {1, 2, 3, 4, 5}
    assert text.is_about(3)
    assert facts.reach.first_contact_at == book.clock.at


def test_all_workers_at_once_send_one_text(engine: Engine) -> None:
    book = a_person(engine, *["100"] * 6)
    came: Sequence[str] = concurrently(
        *[partial(book.send, f"L-{1 + n % 6}", TEXT) for n in range(12)]
    )
    assert sorted(came)[0] == "accepted"
    assert came.count("accepted") == 1
    assert len(book.sms.sent) == 1


def test_it_costs_no_more_statements_than_a_text_may(engine: Engine) -> None:
    book = a_person(engine, *["100"] * 30)
    book.loan("warm", due_on="2026-03-01", borrower_id="other", phone="+8613900139000")
    book.escalate("warm")
    book.send("warm", TEXT)
    action_id = book.action_id("L-1", TEXT)
    with statements(engine) as sent:
        assert send_sms(book.ctx, action_id) == "accepted"
    assert len(sent) <= 8
    assert len(book.sms.sent) == 2


# --- what is not known of it


class PowerCutError(BaseException):
    """What no `except Exception` gets hold of."""


class Dying(FakeSmsGateway):
    """The process dies while the provider is being asked."""

    def send(self, text: OutgoingText) -> SendResult:
        raise PowerCutError


def lost(engine: Engine, provider: Scripted, *amounts: str) -> Book:
    book = a_person(engine, *amounts)
    book.ctx = replace(book.ctx, sms=only(provider))
    assert book.send("L-1", TEXT) == "unknown"
    return book


@pytest.fixture
def provider() -> Scripted:
    return Scripted(ANSWER_LOST)


def test_an_unknown_answer_leaves_all_of_them_unknown_and_the_list_settles_all(
    engine: Engine, provider: Scripted
) -> None:
    book = lost(engine, provider, "200", "300", "400")
    assert statuses(book, "L-1", "L-2", "L-3") == ["unknown"] * 3
    assert book.send("L-2", TEXT) == "nothing to do"

    provider.listed = ("SM1",)
    book.clock.at += LOOKUP_INTERVAL
    assert ask_providers(book.ctx) == 1
    assert statuses(book, "L-1", "L-2", "L-3") == ["done"] * 3
    assert [row.sid for row in book.rows(select(message).order_by(message.c.contact_id))] == [
        "SM1",
        None,
        None,
    ]
    assert len(provider.looked_up) == 1, "it is one text"
    assert book.rows(problem) == []


def test_a_lost_worker_leaves_all_of_them_unknown(engine: Engine) -> None:
    book = a_person(engine, "200", "300")
    living = book.ctx
    book.ctx = replace(living, sms=only(Dying()))
    with pytest.raises(PowerCutError):
        book.send("L-2", TEXT)
    book.ctx = living
    assert statuses(book, "L-1", "L-2") == ["claimed", "claimed"]
    book.clock.at += book.ctx.settings.lease * 2
    assert mark_lost_claims(book.ctx) == 2
    assert statuses(book, "L-1", "L-2") == ["unknown", "unknown"]
    assert {row.status for row in book.rows(message)} == {"unknown"}


def parked(engine: Engine, provider: Scripted) -> Book:
    book = lost(engine, provider, "200", "300")
    book.at("2026-03-03 10:00")
    park_old(book.ctx)
    assert {row.status for row in book.rows(message)} == {"parked"}
    return book


def test_a_person_decides_once_for_all_of_them(engine: Engine, provider: Scripted) -> None:
    book = parked(engine, provider)
    with engine.connect() as connection:
        (text,) = read_unconfirmed(connection, book.ctx)
    assert (text.loan, text.other_loans) == ("L-1", ["L-2"])

    mark_sent(acting(book.ctx, COLLECTOR), text.message, sid="SM1")
    assert statuses(book, "L-1", "L-2") == ["done", "done"]
    assert {row.status for row in book.rows(message)} == {MessageStatus.ACCEPTED}


def test_either_id_of_the_text_will_do_to_say_that_it_never_went(
    engine: Engine, provider: Scripted
) -> None:
    book = parked(engine, provider)
    other = book.rows(select(message).order_by(message.c.contact_id))[1]
    mark_unsent(acting(book.ctx, COLLECTOR), other.id)
    assert statuses(book, "L-1", "L-2") == ["failed", "failed"]

    book.ctx = replace(book.ctx, sms=only(book.sms))
    assert book.send("L-2", TEXT) == "accepted"
    assert statuses(book, "L-1", "L-2") == ["done", "done"]
    assert len(book.sms.sent) == 1


def test_a_receipt_that_proves_the_opposite_is_a_problem_of_each_loan(
    engine: Engine, provider: Scripted
) -> None:
    book = parked(engine, provider)
    first = book.rows(select(message).order_by(message.c.contact_id))[0]
    mark_unsent(acting(book.ctx, COLLECTOR), first.id)
    with engine.begin() as connection:
        record_receipt(connection, book.ctx, receipt_of(first.id))
    assert statuses(book, "L-1", "L-2") == ["dead", "dead"], "it is not sent a second time"
    assert [row.kind for row in book.rows(problem)] == ["sent_after_all"] * 2


def receipt_of(message_id: object, status: str = "delivered") -> dict[str, object]:
    return {
        "provider": "twilio",
        "message_id": str(message_id),
        "sid": "SM1",
        "word": status,
        "status": status,
        "code": None,
    }


@pytest.mark.parametrize(
    ("outcome", "came"),
    [
        (SimulatedOutcome.LANDLINE, "dead"),
        (SimulatedOutcome.OPTED_OUT, "barred"),
        (SimulatedOutcome.TOO_MANY_REQUESTS, "failed"),
    ],
)
def test_what_is_not_sent_is_so_for_all_of_them(
    engine: Engine, outcome: SimulatedOutcome, came: str
) -> None:
    book = Book(engine, now="2026-03-02 22:00")
    for name in ("L-1", "L-2"):
        book.loan(
            name, jurisdiction="US", phone=f"+1212555{outcome}", borrower_id="HOB", amount="100"
        )
    book.escalate("L-1", "L-2")
    book.send("L-1", TEXT)
    assert statuses(book, "L-1", "L-2") == [came, came]
    assert len(book.rows(contact)) == 2


# --- what is on record of it


def test_its_receipt_and_its_history_are_those_of_each_loan(engine: Engine) -> None:
    book = a_person(engine, "200", "300")
    book.send("L-2", TEXT)
    first = book.rows(select(message).order_by(message.c.contact_id))[0]
    with engine.begin() as connection:
        record_receipt(connection, book.ctx, receipt_of(first.id))
    assert {row.status for row in book.rows(message)} == {"delivered"}
    assert len(book.rows(receipt)) == 1

    for name in ("L-1", "L-2"):
        with engine.connect() as connection:
            story = " ".join(s.text for s in loan_history(connection, book.ctx, name))
            in_chinese = loan_history(connection, book.ctx, name, language="zh")
        assert "It is one text about 2 loans of the person: " in story
        assert "was written from template reminder_first_two_loans" in story
        assert "The provider reports the text for text_day_1 as delivered." in story
        assert any("本次短信同时涉及该借款人的2笔贷款：" in s.text for s in in_chinese)


def test_of_many_loans_the_history_names_a_few(engine: Engine) -> None:
    book = a_person(engine, *["100"] * 9)
    book.send("L-1", TEXT)
    with engine.connect() as connection:
        story = " ".join(s.text for s in loan_history(connection, book.ctx, "L-9"))
    assert "one text about 9 loans of the person, among them L-1, L-2, L-3." in story


def test_the_evidence_of_each_loan_holds_and_is_the_persons(engine: Engine) -> None:
    book = a_person(engine, "200", "300")
    book.send("L-1", TEXT)
    chain_evidence(book.ctx)
    isolated = engine.execution_options(isolation_level="REPEATABLE READ")
    with isolated.begin() as connection:
        assert list(verify(connection)) == []
    with engine.begin() as connection:
        data = read_subject_data(connection, book.ctx.cipher, 1)
    assert [row["body"] for row in data["message"]] == bodies(book) * 2
    with engine.connect() as connection:
        assert count_duplicates(connection) == 0
        assert find_unexplained(connection, book.ctx) == {}
