"""An import that is interrupted leaves each loan as before or as after, says so, and can go on."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Connection, Engine, select

from domain.errors import ArrearsError
from tests.support.commands import arrears, eventually
from tests.support.environment import an_environment
from tests.support.events import is_held_back, tell_personal
from tests.support.loans import Book
from tests.workers.borrowers.test_parties import party
from tests.workers.tapes.test_import_tape import bring_in, paid_of, row
from workers.cli.tape import unfinished_if_stopped
from workers.db.pages import Asked
from workers.db.pending_events import waits_for_event
from workers.db.schema import loan, tape_import, tape_pending_loan, tape_row
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.operations.problems import read_problems
from workers.operations.status import read_status
from workers.tapes import check_tape, imports, merge_tape
from workers.tapes.imports import (
    abandon_import,
    last_imports,
    read_unfinished,
    unfinished_imports,
)
from workers.tapes.locks import import_session
from workers.tapes.locks import in_short_transaction as whole

DAY_1, DAY_2, DAY_3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
NUMBERS = [f"1380013800{n}" for n in range(6)]
FIRST = [row(f"L-{n}", tried="remind", phone=NUMBERS[n]) for n in range(1, 5)]
SECOND = [
    *(row("L-5", phone=NUMBERS[5]), row("L-1", paid="50", phone=NUMBERS[1]), FIRST[1]),
    *(row("L-3", paid="50", phone=NUMBERS[3]), FIRST[3]),
]
LOANS = [f"L-{n}" for n in range(1, 6)]
POINTS = 7
"""Transactions of the second import: it names two loans and then the third, merges two batches,
dates the unchanged loans, finds no other, and ends."""


class KilledError(BaseException):
    """The process is gone; what was not committed is rolled back by the database."""


class State(NamedTuple):
    """What a tape says of a loan."""

    as_of: date
    paid: int


@pytest.fixture
def book(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    """The book has L-1 to L-4. The second tape brings L-5, and changes L-1 and L-3."""
    monkeypatch.setattr(check_tape, "BATCH_SIZE", 2)
    monkeypatch.setattr(merge_tape, "MOST_BATCHES", 1)
    book = Book(engine, now="2026-03-03 10:00")
    bring_in(book, tmp_path, *FIRST, as_of=DAY_1)
    book.escalate(*LOANS[:4])
    return book


def import_killed_at(
    book: Book, folder: Path, point: int, *, after: bool, rows: Sequence[str] = SECOND, **how: Any
) -> None:
    """Import the second tape, and be killed before or after this commit."""
    begun = 0

    def in_short_transaction(
        connection: Connection, work: Callable[[], object], **of: bool
    ) -> object:
        nonlocal begun
        begun += 1

        def killed() -> object:
            work()
            raise KilledError

        if begun == point and not after:
            return whole(connection, killed, **of)
        result = whole(connection, work, **of)
        if begun == point:
            raise KilledError
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_tape, "in_short_transaction", in_short_transaction)
        with pytest.raises(KilledError):
            bring_in(book, folder, *rows, as_of=DAY_2, **how)
    eventually("PostgreSQL has noticed that the process is gone", lambda: not is_running(book))


def is_running(book: Book) -> bool:
    with book.ctx.engine.connect() as connection:
        return any(left.is_running for left in read_unfinished(connection, book.zone))


def states(book: Book) -> dict[str, State]:
    return {
        row.external_id: State(row.tape_as_of, int(paid_of(book, row.external_id)))
        for row in book.rows(select(loan.c.external_id, loan.c.tape_as_of))
    }


BEFORE = {name: State(DAY_1, 0) for name in LOANS[:4]}
AFTER = {name: State(DAY_2, 50 if name in ("L-1", "L-3") else 0) for name in LOANS}


@pytest.mark.parametrize("point", range(1, POINTS + 1))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_commit_a_loan_is_as_before_or_as_after_and_the_same_command_goes_on(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int, after: bool
) -> None:
    monkeypatch.setattr(imports, "NAMED_AT_ONCE", 2)
    import_killed_at(book, tmp_path, point, after=after)
    for name, state in states(book).items():
        assert state in (BEFORE.get(name), AFTER[name]), name
    pending = {row.external_id for row in book.rows(tape_pending_loan)}
    changed = {name for name, state in states(book).items() if state.paid} | (
        {"L-5"} & states(book).keys()
    )
    committed = point if after else point - 1
    named = {0: set[str](), 1: {"L-1", "L-3"}}.get(committed, {"L-1", "L-3", "L-5"})
    assert pending == named - changed
    assert not changed or len(named) == 3, "nothing is merged before all loans are named"

    report = bring_in(book, tmp_path, *SECOND, as_of=DAY_2)

    assert states(book) == AFTER
    assert report.unchanged == 5 - len({"L-1", "L-3", "L-5"} - changed)
    assert book.rows(tape_pending_loan) == []
    assert len(book.rows(tape_row)) == len(LOANS)
    statuses = [row.status for row in book.rows(select(tape_import.c.status).order_by("id"))]
    is_over = point == POINTS and after
    interrupted = ["finished" if is_over else "superseded"] if committed else []
    assert statuses == ["finished", *interrupted, "finished"]


def test_nobody_is_contacted_about_a_loan_that_waits_for_a_tape(book: Book, tmp_path: Path) -> None:
    import_killed_at(book, tmp_path, 2, after=True)  # L-5 and L-1 are merged
    assert {name: is_held_back(book, name) for name in LOANS[:4]} == {
        "L-1": False,
        "L-2": False,
        "L-3": True,
        "L-4": False,
    }
    bring_in(book, tmp_path, *SECOND, as_of=DAY_2)
    assert not is_held_back(book, "L-3")


def test_nor_about_another_loan_of_the_person_which_the_tape_lacks(
    book: Book, tmp_path: Path
) -> None:
    """What the tape says of the person is true of all their loans."""
    same = row("L-6", tried="remind", phone=NUMBERS[3])
    bring_in(book, tmp_path, *FIRST, same, as_of=DAY_1)
    book.escalate("L-6")
    assert not is_held_back(book, "L-6")

    import_killed_at(book, tmp_path, 2, after=True)

    assert {name: is_held_back(book, name) for name in ("L-2", "L-3", "L-6")} == {
        "L-2": False,
        "L-3": True,
        "L-6": True,
    }
    with book.ctx.engine.connect() as connection:
        assert waits_for_event(connection, "L-6")
    bring_in(book, tmp_path, *SECOND, as_of=DAY_2)
    assert not is_held_back(book, "L-6")


def test_nor_about_the_loan_of_somebody_who_is_party_to_one_that_waits(
    book: Book, tmp_path: Path
) -> None:
    """What the tape says of a guarantor is true of the loan that they borrowed themselves."""
    own = row("L-6", borrower="G-1", tried="remind", phone=NUMBERS[0])
    bring_in(book, tmp_path, *FIRST, own, as_of=DAY_1)
    book.escalate("L-6")
    party(book, "G-1", loan="L-3")
    assert not is_held_back(book, "L-6")

    import_killed_at(book, tmp_path, 2, after=True)

    assert (is_held_back(book, "L-6"), is_held_back(book, "L-4")) == (True, False)
    bring_in(book, tmp_path, *SECOND, as_of=DAY_2)
    assert not is_held_back(book, "L-6")


@pytest.mark.parametrize(
    ("named", "has_moved"),
    [
        (row("L-5", borrower="C-2", phone=NUMBERS[5]), False),
        (row("L-5", borrower="C-9", phone=f"{NUMBERS[5]} / {NUMBERS[2]}"), False),
        (row("L-5", borrower="C-9", phone=NUMBERS[2]), True),
    ],
    ids=[
        "by their customer id",
        "under a new id, by their name and number",
        "under a new id, by a number that they had",
    ],
)
def test_nor_about_a_loan_of_somebody_whom_a_new_loan_names(
    book: Book, tmp_path: Path, named: str, has_moved: bool
) -> None:
    """The row says something new of a person whose other loans the tape does not change."""
    known = row("L-2", borrower="C-2", tried="remind", phone=NUMBERS[2])
    bring_in(book, tmp_path, FIRST[0], known, *FIRST[2:], as_of=DAY_1)
    if has_moved:
        moved = {"borrower": "C-2", "phone": "+8613900139444"}
        tell_personal(book, "contact_change", ContactChangeFacts, **moved)
    book.escalate("L-2")
    rows = [*SECOND[1:2], *FIRST[2:], known, named]
    import_killed_at(book, tmp_path, 1, after=True, rows=rows)
    assert {name: is_held_back(book, name) for name in LOANS[:4]} == {
        "L-1": True,
        "L-2": True,
        "L-3": False,
        "L-4": False,
    }
    with book.ctx.engine.connect() as connection:
        assert waits_for_event(connection, "L-2")
    bring_in(book, tmp_path, *rows, as_of=DAY_2)
    assert not is_held_back(book, "L-2")


def test_it_is_seen_until_it_is_finished(book: Book, tmp_path: Path, database_url: str) -> None:
    import_killed_at(book, tmp_path, 2, after=True)
    with book.ctx.engine.connect() as connection:
        (left,) = read_status(connection, book.ctx.now()).imports
        problems = read_problems(connection, book.ctx, Asked(limit=5))
    assert (left.file, left.as_of, left.is_running) == ("tape.csv", DAY_2, False)
    assert (problems.imports.counts, problems.imports.rows) == ({"imports": 1}, (left,))

    at = an_environment(database_url)
    for command in (("status",), ("check",), ("tape", "list")):
        said = arrears(at, *command)
        assert "was interrupted: nobody is contacted" in said.stdout + said.stderr, command
    listed = arrears(at, "problems", "list", "--kind", "imports")
    assert "arrears tape abandon" in listed.stdout

    with import_session(book.ctx.engine), book.ctx.engine.connect() as connection:
        (left,) = read_status(connection, book.ctx.now()).imports
        assert left.is_running
        assert not read_problems(connection, book.ctx).imports
    bring_in(book, tmp_path, *SECOND, as_of=DAY_2)
    with book.ctx.engine.connect() as connection:
        assert read_status(connection, book.ctx.now()).imports == ()


def test_what_is_left_can_be_given_up(book: Book, tmp_path: Path) -> None:
    import_killed_at(book, tmp_path, 1, after=True)
    with book.ctx.engine.begin() as connection:
        left = last_imports(connection)[0]
        assert (left.status, left.pending) == ("merging", 3)
        assert abandon_import(connection, book.ctx, left.id) == 3
    assert not is_held_back(book, "L-3")
    with (
        book.ctx.engine.begin() as connection,
        pytest.raises(ArrearsError, match=r"No unfinished import has the number .*tape list"),
    ):
        abandon_import(connection, book.ctx, left.id)


def test_nothing_can_be_given_up_while_an_import_runs(book: Book, tmp_path: Path) -> None:
    import_killed_at(book, tmp_path, 1, after=True)
    with import_session(book.ctx.engine), book.ctx.engine.begin() as connection:
        left = last_imports(connection)[0]
        with pytest.raises(ArrearsError, match="An import runs at this moment"):
            abandon_import(connection, book.ctx, left.id)
    assert is_held_back(book, "L-3")


def test_the_next_tape_takes_over_the_loans_that_it_names(book: Book, tmp_path: Path) -> None:
    """What it does not name waits on: the interrupted tape knows more of it."""
    import_killed_at(book, tmp_path, 1, after=True)
    bring_in(book, tmp_path, row("L-1", paid="60", phone=NUMBERS[1]), FIRST[1], as_of=DAY_3)
    assert {name for name in LOANS[:4] if is_held_back(book, name)} == {"L-3"}
    with book.ctx.engine.begin() as connection:
        assert [each.status for each in last_imports(connection)] == [
            *("finished", "merging", "finished")
        ]
    bring_in(book, tmp_path, row("L-5", phone=NUMBERS[5]), *FIRST[2:], as_of=DAY_3)
    with book.ctx.engine.begin() as connection:
        assert [each.status for each in last_imports(connection)] == [
            *("finished", "finished", "superseded", "finished")
        ]


@pytest.mark.parametrize("how", ["the same tape", "a whole tape", "given up"])
def test_an_import_that_had_not_named_all_its_loans_is_not_over_with_those_that_it_named(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(imports, "NAMED_AT_ONCE", 2)
    import_killed_at(book, tmp_path, 1, after=True)  # L-1 and L-3 are named, and L-5 is not
    newer = (row(f"L-{n}", paid="60", phone=NUMBERS[n]) for n in (1, 3))
    bring_in(book, tmp_path, *newer, as_of=DAY_3, part=True)
    assert book.rows(tape_pending_loan) == []
    eventually("the session of the newer tape has ended", lambda: not is_running(book))
    with book.ctx.engine.begin() as connection:
        (left,) = unfinished_imports(connection)
        if how == "given up":
            abandon_import(connection, book.ctx, left.id)
    if how == "the same tape":
        bring_in(book, tmp_path, *SECOND, as_of=DAY_2, part=True)
    elif how == "a whole tape":
        bring_in(book, tmp_path, *SECOND, as_of=DAY_3)
    with book.ctx.engine.begin() as connection:
        assert unfinished_imports(connection) == []
    assert ("L-5" in states(book)) == (how != "given up")


def test_an_older_tape_is_refused_until_the_newer_one_is_whole(book: Book, tmp_path: Path) -> None:
    import_killed_at(book, tmp_path, 1, after=True)
    with pytest.raises(ArrearsError, match=r"as of 2026-03-02 was interrupted.*tape abandon"):
        bring_in(book, tmp_path, *FIRST, as_of=DAY_1)


def test_whoever_stops_an_import_is_told_what_is_left_and_how_to_go_on(
    book: Book, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_killed_at(book, tmp_path, 2, after=True)
    with pytest.raises(KeyboardInterrupt), unfinished_if_stopped(book.ctx):
        raise KeyboardInterrupt
    said = " ".join(capsys.readouterr().err.split())
    assert "was interrupted: nobody is contacted about the loans that it has left" in said
    assert "Import the same tape again, or give up the rest with `arrears tape abandon" in said
