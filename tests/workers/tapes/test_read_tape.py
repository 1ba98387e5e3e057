"""A tape is read row by row: the good come in, the bad say why, and nobody's data shows."""

import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.readers.tape_mapping_reader import load_mapping
from domain.loans import Instalment, LoanOnTape
from domain.masking import masked
from tests.support.loans import shipped_policy, shipped_templates
from tests.support.tapes import (
    AS_OF,
    GOOD,
    HEADER,
    MAPPING,
    SAMPLE,
    SAMPLE_AS_OF,
    mapping_from,
    only_error,
    only_loan,
    read,
    read_tape,
    tape_of,
    with_cell,
)
from workers.tapes.known_values import known_values
from workers.tapes.row_errors import RowError, TapeError


def test_a_good_row_becomes_a_loan(tmp_path: Path) -> None:
    loan = only_loan(tmp_path, GOOD)
    assert (loan.external_id, loan.currency, loan.jurisdiction) == ("L-1", "USD", "US")
    assert loan.instalments == (Instalment(date(2026, 3, 1), Decimal(1000), Decimal(50)),)
    assert loan.borrower.external_id == "loan:L-1"
    assert loan.borrower.phone == "+12125550101"
    assert loan.borrower.zones == ("America/New_York",)
    assert loan.problems == ()


def test_steps_tried_by_the_lender_come_along(tmp_path: Path) -> None:
    loan = only_loan(tmp_path, with_cell("tried", "remind;enquire; visit"))
    assert loan.steps_tried == ("remind", "enquire", "visit")


def test_columns_that_are_not_mapped_are_left_alone(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, f"{GOOD},whatever", header=f"{HEADER},notes")
    (loan,) = read_tape(tape, mapping_from(tmp_path), AS_OF)
    assert isinstance(loan, LoanOnTape)


def test_a_spreadsheets_byte_order_mark_line_ends_and_blank_lines_do_no_harm(
    tmp_path: Path,
) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes(f"\ufeff{HEADER}\r\n{GOOD}\r\n\r\n".encode())
    (loan,) = read_tape(tape, mapping_from(tmp_path), AS_OF)
    assert isinstance(loan, LoanOnTape)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("loan", "", "reference"),
        ("name", "", "name"),
        ("principal", "1o00.00", "amount"),
        ("principal", "-5", "amount"),
        ("principal", "NaN", "amount"),
        ("principal", "Infinity", "amount"),
        ("principal", "1e9", "amount"),
        ("principal", "", "amount"),
        ("principal", "³", "amount"),
        ("paid", "12.3.4", "amount"),
        ("due", "31/12/2026", "date"),
        ("due", "2026-02-30", "date"),
        ("currency", "XQQ", "currency"),
        ("tried", "remind;Visit them", "steps"),
    ],
)
def test_a_bad_cell_is_named_with_its_line_its_column_and_what_was_expected(
    tmp_path: Path, column: str, value: str, expected: str
) -> None:
    error = only_error(tmp_path, with_cell(column, value))
    assert (error.line, error.column) == (2, column)
    assert expected in error.expected
    assert error.shown == masked(value)


def test_a_row_with_a_cell_too_few_is_refused(tmp_path: Path) -> None:
    error = only_error(tmp_path, GOOD.removesuffix(","))
    assert (error.column, error.line) == (None, 2)
    assert "11 columns" in error.expected
    assert "has 10" in error.expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (GOOD.replace("Alex", "A\0lex").encode(), "NUL"),
        (with_cell("name", '"Alex'), "quotes"),
    ],
    ids=["a NUL byte", "an open quote"],
)
def test_a_row_that_is_no_text_spoils_no_other(
    tmp_path: Path, row: str | bytes, expected: str
) -> None:
    error, loan = read(tmp_path, row, with_cell("loan", "L-2"))
    assert isinstance(error, RowError)
    assert (error.line, error.column) == (2, None)
    assert expected in error.expected
    assert isinstance(loan, LoanOnTape)


def test_the_good_and_the_bad_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD, with_cell("paid", "x"), with_cell("loan", "L-3"))
    assert [isinstance(row, LoanOnTape) for row in found] == [True, False, True]


def test_an_error_never_shows_the_value(tmp_path: Path) -> None:
    error = only_error(tmp_path, with_cell("paid", "6222 0212 Zhang"))
    assert error.shown == "#### #### aaaaa"
    assert str(error) == (
        "Line 2, column paid: expected an amount of zero or more, such as 1250.00, "
        "found #### #### aaaaa."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", ""), ("12x", "##a"), ("张三", "aa"), ("a\nb", "a?a"), ("x" * 50, "a" * 19 + "…")],
)
def test_values_are_masked_whole_and_long_ones_cut(value: str, shown: str) -> None:
    assert masked(value) == shown


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes(content)
    with pytest.raises(TapeError, match=r"is empty\. Export the tape again"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


def test_a_header_without_a_mapped_column_is_refused(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, header=HEADER.replace("paid", "payed"))
    with pytest.raises(TapeError, match="no column paid"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


def test_a_header_with_a_mapped_column_twice_is_refused(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, header=f"{HEADER},paid")
    with pytest.raises(TapeError, match="column paid twice"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


def test_a_file_of_another_encoding_is_refused_with_what_to_save_it_as(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes("借据号,姓名\n".encode("gb18030"))
    with pytest.raises(TapeError, match="CSV UTF-8"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


def test_a_line_of_another_encoding_is_said_once_for_the_whole_file(tmp_path: Path) -> None:
    wrong = GOOD.replace("Alex", "José").encode("latin-1")
    tape = tape_of(tmp_path, GOOD, wrong, wrong)
    with pytest.raises(TapeError, match=r"line 3: byte 8 is not UTF-8\. The whole file"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


@pytest.mark.parametrize(("mark", "name"), [(";", ";"), ("\t", "tabs")])
def test_a_tape_with_other_marks_between_its_columns_is_refused_by_that_name(
    tmp_path: Path, mark: str, name: str
) -> None:
    tape = tape_of(tmp_path, header=HEADER.replace(",", mark))
    with pytest.raises(TapeError, match=f"it looks separated by {name}"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


def test_a_directory_is_no_tape(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="is a directory"):
        list(read_tape(tmp_path, mapping_from(tmp_path), AS_OF))


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [("tried", "remind;vist", "of remind, enquire"), ("locale", "fr", "templates: en, zh-Hans")],
)
def test_a_word_that_the_engine_does_not_have_is_refused_with_those_it_has(
    tmp_path: Path, column: str, value: str, expected: str
) -> None:
    mapping = mapping_from(
        tmp_path,
        MAPPING.replace("  locale: en\n", "").replace(
            "steps_tried: tried", "steps_tried: tried\n  locale: locale"
        ),
    )
    cells = {"tried": "", "locale": "en-GB", column: value}
    known = known_values(shipped_policy(), shipped_templates())
    tape = tape_of(
        tmp_path,
        f"{GOOD}{cells['tried']},{cells['locale']}",
        f"{GOOD.replace('L-1', 'L-2')},en-GB",
        header=f"{HEADER},locale",
    )
    error, loan = read_tape(tape, mapping, AS_OF, known=known)
    assert isinstance(error, RowError)
    assert (error.column, expected in error.expected) == (column, True)
    assert isinstance(loan, LoanOnTape)


def test_a_tape_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="No such file"):
        list(read_tape(tmp_path / "none.csv", mapping_from(tmp_path), AS_OF))


def test_a_line_without_end_is_refused_before_memory_is(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, "x" * 1_000_001)
    with pytest.raises(TapeError, match="one loan on each line"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        tape = tape_of(tmp_path, *(with_cell("loan", f"L-{n}") for n in range(rows)))
        tracemalloc.start()
        for _ in read_tape(tape, mapping, AS_OF):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    mapping = mapping_from(tmp_path)
    peak(100)  # what is loaded once is not the tape's
    assert peak(1000) < peak(100) + 100_000


def test_thousands_marks_are_read_where_the_mapping_has_one(tmp_path: Path) -> None:
    mapping = mapping_from(tmp_path, MAPPING + 'formats: {thousands_mark: ","}\n')
    tape = tape_of(tmp_path, with_cell("principal", '"1,250.50"'))
    (loan,) = read_tape(tape, mapping, AS_OF)
    assert isinstance(loan, LoanOnTape)
    assert loan.instalments[0].principal == Decimal("1250.50")


def test_a_tape_may_list_every_instalment(tmp_path: Path) -> None:
    row = (
        "L-1,B-1,张三,+12125550101,示例路 1 号,zh-Hans,310000,Asia/Shanghai,CN,consumer_loan,CNY,"
        "2026-02-01 500 10; 2026-01-01 500.00 20.00 5.00,600.00,remind"
    )
    mapping = load_mapping("arrears")
    tape = tape_of(tmp_path, row, header=",".join(mapping.of_tape(()).columns.values()))
    (loan,) = read_tape(tape, mapping, AS_OF)
    assert isinstance(loan, LoanOnTape)
    assert [i.due_on for i in loan.instalments] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert [i.unpaid for i in loan.instalments] == [0, 435]
    assert loan.borrower.external_id == "B-1"
    assert loan.borrower.region == "310000"


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Ana", "Example", "Ana Example"),
        ("", "Example", "Example"),
        ("NULL", "Example", "Example"),
        ("王", "某", "王某"),
    ],
)
def test_a_name_and_an_address_are_put_together_from_columns(
    tmp_path: Path, first: str, last: str, name: str
) -> None:
    text = MAPPING.replace("name: name", "name: [first, last]")
    text = text.replace("address: address", "address: [street, postcode, city]")
    header = HEADER.replace("name", "first,last").replace("address", "street,postcode,city")
    row = GOOD.replace("Alex Example", f"{first},{last}").replace("Street", "Street,02110,Boston")
    mapping = mapping_from(tmp_path, text)

    (loan,) = read_tape(tape_of(tmp_path, row, header=header), mapping, AS_OF)

    assert isinstance(loan, LoanOnTape)
    assert loan.borrower.name == name
    assert loan.borrower.address == "1 Example Street 02110 Boston"


def test_a_joined_name_that_is_empty_is_refused_with_its_columns(tmp_path: Path) -> None:
    mapping = mapping_from(tmp_path, MAPPING.replace("name: name", "name: [first, last]"))
    header = HEADER.replace("name", "first,last")
    tape = tape_of(
        tmp_path,
        GOOD.replace("Alex Example", ","),
        GOOD.replace("Alex Example", "-,n/a").replace("L-1", "L-2"),
        header=header,
    )
    errors = list(read_tape(tape, mapping, AS_OF))
    assert [error.column for error in errors if isinstance(error, RowError)] == ["first + last"] * 2
    with pytest.raises(TapeError, match="no column first"):
        list(read_tape(tape_of(tmp_path, header=header.replace("first,", "")), mapping, AS_OF))


def test_a_guarantor_has_a_joined_name_of_their_own(tmp_path: Path) -> None:
    text = MAPPING.replace("name: name", "name: [first, last]").replace(
        "constants:",
        "optional_columns:\n  guarantor_1_name: [their first, their last]\nconstants:",
    )
    mapping = mapping_from(tmp_path, text)
    header = HEADER.replace("name", "first,last")
    row = GOOD.replace("Alex Example", "Alex,Example")
    with_guarantor = tape_of(
        tmp_path, row + ",Bea,Example", header=f"{header},their first,their last"
    )
    (loan,) = read_tape(with_guarantor, mapping, AS_OF)
    assert isinstance(loan, LoanOnTape)
    assert loan.parties is not None
    assert [party.record.name for party in loan.parties] == ["Bea Example"]

    without = tape_of(tmp_path, row, header=header)
    lacking = mapping.of_tape(header.split(","))
    (loan,) = read_tape(without, lacking, AS_OF)
    assert isinstance(loan, LoanOnTape)
    assert (loan.borrower.name, loan.parties) == ("Alex Example", None)


def test_a_party_with_more_numbers_than_are_used_is_refused(tmp_path: Path) -> None:
    text = MAPPING.replace(
        "constants:",
        "optional_columns:\n  guarantor_1_name: theirs\n  guarantor_1_phone: called\nconstants:",
    )
    four = "/".join(f"+1212555010{n}" for n in range(2, 6))
    tape = tape_of(tmp_path, f"{GOOD},Bea Example,{four}", header=f"{HEADER},theirs,called")
    (error,) = read_tape(tape, mapping_from(tmp_path, text), AS_OF)
    assert isinstance(error, RowError)
    assert (error.column, error.expected) == ("called", "at most 3 telephone numbers of this party")


@pytest.mark.parametrize("listed", ["", ";", "2026-01-01", "2026-01-01 5 5 5 5", "x 5"])
def test_a_list_of_instalments_that_is_none_is_refused(tmp_path: Path, listed: str) -> None:
    mapping = load_mapping("arrears")
    cells = dict.fromkeys(mapping.columns.values(), "")
    cells |= {"loan": "L-1", "name": "Alex", "locale": "en", "jurisdiction": "CN"}
    cells |= {"product": "consumer_loan", "currency": "CNY", "paid_total": "0"}
    cells |= {"instalments": listed}
    tape = tape_of(tmp_path, ",".join(cells.values()), header=",".join(cells))
    (error,) = read_tape(tape, mapping, AS_OF)
    assert isinstance(error, RowError)
    assert error.column == "instalments"


def test_a_loan_issued_after_the_day_of_the_tape_is_refused() -> None:
    found = list(read_tape(SAMPLE, load_mapping("lending_club_sample"), date(2018, 2, 15)))
    wrong = [row for row in found if isinstance(row, RowError)]
    assert wrong
    assert {error.column for error in wrong} == {"issue_month"}


def test_a_loan_and_its_instalment_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    header, row = SAMPLE.read_text(encoding="utf-8").splitlines()[:2]
    cells = dict(zip(header.split(","), row.split(","), strict=False))
    tape = tape_of(tmp_path, row.replace(cells["installment"], "1.00"), header=header)
    (error,) = read_tape(tape, load_mapping("lending_club_sample"), SAMPLE_AS_OF)
    assert isinstance(error, RowError)
    assert error.column == "installment"


def test_dates_are_read_in_the_mappings_own_format(tmp_path: Path) -> None:
    mapping = mapping_from(tmp_path, MAPPING + 'formats: {date: "%d.%m.%Y"}\n')
    (loan,) = read_tape(tape_of(tmp_path, with_cell("due", "01.03.2026")), mapping, AS_OF)
    assert isinstance(loan, LoanOnTape)
    assert loan.instalments[0].due_on == date(2026, 3, 1)
