"""Guarantors and co-borrowers climb the ladder by themselves, each as a person of their own."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, func, insert, select, update

from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.compliance.vocabulary import Party
from domain.holds import HoldKind
from domain.ladder import Days, Item, Ladder, Step
from domain.persons import PersonFact
from tests.support.events import store, tell
from tests.support.loans import Book, shipped_policy
from workers.db.schema import (
    action,
    borrower,
    contact,
    hold,
    loan,
    loan_party,
    message,
    person_fact,
)
from workers.history.history import loan_history
from workers.sms.send import send_sms

PHONES = {"G-1": "+8613900139001", "G-2": "+8613900139002", "C-1": "+8613900139003"}


def ladder(*items: Item, requires_first: bool = False) -> Ladder:
    """The Chinese ladder with one step of these items from day 1 on."""
    shipped = max(
        (known for known in shipped_policy().ladders if known.id == "consumer_loan_cn"),
        key=lambda known: known.version,
    )
    return replace(shipped, version=9, steps=(Step("remind", Days(1), items),))


TO_BORROWER = Item("text", SEND_SMS, Days(1), template="reminder_first")
TO_GUARANTORS = Item("notice", SEND_SMS, Days(1), template="guarantor_notice", to=Party.GUARANTOR)
TO_CO_BORROWERS = Item("joint_text", SEND_SMS, Days(1), "reminder_first", to=Party.CO_BORROWER)


def a_book(engine: Engine, *items: Item, now: str = "2026-03-03 10:00") -> Book:
    policy = replace(shipped_policy(), ladders=(ladder(*items),))
    return Book(engine, now=now, policy=policy)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 has two guarantors and a co-borrower, who have a loan of their own that is not due."""
    book = a_book(engine, TO_BORROWER, TO_GUARANTORS, TO_CO_BORROWERS)
    book.loan("L-1", due_on="2026-03-02", borrower_id="B-1")
    for id, phone in PHONES.items():
        book.loan(f"own-{id}", due_on="2027-01-04", borrower_id=id, phone=phone)
    with book.ctx.engine.begin() as connection:  # each has a name of their own
        connection.execute(
            update(borrower).values(name_digest=func.convert_to(borrower.c.external_id, "UTF8"))
        )
    party(book, "L-1", "G-1", Party.GUARANTOR)
    party(book, "L-1", "G-2", Party.GUARANTOR)
    party(book, "L-1", "C-1", Party.CO_BORROWER)
    return book


def test_of_two_records_of_one_guarantor_the_one_that_came_last_says_the_number(book: Book) -> None:
    book.escalate("L-1")
    newest = "+8613900139009"
    book.loan("own-G-9", due_on="2027-01-04", borrower_id="G-9", phone=newest)
    party(book, "L-1", "G-9", Party.GUARANTOR)
    joined(book, "G-1", "G-9")
    assert planned(book) == {**ALL, ("notice", "G-1"): "cancelled"}
    book.escalate("L-1")
    assert planned(book)["notice", "G-9"] == "planned"

    send_all(book)
    assert newest in sent(book)
    assert PHONES["G-1"] not in sent(book)


def test_who_turns_out_to_be_both_is_contacted_as_co_borrower_alone(book: Book) -> None:
    party(book, "L-1", "C-1", Party.GUARANTOR)
    book.escalate("L-1")
    planned = book.rows(
        select(action.c.item, loan_party.c.borrower_id)
        .join(loan_party, loan_party.c.id == action.c.party_id)
        .where(loan_party.c.borrower_id == record(book, "C-1"))
    )
    assert [row.item for row in planned] == ["joint_text"]


def record(book: Book, id: str) -> int:
    return int(book.one(select(borrower.c.id).where(borrower.c.external_id == id)).id)


def party(book: Book, loan_id: str, id: str, role: Party) -> None:
    values = {"loan_id": book.loan_id(loan_id), "borrower_id": record(book, id), "role": role}
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(loan_party).values(**values, from_tape=False))


def pause(book: Book, id: str, kind: HoldKind, starts_on: str = "2026-03-01") -> None:
    values = {"borrower_id": record(book, id), "kind": kind, "actor": "test"}
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(hold).values(
                **values, starts_on=date.fromisoformat(starts_on), made_at=book.clock.at
            )
        )


def planned(book: Book, loan_id: str = "L-1") -> dict[tuple[str, str], str]:
    """The status of each action of a loan, by its item and the record that it is for."""
    rows = book.rows(
        select(action.c.item, action.c.status, borrower.c.external_id)
        .outerjoin(loan_party, loan_party.c.id == action.c.party_id)
        .outerjoin(borrower, borrower.c.id == loan_party.c.borrower_id)
        .where(action.c.loan_id == book.loan_id(loan_id))
        .order_by(action.c.id)
    )
    return {(row.item, row.external_id or "borrower"): row.status for row in rows}


def send_all(book: Book) -> None:
    for row in book.rows(select(action.c.id).order_by(action.c.id)):
        send_sms(book.ctx, row.id)


def sent(book: Book) -> dict[str, str]:
    """The words of each text that went out, by its number."""
    return {text.text.to: text.text.body for text in book.sms.sent}


ALL = {
    ("text", "borrower"): "planned",
    ("notice", "G-1"): "planned",
    ("notice", "G-2"): "planned",
    ("joint_text", "C-1"): "planned",
}


def test_each_party_gets_an_item_of_its_own_at_its_own_number(book: Book) -> None:
    book.escalate("L-1")
    assert planned(book) == ALL
    book.at("2026-03-03 11:00").escalate("L-1")
    assert planned(book) == ALL, "once"

    send_all(book)
    texts = sent(book)
    assert set(texts) == {"+8613800138000", *PHONES.values()}
    assert "您担保的贷款（编号L-1）" in texts[PHONES["G-1"]]
    assert "担保" not in texts["+8613800138000"]
    by_record = {row.borrower_id: row.party for row in book.rows(contact)}
    assert by_record == {
        record(book, "B-1"): "borrower",
        record(book, "G-1"): "guarantor",
        record(book, "G-2"): "guarantor",
        record(book, "C-1"): "co_borrower",
    }
    with book.ctx.engine.connect() as connection:
        told = "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))
    assert "It is for the guarantor, record G-1." in told
    assert "The gate allows notice to reach the guarantor by" in told


def test_a_loan_without_parties_has_items_for_the_borrower_only(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-02", borrower_id="B-2", phone="+8613900139009")
    book.escalate("L-2")
    assert planned(book, "L-2") == {("text", "borrower"): "planned"}


def test_a_request_to_be_left_alone_binds_contact_with_that_party_only(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(person_fact).values(
                borrower_id=record(book, "G-1"),
                kind=PersonFact.CEASED,
                since=book.clock.at,
                source="s-1",
                source_kind="staff",
            )
        )
    book.escalate("L-1")
    assert planned(book) == {**ALL, ("notice", "G-1"): "barred"}


@pytest.mark.parametrize(
    ("who", "kind", "acts"),
    [
        # Civil Code 681, 688: the guarantor owes it still; of co-borrowers the pack says nothing.
        ("B-1", HoldKind.DECEASED, {"G-1", "G-2"}),
        ("B-1", HoldKind.VULNERABILITY, set()),
        ("G-1", HoldKind.DECEASED, {"borrower", "G-2", "C-1"}),
        ("C-1", HoldKind.INSOLVENCY, {"borrower", "G-1", "G-2"}),
    ],
)
def test_a_hold_of_one_party_stops_whom_the_law_lets_it_reach(
    book: Book, who: str, kind: HoldKind, acts: set[str]
) -> None:
    pause(book, who, kind)
    book.escalate("L-1")
    assert {of for _, of in planned(book)} == acts
    send_all(book)
    assert len(sent(book)) == len(acts)
    reviewed = book.one(select(loan.c.review_on).where(loan.c.external_id == "L-1")).review_on
    assert (reviewed is not None) is bool(acts - {"borrower"}) or reviewed is None


def test_a_hold_that_comes_after_the_plan_stops_the_text(book: Book) -> None:
    book.escalate("L-1")
    pause(book, "G-1", HoldKind.INSOLVENCY)
    send_all(book)
    assert planned(book)["notice", "G-1"] == "deferred"
    assert set(sent(book)) == {"+8613800138000", PHONES["G-2"], PHONES["C-1"]}


@pytest.mark.parametrize(
    ("named", "held_back"),
    [
        ({"loan": "L-1"}, {"text", "notice", "joint_text"}),
        ({"loan": "other-loan"}, {"text", "notice", "joint_text"}),
        ({"borrower": "B-1-anew"}, {"text", "notice", "joint_text"}),
        ({"borrower": "C-1-anew"}, {"text", "notice", "joint_text"}),
        ({"loan": "own-G-1"}, {"text", "notice", "joint_text"}),
        ({"borrower": "a stranger"}, set()),
    ],
)
def test_a_hold_that_is_only_stored_holds_back_all_parties_whatever_it_names(
    book: Book, named: dict[str, str], held_back: set[str]
) -> None:
    """The person may be named by another loan, or by a record that came in later."""
    book.loan("other-loan", due_on="2027-01-04", borrower_id="B-1-anew", same_person_as="B-1")
    book.loan("anew", due_on="2027-01-04", borrower_id="C-1-anew", same_person_as="C-1")
    book.loan("strange", due_on="2027-01-04", borrower_id="a stranger", phone="+8613900139009")
    book.escalate("L-1")
    known = {"hold": "H-1", "kind": "vulnerability", "starts_on": "2026-03-03", "ends_on": None}
    store(book, "hold", **known, **named, why="ill", actor="c-1")
    send_all(book)
    assert {item for (item, _), status in planned(book).items() if status != "done"} == held_back


@pytest.mark.parametrize("named", [("C-1", "protected"), ("protected", "C-1")])
def test_a_decision_that_is_only_stored_holds_back_all_parties_whichever_record_it_names_first(
    book: Book, named: tuple[str, str]
) -> None:
    """The co-borrower may be one person with somebody whose insolvency reaches over."""
    book.loan("other", due_on="2027-01-04", borrower_id="protected", phone="+8613900139009")
    pause(book, "protected", HoldKind.INSOLVENCY)
    book.escalate("L-1")
    told = dict(zip(("borrower", "other"), named, strict=True))
    store(book, "same_person", **told, status="confirmed", why="seen", actor="s-1")
    send_all(book)
    assert sent(book) == {}


def test_what_waits_for_somebody_who_left_is_cancelled(book: Book) -> None:
    book.escalate("L-1")
    with book.ctx.engine.begin() as connection:
        connection.execute(
            update(loan_party)
            .where(loan_party.c.borrower_id == record(book, "G-1"))
            .values(ended_at=book.clock.at)
        )
    send_all(book)
    assert planned(book)["notice", "G-1"] == "cancelled"
    assert PHONES["G-1"] not in sent(book)


def change_role(book: Book, id: str, old: Party, new: Party) -> None:
    about = {"loan": "L-1", "borrower": id, "actor": "s-1"}
    tell(book, "loan_party_end", **about, role=old)
    tell(book, "loan_party", **about, role=new)


def joined(book: Book, one: str, other: str, status: str = "confirmed") -> None:
    tell(book, "same_person", borrower=one, other=other, status=status, why="seen", actor="s-1")


@pytest.mark.parametrize(
    ("id", "old", "new", "waited", "waits"),
    [
        ("G-1", Party.GUARANTOR, Party.CO_BORROWER, "notice", "joint_text"),
        ("C-1", Party.CO_BORROWER, Party.GUARANTOR, "joint_text", "notice"),
    ],
)
def test_what_waits_for_another_role_is_called_off(
    book: Book, id: str, old: Party, new: Party, waited: str, waits: str
) -> None:
    book.escalate("L-1")
    change_role(book, id, old, new)
    assert planned(book) == {**ALL, (waited, id): "cancelled"}
    book.escalate("L-1")
    assert planned(book) == {**ALL, (waited, id): "cancelled", (waits, id): "planned"}
    change_role(book, id, new, old)
    book.escalate("L-1")
    assert planned(book) == {**ALL, (waits, id): "cancelled"}, "and back again"


@pytest.mark.parametrize("owes", ["C-1", "B-1"])
def test_a_guarantor_who_turns_out_to_owe_the_debt_is_none_until_they_are_two_again(
    book: Book, owes: str
) -> None:
    book.escalate("L-1")
    joined(book, owes, "G-1")
    assert planned(book) == {**ALL, ("notice", "G-1"): "cancelled"}
    book.escalate("L-1")
    assert planned(book) == {**ALL, ("notice", "G-1"): "cancelled"}
    joined(book, owes, "G-1", "parted")
    book.escalate("L-1")
    assert planned(book) == ALL


def test_a_role_that_was_lost_unseen_stops_the_text_at_its_claim(book: Book) -> None:
    book.escalate("L-1")
    party(book, "L-1", "G-1", Party.CO_BORROWER)
    send_all(book)
    assert planned(book)["notice", "G-1"] == "cancelled"
    assert PHONES["G-1"] not in sent(book)


def test_a_guarantor_by_two_records_is_one(book: Book) -> None:
    """The tape numbered them anew: the person is the same, and was told."""
    book.escalate("L-1")
    send_all(book)
    told = planned(book)
    book.loan(
        "own-G-1x",
        due_on="2027-01-04",
        borrower_id="G-1x",
        same_person_as="G-1",
        phone=PHONES["G-1"],
    )
    party(book, "L-1", "G-1x", Party.GUARANTOR)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(review_on=book.clock.at.date()))
    book.escalate("L-1")
    assert planned(book) == told


def test_notices_of_one_guarantor_about_several_loans_are_one_text(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-02", borrower_id="B-2", phone="+8613900139009")
    party(book, "L-2", "G-1", Party.GUARANTOR)
    book.escalate("L-1", "L-2")
    send_all(book)
    texts = sent(book)
    assert "L-1" in texts[PHONES["G-1"]]
    assert "L-2" in texts[PHONES["G-1"]]
    assert "L-2" not in texts[PHONES["G-2"]]
    numbers = [text.text.to for text in book.sms.sent]
    assert len(numbers) == len(set(numbers)) == 5
    assert len(book.rows(message)) == 6


def test_their_own_loan_and_the_one_they_guarantee_are_two_texts(book: Book) -> None:
    book.loan("L-3", due_on="2026-03-02", borrower_id="G-1", phone=PHONES["G-1"])
    book.escalate("L-1", "L-3")
    send_all(book)
    to_them = [text.text.body for text in book.sms.sent if text.text.to == PHONES["G-1"]]
    assert ["担保" in body for body in to_them].count(True) <= 1
    assert all(not ("L-1" in body and "L-3" in body) for body in to_them)


def test_a_notice_waits_until_the_borrower_was_asked_first(engine: Engine) -> None:
    call = Item("call", ASSIGN_CALL, Days(1, 3))
    notice = replace(TO_GUARANTORS, days=Days(4), requires=("remind",))
    steps = (Step("remind", Days(1, 3), (call,)), Step("legal", Days(4), (notice,)))
    book = Book(
        engine,
        now="2026-03-07 10:00",
        policy=replace(shipped_policy(), ladders=(replace(ladder(), steps=steps),)),
    )
    book.loan("L-1", due_on="2026-03-02", borrower_id="B-1")
    book.loan("own", due_on="2027-01-04", borrower_id="G-1", phone=PHONES["G-1"])
    party(book, "L-1", "G-1", Party.GUARANTOR)
    book.escalate("L-1")
    assert planned(book) == {("call", "borrower"): "planned"}, "made up for, late as it is"
