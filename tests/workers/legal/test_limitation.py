"""How long a claim can be brought, from the records: what starts it anew, what is left of it."""

import pytest
from sqlalchemy import Engine, select, update

from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel
from tests.support.events import pay, promise, reverse, tell
from tests.support.limitation import CURRENCY, lend, may
from tests.support.loans import Book
from workers.db.schema import acknowledgement, legal_file, legal_file_line, message
from workers.history import loan_history
from workers.legal.legal_files import open_legal_file


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2020-01-06 12:00")


def acknowledge(book: Book, on: str, proof: str | None = None) -> None:
    book.at(f"{on} 12:00")
    said = {"proof": proof, "document": "D-7"} if proof else {}
    tell(book, "acknowledgement", loan="L-1", acknowledged_on=on, actor="c-1", **said)


ALLOWED, BARRED = Permission.ALLOWED, Permission.BARRED


def test_in_china_a_debt_in_instalments_is_one_debt_from_its_last_instalment(book: Book) -> None:
    """Civil Code 188, 189."""
    lend(book, "CN", "2020-01-10", "2021-01-10", "2022-01-10")
    assert may(book, "2023-06-10") is ALLOWED, "three years after the first, but not after the last"
    assert may(book, "2025-01-10") is ALLOWED
    assert may(book, "2025-01-11") is BARRED


@pytest.mark.parametrize(
    ("law", "last_day", "day_after"),
    [
        ("US-MA", "2026-01-10", "2026-01-12"),
        ("US-WA", "2026-01-10", "2026-01-12"),
        ("GB", "2026-01-10", "2026-01-12"),
        ("GB-SCT", "2025-01-10", "2025-01-12"),
        ("IN", "2023-01-10", "2023-01-12"),
        ("AU", "2026-01-10", "2026-01-12"),
        ("AU-NSW", "2026-01-10", "2026-01-12"),
        ("AU-NT", "2023-01-10", "2023-01-12"),
    ],
)
def test_elsewhere_each_instalment_has_its_own_time(
    book: Book, law: str, last_day: str, day_after: str
) -> None:
    """What is unpaid fell due in January 2020; later instalments are paid, or still to come."""
    lend(book, law, "2020-01-10", "2022-01-10", "2029-01-10", paid=["2022-01-10"])
    assert may(book, last_day) is ALLOWED
    assert may(book, day_after) is BARRED


@pytest.mark.parametrize(
    ("law", "after", "ends"),
    [
        ("GB-SCT", "2025-02-03", BARRED),
        ("AU-NSW", "2026-02-03", BARRED),
        ("GB", "2026-02-03", ALLOWED),
        ("US-MA", "2026-02-03", ALLOWED),
        ("CN", "2023-02-03", ALLOWED),
    ],
)
def test_where_the_debt_is_extinguished_nobody_asks_for_it_either(
    book: Book, law: str, after: str, ends: Permission
) -> None:
    """Elsewhere only the suit is barred: a call that does not threaten may be made."""
    lend(book, law, "2020-01-10")
    assert may(book, after) is BARRED
    assert may(book, after, Channel.CALL) in ({ends} if ends is BARRED else {ALLOWED, "deferred"})


# --- what starts the time again, and by which proof


@pytest.mark.parametrize(
    ("law", "proof", "restarts"),
    [
        ("CN", "signed", True),
        ("CN", "recorded", True),
        ("CN", None, True),
        ("GB", "signed", True),
        ("GB", "written", False),
        ("GB", None, False),
        ("IN", "signed", True),
        ("IN", "recorded", False),
        ("US-MA", "signed", True),
        ("US-MA", "recorded", False),
        ("AU-NSW", "signed", True),
        ("AU-NSW", None, False),
        ("GB-SCT", "signed", True),
    ],
)
def test_an_acknowledgement_counts_by_the_proof_that_the_law_asks_for(
    book: Book, law: str, proof: str | None, restarts: bool
) -> None:
    lend(book, law, "2020-01-10")
    acknowledge(book, "2022-06-10", proof)
    years = {"CN": 3, "IN": 3, "GB-SCT": 5}.get(law, 6)
    assert may(book, f"{2022 + years}-06-10") is (ALLOWED if restarts else BARRED)
    assert may(book, f"{2022 + years}-06-12") is BARRED


@pytest.mark.parametrize(
    ("law", "restarts"), [("CN", True), ("GB", True), ("US-WA", True), ("IN", False)]
)
def test_a_part_payment_starts_it_again_but_in_india_needs_a_writing(
    book: Book, law: str, restarts: bool
) -> None:
    lend(book, law, "2020-01-10")
    book.at("2022-06-10 12:00")
    paid = {"external_id": "P-1", "loan": "L-1", "amount": "10.00", "paid_on": "2022-06-10"}
    tell(book, "payment", currency=CURRENCY[law[:2]], **paid)
    years = 3 if law in {"CN", "IN"} else 6
    assert may(book, f"{2022 + years}-05-30") is (ALLOWED if restarts else BARRED)


def test_a_payment_that_was_reversed_started_nothing(book: Book) -> None:
    lend(book, "CN", "2020-01-10")
    pay(book.at("2022-06-10 12:00"), "10.00")
    assert may(book, "2024-01-10") is ALLOWED
    reverse(book.at("2024-01-11 12:00"))
    assert may(book, "2024-01-12") is BARRED


def test_a_promise_starts_it_again_in_china_only(book: Book) -> None:
    """Civil Code 195(2): an agreement to perform."""
    lend(book, "CN", "2020-01-10")
    promise(book.at("2022-06-10 12:00"), "100.00", "2022-06-15")
    assert may(book, "2025-06-10") is ALLOWED
    assert may(book, "2025-06-11") is BARRED


@pytest.mark.parametrize(
    ("status", "restarts"), [("delivered", True), ("undelivered", False), ("sent", False)]
)
def test_a_text_is_a_demand_once_its_receipt_says_that_it_arrived(
    book: Book, status: str, restarts: bool
) -> None:
    """Limitation rules 8: a message that arrived. What is presumed proves nothing."""
    lend(book, "CN", "2026-03-02")
    book.at("2026-03-03 10:00").escalate("L-1")
    book.send("L-1", "text_day_1")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(message).values(status=status, changed_at=book.clock.at))
    assert may(book, "2029-03-03") is (ALLOWED if restarts else BARRED)


def test_every_acknowledgement_is_kept_because_the_last_may_need_those_before_it(
    book: Book,
) -> None:
    """By itself the one of 2024 would have come a year too late."""
    lend(book, "CN", "2020-01-10")
    acknowledge(book, "2022-06-10", "signed")
    acknowledge(book, "2024-12-01", "recorded")
    acknowledge(book, "2024-12-01", "recorded")
    assert may(book, "2027-12-01") is ALLOWED
    assert may(book, "2027-12-02") is BARRED

    kept = book.rows(select(acknowledgement).order_by(acknowledgement.c.acknowledged_on))
    assert [(str(row.acknowledged_on), row.proof, row.document) for row in kept] == [
        ("2022-06-10", "signed", "D-7"),
        ("2024-12-01", "recorded", "D-7"),
    ]
    with book.ctx.engine.connect() as connection:
        story = [entry.text for entry in loan_history(connection, book.ctx, "L-1")]
        chinese = [entry.text for entry in loan_history(connection, book.ctx, "L-1", language="zh")]
    assert (
        "The borrower acknowledged the debt on 2022-06-10: in a writing that they signed. "
        "The proof is in D-7. It was recorded by c-1." in story
    )
    assert "借款人于2024-12-01承认该债务，证据：录音。证据存于D-7。由c-1记录。" in chinese


@pytest.mark.parametrize(
    ("law", "proof", "revives"),
    [
        ("CN", "signed", True),
        ("CN", "recorded", False),
        ("GB", "signed", False),
        ("IN", "signed", False),
        ("US-WA", "signed", False),
        ("AU-NSW", "signed", False),
    ],
)
def test_what_is_over_is_revived_in_china_by_a_signature_and_elsewhere_by_nothing(
    book: Book, law: str, proof: str, revives: bool
) -> None:
    """Limitation rules 19: a signature on a dunning notice. What is extinguished stays so."""
    lend(book, law, "2020-01-10")
    acknowledge(book, "2026-06-10", proof)
    assert may(book, "2026-06-12") is (ALLOWED if revives else BARRED)


# --- the claim


def test_a_claim_leaves_out_what_is_barred_and_ends_with_its_oldest_instalment(
    book: Book,
) -> None:
    """Massachusetts: six years each. The contract still runs on."""
    lend(book, "US-MA", "2019-02-01", "2020-03-02", "2021-03-01", "2030-03-01")
    book.at("2026-02-03 22:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    assert [str(line.due_on) for line in book.rows(legal_file_line)] == ["2020-03-02", "2021-03-01"]
    opened = book.one(legal_file)
    assert (opened.principal, str(opened.limitation_on)) == (200, "2026-03-02")


def test_a_chinese_claim_has_every_instalment_and_ends_with_the_last(book: Book) -> None:
    lend(book, "CN", "2020-01-10", "2021-01-11", "2027-01-11")
    book.at("2026-03-02 12:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    assert [str(line.due_on) for line in book.rows(legal_file_line)] == ["2020-01-10", "2021-01-11"]
    assert str(book.one(legal_file).limitation_on) == "2030-01-11"


def test_a_payment_that_restarts_it_brings_what_was_nearly_barred_into_the_claim(
    book: Book,
) -> None:
    lend(book, "US-WA", "2019-02-01", "2020-03-02")
    book.at("2025-01-31 12:00")
    paid = {"external_id": "P-1", "loan": "L-1", "amount": "10.00", "paid_on": "2025-01-31"}
    tell(book, "payment", currency="USD", **paid)
    book.at("2026-02-03 22:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    assert [str(line.due_on) for line in book.rows(legal_file_line)] == ["2019-02-01", "2020-03-02"]
    assert str(book.one(legal_file).limitation_on) == "2031-01-31"
