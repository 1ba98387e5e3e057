"""A default that a letter has to announce counts only when the days of the letter are over."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, delete, select, update

from domain.actors import Actor
from domain.arrangements import default_counts_from
from domain.compliance.default_notice import DefaultNotice, default_notice_days
from domain.compliance.rules import Confidence, RulePack, Source
from domain.compliance.vocabulary import Says
from tests.support.acting import acting
from tests.support.arrangements import arranged, in_difficulty, status
from tests.support.events import pay, tell
from tests.support.loans import ADDRESS, Book, shipped_templates
from workers.attempts.duties import end_duty
from workers.db.schema import (
    arrangement,
    arrangement_instalment,
    borrower,
    borrower_number,
    document,
    duty,
    problem,
)
from workers.hardship.answer_clock import watch_answers
from workers.hardship.arrangement_review import settle_arrangements
from workers.history import loan_history
from workers.visits.letters import Letter, open_letter

LAW = DefaultNotice(
    id="cn.default_notice",
    channels=frozenset(),
    source=Source("A law, art. 9", Confidence.PRIMARY),
    effective_from=date(2020, 1, 1),
    days=10,
)


ADDRESS_COLUMNS = ("address_encrypted", "address_point_id")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two instalments of a plan were missed by 13 May, and a law asks for a letter of ten days."""
    book = in_difficulty(engine)
    packs = tuple(
        replace(pack, rules=(*pack.rules, LAW)) if pack.id == "cn" else pack
        for pack in book.ctx.policy.rule_packs
    )
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, rule_packs=packs))
    arranged(book)
    settle(book, "2026-05-13 00:01")
    return book


def settle(book: Book, at: str) -> str:
    settle_arrangements(book.at(at).ctx)
    return status(book)


def printed(book: Book, *, preview: bool = False) -> Letter:
    ctx = acting(book.ctx, Actor("office"))
    return open_letter(ctx, "L-1", "default_notice", preview=preview)


def problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


def test_it_is_printed_and_ten_days_later_the_plan_has_ended(book: Book) -> None:
    # Too much is missed. The letter is written, and the plan goes on, with its pause.
    assert status(book) == "active"
    noticed = book.one(arrangement)
    assert (noticed.missed, noticed.notice_days) == (2, 10)
    assert book.one(document).arrangement_id == noticed.id

    # Nobody prints it. The next day that is a problem, and the days have not begun.
    assert settle(book, "2026-05-14 00:01") == "active"
    assert problems(book) == ["default_notice_not_printed"]
    assert settle(book, "2026-06-30 00:01") == "active"

    # It is printed on 1 July: name, address, amount and days are in it, in the person's language.
    body = str(printed(book.at("2026-07-01 10:00")).body)
    assert ADDRESS in body
    assert "10天内" in body
    assert "截至2026年5月13日" in body, "of which day the amount is"
    assert "AR-1" in body
    assert problems(book) == []
    assert printed(book).still_due, "a second copy may be printed"

    # The last of the ten days is 11 July, and what was paid on it is told on the twelfth.
    assert settle(book, "2026-07-12 23:59") == "active"
    assert settle(book, "2026-07-13 00:01") == "defaulted"
    assert book.actions("L-1")["arrangement_default_notice"] == "planned"
    with book.ctx.engine.connect() as connection:
        told = "\n".join(each.text for each in loan_history(connection, book.ctx, "L-1"))
    assert "A letter was written that arrangement AR-1 ends if what is missed is not paid" in told
    assert printed(book).body is None, "it is not posted any more"


def test_what_is_paid_within_its_days_makes_it_worthless(book: Book) -> None:
    printed(book)
    first = book.rows(arrangement_instalment)[0]
    pay(book.at("2026-05-20 10:00"), str(first.principal + first.interest), id="P-1")
    assert (status(book), book.one(arrangement).noticed_at) == ("active", None)
    assert settle(book, "2026-05-30 00:01") == "active"
    assert printed(book).body is None
    assert printed(book, preview=True).body

    # The next one that is missed has a letter of its own.
    assert settle(book, "2026-06-30 00:01") == "active"
    assert len(book.rows(document)) == 2
    assert printed(book).body


def without_an_address(engine: Engine, days: int = 5) -> tuple[Book, dict[str, object]]:
    """Terms that ask for a letter, and nowhere to send it; with the address that was there."""
    book = in_difficulty(engine)
    terms = tuple(
        replace(each, kinds=tuple(replace(kind, default_notice_days=days) for kind in each.kinds))
        for each in book.ctx.policy.arrangements
    )
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, arrangements=terms))
    arranged(book)
    kept = {name: getattr(book.one(borrower), name) for name in ADDRESS_COLUMNS}
    with book.ctx.engine.begin() as connection:
        connection.execute(update(borrower).values(dict.fromkeys(ADDRESS_COLUMNS)))
    return book, kept


def test_without_an_address_somebody_owes_the_notice_until_there_is_one(engine: Engine) -> None:
    book, kept = without_an_address(engine)
    assert settle(book, "2026-05-13 00:01") == "active"
    assert problems(book) == ["default_notice_without_address"]
    owed = book.one(duty)
    assert (owed.owner, owed.outcome, owed.ended_at) == ("supervisor", None, None)
    assert f"{owed.due_at.astimezone(book.zone):%m-%d %H:%M}" == "05-20 00:01"
    settle(book, "2026-05-14 00:01")
    assert len(book.rows(duty)) == 1
    watch_answers(book.at("2026-05-21 00:01").ctx)
    assert problems(book) == ["default_notice_without_address", "duty_late"]

    # An address came: the letter is written as ever, and nobody owes anything.
    with book.ctx.engine.begin() as connection:
        connection.execute(update(borrower).values(kept))
    assert settle(book, "2026-05-22 00:01") == "active"
    assert problems(book) == []
    assert book.one(duty).ended_by == "arrears"
    assert book.one(arrangement).notice_days == 5, "as the terms say"
    assert settle(book, "2026-06-30 00:01") == "active"
    assert problems(book) == ["default_notice_not_printed"]


def test_whoever_gives_the_notice_in_another_way_says_so_and_its_days_begin(engine: Engine) -> None:
    book, _ = without_an_address(engine)
    settle(book, "2026-05-13 00:01")
    end_duty(acting(book.at("2026-05-15 10:00").ctx, Actor("s-1")), book.one(duty).id)
    assert settle(book, "2026-05-16 00:01") == "active"
    assert problems(book) == []
    # The fifth full day is 20 May; what was paid on it is told on the 21st.
    assert settle(book, "2026-05-21 23:59") == "active"
    assert settle(book, "2026-05-22 00:01") == "defaulted"
    assert len(book.rows(duty)) == 1


def test_who_has_neither_address_nor_number_is_told_of_the_end_by_somebody(engine: Engine) -> None:
    book, _ = without_an_address(engine, days=0)
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(borrower_number))
    assert settle(book, "2026-05-13 00:01") == "defaulted"
    assert book.one(duty).owner == "supervisor"


def test_a_hold_that_is_not_the_plans_own_stops_the_letter(book: Book) -> None:
    told = {"why": "not mine", "actor": "c-1", "starts_on": "2026-05-13"}
    tell(book, "dispute", dispute="D-1", loan="L-1", **told)
    assert printed(book).body is None
    assert book.one(select(document.c.printed_at)).printed_at is None


def test_the_longer_of_law_and_terms_counts_and_the_last_day_is_whole() -> None:
    pack = RulePack("cn", 1, "CN", (LAW,))
    on = date(2026, 5, 13)
    found = [default_notice_days((pack,), frozenset(), "p", own, on) for own in (0, 5, 14)]
    assert found == [10, 10, 14]
    assert default_notice_days((), frozenset(), "p", 0, on) == 0
    assert default_counts_from(date(2026, 7, 1), 10) == date(2026, 7, 13)


def test_the_letter_threatens_nothing() -> None:
    templates = shipped_templates()
    for locale in templates.locales():
        said = templates.says("arrangement_default_letter", locale)
        assert Says.LEGAL_CONSEQUENCES not in said
