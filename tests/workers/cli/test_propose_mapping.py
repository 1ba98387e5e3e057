"""A proposed mapping reads the file that it was made for, once what is missing is written."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.readers.formats import IDENTIFIER
from config.readers.tape_mapping_reader import read_mapping
from config.readers.yaml_reader import PolicyError
from domain.loans import LoanOnTape
from tests.support.commands import arrears
from tests.support.tapes import read_tape
from workers.tapes.propose_mapping import name_of_mapping
from workers.tapes.row_errors import RowError

CHINESE_BANK = """\
合同编号,客户号,客户姓名,手机号码,家庭地址,应还本金,应还利息,到期日期,已还金额,客户经理
20250001,K1,王某甲,13800571500,杭州市示例路1号,"12,500.00",125.00,2026年2月28日,0.00,李
20250002,K2,赵某乙,13800210500,上海市示例路2号,800.00,8.00,2026年3月1日,0,李
"""
GERMAN_BANK = """\
Contract No;Client;Mobile;Street;Amount;Interest;Due date;Received;Branch
7001;Ana Example;+12125550101;Example Str. 1;12.500,00;125,5;28.02.2026;0;A
7002;Ben Example;+12125550102;Example Str. 2;800,00;8,00;01.03.2026;100,00;A
"""
WRITTEN = {
    "jurisdiction": "US-MA",
    "product": "personal_loan",
    "currency": "USD",
    "locale": "en",
    "zones": "America/New_York",
    "phone_region": "US",
}
"""What nobody can see in a file, and a person writes."""


def propose(folder: Path, tape: str, encoding: str) -> tuple[Path, Path, str]:
    """The file, its proposed mapping, and what the command said beside it."""
    path, mapping = folder / "export.csv", folder / "mine.yaml"
    path.write_bytes(tape.encode(encoding))
    done = arrears({}, "tape", "propose-mapping", str(path), "--out", str(mapping))
    assert done.returncode == 0, done.stderr
    return path, mapping, done.stderr


def loans(path: Path, mapping: Path) -> list[LoanOnTape]:
    found = list(read_tape(path, read_mapping(mapping), date(2026, 3, 3)))
    assert [row for row in found if not isinstance(row, LoanOnTape)] == []
    return [row for row in found if isinstance(row, LoanOnTape)]


def test_a_chinese_export_is_read_as_it_was_proposed(tmp_path: Path) -> None:
    path, mapping, said = propose(tmp_path, CHINESE_BANK, "gb18030")

    first, second = loans(path, mapping)

    assert (first.borrower.name, first.external_id) == ("王某甲", "20250001")
    assert first.instalments[0].amount == Decimal(12625)
    assert second.instalments[0].due_on == date(2026, 3, 1)
    assert "gb18030" in said
    assert "Columns not used: 客户经理." in said


def test_an_english_export_needs_to_be_told_whose_law_applies(tmp_path: Path) -> None:
    path, mapping, said = propose(tmp_path, GERMAN_BANK, "utf-8")
    assert "still missing: jurisdiction, product, currency, locale, zones, phone_region." in said
    with pytest.raises(PolicyError):
        read_mapping(mapping)

    text = mapping.read_text(encoding="utf-8")
    for key, value in WRITTEN.items():
        text = text.replace(f"# {key}: ", f"{key}: {value} # ")
    mapping.write_text(text, encoding="utf-8")

    first, second = loans(path, mapping)
    assert first.instalments[0].amount == Decimal("12625.50")
    assert second.instalments[0].unpaid == Decimal(708)
    assert "borrower_id" in said


EXPORTS = {
    "a German one": (
        "Export Mai 2026.csv",
        "Darlehensnr;Kundennr;Name;Vorname;Telefon;Handy;Straße;PLZ;Ort;"
        "Restschuld;Zinsen;Fälligkeit;Bezahlt;Chat\n"
        "1;K1;Example;Ana;030 901820;+49 1512 3456789;Musterweg 1;10115;Berlin;"
        "1.250,00;12,50;28.02.2026;0,00;\n"
        "2;K2;Example;Ben;;+49 1512 3456788;Musterweg 2;10115;Berlin;"
        "250,00;2,50;01.03.2026;1,00;+4915123456780\n",
        [
            "mapping: export_mai_2026",
            'name: ["Vorname", "Name"]',
            'phone: "Handy"',
            'phone_2: "Telefon"',
            'address: ["Straße", "PLZ", "Ort"]',
            'decimal_mark: ","',
            'thousands_mark: "."',
            'date: "%d.%m.%Y"',
        ],
        [
            "called export_mai_2026",
            "not used: Chat. Write those of the borrower",
            "from: Vorname, Name.",
        ],
    ),
    "an Indian one": (
        "in_export.csv",
        "Loan Account No,Borrower Name,Mobile,Address,Principal Outstanding,Interest Overdue,"
        "Due Date,Amount Received,Guarantor Name,Guarantor Mobile,Sanctioned Amount\n"
        'LAN1,Ravi Example,9812345678,12 Example Marg,"1,25,000.00",500.00,'
        '15/02/2026,0,Asha Example,9812345679,"2,00,000.00"\n',
        [
            "jurisdiction: IN",
            "currency: INR",
            "zones: Asia/Kolkata",
            "phone_region: IN",
            'guarantor_1_phone: "Guarantor Mobile"',
            'original_principal: "Sanctioned Amount"',
            'thousands_mark: ","',
        ],
        ["still missing: product, locale.", "those of IN"],
    ),
    "one whose customers are numbers beside their names": (
        "x.csv",
        "Nº préstamo;Cliente;Apellidos;Nombre;Móvil\nP1;9;Ejemplo;Ana;+34612345678\n",
        ['name: ["Nombre", "Apellidos"]', 'phone: "Móvil"'],
        ["Columns not used: Cliente."],
    ),
    "one with a set of columns for each instalment": (
        "车贷.csv",
        """\
合同号,姓,名,手机号1,手机号2,城市,地址,第1期应还日,第1期应还本金,第2期应还日,第2期应还本金,已还金额
1,王,某,13800571500,13800571501,杭州市,杭州市示例路1号,2026-02-01,100.00,2026-03-01,100.00,0
""",
        [
            'name: ["姓", "名"]',
            'phone: "手机号1"',
            'phone_2: "手机号2"',
            'address: "地址"',
            "kind: explicit",
        ],
        ["such as 第1期应还日, 第1期应还本金.", "docs/files.md, step 1", "missing: instalments."],
    ),
    "one with a line for each instalment": (
        "arrears.csv",
        "loan no,name,phone,address,due date,principal\n"
        "1,A,5,B,2026-02-01,9\n1,A,5,B,2026-03-01,9\n",
        ["mapping: export_arrears", "kind: explicit"],
        ["A loan stands on several lines"],
    ),
    "one of which no column is known": (
        "x.csv",
        "colA;colB;colC\nx1;1.250,00;28.02.2026\nx2;12,50;2026-03-01\n",
        ['decimal_mark: ","', 'thousands_mark: "."', 'date: ["%Y-%m-%d", "%d.%m.%Y"]'],
        [],
    ),
    "one whose amounts can be read in two ways": (
        "x.csv",
        "loan no;amount\n1;1.250\n2;2.500\n",
        [],
        ["decimal mark or a thousands mark"],
    ),
}


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_is_recognised_and_what_a_person_must_check_is_said(
    tmp_path: Path, export: str
) -> None:
    name, tape, proposed, said = EXPORTS[export]
    path = tmp_path / name
    path.write_text(tape, encoding="utf-8")

    done = arrears({}, "tape", "propose-mapping", str(path))

    lines = [line.strip() for line in done.stdout.splitlines()]
    assert [line for line in proposed if line not in lines] == [], done.stdout
    assert [text for text in said if text not in done.stderr] == [], done.stderr


@pytest.mark.parametrize(
    ("amounts", "days", "proposed"),
    [
        (("1250.50", "0.5"), ("2026/03/01", "2026/3/2"), ['date: "%Y/%m/%d"']),
        (("1 250,50", "7"), ("20260301", "20260302"), ['thousands_mark: " "', 'date: "%Y%m%d"']),
        (("12,34,567.00", "1,000"), ("2026-03-01", ""), ['thousands_mark: ","']),
        (("1250.50", "1"), ("03/04/2026", ""), ['date: "%d/%m/%Y"', '# date: "%m/%d/%Y"']),
        (
            ("1'250.50", "2"),
            ("03/14/2026", "03/04/2026"),
            ['thousands_mark: "\'"', 'date: "%m/%d/%Y"'],
        ),
        (("1.250", "1"), ("2026-03-01", ""), []),  # a decimal point, which needs no word
    ],
)
def test_the_formats_are_those_that_read_every_row(
    tmp_path: Path, amounts: tuple[str, str], days: tuple[str, str], proposed: list[str]
) -> None:
    rows = (
        f"{n}|{amount}|{day}" for n, (amount, day) in enumerate(zip(amounts, days, strict=True))
    )
    _, mapping, _ = propose(tmp_path, "\n".join(["loan no|principal|due date", *rows]), "utf-8")

    text = mapping.read_text(encoding="utf-8")
    given = text.split("formats:\n")[1].split("# phone_region")[0].splitlines()
    keys = ("thousands_mark", "date", "# date")
    found = [line.strip() for line in given if line.strip().startswith(keys)]
    assert [line.split("  reads")[0] for line in found] == proposed


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("In Export.csv", "in_export"),
        ("März-2026.csv", "marz_2026"),
        ("2026-03.csv", "export_2026_03"),
        ("arrears.csv", "export_arrears"),
        ("---.csv", r"export_[0-9a-f]{6}"),
        ("车贷A.csv", r"a_[0-9a-f]{6}"),
        (f"{'a' * 100}.csv", r"a{60}_[0-9a-f]{6}"),
    ],
)
def test_a_mapping_is_named_by_its_file(file: str, name: str) -> None:
    assert re.fullmatch(name, name_of_mapping(Path(file)))
    assert IDENTIFIER.fullmatch(name_of_mapping(Path(file)))


def test_files_of_chinese_names_have_mappings_of_two_names() -> None:
    assert name_of_mapping(Path("车贷.csv")) != name_of_mapping(Path("房贷.csv"))


def test_a_wrong_row_and_a_unit_in_brackets_hide_nothing(tmp_path: Path) -> None:
    tape = (
        "借据号,姓名,手机,地址,本金（元）,利息(元),到期日,已还金额\n"
        '1,示例甲,13800571500,示例路1号,"5,000.00",1,2026/2/10,0\n'
        '2,示例乙,13800571500,示例路1号,"8,000.00",1,2026/2/28,0\n'
        '3,示例丙,13800571500,示例路1号,"1250,50",1,2026/2/30,0\n'
    )
    path, mapping, _ = propose(tmp_path, tape, "utf-8")

    good, _, wrong = read_tape(path, read_mapping(mapping), date(2026, 3, 3))
    assert isinstance(good, LoanOnTape)
    assert isinstance(wrong, RowError)


@pytest.mark.parametrize(
    ("tape", "wrong"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"\xff\xfe\x00\x00a", "UTF-32"),
        (b"PK\x03\x04\x14\x00", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel workbook"),
    ],
)
def test_a_file_that_is_no_tape_is_refused(tmp_path: Path, tape: bytes | None, wrong: str) -> None:
    path = tmp_path / "export.csv"
    if tape is not None:
        path.write_bytes(tape)
    refused = arrears({}, "tape", "propose-mapping", str(path))
    assert refused.returncode == 2
    assert wrong in refused.stderr


def test_a_mapping_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    _, mapping, _ = propose(tmp_path, CHINESE_BANK, "utf-8")
    mapping.write_text("mine", encoding="utf-8")
    again = arrears(
        {}, "tape", "propose-mapping", str(tmp_path / "export.csv"), "--out", str(mapping)
    )
    assert (again.returncode, mapping.read_text(encoding="utf-8")) == (2, "mine")
