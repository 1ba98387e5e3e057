"""Due on a day of rest: Chinese tapes through holidays, worked Saturdays and the end of a year."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine, select, update

from config.readers.tape_mapping_reader import load_mapping
from domain.compliance.calendars import Calendar
from domain.ladder import DueOnRestDay, Ladder, find_ladder
from domain.language.speak import speak
from tests.support.counting import statements
from tests.support.loans import Book
from workers.context import Context
from workers.db.schema import decision, instalment, loan, problem
from workers.escalation.escalate import escalate_loans
from workers.history import loan_history
from workers.simulator.demo.integrity import find_unexplained
from workers.tapes.import_tape import import_tape

COLUMNS = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)


def bring_in(book: Book, folder: Path, *instalments: str, paid: str = "0", law: str = "CN") -> None:
    """Loans with these instalments: L-1, L-2 …"""
    product, currency = {"CN": ("consumer_loan", "CNY"), "US": ("personal_loan", "USD")}[law]
    rows = (
        f"L-{n},B-{n},Li Example,+86138001380{n - 1:02},1 Example Road,en,,Asia/Shanghai,{law},"
        f"{product},{currency},{each},{paid},\n"
        for n, each in enumerate(instalments, start=1)
    )
    tape = folder / "tape.csv"
    tape.write_text(f"{COLUMNS}\n{''.join(rows)}")
    import_tape(book.ctx, tape, load_mapping("arrears"), as_of=book.ctx.today())


def days(book: Book) -> dict[str, str | None]:
    """By due date as written, the day from which it counts."""
    rows = book.rows(select(instalment).order_by(instalment.c.due_on))
    return {str(r.due_on): str(r.counts_from) if r.counts_from else None for r in rows}


def with_calendar(ctx: Context, calendar: Calendar) -> Context:
    """The same house, whose ladders know this calendar."""
    ladders = tuple(replace(ladder, calendar=calendar) for ladder in ctx.policy.ladders)
    return replace(ctx, policy=replace(ctx.policy, ladders=ladders))


def chinese(ctx: Context) -> Ladder:
    return find_ladder(ctx.policy.ladders, "consumer_loan_cn", 3)


DUE_DAYS = (
    ("2026-03-02", "2026-03-02", "a Monday"),
    ("2026-03-07", "2026-03-09", "a Saturday"),
    ("2026-03-08", "2026-03-09", "a Sunday"),
    ("2026-02-14", "2026-02-14", "a Saturday that is worked for the Spring Festival"),
    ("2026-02-15", "2026-02-24", "the Sunday on which its holiday begins"),
    ("2026-02-17", "2026-02-24", "the festival itself"),
    ("2026-02-23", "2026-02-24", "a Monday that the 28th pays for"),
    ("2026-02-28", "2026-02-28", "the Saturday that pays for it"),
    ("2026-05-01", "2026-05-06", "Labour Day, to the 5th"),
    ("2026-05-09", "2026-05-09", "the Saturday that pays for the 5th"),
    ("2026-10-01", "2026-10-08", "the golden week"),
    ("2026-10-04", "2026-10-08", "its Sunday, which is no holiday by itself"),
    ("2026-10-10", "2026-10-10", "the Saturday after it is worked"),
    ("2026-12-31", "2026-12-31", "the last day that is known"),
    ("2027-01-01", None, "nobody has announced 2027 to this calendar, not even this holiday"),
    ("2027-03-01", None, "nor a plain Monday of that year"),
)
"""A day as it is written, the day from which it counts, and why."""


def test_a_tape_stores_both_dates(engine: Engine, tmp_path: Path) -> None:
    book = Book(engine, now="2026-01-05 10:00")
    bring_in(book, tmp_path, *(f"{due_on} 100.00" for due_on, _, _ in DUE_DAYS))
    stored = days(book)
    reviewed = {row.external_id: row.review_on for row in book.rows(loan)}
    for n, (due_on, counts_from, because) in enumerate(DUE_DAYS, start=1):
        assert stored[due_on] == counts_from, because
        day_after = date.fromisoformat(counts_from or due_on) + timedelta(days=1)
        assert reviewed[f"L-{n}"] == day_after, because


def test_an_instalment_due_on_national_day_is_one_day_past_due_on_the_ninth(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-09-01 10:00")
    bring_in(book, tmp_path, "2026-10-01 100.00; 2026-11-02 100.00")

    for day in ("2026-10-02", "2026-10-05", "2026-10-08"):
        assert book.at(f"{day} 10:00").escalate("L-1").reviewed == 0, day
    book.at("2026-10-09 10:00").escalate("L-1")

    decided = book.one(decision)
    assert (decided.days_past_due, decided.ladder_day) == (1, 1)
    assert decided.delinquent_since == decided.ladder_since == date(2026, 10, 8)
    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "planned"}
    book.send("L-1", "text_day_1")
    (sent,) = book.sms.sent
    assert "October 8, 2026" in sent.text.body.replace("\xa0", " ")
    with engine.connect() as connection:
        assert find_unexplained(connection, book.ctx) == {}
        story = " ".join(s.text for s in loan_history(connection, book.ctx, "L-1"))
    assert "2026-10-01 → 2026-10-08" in story


def test_two_instalments_that_fall_due_on_one_day_are_both_past_due_from_then_on(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-02-01 10:00")
    bring_in(book, tmp_path, "2026-02-16 6.00; 2026-02-20 6.00")
    book.at("2026-02-25 10:00").escalate("L-1")
    decided = book.one(decision)
    assert (decided.past_due, decided.ladder_since) == (12, date(2026, 2, 24))


def test_the_american_ladder_takes_due_dates_as_they_are_written(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-07-01 10:00")
    bring_in(book, tmp_path, "2026-07-04 100.00", law="US")
    assert days(book) == {"2026-07-04": "2026-07-04"}


def test_what_lies_behind_the_calendar_is_deferred_and_not_guessed(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-12-20 10:00")
    bring_in(book, tmp_path, "2027-01-04 100.00; 2027-02-04 100.00")

    book.at("2027-01-05 10:00").escalate("L-1")

    assert (book.one(decision).outcome, book.actions("L-1")) == ("not_past_due", {})
    assert book.one(select(loan.c.review_on)).review_on == date(2027, 1, 6)
    (found,) = book.rows(problem)
    assert (found.kind, found.resolved_at) == ("due_day_not_known", None)
    assert "known until 2026-12-31" in speak(found.detail)

    # The calendar of 2027 comes in: the Monday was worked.
    known = replace(chinese(book.ctx).calendar, known_until=date(2027, 12, 31))
    book.ctx = with_calendar(book.ctx, known)
    book.at("2027-01-06 10:00").escalate("L-1")

    assert days(book) == {"2027-01-04": "2027-01-04", "2027-02-04": "2027-02-04"}
    decided = book.rows(decision)[-1]
    assert (decided.days_past_due, decided.ladder_since) == (2, date(2027, 1, 4))
    assert book.actions("L-1")["text_day_1"] == "planned"
    assert book.one(problem).resolved_at is not None


def test_the_last_days_that_are_known_may_lead_to_one_that_is_not(
    engine: Engine, tmp_path: Path
) -> None:
    """A Sunday at the end of what is known: its next working day lies behind it."""
    book = Book(engine, now="2026-01-05 10:00")
    ends_on_sunday = replace(chinese(book.ctx).calendar, known_until=date(2026, 3, 8))
    book.ctx = with_calendar(book.ctx, ends_on_sunday)
    bring_in(book, tmp_path, "2026-03-06 10.00; 2026-03-07 10.00; 2026-03-08 10.00")
    assert days(book) == {"2026-03-06": "2026-03-06", "2026-03-07": None, "2026-03-08": None}


def test_a_day_that_has_begun_to_count_stays_and_a_later_one_follows_the_calendar(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-01-05 10:00")
    schedule = "2026-03-06 100.00; 2026-04-03 100.00"
    bring_in(book, tmp_path, schedule)
    book.at("2026-03-09 10:00").escalate("L-1")

    calendar = chinese(book.ctx).calendar
    more = calendar.holidays | {date(2026, 3, 6), date(2026, 4, 3)}
    book.ctx = with_calendar(book.ctx, replace(calendar, holidays=more))
    bring_in(book, tmp_path, schedule)

    assert days(book) == {"2026-03-06": "2026-03-06", "2026-04-03": "2026-04-07"}
    assert book.action("L-1", "text_day_3").ladder_since == date(2026, 3, 6)


def test_the_same_tape_again_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    book = Book(engine, now="2026-01-05 10:00")
    bring_in(book, tmp_path, "2026-03-07 100.00; 2027-03-07 100.00")
    before = (book.rows(instalment), book.rows(loan))
    bring_in(book, tmp_path, "2026-03-07 100.00; 2027-03-07 100.00")
    assert (book.rows(instalment), book.rows(loan)) == before


def test_a_review_that_finds_days_takes_one_statement_more(engine: Engine) -> None:
    book = Book(engine, now="2026-03-09 10:00")
    known, unknown = [
        [book.loan(f"L-{n}", due_on="2026-03-06") for n in numbers]
        for numbers in (range(20), range(20, 40))
    ]
    with engine.begin() as connection:
        connection.execute(
            update(instalment).where(instalment.c.loan_id.in_(unknown)).values(counts_from=None)
        )
    counts = []
    for ids in (known, unknown):
        with statements(engine) as seen:
            escalate_loans(book.ctx, ids)
        counts.append(len(seen))
    assert counts[1] == counts[0] + 1
    assert None not in days(book).values()


def test_the_ladders_say_so(engine: Engine) -> None:
    book = Book(engine)
    rules = {ladder.name: ladder.due_on_rest_day for ladder in book.ctx.policy.ladders}
    assert rules == {
        "consumer_loan_cn v1": DueOnRestDay.AS_WRITTEN,
        "consumer_loan_cn v2": DueOnRestDay.NEXT_WORKING_DAY,
        "consumer_loan_cn v3": DueOnRestDay.NEXT_WORKING_DAY,
        "consumer_loan_cn v4": DueOnRestDay.NEXT_WORKING_DAY,
        "consumer_loan_us v1": DueOnRestDay.AS_WRITTEN,
        "consumer_loan_us v2": DueOnRestDay.AS_WRITTEN,
        "consumer_loan_us v3": DueOnRestDay.AS_WRITTEN,
    }
