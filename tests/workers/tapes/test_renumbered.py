"""A loan that arrives under another customer id."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from tests.support.events import tell
from tests.support.identity import (
    DAY_2,
    NUMBER,
    OTHER_NUMBER,
    bring_in,
    change_number,
    links,
    number_of,
    persons,
    row,
)
from tests.support.loans import Book
from workers.db.schema import borrower, contact_point, same_person
from workers.history import loan_history
from workers.operations.problems import read_problems
from workers.privacy.erasure import erase, erase_expired_data


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-06 10:00")


class TestRenumbered:
    """A tape gives a loan that is on record, or a person who is, another customer id."""

    def cease(self, book: Book, customer: str = "C-1") -> None:
        asked = tell(book, "opt_out", borrower=customer, channel=None, actor="c-1")
        assert asked.status == "applied"

    @pytest.mark.parametrize(
        ("name", "phone"),
        [("Li Example", NUMBER), ("Wu Example", OTHER_NUMBER), ("Li Example", OTHER_NUMBER)],
    )
    def test_a_loan_brings_its_person_along_whatever_name_and_number_say(
        self, book: Book, tmp_path: Path, name: str, phone: str
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        self.cease(book)

        bring_in(book, tmp_path, row("L-1", "C-1-NEW", name, phone), as_of=DAY_2)

        book.escalate("L-1")
        assert book.send("L-1", "text_day_1") == "nothing to do"
        assert book.action("L-1", "text_day_1").rules == ["lender.cease_communication"]
        assert links(book) == [("presumed", "loan_moved")]

    def test_a_new_id_with_the_same_name_and_number_is_protected_at_once(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        self.cease(book)

        bring_in(book, tmp_path, row("L-2", "C-2", "ｌｉ. EXAMPLE"), as_of=DAY_2)

        assert book.may_call("L-2") == "barred"
        assert links(book) == [("presumed", "same_name_and_number")]

    def test_a_whole_book_may_be_numbered_anew_and_swap_ids(
        self, book: Book, tmp_path: Path
    ) -> None:
        people = [("Li Example", NUMBER), ("Wu Example", OTHER_NUMBER)]
        bring_in(book, tmp_path, *(row(f"L-{n}", f"C-{n}", *who) for n, who in enumerate(people)))
        self.cease(book, "C-0")

        swapped = [row(f"L-{n}", f"C-{1 - n}", *who) for n, who in enumerate(people)]
        bring_in(book, tmp_path, *swapped, as_of=DAY_2)

        assert book.may_call("L-0") == "barred"

    def test_the_same_tape_again_links_nothing_anew(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, row("L-1"))
        bring_in(book, tmp_path, row("L-1", "C-2"), as_of=DAY_2)
        before = (book.rows(borrower), book.rows(same_person))
        assert bring_in(book, tmp_path, row("L-1", "C-2"), as_of=DAY_2).changed == 0
        assert (book.rows(borrower), book.rows(same_person)) == before

    def test_a_number_that_an_event_brings_makes_one_person_in_the_same_transaction(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"), row("L-2", "C-2", phone=OTHER_NUMBER))
        self.cease(book)
        assert book.may_call("L-2") == "allowed"

        change_number(book, f"+86{NUMBER}", "C-2")

        assert book.may_call("L-2") == "barred"
        assert len(set(persons(book).values())) == 1

    @pytest.mark.parametrize(
        "changed", [(f"+86{OTHER_NUMBER}",), (None,), ("+8613700137013", None)]
    )
    @pytest.mark.parametrize("brings", ["tape", "event"])
    def test_who_had_the_number_before_an_event_changed_it_is_the_same_person(
        self, book: Book, tmp_path: Path, changed: tuple[str | None, ...], brings: str
    ) -> None:
        bring_in(book, tmp_path, row("L-1"), row("L-3", "C-3", "Wu Example", "13600136014"))
        self.cease(book)
        for number in changed:
            change_number(book, number)

        other = "13600136015" if brings == "event" else NUMBER
        now = (row("L-1"), row("L-2", "C-2", phone=other), row("L-3", "C-3", "Wu Example", other))
        bring_in(book, tmp_path, *now, as_of=DAY_2)
        if brings == "event":
            change_number(book, f"+86{NUMBER}", "C-2")

        assert [book.may_call(loan) for loan in ("L-1", "L-2", "L-3")] == [
            "barred",
            "barred",
            "allowed",  # a stranger, whoever had the number before
        ]

    def test_an_erased_person_does_not_come_back_under_another_id(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        with book.ctx.engine.begin() as connection:
            erase(connection, [book.one(borrower).id], book.ctx.now())

        bring_in(book, tmp_path, row("L-1", "C-2"), as_of=DAY_2)
        bring_in(book, tmp_path, row("L-1", "C-2", address="2 Example Road"), as_of=DAY_2)

        renumbered = book.one(select(borrower).where(borrower.c.external_id == "C-2"))
        assert renumbered.erased_at is not None
        assert (renumbered.name_encrypted, book.numbers("C-2")) == (None, [])
        assert book.rows(contact_point) == []

        bring_in(book, tmp_path, row("L-1", "C-2"), row("L-2", "C-2"), as_of=DAY_2)
        assert number_of(book, "C-2") == f"+86{NUMBER}", "a new loan brings the person back"

    def test_a_record_whose_loans_moved_away_is_kept_with_those_of_its_person(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        bring_in(book, tmp_path, row("L-1", "C-2"), as_of=DAY_2)
        assert erase_expired_data(book.ctx).borrowers == 0
        bring_in(book, tmp_path, row("L-1", "C-1"), as_of=DAY_2)
        assert (number_of(book), len(set(persons(book).values()))) == (f"+86{NUMBER}", 1)

    def test_it_is_a_problem_until_somebody_decides_and_stands_in_the_history(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        bring_in(book, tmp_path, row("L-1", "C-2"), as_of=DAY_2)

        with book.ctx.engine.connect() as connection:
            (open_link,) = read_problems(connection, book.ctx).persons
            assert (open_link.borrower, open_link.other) == ("C-1", "C-2")
            for language, says in (("en", "count as one person"), ("zh", "视为同一人")):
                story = loan_history(connection, book.ctx, "L-1", language=language)
                assert any(says in sentence.text for sentence in story)
