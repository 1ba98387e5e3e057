"""Commands about personal data: what is due, what a person asks for, and where it is written."""

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from tests.support.commands import arrears, granted
from tests.support.encrypted import typed
from tests.support.environment import an_environment
from tests.support.loans import NAME, Book
from workers.db.schema import access, loan
from workers.payments.write_offs import write_off


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return an_environment(database_url)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 is open, L-2 was closed long ago, L-3 where no pack says how long, L-4 last week."""
    book = Book(engine, now="2015-03-02 10:00")
    book.staff("sup-1", "supervisor")
    for n in range(1, 5):
        book.loan(f"L-{n}", phone=f"+861380013800{n}", due_on="2015-03-01")
    for name, closed in (("L-2", "2016-03-02"), ("L-3", "2016-03-02"), ("L-4", "2026-03-02")):
        book.at(f"{closed} 10:00")
        with engine.begin() as connection:
            write_off(connection, book.ctx, name, book.ctx.today())
    with engine.begin() as connection:
        connection.execute(
            update(loan).where(loan.c.external_id == "L-3").values(jurisdiction="AU")
        )
    return book


def test_what_is_due_is_listed_by_its_ids_and_what_is_kept_is_counted(
    environment: dict[str, str], book: Book
) -> None:
    shown = arrears(environment, "retention", "report")

    assert shown.returncode == 0
    assert "B-L-2" in shown.stdout
    assert "2021-03-02" in shown.stdout
    assert "cn.keep_records" in shown.stdout
    assert NAME not in shown.stdout
    assert "Kept for 1, because a loan is open." in shown.stdout
    assert "Kept for 1, because no rule pack says how long." in shown.stdout
    assert "Kept for 1, because it must be kept for longer." in shown.stdout
    report = json.loads(arrears(environment, "retention", "report", "--json").stdout)
    (due,) = report["due"]
    assert (due["borrower"], due["keeping"]["until"]) == ("B-L-2", "2021-03-02")


def test_all_that_is_held_is_written_where_only_its_owner_reads_it(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    out = tmp_path / "B-L-1.json"
    command = ["data-subject", "export", "B-L-1", "--purpose", "asked for"]

    done = granted(environment, *command, "--out", str(out))

    assert done.returncode == 0, done.stderr
    assert NAME not in done.stdout + done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text())["data"]["borrower"][0]["name"] == NAME
    assert [typed(book, row.purpose_id) for row in book.rows(access)] == ["asked for"]

    again = arrears(environment, *command, "--out", str(out))
    assert (again.returncode, "exists. Name a file that does not" in again.stderr) == (2, True)
    nowhere = arrears(environment, *command, "--out", str(tmp_path / "no" / "where"))
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (2, True)
    assert len(book.rows(access)) == 1, "nothing was opened that could not be written"


def test_a_refused_look_leaves_no_file(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    command = [
        "data-subject",
        "export",
        "B-9",
        "--purpose",
        "x",
        "--out",
        str(out),
    ]

    refused = arrears(environment, *command)

    assert (refused.returncode, "Borrower B-9 is not known" in refused.stderr) == (2, True)
    assert not out.exists()


def test_a_person_is_erased_or_told_why_not(environment: dict[str, str], book: Book) -> None:
    def erase(borrower: str, *more: str) -> tuple[int, str]:
        command = ["data-subject", "erase", borrower, "--why", "asked for", *more]
        done = arrears(environment, *command)
        if "request grant" in done.stderr:
            done = granted(environment, *command)
        return done.returncode, done.stdout + done.stderr

    code, said = erase("B-L-1")
    assert (code, "Loan L-1 of borrower B-L-1 is open" in said) == (2, True)
    code, said = erase("B-L-3")
    assert (code, "No rule pack says how long" in said) == (2, True)
    code, said = erase("B-L-4")
    assert (code, "must be kept until 2031-03-02" in said) == (2, True)

    code, said = erase("B-L-4", "--law", "a court's order", "--dry-run")
    assert (code, "Nothing was changed" in said) == (0, True)
    code, said = erase("B-L-4", "--law", "a court's order")
    assert (code, "What was held about borrower B-L-4 is erased" in said) == (0, True)
    code, said = erase("B-L-2")
    assert (code, "It was to be kept until 2021-03-02" in said) == (0, True)
    code, said = erase("B-L-2")
    assert (code, "was erased on" in said) == (2, True)
