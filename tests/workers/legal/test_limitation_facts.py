"""What interrupts or suspends the limitation period because somebody told it."""

from typing import Any

import pytest
from sqlalchemy import Engine

from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Party
from domain.language.speak import speak
from tests.support.events import promise, tell
from tests.support.limitation import CURRENCY, lend, may
from tests.support.loans import Book
from workers.db.schema import acknowledgement, legal_file, limitation_fact
from workers.db.schema import promise as promises
from workers.hardship.promise_judgement import break_overdue_promises
from workers.history import loan_history
from workers.inbox.submit import submit
from workers.legal.legal_files import open_legal_file

ALLOWED, BARRED = Permission.ALLOWED, Permission.BARRED


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2020-01-06 12:00")


def note(book: Book, fact: str, starts_on: str, ends_on: str | None = None, **more: Any) -> str:
    """Report a fact about L-1 on its last day; what came of it, in words."""
    book.at(f"{ends_on or starts_on} 12:00")
    given = {"loan": "L-1", "fact": fact, "starts_on": starts_on, "ends_on": ends_on, **more}
    payload = {name: value for name, value in given.items() if value is not None}
    id = f"limitation_fact:{fact}:{starts_on}:{ends_on}"
    return speak(submit(book.ctx, id, "limitation_fact", payload).reason)


def history(book: Book, language: str = "en") -> list[str]:
    with book.ctx.engine.connect() as connection:
        return [
            entry.text for entry in loan_history(connection, book.ctx, "L-1", language=language)
        ]


def test_after_a_suit_the_three_years_start_when_it_ends(book: Book) -> None:
    """Civil Code 195(3). It is reported when it begins, and again when it ends."""
    lend(book, "CN", "2020-01-10")
    note(book, "suit", "2022-06-10", document="D-7", actor="c-1")
    assert may(book, "2025-06-10") is ALLOWED, "from its beginning, while nobody said that it ended"
    assert may(book, "2025-06-11") is BARRED
    note(book, "suit", "2022-06-10", "2025-06-15", actor="c-2")
    assert may(book, "2028-06-15") is ALLOWED
    assert may(book, "2028-06-16") is BARRED
    note(book, "suit", "2022-06-10", "2027-06-05")
    assert may(book, "2028-06-16") is BARRED, "the end that came in first stays"

    assert len(book.rows(limitation_fact)) == 1
    assert (
        "For the limitation period: proceedings in court or an arbitration, 2022-06-10. "
        "The proof is in D-7. It was recorded by c-1." in history(book)
    )
    ended = "2022-06-10开始的诉讼、仲裁或支付令申请已于2025-06-15结束。由c-2记录。"
    assert f"诉讼时效相关事实：{ended}" in history(book, "zh")


def test_a_last_day_of_rest_is_followed_by_a_working_day(book: Book) -> None:
    """Civil Code 203: 1 June 2025 is a Sunday, and the Monday after it the Dragon Boat Festival."""
    lend(book, "CN", "2022-06-01")
    assert may(book, "2025-06-03") is ALLOWED
    assert may(book, "2025-06-04") is BARRED


@pytest.mark.parametrize(
    ("law", "fact", "restarts"),
    [
        ("CN", "delivered_demand", True),
        ("CN", "assignment_notice", True),
        ("CN", "debit_in_vain", False),
        ("GB", "suit", False),
        ("IN", "delivered_demand", False),
        ("US-MA", "assignment_notice", False),
    ],
)
def test_each_law_says_what_starts_it_again(
    book: Book, law: str, fact: str, restarts: bool
) -> None:
    """A letter that was signed for counts as a text that arrived does."""
    lend(book, law, "2020-01-10")
    note(book, fact, "2022-06-10")
    years = {"CN": 3, "IN": 3}.get(law, 6)
    assert may(book, f"{2022 + years}-06-10") is (ALLOWED if restarts else BARRED)
    assert may(book, f"{2022 + years}-06-12") is BARRED


def test_force_majeure_in_the_last_six_months_leaves_six_months_after_it(book: Book) -> None:
    """Civil Code 194."""
    lend(book, "CN", "2020-01-10")
    note(book, "force_majeure", "2022-12-01")
    assert may(book, "2024-12-02") is ALLOWED, "as long as it lasts"
    note(book, "force_majeure", "2022-12-01", "2024-12-09")
    assert may(book, "2025-06-09") is ALLOWED
    assert may(book, "2025-06-10") is BARRED


def test_military_service_is_not_counted_in_any_state(book: Book) -> None:
    """50 U.S.C. 3936, over the six years of Massachusetts."""
    lend(book, "US-MA", "2020-01-10")
    note(book, "military_service", "2022-01-01", "2023-01-01")
    assert may(book, "2027-01-09") is ALLOWED, "365 days more, and 2028 is the leap year"
    assert may(book, "2027-01-11") is BARRED


def test_the_date_of_a_legal_file_is_the_one_after_a_suspension(book: Book) -> None:
    lend(book, "US-MA", "2020-03-02", "2021-03-01")
    note(book, "military_service", "2022-01-01", "2023-01-01")
    book.at("2026-04-02 22:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    # Six years after 2020-03-02, and the 365 days of service.
    assert str(book.one(legal_file).limitation_on) == "2027-03-02"


def test_in_india_an_acknowledgement_binds_only_who_signed_it(book: Book) -> None:
    """Limitation Act 1963 s. 20(2)."""
    lend(book, "IN", "2020-01-10")
    book.loan("L-2", borrower_id="G-1", due_on="2020-01-10")
    book.at("2022-06-10 12:00")
    tell(book, "loan_party", loan="L-1", borrower="G-1", role="co_borrower", actor="c-1")
    said = {"acknowledged_on": "2022-06-10", "proof": "signed", "actor": "c-1"}
    tell(book, "acknowledgement", loan="L-1", borrower="G-1", **said)
    assert may(book, "2025-06-10") is BARRED
    assert may(book, "2025-06-10", party=Party.CO_BORROWER) is ALLOWED
    assert may(book, "2025-06-12", party=Party.CO_BORROWER) is BARRED
    assert (
        "Another party to the loan (G-1) acknowledged the debt on 2022-06-10: "
        "in a writing that they signed. It was recorded by c-1." in history(book)
    )


def test_in_china_what_one_joint_debtor_signs_binds_all(book: Book) -> None:
    """Limitation rules 15."""
    lend(book, "CN", "2020-01-10")
    book.loan("L-2", borrower_id="G-1", due_on="2020-01-10")
    book.at("2022-06-10 12:00")
    tell(book, "loan_party", loan="L-1", borrower="G-1", role="co_borrower", actor="c-1")
    said = {"acknowledged_on": "2022-06-10", "proof": "recorded"}
    tell(book, "acknowledgement", loan="L-1", borrower="G-1", **said)
    assert may(book, "2025-06-10") is ALLOWED
    assert may(book, "2025-06-11") is BARRED


def test_both_debtors_may_sign_on_one_day(book: Book) -> None:
    lend(book, "IN", "2020-01-10")
    book.loan("L-2", borrower_id="G-1", due_on="2020-01-10")
    book.at("2022-06-10 12:00")
    tell(book, "loan_party", loan="L-1", borrower="G-1", role="co_borrower", actor="c-1")
    for who in ({}, {"borrower": "G-1"}):
        said = {"acknowledged_on": "2022-06-10", "proof": "signed"}
        tell(book, "acknowledgement", loan="L-1", **said, **who)
    assert len(book.rows(acknowledgement)) == 2
    assert may(book, "2025-06-10") is ALLOWED


def test_an_acknowledgement_of_somebody_who_owes_nothing_waits(book: Book) -> None:
    """Who is party to the loan may be reported after it."""
    lend(book, "IN", "2020-01-10")
    book.loan("L-2", borrower_id="G-1", due_on="2020-01-10")
    given = {"loan": "L-1", "borrower": "G-1", "acknowledged_on": "2020-01-05", "proof": "signed"}
    waits = submit(book.ctx, "acknowledgement:1", "acknowledgement", given)
    assert waits.status == "received"
    assert "G-1 is neither the borrower of loan L-1 nor another party to it." in speak(waits.reason)
    assert book.rows(acknowledgement) == []


def take_back(book: Book, kind: str, **named: Any) -> str:
    payload = {"loan": "L-1", "actor": "c-9", **named}
    id = f"{kind}_withdrawal:{book.clock.at}"
    return speak(submit(book.ctx, id, f"{kind}_withdrawal", payload).reason)


def test_what_was_recorded_by_mistake_is_taken_back_and_may_be_recorded_anew(book: Book) -> None:
    lend(book, "CN", "2020-01-10")
    note(book, "suit", "2022-06-10", "2022-07-10")
    assert may(book, "2025-07-10") is ALLOWED

    said = take_back(book, "limitation_fact", fact="suit", starts_on="2022-06-10")
    assert "is taken back" in said
    assert may(book, "2023-01-10") is ALLOWED
    assert may(book, "2023-01-11") is BARRED
    book.at("2023-01-12 12:00")
    again = take_back(book, "limitation_fact", fact="suit", starts_on="2022-06-10")
    assert "taken back already" in again

    note(book, "suit", "2022-06-10", "2022-08-10", document="D-8")
    assert may(book, "2025-08-10") is ALLOWED, "with the right day this time"
    assert may(book, "2025-08-12") is BARRED
    assert len(book.rows(limitation_fact)) == 2
    told = " ".join(history(book))
    assert "was taken back, and counts for nothing: proceedings in court or an arbitration" in told
    assert "It was recorded by c-9." in told


def test_what_suspended_the_time_by_mistake_suspends_nothing(book: Book) -> None:
    lend(book, "US-MA", "2020-01-10")
    note(book, "military_service", "2022-01-01", "2023-01-01")
    take_back(book, "limitation_fact", fact="military_service", starts_on="2022-01-01")
    assert may(book, "2026-01-10") is ALLOWED
    assert may(book, "2026-01-12") is BARRED


def test_a_withdrawal_waits_for_what_it_takes_back(book: Book) -> None:
    lend(book, "CN", "2020-01-10")
    assert "not on record" in take_back(
        book, "limitation_fact", fact="suit", starts_on="2022-06-10"
    )
    assert "No such acknowledgement" in take_back(
        book, "acknowledgement", acknowledged_on="2022-06-10"
    )


@pytest.mark.parametrize("named", [{}, {"proof": "signed"}, {"borrower": "B-L-1"}])
def test_an_acknowledgement_is_taken_back_with_its_proof_or_whatever_it_is(
    book: Book, named: dict[str, str]
) -> None:
    lend(book, "GB", "2020-01-10")
    for proof in ("signed", "recorded"):
        book.at("2022-06-10 12:00")
        tell(book, "acknowledgement", loan="L-1", acknowledged_on="2022-06-10", proof=proof)
    assert may(book, "2028-06-09") is ALLOWED
    take_back(book, "acknowledgement", acknowledged_on="2022-06-10", **named)
    assert may(book, "2026-01-12") is BARRED
    left = [row.proof for row in book.rows(acknowledgement) if row.taken_back_at is None]
    assert left == (["recorded"] if named.get("proof") else [])


@pytest.mark.parametrize(
    ("was_made", "law", "counts"),
    [
        (None, "CN", False),
        (False, "CN", False),
        (True, "CN", True),
        (True, "GB", False),
        (True, "IN", False),
        (True, "US-MA", False),
    ],
)
def test_of_promises_that_were_withdrawn_those_count_that_were_made_where_a_law_says_so(
    book: Book, was_made: bool | None, law: str, counts: bool
) -> None:
    """Civil Code 195(2): the agreement interrupts when it is made."""
    lend(book, law, "2020-01-10")
    book.at("2022-06-10 12:00")
    promise(book, "10", "2022-06-20", currency=CURRENCY[law[:2]])
    said = {} if was_made is None else {"was_made": was_made}
    tell(book, "promise_withdrawal", promise="PR-1", **said)
    years = {"CN": 3, "IN": 3}.get(law, 6)
    assert may(book, f"{2022 + years}-06-09") is (ALLOWED if counts else BARRED)


def test_a_promise_that_was_kept_or_broken_may_have_been_a_mistake_too(book: Book) -> None:
    lend(book, "CN", "2020-01-10")
    book.at("2022-06-10 12:00")
    promise(book, "10", "2022-06-20", currency="CNY")
    book.at("2022-06-25 12:00")
    break_overdue_promises(book.ctx)
    assert may(book, "2025-06-10") is ALLOWED, "broken, and made all the same"
    wrong = tell(book, "promise_withdrawal", promise="PR-1", was_made=False)
    assert "recorded by mistake" in speak(wrong.reason)
    assert may(book, "2025-06-09") is BARRED
    assert "It had been recorded by mistake" in " ".join(history(book))


def test_a_promise_that_another_replaced_was_made(book: Book) -> None:
    lend(book, "CN", "2020-01-10")
    book.at("2022-06-10 12:00")
    promise(book, "10", "2022-06-20", currency="CNY")
    tell(book, "write_off", loan="L-1", written_off_on="2022-06-10")
    assert [row.was_made for row in book.rows(promises)] == [True]
