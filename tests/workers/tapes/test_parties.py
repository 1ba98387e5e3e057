"""A tape has co-borrowers and guarantors, each with columns of their own."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping import TapeMapping
from config.readers.tape_mapping_reader import load_mapping, read_mapping
from config.readers.yaml_reader import PolicyError
from tests.support.encrypted import opened
from tests.support.events import tell
from tests.support.loans import Book
from tests.workers.borrowers.test_parties import party
from tests.workers.escalation.test_parties_on_the_ladder import (
    TO_CO_BORROWERS,
    TO_GUARANTORS,
    a_book,
    planned,
)
from workers.db.numbers import numbers_of
from workers.db.schema import borrower, borrower_number, loan, loan_party, problem
from workers.tapes.import_tape import ImportReport, import_tape
from workers.tapes.row_errors import TapeError

MAPPING = """
mapping: with_parties
columns:
  external_id: loan
  borrower_id: borrower
  name: name
  phone: phone
  address: address
  instalments: instalments
  paid_total: paid_total
  guarantor_1_id: g1
  guarantor_1_name: g1_name
  guarantor_1_phone: g1_phone
  guarantor_1_address: g1_address
  co_borrower_1_name: c1_name
constants:
  locale: zh-Hans
  zones: Asia/Shanghai
  jurisdiction: CN
  product: consumer_loan
  currency: CNY
phone_region: CN
schedule: {kind: explicit}
paid: {by: total, tolerance: 0}
"""
HEADER = (
    "loan,borrower,name,phone,address,instalments,paid_total,g1,g1_name,g1_phone,g1_address,c1_name"
)
C1 = "co_borrower_1"
WU = "G-1,Wu Guarantor,13900139001,9 Road,"


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-02 10:00")


def mapping(directory: Path, text: str = MAPPING) -> TapeMapping:
    path = directory / "with_parties.yaml"
    path.write_text(text)
    return read_mapping(path)


def take(
    book: Book, directory: Path, *parties: str, as_of: str = "2026-03-01", borrower: str = "B"
) -> ImportReport:
    """Import a tape of loans L-0, L-1 …, each with the cells of its other parties."""
    rows = [
        f"L-{n},{borrower}-{n},Lin Example {n},1380013800{n},1 Road,2026-06-30 100.00,0,{cells}"
        for n, cells in enumerate(parties)
    ]
    tape = directory / "tape.csv"
    tape.write_text("\n".join([HEADER, *rows]))
    return import_tape(
        book.ctx, tape, mapping(directory), as_of=date.fromisoformat(as_of), keep_good=True
    )


def parties(book: Book) -> list[tuple[str, str, str]]:
    found = (
        select(loan.c.external_id, loan_party.c.role, borrower.c.external_id.label("record"))
        .join(loan, loan.c.id == loan_party.c.loan_id)
        .join(borrower, borrower.c.id == loan_party.c.borrower_id)
        .where(loan_party.c.ended_at.is_(None))
        .order_by(loan.c.id, loan_party.c.role, borrower.c.external_id)
    )
    return [tuple(row) for row in book.rows(found)]


def name_of(book: Book, record: int) -> str:
    ids = [row.id for row in book.rows(select(borrower.c.id).order_by(borrower.c.id))]
    names: list[str] = opened(book, borrower.c.name_encrypted)
    return names[ids.index(record)]


def test_parties_come_in_as_records_of_their_own_and_once(book: Book, tmp_path: Path) -> None:
    assert take(book, tmp_path, WU + "Chen Joint", WU, ",,,,").rejected == 0
    found = [
        ("L-0", "co_borrower", "loan:co_borrower_1:L-0"),
        ("L-0", "guarantor", "G-1"),
        ("L-1", "guarantor", "G-1"),
    ]
    assert parties(book) == found
    record = book.one(select(borrower).where(borrower.c.external_id == "G-1"))
    assert name_of(book, record.id) == "Wu Guarantor"
    assert record.zones == ["Asia/Shanghai"]

    again = take(book, tmp_path, WU + "Chen Joint", WU, ",,,,", as_of="2026-03-02")
    assert again.changed == 0
    assert parties(book) == found


def test_a_tape_without_a_party_ends_it_and_brings_it_back(book: Book, tmp_path: Path) -> None:
    take(book, tmp_path, WU)
    assert take(book, tmp_path, ",,,,", as_of="2026-03-02").changed == 1
    assert parties(book) == []
    take(book, tmp_path, WU, as_of="2026-03-02")
    assert parties(book) == [("L-0", "guarantor", "G-1")]
    assert len(book.rows(loan_party)) == 1


def test_one_id_for_two_guarantors_is_refused_with_both_lines(book: Book, tmp_path: Path) -> None:
    other = "G-1,Zhao Another,13900139009,8 Street,"
    report = take(book, tmp_path, WU, other)
    assert report.rejected == 2
    assert all(error.column == "g1" for error in report.first_errors)
    assert parties(book) == []


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("B-0,Lin Example 0,13800138000,1 Road,", "g1"),
        ("B-0,Another Name,,,", "g1"),
        (",LIN example 0,+86 138 0013 8000,,", "g1_name"),
        (",Lin Example 0,,１ road,", "g1_name"),
    ],
    ids=["same id", "same id and another name", "same name and number", "same name and address"],
)
def test_the_borrower_is_no_guarantor_of_their_own_loan(
    book: Book, tmp_path: Path, cells: str, column: str
) -> None:
    report = take(book, tmp_path, cells, WU)
    (refused,) = report.first_errors
    assert (refused.line, refused.column) == (2, column)
    assert "somebody else than the borrower of the loan" in str(refused)
    assert parties(book) == [("L-1", "guarantor", "G-1")]


def test_a_borrower_without_an_id_is_no_guarantor_of_their_own_loan(
    book: Book, tmp_path: Path
) -> None:
    tape = tmp_path / "tape.csv"
    row = "L-0,,Lin Example,13800138000,1 Road,2026-06-30 100.00,0,G-9,Lin Example,13800138000,,"
    tape.write_text(f"{HEADER}\n{row}")
    report = import_tape(book.ctx, tape, mapping(tmp_path), as_of=date(2026, 3, 1), keep_good=True)
    assert [(error.line, error.column) for error in report.first_errors] == [(2, "g1")]


def test_nobody_is_co_borrower_and_guarantor_of_one_loan(book: Book, tmp_path: Path) -> None:
    twice = MAPPING.replace(
        "co_borrower_1_name: c1_name", "co_borrower_1_id: c1\n  co_borrower_1_name: c1_name"
    )
    tape = tmp_path / "tape.csv"
    row = "L-0,B,Lin Example,13800138000,1 Road,2026-06-30 100.00,0,G-1,Wu,13900139001,,Wu,G-1"
    tape.write_text(f"{HEADER},c1\n{row}")
    report = import_tape(
        book.ctx, tape, mapping(tmp_path, twice), as_of=date(2026, 3, 1), keep_good=True
    )
    (refused,) = report.first_errors
    assert "no other role on the row" in str(refused)


def test_a_namesake_with_an_id_of_their_own_is_somebody_else(book: Book, tmp_path: Path) -> None:
    assert take(book, tmp_path, "G-7,Lin Example 0,,1 Road,").rejected == 0


TWO_NUMBERS = MAPPING.replace("  address: address\n", "  address: address\n  phone_2: phone_2\n")
WITH_SECOND = HEADER.replace("paid_total", "paid_total,phone_2")
OWN_ROW = "L-7,G-1,Wu Guarantor,13900139001,9 Road,2026-06-30 100.00,0,13900139002,,,,,"
GUARANTEED = f"L-0,B-0,Lin Example,13800138000,1 Road,2026-06-30 100.00,0,,{WU}"


@pytest.mark.parametrize("rows", [[OWN_ROW, GUARANTEED], [GUARANTEED, OWN_ROW]])
def test_a_guarantor_with_a_loan_of_their_own_keeps_what_the_cells_of_a_party_do_not_say(
    book: Book, tmp_path: Path, rows: list[str]
) -> None:
    two = mapping(tmp_path, TWO_NUMBERS)

    def bring_in(rows: list[str], as_of: date) -> list[str]:
        tape = tmp_path / "tape.csv"
        tape.write_text("\n".join([WITH_SECOND, *rows]))
        import_tape(book.ctx, tape, two, as_of=as_of)
        guarantor = book.one(select(borrower).where(borrower.c.external_id == "G-1"))
        with book.ctx.engine.connect() as connection:
            known = numbers_of(connection, book.ctx.cipher, guarantor.id)
        return [number for number, _ in known]

    both = ["+8613900139001", "+8613900139002"]
    assert bring_in(rows, date(2026, 2, 27)) == both
    assert bring_in([GUARANTEED], date(2026, 2, 28)) == both, "their own loan is not on this tape"
    changed = [GUARANTEED.replace("13900139001", "13900139003")]
    assert bring_in(changed, date(2026, 3, 1)) == ["+8613900139003", both[1]]


def test_a_party_needs_a_column_for_the_name(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="Write co_borrower_2_name: under columns"):
        mapping(tmp_path, MAPPING.replace("co_borrower_1_name", "co_borrower_2_phone"))


PLAIN = "loan,borrower,name,phone,address,locale,zones,jurisdiction,product,currency,instalments"
ROW = "L-0,B-0,Lin Example,13800138000,1 Road,zh-Hans,Asia/Shanghai,CN,consumer_loan,CNY,2026-06-30"


def take_shipped(book: Book, directory: Path, name: str, columns: str, cells: str) -> ImportReport:
    """Import a tape of one loan by a shipped mapping; the rest of the header and of the row."""
    tape = directory / "tape.csv"
    header = f"{PLAIN},paid_total,region,steps_tried{columns}"
    tape.write_text(f"{header}\n{ROW} 100.00,0,,{cells}\n")
    return import_tape(book.ctx, tape, load_mapping(name), as_of=date(2026, 3, 1))


def test_the_shipped_mapping_reads_more_numbers_and_parties_where_a_tape_has_them(
    book: Book, tmp_path: Path
) -> None:
    columns = ",phone_2,phone_3,guarantor_2_name,guarantor_2_phone"
    report = take_shipped(
        book, tmp_path, "arrears", columns, ",13800138001,13800138002,Wu,13900139001"
    )
    assert (report.taken, report.unused_columns) == (1, ())
    assert parties(book) == [("L-0", "guarantor", "loan:guarantor_2:L-0")]
    assert len(book.rows(borrower_number)) == 4

    assert take_shipped(book, tmp_path, "arrears", "", "").taken == 1
    assert parties(book) == [("L-0", "guarantor", "loan:guarantor_2:L-0")], "nothing said of them"


def test_a_party_without_a_column_for_its_name_is_refused_and_not_left_out(
    book: Book, tmp_path: Path
) -> None:
    with pytest.raises(TapeError, match="guarantor_1_phone, and not guarantor_1_name"):
        take_shipped(book, tmp_path, "arrears", ",guarantor_1_phone", ",13900139001")


def test_only_what_may_be_missing_is_an_optional_column_and_once(tmp_path: Path) -> None:
    again = "optional_columns: {guarantor_1_name: other}\nconstants:"
    with pytest.raises(PolicyError, match="under columns and under optional_columns"):
        mapping(tmp_path, MAPPING.replace("constants:", again))
    with pytest.raises(PolicyError):
        mapping(
            tmp_path, MAPPING.replace("constants:", "optional_columns: {name: other}\nconstants:")
        )


def test_a_tape_that_gives_a_party_another_role_calls_off_what_waited_for_the_old_one(
    engine: Engine, tmp_path: Path
) -> None:
    book = a_book(engine, TO_GUARANTORS, TO_CO_BORROWERS, now="2026-07-02 10:00")
    text = MAPPING.replace("co_borrower_1_name: c1_name", f"{C1}_id: c1_id\n  {C1}_name: c1_name")

    def imported(cells: str, as_of: str) -> None:
        (tmp_path / "with_parties.yaml").write_text(text)
        tape = tmp_path / "tape.csv"
        row = f"L-1,B-1,Lin Example,13800138000,1 Road,2026-06-30 100.00,0,{cells}"
        tape.write_text(f"{HEADER},c1_id\n{row}")
        read = read_mapping(tmp_path / "with_parties.yaml")
        report = import_tape(book.ctx, tape, read, as_of=date.fromisoformat(as_of))
        assert report.rejected == 0
        book.escalate("L-1")

    imported(f"{WU},", "2026-07-01")
    assert planned(book) == {("notice", "G-1"): "planned"}
    imported(",,,,Wu Guarantor,G-1", "2026-07-02")
    both = {("notice", "G-1"): "cancelled", ("joint_text", "G-1"): "planned"}
    assert planned(book) == both
    imported(f"{WU},", "2026-07-02")
    assert planned(book) == {("notice", "G-1"): "planned", ("joint_text", "G-1"): "cancelled"}


def test_another_number_on_a_tape_ends_the_problem_of_a_guarantor(
    book: Book, tmp_path: Path
) -> None:
    take(book, tmp_path, WU, ",,,,")
    tell(book, "number_fact", borrower="G-1", fact="reaches_nobody", actor="c-1")
    open_ones = select(problem.c.kind).where(problem.c.resolved_at.is_(None))
    assert [row.kind for row in book.rows(open_ones)] == ["number_closed"]
    again = take(book, tmp_path, WU, ",,,,", as_of="2026-03-02")
    assert (again.changed, len(book.rows(open_ones))) == (0, 1)
    take(book, tmp_path, WU.replace("13900139001", "13900139002"), ",,,,", as_of="2026-03-02")
    assert book.rows(open_ones) == []


@pytest.mark.parametrize(
    "between", [(), (",,,,",)], ids=["on the next tape", "after a tape without them"]
)
@pytest.mark.parametrize(
    ("named", "borrower_then", "stays"),
    [
        ("G-9,WU guarantor,13900139777,9 New Road,", "B", True),
        ("G-9,Qian Another,13900139777,9 New Road,", "B", False),
        ("G-9,Wu Guarantor,13900139777,9 New Road,", "N", True),
    ],
    ids=["renumbered with a new number", "somebody else", "renumbered with the borrower"],
)
def test_a_guarantor_with_a_new_id_and_number_keeps_what_protects_them(
    book: Book, tmp_path: Path, named: str, borrower_then: str, stays: bool, between: tuple[str]
) -> None:
    take(book, tmp_path, WU)
    tell(book, "opt_out", borrower="G-1", channel=None, actor="c-1")
    for cells in between:
        take(book, tmp_path, cells, as_of="2026-03-02")

    take(book, tmp_path, named, as_of="2026-03-02", borrower=borrower_then)

    assert parties(book) == [("L-0", "guarantor", "G-9")]
    persons = {row.external_id: row.person_id for row in book.rows(borrower)}
    assert (persons["G-9"] == persons["G-1"]) is stays
    assert take(book, tmp_path, named, as_of="2026-03-02", borrower=borrower_then).changed == 0


WITH_TWO = MAPPING.replace(
    "  co_borrower_1_name: c1_name\n",
    "  guarantor_2_id: g2\n  guarantor_2_name: g2_name\n  guarantor_2_phone: g2_phone\n",
)
NEW_ID = "G-9,Wu Guarantor,13900139777"


@pytest.mark.parametrize(
    ("by_event", "tapes"),
    [
        (True, [f"{NEW_ID},9 New Road,,,"]),
        (True, [",,,,,,"]),
        (False, [f"{WU},,", f"{WU}{NEW_ID}", f"{NEW_ID},9 New Road,,,"]),
        (False, [f"{WU}{NEW_ID}", f"{WU},,", ",,,,,,", f"{NEW_ID},,,,"]),
    ],
    ids=["event, then tape", "event, then none", "overlap", "comes back"],
)
def test_a_guarantor_who_has_the_new_id_before_the_old_one_leaves_keeps_what_protects_them(
    book: Book, tmp_path: Path, by_event: bool, tapes: list[str]
) -> None:
    def bring_in(cells: str) -> None:
        tape = tmp_path / "two.csv"
        header = HEADER.replace("c1_name", "g2,g2_name,g2_phone")
        row = f"L-0,B-0,Lin Example 0,13800138000,1 Road,2026-06-30 100.00,0,{cells}"
        tape.write_text(f"{header}\n{row}")
        import_tape(book.ctx, tape, mapping(tmp_path, WITH_TWO), as_of=date(2026, 3, 2))

    bring_in(f"{WU},,")
    tell(book, "opt_out", borrower="G-1", channel=None, actor="c-1")
    if by_event:
        party(book, "G-9", loan="L-0", name="Wu Guarantor", phone="+8613900139777")
    for cells in tapes:
        bring_in(cells)

    persons = {row.external_id: row.person_id for row in book.rows(borrower)}
    assert persons["G-9"] == persons["G-1"]


def test_namesakes_who_owe_one_loan_together_are_not_joined(book: Book, tmp_path: Path) -> None:
    take(book, tmp_path, WU, borrower="B")
    take(book, tmp_path, WU + "Wu Guarantor", as_of="2026-03-02")
    persons = {row.external_id: row.person_id for row in book.rows(borrower)}
    assert persons["G-1"] != persons["loan:co_borrower_1:L-0"]


WITHOUT_IDS = MAPPING.replace("  guarantor_1_id: g1\n", "").replace(
    "  co_borrower_1_name: c1_name\n",
    "  guarantor_2_name: g2_name\n  guarantor_2_phone: g2_phone\n",
)
OF_TWO = HEADER.replace("g1,g1_name", "g1_name").replace("c1_name", "g2_name,g2_phone")
WU_1, ZHAO, QIAN, NOBODY = "Wu Wei,13900139001", "Zhao Min,13900139002", "Qian Er,13900139003", ","
G1, G2 = "loan:guarantor_1:L-0", "loan:guarantor_2:L-0"


@pytest.mark.parametrize(
    ("tapes", "expected", "protected"),
    [
        ([(ZHAO, WU_1)], {G2: "Zhao Min", G1: "Wu Wei"}, {"Wu Wei"}),
        ([(ZHAO, NOBODY), (ZHAO, WU_1)], {G2: "Zhao Min", G1: "Wu Wei"}, {"Wu Wei"}),
        ([(NOBODY, ZHAO), (ZHAO, QIAN)], {G2: "Zhao Min", f"{G2[:-4]}_2:L-0": "Qian Er"}, set()),
        ([("Wu Wie,13900139001", ZHAO)], {G1: "Wu Wie", G2: "Zhao Min"}, {"Wu Wie"}),
        ([("WU  wei,13900139777", ZHAO)], {G1: "WU  wei", G2: "Zhao Min"}, {"WU  wei"}),
        ([(QIAN, ZHAO)], {f"{G1[:-4]}_2:L-0": "Qian Er", G2: "Zhao Min"}, {"Qian Er"}),
        ([(QIAN, ZHAO), (ZHAO, WU_1)], {G2: "Zhao Min", G1: "Wu Wei"}, {"Wu Wei"}),
    ],
    ids=[
        *("change places", "one leaves and comes back elsewhere", "one leaves and one moves up"),
        *("a name is corrected", "a new number", "somebody new, or both anew"),
        "somebody new, who leaves again",
    ],
)
def test_the_record_of_a_guarantor_without_an_id_follows_the_name(
    book: Book,
    tmp_path: Path,
    tapes: list[tuple[str, str]],
    expected: dict[str, str],
    protected: set[str],
) -> None:
    read, tape = mapping(tmp_path, WITHOUT_IDS), tmp_path / "tape.csv"

    def bring_in(first: str, second: str, as_of: date) -> ImportReport:
        first, _, number = first.partition(",")
        loan = "L-0,B-0,Lin Example,13800138000,1 Road,2026-06-30 100.00,0"
        tape.write_text(f"{OF_TWO}\n{loan},{first},{number},,{second}\n")
        return import_tape(book.ctx, tape, read, as_of=as_of)

    bring_in(WU_1, ZHAO, date(2026, 2, 27))
    asked = tell(book, "opt_out", borrower=G1, channel=None, actor="c-1")
    assert asked.status == "applied"
    for cells in tapes:
        assert bring_in(*cells, as_of=date(2026, 3, 1)).rejected == 0

    records = {row.external_id: row for row in book.rows(borrower)}
    named = {id: records[id] for _, _, id in parties(book)}
    assert {id: name_of(book, row.id) for id, row in named.items()} == expected
    ceased = records[G1].person_id
    found = {name_of(book, row.id) for row in named.values() if row.person_id == ceased}
    assert found == protected
    assert bring_in(*tapes[-1], as_of=date(2026, 3, 1)).changed == 0
