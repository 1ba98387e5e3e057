"""Borrowers of a tape: who can be reached, at which hours, and what stops only the contact."""

from pathlib import Path

import phonenumbers
import pytest

from config.readers.regions import load_regions
from config.readers.tape_mapping_reader import load_mapping
from domain.language.speak import speak
from domain.loans import LoanOnTape
from tests.support.tapes import (
    SAMPLE,
    SAMPLE_AS_OF,
    only_error,
    only_loan,
    read_tape,
    tape_of,
    with_cell,
)
from workers.tapes.invented_contacts import made_phone
from workers.tapes.row_errors import RowError


def kinds(loan: LoanOnTape) -> list[str]:
    return [problem.kind for problem in loan.problems]


@pytest.mark.parametrize("phone", ["555-01", "not a number", "+1999", "+12125550101234", "12"])
def test_a_loan_with_an_invalid_number_comes_in_without_one(tmp_path: Path, phone: str) -> None:
    loan = only_loan(tmp_path, with_cell("phone", phone))
    assert loan.borrower.phone is None
    assert kinds(loan) == ["phone_invalid"]
    assert phone not in speak(loan.problems[0].detail)


def test_a_loan_without_a_number_says_so(tmp_path: Path) -> None:
    loan = only_loan(tmp_path, with_cell("phone", ""))
    assert loan.borrower.phone is None
    assert kinds(loan) == ["phone_missing"]


def test_a_number_is_brought_into_one_form(tmp_path: Path) -> None:
    assert only_loan(tmp_path, with_cell("phone", "(212) 555-0150")).borrower.phone == (
        "+12125550150"
    )


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "America/New_York;Nowhere", "../etc/passwd", "Asia/Peking"]
)
def test_a_misspelt_zone_is_refused_with_what_a_zone_looks_like(tmp_path: Path, zone: str) -> None:
    error = only_error(tmp_path, with_cell("zone", zone))
    assert error.column == "zone"
    assert "IANA time zones, such as Asia/Shanghai" in error.expected


def test_a_loan_whose_zone_nobody_knows_comes_in_and_nothing_may_reach_the_borrower(
    tmp_path: Path,
) -> None:
    loan = only_loan(tmp_path, with_cell("zone", ""))
    assert loan.borrower.zones == ()
    assert kinds(loan) == ["zone_missing"]


def test_a_number_from_elsewhere_adds_its_zone(tmp_path: Path) -> None:
    loan = only_loan(tmp_path, with_cell("phone", "+12135550150"))
    assert loan.borrower.zones == ("America/New_York", "America/Los_Angeles")


def test_a_number_that_belongs_nowhere_adds_none(tmp_path: Path) -> None:
    loan = only_loan(tmp_path, with_cell("phone", "+18002345678"))
    assert loan.borrower.zones == ("America/New_York",)


def test_made_numbers_are_of_the_range_reserved_for_fiction_and_pass_as_numbers() -> None:
    for region in load_regions("us").values():
        phone = made_phone("42", region.area_code or "")
        assert phone[5:9] == "5550"
        assert 100 <= int(phone[9:]) <= 189
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone)), phone


def test_borrowers_made_up_are_plainly_so_and_always_the_same() -> None:
    def read() -> list[LoanOnTape]:
        rows = read_tape(SAMPLE, load_mapping("lending_club"), SAMPLE_AS_OF)
        return [row for row in rows if isinstance(row, LoanOnTape)]

    first, again = read(), read()
    assert first == again
    assert all(loan.borrower.name.startswith("Borrower ") for loan in first)
    assert all("Example Street" in (loan.borrower.address or "") for loan in first)


def test_a_split_state_has_both_its_zones_and_a_state_with_its_own_law_its_own_jurisdiction(
    tmp_path: Path,
) -> None:
    header, *rows = SAMPLE.read_text(encoding="utf-8").splitlines()
    tape = tape_of(tmp_path, *rows, header=header)
    loans = [
        loan
        for loan in read_tape(tape, load_mapping("lending_club_sample"), SAMPLE_AS_OF)
        if isinstance(loan, LoanOnTape)
    ]
    texan = next(loan for loan in loans if loan.borrower.region == "TX")
    assert texan.borrower.zones == ("America/Chicago", "America/Denver")
    by_region = {loan.borrower.region: loan.jurisdiction for loan in loans}
    assert (by_region["MA"], by_region["WA"], by_region["TX"]) == ("US-MA", "US-WA", "US")


def test_a_region_that_the_mapping_does_not_know_is_refused(tmp_path: Path) -> None:
    header, row = SAMPLE.read_text(encoding="utf-8").splitlines()[:2]
    tape = tape_of(tmp_path, row.replace(",WI,", ",ZZ,", 1), header=header)
    (error,) = read_tape(tape, load_mapping("lending_club_sample"), SAMPLE_AS_OF)
    assert isinstance(error, RowError)
    assert (error.column, error.shown) == ("state", "aa")
