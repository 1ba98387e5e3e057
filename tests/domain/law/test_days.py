"""The tables in `days/`, line by line: from which day things count, by the ladders that ship."""

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.decision import Snapshot, decide
from domain.loans import Instalment
from tests.oracle.days import Owed, ladder_file, stands
from tests.support.loans import shipped_ladder

TABLES = Path(__file__).parent / "days"
LADDER = {"cn": "consumer_loan_cn", "us": "consumer_loan_us"}
COLUMNS = ["unpaid", "asked", "days past due", "past due", "ladder since", "ladder day", "because"]


def examples() -> list[tuple[str, dict[str, str]]]:
    found = []
    for path in sorted(TABLES.glob("*.md")):
        lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        assert rows[0] == COLUMNS
        found += [(path.stem, dict(zip(COLUMNS, row, strict=True))) for row in rows[2:]]
    return found


def unpaid(written: str) -> list[tuple[date, Decimal]]:
    parts = (part.split(": ") for part in written.split("; "))
    return [(date.fromisoformat(day), Decimal(amount)) for day, amount in parts]


def test_the_engine_and_the_oracle_count_as_the_tables_say() -> None:
    found = examples()
    assert {law for law, _ in found} == set(LADDER)
    for law, row in found:
        assert_counted_as_written(law, row)


def assert_counted_as_written(law: str, row: dict[str, str]) -> None:
    ladder = shipped_ladder(LADDER[law])
    on = date.fromisoformat(row["asked"])
    written = (
        int(row["days past due"]),
        Decimal(row["past due"]),
        date.fromisoformat(row["ladder since"]) if row["ladder since"] else None,
        int(row["ladder day"]) if row["ladder day"] else None,
    )

    owed = ladder.with_due_days(Instalment(day, amount) for day, amount in unpaid(row["unpaid"]))
    now = datetime.combine(on, time(10), ZoneInfo("Asia/Shanghai"))
    decision = decide(Snapshot(1, owed), ladder, now)
    arrears = decision.arrears
    engine = (arrears.days_past_due, arrears.amount, decision.ladder_since, decision.ladder_day)
    assert engine == written, row

    judged = stands(
        ladder_file(LADDER[law]),
        [Owed(day, int(amount * 100)) for day, amount in unpaid(row["unpaid"])],
        on,
    )
    assert (
        judged.days_past_due,
        Decimal(judged.past_due) / 100,
        judged.ladder_since,
        judged.ladder_day,
    ) == written, row
