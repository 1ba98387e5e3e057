"""Our days past due against the lender's own status, on real loans."""

from collections import Counter
from pathlib import Path

from config.readers.tape_mapping_reader import load_mapping
from domain.delinquency import days_past_due
from domain.loans import LoanOnTape
from tests.support.tapes import (
    AS_OF,
    GOOD,
    HEADER,
    MAPPING,
    SAMPLE,
    SAMPLE_AS_OF,
    compare_statuses,
    mapping_from,
    read_tape,
    tape_of,
    with_cell,
)
from workers.tapes.status_comparison import StatusTally


def sample() -> list[LoanOnTape]:
    rows = list(read_tape(SAMPLE, load_mapping("lending_club_sample"), SAMPLE_AS_OF))
    loans = [row for row in rows if isinstance(row, LoanOnTape)]
    assert len(loans) == len(rows) == 400
    return loans


WITH_STATUSES = (
    MAPPING.replace("  steps_tried: tried\n", "  steps_tried: tried\n  lender_status: state\n")
    + """\
lender_statuses: {Closed: settled, Good: 0, Late: 1-30, Bad: 31-}
disagreements:
  - {ours: Late, lender: Good, why: The lender lets the first days pass.}
"""
)


def test_every_loan_that_differs_is_counted_where_it_differs(tmp_path: Path) -> None:
    # As of 2026-03-10, the good row is nine days past due: 1050.00 of it since 2026-03-01.
    tape = tape_of(
        tmp_path,
        f"{GOOD},Late",
        f"{with_cell('loan', 'L-2')},Good",
        f"{with_cell('loan', 'L-3')},Good",
        f"{with_cell('loan', 'L-4')},Bad",
        f"{with_cell('loan', 'L-5').replace(',0,', ',1050.00,')},Closed",
        f"{with_cell('loan', 'L-6').replace('2026-03-01', '2026-03-10')},Good",
        f"{with_cell('loan', 'L-7').replace('2026-03-01', 'never')},Late",
        header=f"{HEADER},state",
    )

    compared = compare_statuses(tape, mapping_from(tmp_path, WITH_STATUSES), AS_OF)

    assert compared.statuses == ("Closed", "Good", "Late", "Bad")
    assert [(cell.ours, cell.lender, cell.loans, cell.agrees) for cell in compared.cells] == [
        ("Closed", "Closed", 1, True),
        ("Good", "Good", 1, True),
        ("Late", "Good", 2, False),
        ("Late", "Late", 1, True),
        ("Late", "Bad", 1, False),
    ]
    assert [cell.why for cell in compared.cells if not cell.agrees] == [
        "The lender lets the first days pass.",
        "The mapping gives no reason.",
    ]
    assert (compared.loans, compared.agreeing, compared.share) == (6, 3, 0.5), "one was wrong"


def test_with_its_due_days_the_whole_sample_agrees_with_the_lender() -> None:
    compared = compare_statuses(SAMPLE, load_mapping("lending_club_sample"), SAMPLE_AS_OF)
    assert (compared.loans, compared.agreeing, compared.share) == (400, 400, 1.0)


def test_with_drawn_due_days_every_loan_that_differs_is_accounted_for() -> None:
    compared = compare_statuses(SAMPLE, load_mapping("lending_club"), SAMPLE_AS_OF)
    differing = [cell for cell in compared.cells if not cell.agrees]
    assert compared.loans == 400
    assert compared.agreeing == 400 - sum(cell.loans for cell in differing)
    assert differing
    assert not [cell for cell in differing if "gives no reason" in cell.why]


def test_the_draw_chases_nobody_whom_the_lender_calls_current() -> None:
    compared = compare_statuses(SAMPLE, load_mapping("lending_club"), SAMPLE_AS_OF)
    chased = [c for c in compared.cells if c.lender == "Current" and c.ours != "Current"]
    assert chased == []


def test_a_status_that_the_mapping_does_not_know_is_counted_by_its_shape() -> None:
    mapping = load_mapping("lending_club_sample")
    assert mapping.statuses is not None
    tally = StatusTally(mapping.statuses, SAMPLE_AS_OF)
    tally.count(sample()[0], "Sold")
    (cell,) = tally.result().cells
    assert (cell.ours, cell.lender, cell.loans) == ("Current", "aaaa", 1)
    assert cell.why == "The mapping gives no reason."


def test_the_sample_has_loans_for_every_step_of_the_ladder() -> None:
    days = Counter(days_past_due(loan.instalments, SAMPLE_AS_OF) for loan in sample())

    def between(first: int, last: int) -> int:
        return sum(count for day, count in days.items() if first <= day <= last)

    assert between(1, 3) >= 12
    assert between(7, 29) >= 25
    assert between(30, 59) >= 15
    assert between(60, 999) >= 12


def test_the_sample_has_one_each_of_what_goes_wrong_with_a_text() -> None:
    loans = sample()
    phones = [loan.borrower.phone or "" for loan in loans]
    assert len(set(phones)) == len(phones)
    assert sum(phone.endswith("5550190") for phone in phones) == 1
    assert sum(phone.endswith("5550191") for phone in phones) == 1
    problems = Counter(problem.kind for loan in loans for problem in loan.problems)
    assert problems == {"phone_invalid": 1, "zone_missing": 1}
    special = [
        loan
        for loan in loans
        if loan.problems or (loan.borrower.phone or "").endswith(("5550190", "5550191"))
    ]
    assert {days_past_due(loan.instalments, SAMPLE_AS_OF) for loan in special} <= {1, 3}


def test_most_of_the_oldest_arrears_of_the_sample_were_worked_before() -> None:
    old = [loan for loan in sample() if days_past_due(loan.instalments, SAMPLE_AS_OF) >= 60]
    tried = [loan for loan in old if loan.steps_tried == ("remind", "enquire", "visit")]
    assert 0.5 < len(tried) / len(old) < 0.8
