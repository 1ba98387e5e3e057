"""Makes `config/samples/lending_club_sample.csv` from the whole LendingClub tape.

    python -m tests.support.make_sample lending_club_2018.csv config/samples/lending_club_sample.csv

The same tape always gives the same sample: whatever is drawn is drawn by a hash of the reference.
"""

import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from config.readers.lender_statuses import LenderStatuses
from config.readers.regions import load_regions
from config.readers.tape_mapping_reader import load_mapping
from domain.delinquency import days_past_due
from domain.loans import ZERO, LoanOnTape
from domain.schedule import on_due_day
from tests.support.tapes import read_tape
from workers.tapes.row_errors import RowError

AS_OF = date(2018, 6, 25)

ADDED = ("due_day", "steps_tried", "name", "phone", "address", "locale")

WANTED = {
    range(1, 2): 8,
    range(2, 3): 5,
    range(3, 4): 7,
    range(7, 16): 16,
    range(16, 30): 20,
    range(30, 60): 22,
    range(60, 121): 24,
    range(121, 200): 2,
}
"""How many loans by days past due. Their due days are chosen so that they fall there, and so that
the lender's own status is right for them."""
CURRENT = 281
SETTLED = 15

FIRST_NAMES = ("Alex", "Blair", "Casey", "Dana", "Ellis", "Finley", "Harper", "Kit", "Lane", "Max")
LAST_NAMES = ("Example", "Sample", "Specimen", "Placeholder", "Fiction", "Model", "Instance")
CHINESE_NAMES = ("张三", "李四", "王五", "赵六", "钱七", "孙八", "周九", "吴十")
"""Placeholder names, as John Doe is in English."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One loan of the sample."""

    loan: LoanOnTape
    due_day: int
    days_past_due: int


def main(tape: Path, sample: Path) -> None:
    """Write the sample of the tape."""
    with tape.open(newline="") as stream:
        rows = {row["loan_ref"]: row for row in csv.DictReader(stream)}
    chosen = _choose(tape, rows)
    lines = _lines(chosen, rows)
    with sample.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [*next(iter(rows.values())), *ADDED], lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(lines, key=lambda line: int(line["loan_ref"])))


def _choose(tape: Path, rows: dict[str, dict[str, str]]) -> list[Chosen]:
    mapping = load_mapping("lending_club")
    if mapping.statuses is None:
        raise SystemExit("The mapping lending_club has lost its statuses.")
    loans = [loan for loan in read_tape(tape, mapping, AS_OF) if not isinstance(loan, RowError)]
    loans.sort(key=lambda loan: _draw(loan.external_id, "order"))
    left = dict(WANTED) | {range(1): CURRENT}
    settled = [loan for loan in loans if rows[loan.external_id]["loan_status"] == "Fully Paid"]
    chosen = [
        Chosen(loan, 1 + _draw(loan.external_id, "day") % 31, 0) for loan in settled[:SETTLED]
    ]
    for loan in loans:
        status = rows[loan.external_id]["loan_status"]
        for days in sorted(left, key=lambda days: -left[days]):
            fitting = _fitting(loan, status, mapping.statuses, days) if left[days] else []
            if fitting:
                chosen.append(fitting[_draw(loan.external_id, "day") % len(fitting)])
                left[days] -= 1
                break
    if any(left.values()):
        raise SystemExit(f"The tape has too few loans: still wanted {left}.")
    return chosen


def _fitting(
    loan: LoanOnTape, status: str, statuses: LenderStatuses, wanted: range
) -> list[Chosen]:
    """The due days by which the loan is so many days past due and the lender's status is right."""
    oldest = next((i for i in loan.instalments if i.unpaid > ZERO), None)
    if oldest is None:
        return []
    fitting = []
    for day in range(1, 32):
        days = days_past_due(on_due_day([oldest], day), AS_OF)
        if days in wanted and statuses.of(days, settled=False) == status:
            fitting.append(Chosen(loan, day, days))
    return fitting


def _lines(chosen: list[Chosen], rows: dict[str, dict[str, str]]) -> list[dict[str, str]]:
    lines = {
        sampled.loan.external_id: rows[sampled.loan.external_id] | _added(sampled)
        for sampled in chosen
    }
    _give_phones(lines.values())
    texted = [
        lines[sampled.loan.external_id] for sampled in chosen if sampled.days_past_due in (1, 3)
    ]
    opted_out, undelivered, invalid, no_zone, *others = texted
    opted_out["phone"] = opted_out["phone"][:-4] + "0190"
    undelivered["phone"] = undelivered["phone"][:-4] + "0191"
    invalid["phone"] = "555-01"
    no_zone["address"] = no_zone["address"].split(",")[0]
    no_zone["state"] = ""
    for line, name in zip(others, CHINESE_NAMES, strict=False):
        line |= {"locale": "zh-Hans", "name": name}
    return list(lines.values())


def _added(pick: Chosen) -> dict[str, str]:
    ref = pick.loan.external_id
    tried = pick.days_past_due >= 60 and _draw(ref, "tried") % 3 < 2
    first = FIRST_NAMES[_draw(ref, "first") % len(FIRST_NAMES)]
    last = LAST_NAMES[_draw(ref, "last") % len(LAST_NAMES)]
    return {
        "due_day": str(pick.due_day),
        "steps_tried": "remind;enquire;visit" if tried else "",
        "name": f"{first} {last}",
        "phone": "",
        "address": f"{1 + _draw(ref, 'house') % 400} Example Street, {pick.loan.borrower.region}",
        "locale": "en",
    }


def _give_phones(lines: Iterable[dict[str, str]]) -> None:
    """A number of its own for each, of the state's area, below the magic numbers."""
    regions = load_regions("us")
    given: Counter[str] = Counter()
    for line in lines:
        area = regions[line["state"]].area_code or ""
        if given[area] == 90:
            raise SystemExit(f"The sample has too many loans in area {area}.")
        line["phone"] = f"+1{area}5550{100 + given[area]}"
        given[area] += 1


def _draw(ref: str, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{purpose}:{ref}".encode()).digest()[:8])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("Usage: python -m tests.support.make_sample TAPE SAMPLE")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
