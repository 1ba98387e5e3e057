"""A tape, claims and facts come in at the same time: nobody waits in a circle.

PostgreSQL ends one of those who wait in a circle. If that were the import, the tape would have to
be imported again; if it were a text that says STOP, its sender would have to say it again.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from config.readers.tape_mapping_reader import load_mapping
from domain.actions import SEND_SMS
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.encrypted import in_payload
from tests.support.events import store
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.borrowers.contact_details import change_contacts
from workers.db.inbox_queue import retry_events_naming
from workers.db.loans import lock_named_loan
from workers.db.schema import borrower, loan
from workers.gate.claim import claim_together
from workers.inbox.apply import EventResult, apply_event, dispatch_events
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.sms.providers.port import InboundText
from workers.tapes import check_tape, merge_tape
from workers.tapes.import_tape import import_tape
from workers.tapes.merge import merge as merge_batch
from workers.tapes.merge_tape import how_many_next

COLUMNS = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)
NUMBER = "+8613800138000"
ROUNDS = 12
_sids = count(1)


def row(loan: str, borrower: str, paid: str, phone: str = NUMBER, address: str = "1 Road") -> str:
    schedule = "2026-02-28 100.00 10.00; 2026-04-01 100.00 10.00"
    return (
        f"{loan},{borrower},Li {borrower},{phone},{address},zh-Hans,,Asia/Shanghai,CN,"
        f"consumer_loan,CNY,{schedule},{paid},"
    )


def bring_in(book: Book, folder: Path, *rows: str) -> str:
    tape = folder / f"tape{next(_sids)}.csv"
    tape.write_text("\n".join((COLUMNS, *rows)) + "\n")
    report = import_tape(book.ctx, tape, load_mapping("arrears"), as_of=book.ctx.today())
    return f"{report.changed} changed" if report.kept else f"refused: {report.first_errors}"


@pytest.fixture
def book(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    """Two people with one number; each has two loans, of which the later id comes first on tapes.
    Each row is a batch of its own, as a thousand are."""
    book = Book(engine, now="2026-03-01 10:00")
    first = [row(f"L-{n}", "C-1" if n < 3 else "C-2", "0") for n in (1, 2, 3, 4)]
    assert bring_in(book, tmp_path, *first) == "4 changed"
    book.at("2026-03-02 10:00").escalate("L-1", "L-2", "L-3", "L-4")
    monkeypatch.setattr(check_tape, "BATCH_SIZE", 1)
    monkeypatch.setattr(merge_tape, "MOST_BATCHES", 1)
    return book


def tape(paid: int, *, moved: str = "1 Road", others: int = 0) -> list[str]:
    """Something was paid for L-2 and L-4; whoever moved has another address."""
    return [
        row("L-4", "C-2", f"{paid}", address=moved),
        row("L-2", "C-1", f"{paid}"),
        row("L-3", "C-2", f"{others}", address=moved),
        row("L-1", "C-1", f"{others}"),
    ]


def claims(book: Book, loan: str = "L-1") -> object:
    with book.ctx.engine.begin() as connection:
        return claim_together(connection, book.ctx, book.action_id(loan, "text_day_1"), SEND_SMS)


def told(book: Book, kind: str, **payload: object) -> Callable[[], object]:
    """An event that was stored before, and is applied when it is called."""
    return partial(apply_event, book.ctx, store(book, kind, actor="c-1", **payload))


def writes(book: Book, words: str) -> object:
    came = InboundText("twilio", f"RE{next(_sids)}", NUMBER, words, None)
    return record_inbound_text(book.ctx, came, help_is_answered=True)


def new_number(book: Book, borrower: str) -> Callable[[], object]:
    sealed = in_payload(book, "phone_encrypted", "+8613900139000", borrower)
    return partial(
        apply_event,
        book.ctx,
        store(book, "contact_change", borrower=borrower, phone_encrypted=sealed),
    )


PAID = {"amount": "1", "currency": "CNY", "paid_on": "2026-03-02"}

AT_THE_SAME_TIME: dict[str, Callable[[Book], Callable[[], object]]] = {
    "a claim of the person's loans": lambda book: partial(claims, book),
    "a claim of the other person's": lambda book: partial(claims, book, "L-3"),
    "a wish to be left alone": lambda book: told(book, "opt_out", borrower="C-1", channel=None),
    "a fact of the number": lambda book: told(
        book, "number_fact", borrower="C-1", fact="reaches_nobody"
    ),
    "an answer that says STOP": lambda book: partial(writes, book, "STOP"),
    "an answer that asks for no contact": lambda book: partial(
        writes, book, "Do not contact me again"
    ),
    "that both are one person": lambda book: told(
        book, "same_person", borrower="C-2", other="C-1", status="confirmed", why="both came in"
    ),
    "a new number": lambda book: new_number(book, "C-1"),
    "a payment": lambda book: told(book, "payment", external_id="P-1", loan="L-1", **PAID),
}


@pytest.mark.parametrize("name", AT_THE_SAME_TIME)
@pytest.mark.parametrize(("moved", "batches"), [("1 Road", 3), ("2 Road", 2)])
def test_what_waits_for_an_import_does_not_hold_what_the_import_needs(
    book: Book,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    moved: str,
    batches: int,
) -> None:
    """It begins when so many batches are merged, and the rest of the import goes on meanwhile."""
    work = AT_THE_SAME_TIME[name](book)
    merged = count(1)
    with ThreadPoolExecutor(1) as pool:
        begun: list[Future[object]] = []

        def merge(*args: object, **values: object) -> object:
            result = merge_batch(*args, **values)  # type: ignore[arg-type]
            if next(merged) == batches:
                begun.append(pool.submit(work))
                wait_until_it_waits(book, begun[0])
            return result

        monkeypatch.setattr(merge_tape, "merge", merge)
        bring_in(book, tmp_path, *tape(50, moved=moved, others=1))
        begun[0].result(timeout=60)

    dated = select(loan.c.tape_as_of).distinct()
    assert [row.tape_as_of for row in book.rows(dated)] == [date(2026, 3, 2)]


@pytest.mark.parametrize("round", range(ROUNDS))
def test_tapes_claims_and_facts_come_in_at_the_same_moment(
    book: Book, tmp_path: Path, round: int
) -> None:
    names = sorted(AT_THE_SAME_TIME)
    others = [AT_THE_SAME_TIME[names[(round + 3 * n) % len(names)]](book) for n in range(3)]
    rows = tape(10 + round, moved=f"{round % 3} Road")
    concurrently(lambda: bring_in(book, tmp_path, *rows[round % 4 :], *rows[: round % 4]), *others)


def test_two_tapes_wait_for_each_other_in_turn(book: Book, tmp_path: Path) -> None:
    there, back = tape(50, moved="2 Road"), tape(50, moved="3 Road")[::-1]
    concurrently(lambda: bring_in(book, tmp_path, *there), lambda: bring_in(book, tmp_path, *back))


def test_who_gets_a_number_while_a_tape_gives_it_to_somebody_is_the_same_person(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One customer under two ids gets a new number: by the tape, and by an event meanwhile."""
    bring_in(book, tmp_path, named("L-8", "C-8", "+8613900139008"))
    change = ContactChangeFacts(borrower="C-8", phone="+8613900139077").payload(book.ctx.cipher)
    event = store(book, "contact_change", **change)
    meanwhile: list[EventResult] = []

    def merge(*args: object, **values: object) -> object:
        result = merge_batch(*args, **values)  # type: ignore[arg-type]
        meanwhile.append(apply_event(book.ctx, event))
        return result

    monkeypatch.setattr(merge_tape, "merge", merge)
    assert bring_in(book, tmp_path, named("L-9", "C-9", "+8613900139077")) == "1 changed"

    assert [(result.status, result.reason) for result in meanwhile] == [
        ("received", because(ReasonCode.IMPORT_RUNS))
    ]
    assert event in dispatch_events(book.ctx), "the end of the import lets it be tried at once"
    assert apply_event(book.ctx, event).status == "applied"
    assert persons_of(book, "C-8") == persons_of(book, "C-9")


def test_a_tape_waits_for_whoever_is_giving_somebody_a_number(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, named("L-8", "C-8", "+8613900139008"))
    change = ContactChangeFacts(borrower="C-8", phone="+8613900139077").payload(book.ctx.cipher)
    with ThreadPoolExecutor(1) as pool:
        with book.ctx.engine.begin() as connection:
            change_contacts(connection, book.ctx, change)
            imported = pool.submit(bring_in, book, tmp_path, named("L-9", "C-9", "+8613900139077"))
            wait_until_it_waits(book, imported)
            assert not imported.done()
        assert imported.result(timeout=60) == "1 changed"
    assert persons_of(book, "C-8") == persons_of(book, "C-9")


def test_an_event_that_waits_for_our_loan_is_not_waited_for(book: Book) -> None:
    """A payment lets a reversal that names it be tried again; it may be tried at this moment."""
    told(book, "payment", external_id="P-1", loan="L-1", **PAID)()
    reversal = store(book, "reversal", payment="P-1", reversed_on="2026-03-02")
    with ThreadPoolExecutor(1) as pool, book.ctx.engine.begin() as connection:
        lock_named_loan(connection, "L-1", "payment")
        applied = pool.submit(apply_event, book.ctx, reversal)
        wait_until_it_waits(book, applied)
        retry_events_naming(connection, ["P-1"], {"payment"})
        connection.commit()
        assert applied.result(timeout=60).status == "applied"


def named(loan: str, borrower: str, phone: str) -> str:
    """A row of Li Same, under whatever id."""
    return row(loan, borrower, "0", phone).replace(f"Li {borrower}", "Li Same")


def persons_of(book: Book, record: str) -> list[int]:
    """The person for whom a record stands."""
    found = select(borrower.c.person_id).where(borrower.c.external_id == record)
    return [row.person_id for row in book.rows(found)]


def wait_until_it_waits(book: Book, work: Future[Any]) -> None:
    """Until it waits for a lock, or is done."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(500):
        with book.ctx.engine.connect() as connection:
            if work.done() or connection.execute(waiting).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("it neither waits nor ends")


@pytest.mark.parametrize(
    ("batches", "seconds", "next_time"),
    [(1, 0.05, 2), (2, 0.1, 4), (8, 0.1, 8), (2, 0.3, 2), (4, 0.9, 2), (1, 3.0, 1)],
)
def test_a_transaction_that_took_long_is_followed_by_a_smaller_one(
    batches: int, seconds: float, next_time: int
) -> None:
    assert how_many_next(batches, seconds) == next_time
