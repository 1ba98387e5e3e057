"""Several numbers of a borrower on a tape: read, and changed one by one."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping_reader import MAPPINGS_DIRECTORY, read_mapping
from config.readers.yaml_reader import PolicyError
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.schema import contact_point, problem
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.tapes.import_tape import ImportReport, import_tape

COLUMNS = (
    "loan,borrower,name,phone,mobile,office,address,locale,region,zones,jurisdiction,product,"
    "currency,instalments,paid_total,steps_tried"
)
A, B, C, D = "13800138011", "13900139012", "13700137013", "13600136014"
LANDLINE = "020-81234567"


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-06 10:00")


def mapping_of(folder: Path, *fields: str) -> Path:
    """The shipped mapping with these columns instead of those that a tape may lack."""
    shipped = (MAPPINGS_DIRECTORY / "arrears.yaml").read_text()
    before, rest = shipped.split("optional_columns:\n")
    _, after = rest.split("phone_region:", 1)
    columns = before.replace("  address: address\n", "".join(fields) + "  address: address\n")
    path = folder / "ours.yaml"
    path.write_text(f"{columns}phone_region:{after}")
    return path


def bring_in(book: Book, folder: Path, *phones: str, day: int = 5) -> ImportReport:
    """One loan with these numbers, each in its own column."""
    cells = [*phones, *[""] * (3 - len(phones))]
    row = (
        f"L-1,C-1,Li Example,{','.join(cells)},1 Example Road,zh-Hans,440000,Asia/Shanghai,CN,"
        "consumer_loan,CNY,2026-03-05 100.00,0,"
    )
    tape = folder / "tape.csv"
    tape.write_text(f"{COLUMNS}\n{row}\n")
    path = mapping_of(folder, "  phone_2: mobile\n", "  phone_3: office\n")
    return import_tape(book.ctx, tape, read_mapping(path), as_of=date(2026, 3, day))


def numbers(book: Book) -> list[str]:
    return [number.removeprefix("+86") for number in book.numbers("C-1")]


def changed(book: Book, **what: object) -> None:
    payload = ContactChangeFacts(borrower="C-1", **what).payload(book.ctx.cipher)
    assert tell(book, "contact_change", **payload).status == "applied"


def test_each_column_has_its_number_in_order(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, A, B, C)
    assert numbers(book) == [A, B, C]


def test_an_empty_first_column_leaves_the_second(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, "", B)
    assert (numbers(book), book.rows(problem)) == ([B], [])


def test_a_number_that_comes_twice_is_one(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, A, f"+86 {A}", B)
    assert numbers(book) == [A, B]


def test_numbers_in_one_cell_take_the_free_places(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, f"{A}/{B}", C)
    assert numbers(book) == [A, B, C]


def test_of_four_numbers_the_first_three_count_and_a_problem_says_so(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, f"{A}/{B};{C}、{D}")
    assert numbers(book) == [A, B, C]
    assert [found.kind for found in book.rows(problem)] == ["phones_left_out"]

    bring_in(book, tmp_path, f"{A}/{B};{C}、{A}", day=6)
    assert numbers(book) == [A, B, C]
    assert [found for found in book.rows(problem) if found.resolved_at is None] == []


@pytest.mark.parametrize("cell", [f"{A}/138001", f"{A}/99999999999", f"{LANDLINE}转1/转2"])
def test_what_is_not_all_numbers_is_refused(book: Book, tmp_path: Path, cell: str) -> None:
    report = bring_in(book, tmp_path, cell)
    (error,) = report.first_errors
    assert (error.line, error.column) == (2, "phone")
    assert "telephone number" in error.expected
    assert A not in str(error)


@pytest.mark.parametrize(
    "written", ["转801", " ext. 801", " x801", "分机801", "#801", "，分机：801", ";ext=801"]
)
def test_an_extension_is_kept(book: Book, tmp_path: Path, written: str) -> None:
    bring_in(book, tmp_path, f'"{LANDLINE}{written}"', B)
    assert book.numbers("C-1") == ["+862081234567;ext=801", f"+86{B}"]
    kinds = select(contact_point.c.kind).order_by(contact_point.c.kind)
    assert [row.kind for row in book.rows(kinds)] == ["address", "extension", "number"]


class TestTheNextTape:
    """A tape changes the numbers whose value it changed, and no other."""

    def test_the_same_tape_changes_nothing(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, A, B)
        before = book.rows(contact_point)
        bring_in(book, tmp_path, A, B, day=6)
        assert (numbers(book), book.rows(contact_point)) == ([A, B], before)

    def test_one_number_changes_in_its_place(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, A, B, C)
        bring_in(book, tmp_path, A, D, C, day=6)
        assert numbers(book) == [A, D, C]

    def test_two_change_places(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, A, B)
        bring_in(book, tmp_path, B, A, day=6)
        assert numbers(book) == [B, A]

    def test_one_is_removed_and_comes_back_where_it_was(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, A, B)
        bring_in(book, tmp_path, "", B, day=6)
        assert numbers(book) == [B]
        bring_in(book, tmp_path, A, B, day=6)
        assert numbers(book) == [A, B]

    def test_what_an_event_brought_stays_while_the_tape_says_the_same(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, A, B)
        changed(book, phone=f"+86{D}")
        bring_in(book, tmp_path, A, C, day=6)
        assert numbers(book) == [D, C]

    def test_a_number_of_an_event_stays_beside_those_of_the_tape(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, A)
        changed(book, another_phone=f"+86{D}")
        bring_in(book, tmp_path, B, C, day=6)
        assert sorted(numbers(book)) == sorted([B, C, D])
        assert numbers(book)[0] == B

    def test_an_order_of_an_event_stays(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, A, B)
        tell(book, "number_order", borrower="C-1", order=[2, 1], actor="c-1")
        bring_in(book, tmp_path, A, C, day=6)
        assert numbers(book) == [C, A]

    @pytest.mark.parametrize(
        ("order", "tape", "then"),
        [
            ([2, 1, 3], [B, A, C], [B, A, C]),
            ([3, 1, 2], [C, A, B], [C, A, B]),
            ([3, 2, 1], [C, B, A], [C, B, A]),
            ([2, 3, 1], [B, C, A], [B, C, A]),
            ([3, 1, 2], [A, B, C], [C, A, B]),  # the tape says what it said before
            ([2, 1, 3], [D, A, C], [D, A, C]),
            ([2, 1], [B, A], [B, A]),
            ([2], [B], [B]),
        ],
    )
    def test_a_tape_that_says_the_order_of_an_event_again_keeps_it(
        self, book: Book, tmp_path: Path, order: list[int], tape: list[str], then: list[str]
    ) -> None:
        bring_in(book, tmp_path, A, B, C)
        tell(book, "number_order", borrower="C-1", order=order, actor="c-1")
        bring_in(book, tmp_path, *tape, day=6)
        assert numbers(book) == then
        bring_in(book, tmp_path, *tape, day=6)
        assert numbers(book) == then, "the same tape again changes nothing"

    def test_a_number_that_an_event_removed_stays_removed(self, book: Book, tmp_path: Path) -> None:
        bring_in(book, tmp_path, A, B)
        tell(book, "number_order", borrower="C-1", order=[2], actor="c-1")
        bring_in(book, tmp_path, A, B, day=6)
        assert numbers(book) == [B]

    def test_a_number_that_an_event_brought_and_the_tape_has_now_is_one(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, A)
        changed(book, phones=[f"+86{D}", f"+86{A}"])
        bring_in(book, tmp_path, A, D, day=6)
        assert numbers(book) == [D, A]

    def test_a_number_that_somebody_had_stays_known_and_is_not_used(
        self, book: Book, tmp_path: Path
    ) -> None:
        bring_in(book, tmp_path, A, B)
        bring_in(book, tmp_path, A, C, day=6)
        hashes = {point.blind_index for point in book.rows(contact_point)}
        assert numbers(book) == [A, C]
        assert {book.ctx.cipher.blind_index(f"+86{number}") for number in (B, C)} <= hashes


def test_a_third_number_needs_a_second(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no second"):
        read_mapping(mapping_of(tmp_path, "  phone_3: office\n"))
