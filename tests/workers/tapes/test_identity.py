"""Who is who on a tape: nobody becomes somebody else, and nobody loses what protects them."""

from concurrent.futures import ThreadPoolExecutor
from csv import DictReader
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.language.speak import speak
from domain.persons import PersonFact
from tests.support.encrypted import opened
from tests.support.identity import (
    DAY_2,
    NUMBER,
    OTHER_NUMBER,
    bring_in,
    change_number,
    number_of,
    open_problems,
    persons,
    row,
)
from tests.support.loans import Book
from workers.db.person_facts import note_person_fact
from workers.db.persons import lock_known_borrower
from workers.db.schema import borrower, loan, problem


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-06 10:00")


class TestOneIdTwoPeople:
    """A customer id that a tape gives to two people."""

    TWO = (
        row("L-1", "440106000000000000"),
        row("L-2", "440106000000000000", "Wu Example", OTHER_NUMBER),
    )

    def test_every_row_with_it_is_refused_and_names_another(
        self, book: Book, tmp_path: Path
    ) -> None:
        report = bring_in(book, tmp_path, *self.TWO, row("L-3", "C-3", "He Example", "13700137013"))
        assert (report.rejected, report.kept) == (2, False)
        first, second = report.first_errors
        assert (first.line, "line 3" in str(first), first.column) == (2, True, "borrower")
        assert (second.line, "line 2" in str(second)) == (3, True)
        assert "Wu" not in f"{first}{second}"

    def test_the_good_rows_come_in_whichever_order_the_two_have(
        self, book: Book, tmp_path: Path
    ) -> None:
        good = row("L-3", "C-3", "He Example", "13700137013")
        bring_in(book, tmp_path, *self.TWO, good, keep_good=True)
        bring_in(book, tmp_path, *reversed(self.TWO), good, keep_good=True)
        assert list(persons(book)) == ["C-3"]

    @pytest.mark.parametrize(
        ("name", "phone", "address"),
        [
            ("Wu Example", OTHER_NUMBER, "1 Example Road"),
            ("Wu Example", NUMBER, "2 Example Road"),
            ("Wu Example", "", "1 Example Road"),
            ("Wu Example", OTHER_NUMBER, ""),
        ],
    )
    def test_another_name_with_another_number_or_address_is_another_person(
        self, book: Book, tmp_path: Path, name: str, phone: str, address: str
    ) -> None:
        other = row("L-2", "C-1", name, phone, address)
        assert bring_in(book, tmp_path, row("L-1"), other).rejected == 2

    @pytest.mark.parametrize(
        ("name", "phone", "address"),
        [
            ("Li Example", NUMBER, "1 Example Road"),
            ("LI  EXAMPLE", f"+86 {NUMBER}", "1  example road"),
            ("Ｌｉ Example", "138-0013-8011", "1 Example Road"),
            ("Li Example", "0086 138 0013 8011", "1 Example Road"),
        ],
    )
    def test_one_person_written_in_two_ways_is_one(
        self, book: Book, tmp_path: Path, name: str, phone: str, address: str
    ) -> None:
        report = bring_in(book, tmp_path, row("L-1"), row("L-2", "C-1", name, phone, address))
        assert (report.rejected, len(book.rows(borrower)), book.rows(problem)) == (0, 1, [])

    def test_of_two_numbers_of_one_person_the_first_row_counts_and_a_problem_says_so(
        self, book: Book, tmp_path: Path
    ) -> None:
        rows = (row("L-1"), row("L-2", phone=OTHER_NUMBER))
        assert bring_in(book, tmp_path, *rows).kept
        assert number_of(book) == f"+86{NUMBER}"
        found = book.one(problem)
        assert (found.kind, "than line 2" in speak(found.detail)) == ("contacts_differ", True)
        assert bring_in(book, tmp_path, *rows).changed == 0, "the same tape changes nothing"

    @pytest.mark.parametrize(
        ("said", "instead"),
        [("Asia/Shanghai", "Asia/Urumqi"), ("zh-Hans", "en"), ("440000", "110000")],
        ids=["zones", "locale", "region"],
    )
    def test_two_zones_languages_or_regions_of_one_person_are_a_problem_until_they_agree(
        self, book: Book, tmp_path: Path, said: str, instead: str
    ) -> None:
        first, second = row("L-1"), row("L-2").replace(said, instead)
        assert first.count(",") == second.count(",")
        bring_in(book, tmp_path, first, second)
        for _ in range(2):  # the same file changes nothing and does not hide it
            assert [found.kind for found in open_problems(book)] == ["contacts_differ"]
            assert bring_in(book, tmp_path, first, second).changed == 0

        bring_in(book, tmp_path, second, as_of=DAY_2)
        known = book.one(borrower)
        assert (known.zones, known.locale, known.region) != (["Asia/Shanghai"], "zh-Hans", "440000")
        assert open_problems(book) == []


class TestNoCustomerId:
    """A borrower to whom the lender gave no id."""

    def test_never_meets_a_customer_whose_id_is_that_of_a_loan(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1", ""), row("L-2", "L-1", "Wu Example", OTHER_NUMBER))
        assert set(persons(book)) == {"loan:L-1", "L-1"}
        assert len(set(persons(book).values())) == 2

    def test_no_customer_id_may_look_like_one(self, book: Book, tmp_path: Path) -> None:
        report = bring_in(book, tmp_path, row("L-1", ""), row("L-2", "loan:L-1"))
        assert (report.rejected, report.first_errors[0].column) == (1, "borrower")

    def test_loans_of_one_name_and_number_are_one_persons(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, row("L-1", ""), row("L-2", ""), row("L-3", ""))
        assert len(set(persons(book).values())) == 1


PLACEHOLDERS = [
    "nan",
    "NULL",
    "#N/A",
    "N/A",
    "none",
    "无",
    "空",
    "-",
    "--",
    "４.40106E+17",
    "000000",
    "TBD",
    "待补充",
    "XXXX",
    "нет данных",
]


class TestPlaceholders:
    """What stands where nothing is known is no id, name, number or address."""

    def test_as_an_id_or_a_name_it_is_refused(self, book: Book, tmp_path: Path) -> None:
        columns = {"loan_id": "loan", "customer": "borrower", "name": "name"}
        cells = [
            (column, written)
            for column in columns
            for written in (*PLACEHOLDERS, "11111111", "#REF!", "(null)", "…")
        ]
        rows = [
            row(**{"loan_id": f"L-{n}", "customer": f"C-{n}", column: written})
            for n, (column, written) in enumerate(cells)
        ]

        report = bring_in(book, tmp_path, *rows)

        assert (report.rejected, report.kept) == (len(rows), False)
        with (tmp_path / "tape.rejects.csv").open(encoding="utf-8-sig") as file:
            refused = [(int(line["line"]), line["column"]) for line in DictReader(file)]
        assert refused == [(n, columns[column]) for n, (column, _) in enumerate(cells, start=2)]

    def test_as_a_number_it_is_a_missing_one(self, book: Book, tmp_path: Path) -> None:
        found = {f"L-{n}": written for n, written in enumerate((*PLACEHOLDERS, "888888"))}
        bring_in(book, tmp_path, *(row(id, f"C-{id}", phone=cell) for id, cell in found.items()))
        assert {number_of(book, f"C-{id}") for id in found} == {None}
        assert [each.kind for each in book.rows(problem)] == ["phone_missing"] * len(found)
        assert {book.may_call(id) for id in found} == {"deferred"}

    def test_as_an_address_it_is_a_missing_one(self, book: Book, tmp_path: Path) -> None:
        rows = [
            row(f"L-{n}", f"C-{n}", f"Example {n}", f"138001381{n:02}", written)
            for n, written in enumerate((*PLACEHOLDERS, "?"))
        ]
        bring_in(book, tmp_path, *rows)
        assert [each.address_encrypted for each in book.rows(borrower)] == [None] * len(rows)
        assert [each.kind for each in book.rows(problem)] == ["address_missing"] * len(rows)

    def test_an_id_that_only_resembles_one_is_taken(self, book: Book, tmp_path: Path) -> None:
        ids = ("100", "1E5", "111", "123456789", "440106000000000000", "A-000000", "0000001")
        rows = [row(f"L-{n}", id) for n, id in enumerate(ids)]
        assert bring_in(book, tmp_path, *rows).rejected == 0
        assert set(persons(book)) == set(ids)

    def test_two_strangers_whose_id_a_spreadsheet_cut_short_never_become_one(
        self, book: Book, tmp_path: Path
    ) -> None:
        rows = (row("L-1", "4.40106E+17"), row("L-2", "4.40106E+17", "Wu Example", OTHER_NUMBER))
        report = bring_in(book, tmp_path, *rows, keep_good=True)
        assert report.rejected == 2
        first, second = map(str, report.first_errors)
        assert ("line 3" in first, "line 2" in second) == (True, True)
        assert book.rows(borrower) == []


@pytest.mark.parametrize("between", [" ", "+86", " - ", "|", " & "])
def test_two_numbers_that_nothing_tells_apart_are_refused(
    book: Book, tmp_path: Path, between: str
) -> None:
    report = bring_in(book, tmp_path, row("L-1", phone=f"{NUMBER}{between}{OTHER_NUMBER}"))
    (error,) = report.first_errors
    assert (error.column, "one telephone number" in error.expected) == ("phone", True)
    assert NUMBER not in str(error)


@pytest.mark.parametrize("between", ["/", ";", "、", "；", " or ", "或", " / "])
def test_two_numbers_in_one_cell_are_two_numbers(book: Book, tmp_path: Path, between: str) -> None:
    bring_in(book, tmp_path, row("L-1", phone=f"{NUMBER}{between}{OTHER_NUMBER}"))
    assert book.numbers("C-1") == [f"+86{NUMBER}", f"+86{OTHER_NUMBER}"]


class TestFieldByField:
    """A tape changes the fields whose value it changed, and no others."""

    def test_an_address_written_anew_does_not_bring_an_old_number_back(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        change_number(book, f"+86{OTHER_NUMBER}")

        bring_in(book, tmp_path, row("L-1", address="2 Example Road"), as_of=DAY_2)

        assert number_of(book) == f"+86{OTHER_NUMBER}"
        address = opened(book, borrower.c.address_encrypted)[0]
        assert address == "2 Example Road"

    def test_nor_does_a_name_a_zone_or_the_tape_of_the_next_day(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        change_number(book, "+12125550116")

        named = row("L-1", name="Li Q Example", zones="Asia/Urumqi")
        bring_in(book, tmp_path, named, as_of=DAY_2)
        bring_in(book, tmp_path, named, as_of=DAY_2)

        assert number_of(book) == "+12125550116"
        assert set(book.one(borrower).zones) >= {"Asia/Urumqi", "America/New_York"}

    def test_a_number_that_the_tape_changed_is_changed(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, row("L-1"))
        change_number(book, f"+86{OTHER_NUMBER}")
        bring_in(book, tmp_path, row("L-1", phone="13700137013"), as_of=DAY_2)
        assert number_of(book) == "+8613700137013"

    @pytest.mark.parametrize("emptied", ["", "NULL", "无"])
    def test_a_number_is_removed_by_a_tape(self, book: Book, tmp_path: Path, emptied: str) -> None:
        bring_in(book, tmp_path, row("L-1"))
        bring_in(book, tmp_path, row("L-1", phone=emptied), as_of=DAY_2)
        assert (number_of(book), book.one(problem).kind) == (None, "phone_missing")

    def test_a_number_is_removed_by_an_event_and_a_tape_does_not_bring_it_back(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1"))
        change_number(book, None)
        bring_in(book, tmp_path, row("L-1", address="2 Example Road"), as_of=DAY_2)
        assert (number_of(book), book.one(problem).resolved_at) == (None, None)
        assert book.may_call("L-1") == "deferred"

    def test_a_tape_that_never_had_a_number_leaves_one_that_came_by_event(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, row("L-1", phone=""))
        change_number(book, f"+86{NUMBER}")
        bring_in(book, tmp_path, row("L-1", phone=""), as_of=DAY_2)
        assert number_of(book) == f"+86{NUMBER}"
        assert book.one(problem).resolved_at is not None

    def test_the_same_tape_again_changes_nothing(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, row("L-1"), row("L-2"))
        before = book.rows(borrower) + book.rows(loan)
        assert bring_in(book, tmp_path, row("L-1"), row("L-2")).changed == 0
        assert book.rows(borrower) + book.rows(loan) == before


def test_a_tape_waits_for_whoever_works_on_a_person_before_it_changes_one(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    with ThreadPoolExecutor(1) as pool:
        with book.ctx.engine.begin() as connection:
            lock_known_borrower(connection, "C-1", "opt_out")
            moves = pool.submit(bring_in, book, tmp_path, row("L-1", "C-2"), as_of=DAY_2)
            with pytest.raises(TimeoutError):
                moves.result(timeout=2)
            note_person_fact(
                connection,
                book.one(borrower).id,
                PersonFact.CEASED,
                Actor("c-1"),
                book.ctx.now(),
            )
        assert moves.result(timeout=30).kept
    assert book.may_call("L-1") == "barred"
