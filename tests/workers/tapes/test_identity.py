"""Who is who on a tape: nobody becomes somebody else, and nobody loses what protects them."""

import re
from concurrent.futures import ThreadPoolExecutor
from csv import DictReader
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping_reader import load_mapping
from domain.actors import Actor
from domain.language.speak import speak
from domain.persons import PersonFact
from domain.reasons import ReasonCode
from tests.support.acting import acting_alone
from tests.support.encrypted import opened
from tests.support.events import confirm, pay, store, tell, tell_personal
from tests.support.loans import Book
from workers.db.inbox import comparable
from workers.db.person_facts import note_person_fact
from workers.db.persons import lock_known_borrower
from workers.db.schema import borrower, contact_point, inbox_event, loan, problem, same_person
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.event_data.persons import RepresentativeFacts
from workers.inbox.store import store_event
from workers.operations.problems import read_problems
from workers.payments.write_offs import write_off
from workers.privacy.erasure import erase, erase_expired_data
from workers.privacy.subject_requests import erase_subject, export_subject
from workers.tapes.import_tape import ImportReport, import_tape

COLUMNS = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)
DAY_1, DAY_2 = date(2026, 3, 5), date(2026, 3, 6)
NUMBER, OTHER_NUMBER = "13800138011", "13900139012"


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-06 10:00")


def row(
    loan_id: str,
    customer: str = "C-1",
    name: str = "Li Example",
    phone: str = NUMBER,
    address: str = "1 Example Road",
    zones: str = "Asia/Shanghai",
) -> str:
    return (
        f"{loan_id},{customer},{name},{phone},{address},zh-Hans,440000,{zones},CN,consumer_loan,"
        "CNY,2026-03-05 100.00,0,"
    )


def bring_in(
    book: Book, folder: Path, *rows: str, as_of: date = DAY_1, keep_good: bool = False
) -> ImportReport:
    tape = folder / "tape.csv"
    tape.write_text("\n".join((COLUMNS, *rows)) + "\n")
    return import_tape(book.ctx, tape, load_mapping("arrears"), as_of=as_of, keep_good=keep_good)


def persons(book: Book) -> dict[str, int]:
    return {record.external_id: record.person_id for record in book.rows(borrower)}


def number_of(book: Book, customer: str = "C-1") -> str | None:
    return next(iter(book.numbers(customer)), None)


def links(book: Book) -> list[tuple[str, str]]:
    return [(link.status, link.reason[0].code) for link in book.rows(same_person)]


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


def open_problems(book: Book) -> list[Any]:
    return book.rows(select(problem).where(problem.c.resolved_at.is_(None)))


ALICE = ("Alice Example", NUMBER, "1 Example Road")


class TestReusedId:
    """A customer id of somebody whose loan is not on the tape."""

    BOB = row("L-2", "C-2", "Bob Example", OTHER_NUMBER, "2 Street")
    TAKES_IT = row("L-9", "C-2", *ALICE)

    @pytest.mark.parametrize("paid", [False, True], ids=["as it was", "a payment came in since"])
    def test_nobody_is_told_of_the_debt_of_who_had_the_id_before(
        self, book: Book, tmp_path: Path, paid: bool
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        if paid:
            assert pay(book, "10", loan="L-2").status == "applied"

        report = bring_in(book, tmp_path, self.TAKES_IT, as_of=DAY_2)

        (refused,) = report.first_errors
        assert (report.kept, refused.line, refused.column) == (False, 2, "borrower")
        assert "loan L-2, which this tape does not give to anybody else" in str(refused)
        assert not {"Alice", NUMBER} & set(str(refused).split())
        assert number_of(book, "C-2") == f"+86{OTHER_NUMBER}"

    def test_good_rows_come_in_and_the_rest_when_each_has_an_id(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        good = row("L-3", "C-3", "He Example", "13700137013")
        report = bring_in(book, tmp_path, self.TAKES_IT, good, as_of=DAY_2, keep_good=True)
        assert (report.taken, report.rejected, set(persons(book))) == (1, 1, {"C-2", "C-3"})
        fixed = self.TAKES_IT.replace("C-2", "C-9")
        assert bring_in(book, tmp_path, fixed, good, as_of=DAY_2).rejected == 0

    @pytest.mark.parametrize(
        "now",
        [
            (row("L-2", "C-2", "Bob Newname", NUMBER, "3 Street"),),
            (row("L-9", "C-2", "Bob Newname", OTHER_NUMBER, "2  street"),),
            (row("L-9", "C-2", "Bob Example", NUMBER, "3 Street"),),
            (row("L-9", "C-2", *ALICE), row("L-2", "C-2", *ALICE)),
        ],
        ids=["all loans on the tape", "another name", "another number", "with the old loan"],
    )
    def test_one_person_may_have_another_name_or_number(
        self, book: Book, tmp_path: Path, now: tuple[str, ...]
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        assert bring_in(book, tmp_path, *now, as_of=DAY_2).rejected == 0

    def test_a_loan_whose_new_row_is_refused_is_no_reason_to_take_its_borrower_over(
        self, book: Book, tmp_path: Path
    ) -> None:
        carl = row("L-3", "C-3", "Carl Example", "13700137013", "3 Street")
        bring_in(book, tmp_path, row("L-9", "C-9", *ALICE), self.BOB, carl)

        ids_moved_on = (self.TAKES_IT, self.BOB.replace("C-2", "C-3"))  # L-3 is not on the tape
        report = bring_in(book, tmp_path, *ids_moved_on, as_of=DAY_2, keep_good=True)

        assert (report.taken, report.rejected) == (0, 2)
        assert number_of(book, "C-2") == f"+86{OTHER_NUMBER}"

    def test_who_reported_the_new_number_and_address_may_have_another_name(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, self.BOB)
        moved = ContactChangeFacts(borrower="C-2", phone=f"+86{NUMBER}", address="1 Example Road")
        assert tell(book, "contact_change", **moved.payload(book.ctx.cipher)).status == "applied"
        assert bring_in(book, tmp_path, self.TAKES_IT, as_of=DAY_2).rejected == 0


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


def change_number(book: Book, phone: str | None, customer: str = "C-1") -> None:
    facts = ContactChangeFacts(borrower=customer, phone=phone)
    changed = tell(book, "contact_change", **facts.payload(book.ctx.cipher))
    assert changed.status == "applied", changed.reason


SWAPPED_PEOPLE = (("Alice Example", NUMBER, "1 Road"), ("Bob Example", OTHER_NUMBER, "2 Street"))


class TestGivenToSomebodyElse:
    """A tape gives the ids of people to other people."""

    def swap(self, book: Book, folder: Path, alice: str = "C-2", bob: str = "C-1") -> None:
        """Alice was C-1 and borrowed L-1; Bob was C-2 and borrowed L-2."""
        before, after = ("C-1", "C-2"), (alice, bob)
        for as_of, ids in ((DAY_1, before), (DAY_2, after)):
            rows = (
                row(f"L-{n}", id, *who) for n, id, who in zip("12", ids, self.people, strict=True)
            )
            if as_of == DAY_2:
                self.said(book)
            assert bring_in(book, folder, *rows, as_of=as_of).rejected == 0

    people: tuple[tuple[str, str, str], ...] = SWAPPED_PEOPLE

    def said(self, book: Book) -> None:
        """Bob agreed to calls at other hours, and an attorney acts for him."""
        agreed = {"borrower": "C-2", "fact": "agreed_other_hours", "actor": "c-1"}
        assert tell(book, "person_fact", **agreed).status == "applied"
        attorney = {"borrower": "C-2", "kind": "attorney", "phone": "+8613900139000"}
        told = tell_personal(book, "representative", RepresentativeFacts, **attorney, actor="c-1")
        assert told.status == "applied"

    @pytest.mark.parametrize("bob", ["C-1", "C-3"], ids=["swapped", "handed on"])
    @pytest.mark.parametrize(
        "people",
        [SWAPPED_PEOPLE, [("Alice Example", NUMBER, "1 Road"), ("Bob Example", NUMBER, "1 Road")]],
        ids=["strangers", "with one number"],
    )
    def test_what_somebody_agreed_to_counts_for_nobody_else(
        self, book: Book, tmp_path: Path, people: tuple[tuple[str, str, str], ...], bob: str
    ) -> None:
        self.people = people
        self.swap(book, tmp_path, bob=bob)
        with book.ctx.engine.connect() as connection:
            for loan_id in ("L-1", "L-2"):
                facts = read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
                assert (facts.consents, facts.representative) == ((), None)
                assert PersonFact.REPRESENTED in facts.person_facts, "it protects both for now"

        former = next(name for name in persons(book) if re.fullmatch("former:[0-9]+:C-2", name))
        confirm(book, bob, former)
        with book.ctx.engine.connect() as connection:
            alice, bobs = (
                read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
                for loan_id in ("L-1", "L-2")
            )
        assert (alice.consents, alice.representative) == ((), None)
        assert (len(bobs.consents), bobs.representative is None) == (1, False)

    def test_parted_each_keeps_what_they_asked_for(self, book: Book, tmp_path: Path) -> None:
        self.swap(book, tmp_path)
        with book.ctx.engine.connect() as connection:
            story = loan_history(connection, book.ctx, "L-1")
            told = "A tape gave customer id C-1 to somebody who may be another person."
            assert any(told in sentence.text for sentence in story)
        asked = {"borrower": "C-2", "other": "C-1", "why": "two people", "actor": "c-1"}
        assert tell(book, "same_person", status="parted", **asked).status == "applied"
        assert (book.may_call("L-1"), book.may_call("L-2")) == ("allowed", "deferred")

    def test_the_persons_of_ids_that_were_swapped_can_be_parted_link_by_link(
        self, book: Book, tmp_path: Path
    ) -> None:
        people = self.people
        bring_in(book, tmp_path, row("L-1", "C-1", *people[0]), row("L-2", "C-2", *people[1]))
        swapped = row("L-1", "C-1", *people[1]), row("L-2", "C-2", *people[0])
        bring_in(book, tmp_path, *swapped, as_of=DAY_2)
        assert len(set(persons(book).values())) == 1
        for link in book.rows(same_person):
            names = {known.id: known.external_id for known in book.rows(borrower)}
            pair = {"borrower": names[link.borrower_id], "other": names[link.other_id]}
            told = {"status": "parted", "why": "two people", "actor": "c-1"}
            assert tell(book, "same_person", **pair, **told).status == "applied"
        assert len(set(persons(book).values())) == 4

    def test_a_decision_after_ids_were_parted_counts_whenever_both_are_applied(
        self, book: Book, tmp_path: Path
    ) -> None:
        self.swap(book, tmp_path)
        former = next(name for name in persons(book) if re.fullmatch("former:[0-9]+:C-1", name))
        by = {"borrower": "C-1", "why": "the same voice", "actor": "c-1"}
        stored = []
        for at, other, status in (("11", "C-2", "parted"), ("12", former, "confirmed")):
            book.at(f"2026-03-06 {at}:00")
            stored.append(store(book, "same_person", other=other, status=status, **by))
        book.at("2026-03-06 13:00")
        for event in stored:
            assert apply_event(book.ctx, event).status == "applied"
        assert persons(book)["C-1"] == persons(book)[former]

    def test_a_loan_that_moves_between_two_outlives_a_decision_from_before(
        self, book: Book, tmp_path: Path
    ) -> None:
        other = "Li Example", OTHER_NUMBER, "2 Road"
        bring_in(book, tmp_path, row("L-1"), row("L-2", "C-2", *other))
        confirm(book, "C-1", "C-2")
        tell(book, "opt_out", borrower="C-1", channel=None, actor="c-1")
        book.at("2026-03-06 11:00")
        told = {"borrower": "C-1", "other": "C-2", "why": "two people", "actor": "c-1"}
        parted = store(book, "same_person", status="parted", **told)
        book.at("2026-03-06 12:00")
        bring_in(
            book, tmp_path, *(row(name, "C-2", *other) for name in ("L-1", "L-2")), as_of=DAY_2
        )
        late = apply_event(book.ctx, parted)
        assert late.reason[0].code is ReasonCode.LINK_OUTDATED
        assert book.may_call("L-1") == "barred"

    def test_what_was_reported_of_somebody_is_erased_with_them_and_handed_to_nobody_else(
        self, book: Book, tmp_path: Path
    ) -> None:
        book.staff("sup-1", "supervisor")
        bring_in(book, tmp_path, row("L-1"), row("L-5", "C-5", "Wu Example", "13700137013"))
        new = {"borrower": "C-1", "phone": "+8613777777777", "address": "9 Secret Lane"}
        tell_personal(book, "contact_change", ContactChangeFacts, **new, actor="c-1")
        tell(book, "opt_out", borrower="C-1", number=None, channel="sms", actor="c-1")
        two = {"borrower": "C-5", "other": "C-1", "why": "two people", "actor": "c-1"}
        tell(book, "same_person", status="parted", **two)
        bob = row("L-9", name="Bob Example", phone=OTHER_NUMBER, address="2 Other Road")
        bring_in(book, tmp_path, row("L-1", "C-2"), bob, as_of=DAY_2)
        former = next(name for name in persons(book) if re.fullmatch("former:[0-9]+:C-1", name))
        sup = Actor("sup-1")
        of_bob, theirs = (
            export_subject(acting_alone(book.ctx, sup), name, purpose="a request")
            for name in ("C-1", former)
        )
        assert ("9 Secret Lane" in str(theirs), "9 Secret Lane" in str(of_bob)) == (True, False)

        before = {event.external_id: event for event in book.rows(inbox_event)}
        with book.ctx.engine.begin() as connection:
            for event in before.values():
                said = comparable(event.payload)
                assert "C-1" in said.values()
                stored = store_event(
                    *(connection, event.external_id, event.kind, said, book.ctx.now()),
                    sender=event.sender,
                )
                assert stored == event.id, "the same event again is the same"
            for loan_id in ("L-1", "L-9"):
                write_off(connection, book.ctx, loan_id, book.ctx.today())

        for name in ("C-1", former):
            assert book.rows(inbox_event) == list(before.values()), "it was not about Bob"
            erase_subject(
                acting_alone(book.ctx, sup), name, why="asked", law="PIPL 47", dry_run=False
            )
        change = next(each for each in book.rows(inbox_event) if each.kind == "contact_change")
        assert (change.payload["phone_encrypted"], change.payload["address_encrypted"]) == (
            None,
            None,
        )

    def test_who_married_and_moved_stays_one_person(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, row("L-1"))
        told = tell(book, "opt_out", borrower="C-1", channel=None, actor="c-1")
        assert told.status == "applied"
        married = row("L-1", "C-1", "Li Newname", NUMBER, "3 Road")
        bring_in(book, tmp_path, married, as_of=DAY_2)
        assert (book.may_call("L-1"), links(book)) == ("barred", [("presumed", "loan_moved")])
        assert bring_in(book, tmp_path, married, as_of=DAY_2).changed == 0
        renamed = row("L-1", "C-1", "Li Othername", NUMBER, "3 Road")
        bring_in(book, tmp_path, renamed, as_of=DAY_2)
        assert len(book.rows(borrower)) == 2, "a name alone makes nobody another person"


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
