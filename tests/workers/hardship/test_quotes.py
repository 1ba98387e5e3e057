"""Quotes from what is on record of a loan. They change nothing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, insert, update

from domain.adjustments import AdjustmentKind
from domain.arranged import Wish
from domain.compliance.money_cap import MoneyCap
from domain.compliance.rules import Rule
from domain.holds import HoldKind
from domain.loans import Component, Instalment
from domain.quotes import NotOffered, Quote
from tests.support.events import pay, tell
from tests.support.loans import Book
from workers.db.schema import adjustment, loan
from workers.hardship.quotes import find_arrangeable, quote_loan

SCHEDULE = [Instalment(date(2026, month, 1), Decimal(900), Decimal(20)) for month in range(1, 7)]


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 owes 920 on the first day of each month from January on, at 14.6 % a year."""
    book = Book(engine, now="2026-03-11 10:00")
    book.loan("L-1", instalments=SCHEDULE)
    pay(book, "1840")
    say_of_loan(book, annual_rate_percent=Decimal("14.6"), disbursed_on=date(2025, 12, 1))
    return book


def say_of_loan(book: Book, **values: object) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(values))


def asked(book: Book, wish: Wish) -> Quote | NotOffered:
    with book.ctx.engine.connect() as connection:
        return quote_loan(connection, book.ctx, "L-1", wish)


def why_not(book: Book, wish: Wish) -> list[str]:
    found = asked(book, wish)
    assert isinstance(found, NotOffered)
    return [reason.code for reason in found.reason]


def test_what_is_paid_is_not_asked_for_again(book: Book) -> None:
    pay(book, "500", id="P-2")
    found = asked(book, Wish(days=20))
    assert isinstance(found, Quote)
    # Of March 420 of 920 are unpaid, all of it principal: interest was paid first.
    (moved,) = found.arranged
    assert (moved.due_on, moved.principal) == (date(2026, 3, 31), Decimal(420))
    assert moved.interest == found.interest == Decimal("3.36")  # 420 × 14.6 % × 20 / 365
    assert found.to_pay_before == 420 + 3 * 920


def test_holds_and_earlier_arrangements_stand_in_the_way(book: Book) -> None:
    book.hold("L-1", HoldKind.DISPUTE, "2026-03-01", None)
    book.hold("L-1", HoldKind.MANUAL, "2026-03-01", None)
    assert why_not(book, Wish(days=20)) == ["not_during_hold"]
    with book.ctx.engine.begin() as connection:
        left_out = {"kind": AdjustmentKind.LEFT_OUT, "booked_on": date(2025, 9, 1)}
        values = {"external_id": "A-1", "sender": "lender", "recorded_at": book.clock.at}
        connection.execute(
            insert(adjustment).values(loan_id=book.loan_id("L-1"), **left_out, **values)
        )
    assert why_not(book, Wish(instalments=3)) == ["arranged_too_often", "not_during_hold"]


def test_the_law_counts_beside_the_terms_and_is_shown_with_its_article(book: Book) -> None:
    found = asked(book, Wish(instalments=3))
    assert isinstance(found, Quote)
    assert found.cost_cap
    assert "金规〔2025〕9号" in found.cost_cap.source.citation
    assert found.pays_in_order == (Component.FEES, Component.INTEREST, Component.PRINCIPAL)
    packs = tuple(
        replace(pack, rules=tuple(_at_most_14(rule) for rule in pack.rules))
        for pack in book.ctx.policy.rule_packs
    )
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, rule_packs=packs))
    assert why_not(book, Wish(instalments=3)) == ["cost_above_cap"]


def _at_most_14(rule: Rule) -> Rule:
    lower = isinstance(rule, MoneyCap) and rule.id == "cn.yearly_cost"
    return replace(rule, at_most=Decimal(14)) if lower else rule


def test_a_debt_from_before_military_service_bears_six_per_cent(engine: Engine) -> None:
    """It began on 1 February, and has no end yet. A loan that was paid out later bears all."""
    book = Book(engine, now="2026-03-11 10:00", zone="America/New_York")
    for loan_id, paid_out in (("L-1", date(2025, 12, 1)), ("L-2", date(2026, 2, 2))):
        book.loan(loan_id, instalments=SCHEDULE, jurisdiction="US", borrower_id=loan_id)
        say_of_loan(book, disbursed_on=paid_out)
        fact = {"fact": "military_service", "starts_on": "2026-02-01", "actor": "c-1"}
        assert tell(book, "limitation_fact", loan=loan_id, **fact).status == "applied"
        with book.ctx.engine.connect() as connection:
            caps = find_arrangeable(connection, book.ctx, loan_id, book.ctx.today()).caps
        assert [cap.at_most for cap in caps] == ([6] if loan_id == "L-1" else [])


def test_a_rate_that_is_not_known_is_no_guess(book: Book) -> None:
    say_of_loan(book, annual_rate_percent=None)
    assert why_not(book, Wish(instalments=3)) == ["rate_not_known"]
    say_of_loan(book, written_off_on=date(2026, 3, 10))
    assert why_not(book, Wish(instalments=3)) == ["written_off", "rate_not_known"]
