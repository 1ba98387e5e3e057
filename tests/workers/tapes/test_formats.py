"""Tapes as other systems write them: other encodings, marks, dates, digits and ends of files."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.readers.tape_mapping import TapeMapping
from config.readers.tape_mapping_reader import load_mapping
from config.readers.yaml_reader import PolicyError
from domain.loans import LoanOnTape
from tests.support.tapes import AS_OF, GOOD, HEADER, MAPPING, mapping_from, read_tape, tape_of
from workers.tapes.row_errors import RowError, TapeError

CHINESE = GOOD.replace("Alex Example", "张三").replace("1 Example Street", "示例路一号")


def written(folder: Path, text: str, encoding: str) -> Path:
    path = folder / "tape.csv"
    path.write_bytes(text.encode(encoding))
    return path


def formats(folder: Path, **said: object) -> TapeMapping:
    lines = "".join(f"  {key}: {value}\n" for key, value in said.items())
    return mapping_from(folder, f"{MAPPING}formats:\n{lines}" if said else MAPPING)


def the_loan(folder: Path, path: Path, **said: object) -> LoanOnTape:
    (loan,) = read_tape(path, formats(folder, **said), AS_OF)
    assert isinstance(loan, LoanOnTape), loan
    return loan


def quoted_row(*, delimiter: str = ",", **cells: str) -> str:
    line = io.StringIO()
    good = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow({**good, **cells}.values())
    return line.getvalue()


def marks(decimal: str, thousands: str) -> dict[str, object]:
    said: dict[str, object] = {"decimal_mark": f'"{decimal}"'}
    return {**said, "thousands_mark": f'"{thousands}"'} if thousands else said


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("gb18030", "gb18030"),
        ("gbk", "GBK"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "UTF-16BE"),
        ("big5", "big5"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", None),
        ("utf-8-sig", None),
        ("utf-8", None),
    ],
)
def test_an_encoding_is_named_or_shown_by_the_first_bytes(
    tmp_path: Path, encoding: str, named: str | None
) -> None:
    name = "張三" if encoding == "big5" else "张三"
    row = GOOD.replace("Alex Example", name)
    tape = written(tmp_path, f"{HEADER}\r\n{row}\r\n", encoding)
    loan = the_loan(tmp_path, tape, **({"encoding": named} if named else {}))
    assert loan.borrower.name == name


def test_a_byte_of_a_line_end_within_utf_16_ends_no_line(tmp_path: Path) -> None:
    row = GOOD.replace("Alex Example", "ਊ ഊ 上")  # U+0A0A, U+0D0A, U+4E0A
    for encoding in ("utf-16-le", "utf-16-be"):
        tape = written(tmp_path, f"{HEADER}\n{row}", encoding)
        assert the_loan(tmp_path, tape, encoding=encoding).borrower.name == "ਊ ഊ 上"


@pytest.mark.parametrize(
    ("encoding", "suggested"),
    [("gb18030", "gb18030"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")],
)
def test_another_encoding_is_suggested_and_never_guessed(
    tmp_path: Path, encoding: str, suggested: str
) -> None:
    tape = written(tmp_path, f"{HEADER}\n{CHINESE}\n", encoding)
    with pytest.raises(TapeError, match=f"write encoding: {suggested} under formats"):
        list(read_tape(tape, mapping_from(tmp_path), AS_OF))


@pytest.mark.parametrize(
    ("encoding", "named", "message"),
    [
        ("utf-8-sig", "gb18030", "begins as a file in utf-8 does, and the mapping says gb18030"),
        ("utf-16-le", "utf-16", "utf-16-le or utf-16-be"),
        ("utf-32", "utf-8", "is UTF-32"),
        ("gb18030", "big5", "line 2: byte 7 is not BIG5, as the mapping says"),
    ],
)
def test_an_encoding_that_the_tape_does_not_have_is_refused(
    tmp_path: Path, encoding: str, named: str, message: str
) -> None:
    tape = written(tmp_path, f"{HEADER}\n{CHINESE}\n", encoding)
    with pytest.raises(TapeError, match=message):
        list(read_tape(tape, formats(tmp_path, encoding=named), AS_OF))


@pytest.mark.parametrize(
    ("mark", "said"), [(";", '";"'), ("\t", "tab"), ("\t", r'"\t"'), ("|", '"|"')]
)
def test_columns_have_the_delimiter_of_the_mapping(tmp_path: Path, mark: str, said: str) -> None:
    tape = tape_of(tmp_path, quoted_row(delimiter=mark), header=HEADER.replace(",", mark))
    assert the_loan(tmp_path, tape, delimiter=said).external_id == "L-1"


@pytest.mark.parametrize(
    ("decimal", "thousands", "cell", "amount"),
    [
        (",", ".", "1.250,00", "1250.00"),
        (",", ".", "1250,50", "1250.50"),
        (",", ".", "1.234.567,8", "1234567.80"),
        (",", ".", "1.250", "1250.00"),
        (".", ",", "1,250.00", "1250.00"),
        (".", ",", "12,34,567", "1234567.00"),
        (".", ",", "1,23,456.78", "123456.78"),
        (".", ",", "１，２５０．５０", "1250.50"),
        (".", "'", "1’250.00", "1250.00"),
        (".", " ", "1\u00a0250.00", "1250.00"),
        (".", " ", "1\u202f250", "1250.00"),
        (".", "", "１２５０.5", "1250.50"),
        (".", "", "١٢٥٠", "1250.00"),
    ],
)
def test_amounts_are_read_with_the_marks_of_the_mapping(
    tmp_path: Path, decimal: str, thousands: str, cell: str, amount: str
) -> None:
    said = marks(decimal, thousands)
    tape = tape_of(tmp_path, quoted_row(principal=cell, interest="50"))
    assert the_loan(tmp_path, tape, **said).instalments[0].principal == Decimal(amount)


@pytest.mark.parametrize(
    ("decimal", "thousands", "cell"),
    [
        (".", ",", "1,2,5,0"),
        (".", ",", "12,5"),
        (".", ",", "1.250,00"),
        (".", ",", "1250,50"),
        (".", ",", "0,123"),
        (".", ",", "1234,567"),
        (".", ",", "1,250,00"),
        (".", ",", ",250"),
        (".", ",", "1,,250"),
        (".", ",", "1,250.000,5"),
        (",", ".", "1,250.00"),
        (",", ".", "1250.50"),
        (".", "", "1,250.00"),
    ],
)
def test_a_mark_in_another_place_refuses_the_row(
    tmp_path: Path, decimal: str, thousands: str, cell: str
) -> None:
    said = marks(decimal, thousands)
    tape = tape_of(tmp_path, quoted_row(principal=cell, interest="50"))
    (error,) = read_tape(tape, formats(tmp_path, **said), AS_OF)
    assert isinstance(error, RowError)
    assert (error.line, error.column) == (2, "principal")
    assert "an amount of zero or more" in error.expected


def test_an_amount_that_has_the_delimiter_without_quotes_is_said_to_need_them(
    tmp_path: Path,
) -> None:
    tape = tape_of(tmp_path, GOOD.replace("1000.00", "1000,00"))
    (error,) = read_tape(tape, formats(tmp_path, decimal_mark='","'), AS_OF)
    assert isinstance(error, RowError)
    assert "amounts with , in quotes; this row has 12" in error.expected


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("01/03/2026", date(2026, 3, 1)),
        ("2026-03-01", date(2026, 3, 1)),
        ("2026年3月1日", date(2026, 3, 1)),
        ("２０２６－０３－０１", date(2026, 3, 1)),
        ("20260301", date(2026, 3, 1)),
    ],
)
def test_dates_have_one_of_several_forms(tmp_path: Path, cell: str, day: date) -> None:
    forms = '["%d/%m/%Y", "%Y-%m-%d", "%Y年%m月%d日", "%Y%m%d"]'
    tape = tape_of(tmp_path, quoted_row(due=cell))
    assert the_loan(tmp_path, tape, date=forms).instalments[0].due_on == day


@pytest.mark.parametrize("cell", ["9999-12-31", "2200-01-01", "1969-12-31", "2026111", "03/2026"])
def test_a_day_out_of_range_or_that_could_be_two_refuses_the_row(tmp_path: Path, cell: str) -> None:
    tape = tape_of(tmp_path, quoted_row(due=cell), quoted_row(loan="L-2"))
    error, loan = read_tape(tape, formats(tmp_path, date='["%Y-%m-%d", "%Y%m%d"]'), AS_OF)
    assert isinstance(error, RowError)
    assert "a date from 1970 to 2199" in error.expected
    assert isinstance(loan, LoanOnTape)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ('decimal_mark: ","\n  thousands_mark: ","', "line 23: The thousands mark and the decimal"),
        ('thousands_mark: "."', "are both"),
        ('thousands_mark: "，"\n  decimal_mark: ","', "are both"),
        ("decimal_mark: x", "Write one of"),
        ('delimiter: ";;"', "Write one mark"),
        ("delimiter: a", "Write one mark"),
        ("encoding: utf-7", "cannot be read as `aaa-#`"),
        ("encoding: rot13", "cannot be read as `aaa##`"),
        ("encoding: klingon", "There is no encoding `aaaaaaa`"),
        ('date: ["%d/%m/%Y", "%m/%d/%Y"]', "read the same text as different days"),
        ('date: ["%Y-%m"]', "does not say a whole date"),
    ],
)
def test_formats_that_cannot_be_are_refused_with_their_line(
    tmp_path: Path, said: str, message: str
) -> None:
    with pytest.raises(PolicyError, match=message) as refused:
        mapping_from(tmp_path, f"{MAPPING}formats:\n  {said}\n")
    assert "plain.yaml line 2" in str(refused.value)


@pytest.mark.parametrize(
    "end",
    [b"\x1a", b"\r\n\x1a", b"\r\n\x1a\r\n", b"\r\n\x1a\x1a\x1a", b"\n,,,,,,,,,,\n ,\t,\n\x1a"],
)
def test_rows_of_nothing_and_the_end_of_file_of_dos_are_passed_over(
    tmp_path: Path, end: bytes
) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_bytes(f'{HEADER}\r\n,,,,,,,,,,\r\n"","",\r\n{GOOD}'.encode() + end)
    loan = the_loan(tmp_path, tape)
    assert loan.steps_tried == ()


def test_rows_of_nothing_are_passed_over_in_other_formats(tmp_path: Path) -> None:
    row = quoted_row(delimiter=";")
    for encoding in ("utf-16-be", "utf-16-le", "gb18030"):
        text = f"{HEADER.replace(',', ';')}\n;;;;\n{row}\n;;;;;;;;;;\n\x1a"
        tape = written(tmp_path, text, encoding)
        assert the_loan(tmp_path, tape, delimiter='";"', encoding=encoding).external_id == "L-1"


def test_telephone_numbers_of_another_width_are_read(tmp_path: Path) -> None:
    tape = tape_of(tmp_path, quoted_row(phone="＋１（２１２）５５５－０１０１"))
    assert the_loan(tmp_path, tape).borrower.phone == "+12125550101"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_loan_of_too_many_instalments_is_refused_for_its_length(
    tmp_path: Path, quote: str
) -> None:
    mapping = load_mapping("arrears")
    listed = "; ".join(["2026-02-01 500.00 10.00 5.00"] * 10_000)
    row = (
        "L-1,B-1,张三,+12125550101,示例路 1 号,zh-Hans,310000,Asia/Shanghai,CN,consumer_loan,CNY,"
        f"{quote}{listed}{quote},600.00,remind"
    )
    tape = tape_of(tmp_path, row, header=",".join(mapping.of_tape(()).columns.values()))
    (error,) = read_tape(tape, mapping, AS_OF)
    assert isinstance(error, RowError)
    assert error.expected == "at most 1,200 instalments; this loan has 10,000"
    assert error.column == "instalments"


@pytest.mark.parametrize(
    ("said", "amount", "written"),
    [
        ({}, "1.250,00", "1.250,00"),
        ({}, "1250,5", "1250,00"),
        ({}, "1 250,50", "1 250,00"),
        ({}, "12,34,567.00", "1,250.00"),
        ({"thousands_mark": '","'}, "1.250,00", "1.250,00"),
        ({"thousands_mark": '","'}, "12,50", "1250,00"),
        ({"decimal_mark": '","'}, "1250.00", "1250.00"),
        ({}, "twelve", None),
        ({}, "-5", None),
    ],
)
def test_an_amount_in_other_marks_is_refused_with_the_remedy(
    tmp_path: Path, said: dict[str, str], amount: str, written: str | None
) -> None:
    (error,) = read_tape(
        tape_of(tmp_path, quoted_row(principal=amount)), formats(tmp_path, **said), AS_OF
    )
    assert isinstance(error, RowError)
    remedy = f"if your system writes {written}, write decimal_mark and thousands_mark"
    assert (remedy in error.expected) is (written is not None), error.expected
    assert (".md#formats" in error.expected) is (written is not None)


def test_instalments_in_other_marks_are_refused_with_the_remedy(tmp_path: Path) -> None:
    mapping = load_mapping("arrears")
    header = mapping.of_tape(()).names_read()
    cells = dict.fromkeys(header, "")
    cells |= {"loan": "L-1", "name": "Alex", "locale": "en", "jurisdiction": "CN"}
    cells |= {"product": "consumer_loan", "currency": "CNY", "paid_total": "0"}
    cells |= {"instalments": '"2026-03-01 1.250,00"'}
    tape = tape_of(tmp_path, ",".join(cells.values()), header=",".join(cells))
    (error,) = read_tape(tape, mapping, AS_OF)
    assert isinstance(error, RowError)
    assert "if your system writes 1.250,00, write decimal_mark" in error.expected
