"""A month's calls: a sample is drawn, two people hear them, one call fails in what is critical."""

from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.actors import Actor
from domain.collectors import years_after
from domain.errors import ArrearsError, NotPermittedError
from domain.quality import Interval, Mark, Risk
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.events import place, promise, tell
from tests.support.loans import Book
from tests.support.rosters import rostered
from workers.db.outbox import with_outbox
from workers.db.pages import Asked
from workers.db.schema import (
    certificate,
    contact,
    contact_outcome,
    loan,
    outbox_event,
    problem,
    quality_review,
    staff,
)
from workers.db.schema import promise as promises
from workers.operations.status import read_status
from workers.staff.call_results import read_results
from workers.staff.call_reviews import Reviewed, record_review
from workers.staff.call_samples import Sample, draw_sample
from workers.workforce.training import training_due

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
ALL_WELL = dict.fromkeys(
    (
        *("says_who", "confirms_party", "no_threat", "relays_only"),
        *("asks_and_listens", "takes_up_signs", "true_about_debt"),
    ),
    Mark.PASS,
)


@pytest.fixture
def book(engine: Engine) -> Book:
    """March of col-1, who made twelve calls, and of col-2, who made one; both began in 2025."""
    book = Book(with_outbox(engine), now="2026-03-02 10:00")
    for name, trained_on in (("col-1", "2025-04-10"), ("col-2", "2026-01-10"), ("new", None)):
        book.staff(name, "caller", trained_on=trained_on)
    book.staff("sup-1", "supervisor", trained_on=None)
    book.loan("L-1", due_on="2026-02-20")
    for by in ("col-1", "col-2"):
        a_call(book, f"old-{by}", by, "2025-06-01 10:00")
    for n in range(1, 11):
        a_call(book, f"A-{n}", "col-1", f"2026-03-{n:02} 10:00")
    a_call(book, "A-late", "col-1", "2026-03-11 19:30")
    a_call(book, "A-complaint", "col-1", "2026-03-12 10:00", "complains")
    a_call(book, "A-other", "col-2", "2026-03-12 11:00")
    a_call(book, "A-unrecorded", "col-2", "2026-03-12 12:00", recording=None)
    a_call(book, "A-nobody", "col-2", "2026-03-12 13:00", "no_answer", connected=False)
    return book.at("2026-04-01 09:00")


def a_call(
    book: Book,
    attempt: str,
    by: str,
    at: str,
    outcome: str = "spoke",
    *,
    connected: bool = True,
    recording: str | None = "",
    inbound: bool | None = None,
) -> None:
    """A call that was made, with what came of it and its recording."""
    (of_loan,) = book.rows(select(loan.c.id, loan.c.borrower_id))
    made = {
        "borrower_id": of_loan.borrower_id,
        "loan_id": of_loan.id,
        "channel": "call",
        "at": book.moment(at),
        "purpose": "collect",
        "attempt": attempt,
        "actor": by,
        "inbound": inbound,
    }
    with book.ctx.engine.begin() as connection:
        contact_id = connection.execute(
            insert(contact).values(made).returning(contact.c.id)
        ).scalar_one()
        connection.execute(
            insert(contact_outcome).values(
                contact_id=contact_id,
                outcome=outcome,
                connected=connected,
                actor=by,
                reported_at=book.moment(at),
                recording=f"REC-{attempt}" if recording == "" else recording,
            )
        )


def drawn(book: Book) -> Sample:
    return draw_sample(acting(book.ctx, Actor("sup-1")), FIRST, LAST, "calls_cn")


def all_drawn(book: Book) -> None:
    """A sheet that draws so many calls of each collector that it has all of them."""
    sheets = book.ctx.policy.score_sheets
    of_all = tuple(replace(each, sampling=replace(each.sampling, random=50)) for each in sheets)
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, score_sheets=of_all))
    assert len(drawn(book).picks) == 13


def judged(book: Book, attempt: str, by: str = "sup-1", **marks: Mark) -> Reviewed:
    ctx = acting(book.ctx, Actor(by))
    return record_review(ctx, attempt, "calls_cn", ALL_WELL | marks)


def test_a_sample_has_calls_of_everybody_and_those_that_are_worth_hearing(book: Book) -> None:
    # Of A-1 a letter complains later.
    told = {"complaint": "C-1", "loan": "L-1", "kind": "conduct", "about_staff": None}
    by_letter = {**told, "raised_by": "letter", "about_attempt": "A-1", "actor": "sup-1"}
    assert tell(book, "complaint", why="was shouted at", **by_letter).status == "applied"
    sample = drawn(book)

    of = {pick.attempt: pick for pick in sample.picks}
    # Nobody chooses a call: one that was not drawn is not judged.
    other = next(id for id in (f"A-{n}" for n in range(2, 11)) if id not in of)
    with pytest.raises(ArrearsError, match=f"No sample of the sheet calls_cn has the call {other}"):
        judged(book, other)
    assert judged(book, "A-other").passed
    assert {pick.collector for pick in sample.picks} == {"col-1", "col-2"}
    assert sum(pick.because == ["random"] for pick in sample.picks) == 3 + 1
    assert {"A-late", "A-complaint", "A-other"} <= set(of)
    assert set(of["A-complaint"].because) & {Risk.COMPLAINT, "random"}
    assert Risk.COMPLAINT in of["A-1"].because
    assert of["A-other"].recording == "REC-A-other"
    assert (sample.calls, sample.without_recording) == (13, 1), "nobody answered is no call to hear"


def test_calls_of_vulnerable_people_and_those_that_brought_a_broken_promise_are_worth_hearing(
    book: Book,
) -> None:
    """On 5 March, in the call A-5, she took a promise that broke; on the 20th the loan was held.
    All that another one had before their first call was one that the borrower made."""
    a_call(book, "A-earlier", "col-1", "2026-03-05 08:00")
    a_call(book, "came-in", "new", "2025-06-01 10:00", inbound=True)
    a_call(book, "A-first", "new", "2026-03-08 10:00")
    risky = tuple(
        replace(each, sampling=replace(each.sampling, random=0, of_each_risk=50))
        for each in book.ctx.policy.score_sheets
    )
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, score_sheets=risky))
    assert promise(book.at("2026-03-05 10:10"), "1000", "2026-03-06").status == "applied"
    with book.ctx.engine.begin() as connection:
        broken = {"status": "broken", "completed_at": book.moment("2026-03-09 10:00")}
        connection.execute(update(promises).values(broken))
    book.at("2026-03-20 10:00")
    assert place(book, "vulnerability", "2026-03-20", "2026-03-30").status == "applied"
    book.at("2026-04-01 09:00")

    def with_risk(risk: Risk, first: date, last: date) -> set[str]:
        sample = draw_sample(acting(book.ctx, Actor("sup-1")), first, last, "calls_cn")
        return {pick.attempt for pick in sample.picks if risk in pick.because}

    up_to, rest = (FIRST, date(2026, 3, 6)), (date(2026, 3, 7), LAST)
    assert with_risk(Risk.BROKEN_PROMISE, *up_to) == {"A-5"}
    assert with_risk(Risk.VULNERABILITY, *up_to) == set(), "nothing was known then"
    # Nobody picks the days in which one call lies.
    for days in ((date(2026, 3, 7), date(2026, 3, 7)), (date(2026, 3, 8), LAST), (FIRST, LAST)):
        with pytest.raises(ArrearsError, match="begins on 2026-03-07 and ends on 2026-03-12 or"):
            with_risk(Risk.VULNERABILITY, *days)
    assert len(with_risk(Risk.VULNERABILITY, *rest)) == 8
    assert with_risk(Risk.FIRST_MONTH, *rest) == {"A-first"}


def test_who_draws_again_gets_the_same_calls_also_after_more_came_in(book: Book) -> None:
    first = drawn(book)
    a_call(book, "A-told-late", "col-2", "2026-03-20 10:00")
    book.at("2026-04-20 09:00")
    assert drawn(book).picks == first.picks


def test_two_who_draw_at_once_get_the_same_sample(book: Book) -> None:
    one, other = concurrently(partial(drawn, book), partial(drawn, book))
    assert one == other


def test_a_period_that_is_not_over_has_no_sample(book: Book) -> None:
    book.at("2026-03-31 23:00")
    with pytest.raises(ArrearsError, match="is not over"):
        drawn(book)


def test_a_critical_fail_cites_its_rule_and_reaches_the_supervisors_and_the_lender(
    book: Book,
) -> None:
    all_drawn(book)
    reviewed = judged(book, "A-complaint", no_threat=Mark.FAIL)

    assert (reviewed.collector, reviewed.score, reviewed.passed) == ("col-1", 100, False)
    (failed,) = reviewed.failed
    assert (failed.item, failed.rules) == ("no_threat", ("cn.no_harassment",))
    assert failed.citations == ["Civil Code 1033(1)"]
    assert book.one(problem).kind == "call_failed_review"
    out = book.one(outbox_event)
    assert out.kind == "call.failed_review"
    assert out.payload["rules"] == ["cn.no_harassment"]
    assert out.payload["attempt"] == "A-complaint"

    # Another call of the same loan that fails is said as well, while the first one is open.
    judged(book, "A-1", no_threat=Mark.FAIL)
    told = book.one(problem).detail
    assert [each.params["attempt"] for each in told] == ["A-complaint", "A-1"]


def test_a_weak_call_fails_and_is_nobodys_problem(book: Book) -> None:
    all_drawn(book)
    reviewed = judged(book, "A-1", asks_and_listens=Mark.FAIL)
    assert (reviewed.score, reviewed.passed) == (70, False)
    assert book.rows(problem) == [] == book.rows(outbox_event)


def test_two_judge_one_call_each_once_and_nobody_their_own(book: Book) -> None:
    all_drawn(book)
    judged(book, "A-1", "sup-1")
    judged(book, "A-1", "sup-2", no_threat=Mark.FAIL)
    with pytest.raises(ArrearsError, match="already"):
        judged(book, "A-1", "sup-1", no_threat=Mark.FAIL)
    with pytest.raises(NotPermittedError, match="your own"):
        judged(book, "A-2", "col-1")
    assert len(book.rows(quality_review)) == 2


@pytest.mark.parametrize(
    ("marks", "refusal"),
    [
        ({**ALL_WELL, "no_threat": Mark.PART}, "is critical"),
        ({**ALL_WELL, "charm": Mark.PASS}, "has no item charm"),
        ({"says_who": Mark.PASS}, "have no mark: confirms_party"),
        (dict.fromkeys(ALL_WELL, Mark.NOT_APPLICABLE), "so nothing is judged"),
    ],
)
def test_a_review_has_a_mark_for_each_item_and_for_nothing_else(
    book: Book, marks: dict[str, Mark], refusal: str
) -> None:
    with pytest.raises(ArrearsError, match=refusal):
        record_review(acting(book.ctx, Actor("sup-1")), "A-1", "calls_cn", marks)
    assert book.rows(quality_review) == []


def test_a_sheet_of_another_law_is_refused(book: Book) -> None:
    sheet = next(each for each in book.ctx.policy.score_sheets if each.id == "calls_us")
    marks = {item.id: Mark.PASS for item in sheet.items}
    with pytest.raises(ArrearsError, match="not for calls in CN"):
        record_review(acting(book.ctx, Actor("sup-1")), "A-1", "calls_us", marks)


def test_results_say_how_many_calls_they_rest_on_and_how_sure_they_are(book: Book) -> None:
    """By collector, and by the team in which they were when they called: she came to south on 9
    March, and is in south today."""
    rostered(book, "2026-02-01 08:00", {"col-1": "north", "col-2": "south"})
    rostered(book, "2026-03-09 08:00", {"col-1": "south"})
    all_drawn(book)
    for n in range(1, 5):
        judged(book, f"A-{n}")
    judged(book, "A-complaint", no_threat=Mark.FAIL)
    judged(book, "A-complaint", by="sup-2")
    with book.ctx.engine.connect() as connection:
        found = read_results(connection, acting(book.ctx, Actor("sup-1")), FIRST, LAST)

    first, later, other = found.collectors
    assert (first.name, first.team, first.calls, first.reviewed) == ("col-1", "north", 8, 4)
    assert (first.passed, first.interval) == (4, Interval(51, 100)), "four calls say little"
    assert (first.reviews, later.reviewed, later.reviews) == (4, 1, 2), "two judged one call"
    assert (later.name, later.team, later.calls, later.failed_critical) == ("col-1", "south", 4, 1)
    assert (other.name, other.reviewed, other.interval) == ("col-2", 0, Interval(0, 100))
    north, south = found.teams
    assert (north.name, north.calls, north.reviewed) == ("north", 8, 4)
    assert (south.name, south.calls, south.reviewed) == ("south", 7, 1)


def test_a_sample_of_a_team_has_its_calls_alone(book: Book) -> None:
    rostered(book, "2026-02-01 08:00", {"col-1": "north", "col-2": "south"})
    ctx = acting(book.ctx, Actor("sup-1"))
    sample = draw_sample(ctx, FIRST, LAST, "calls_cn", "south")
    assert [pick.attempt for pick in sample.picks] == ["A-other"]
    assert drawn(book).calls == 13, "that of everybody is another one"
    with pytest.raises(ArrearsError, match=r"no team east\. The roster has: north, south"):
        draw_sample(ctx, FIRST, LAST, "calls_cn", "east")


def test_the_list_of_training_names_who_runs_out_the_soonest_first(book: Book) -> None:
    def due(days: int) -> list[str]:
        with book.ctx.engine.connect() as connection:
            found = training_due(connection, acting(book.ctx, Actor("sup-1")), days)
        return [each.certificate or each.staff for each in found]

    assert due(0) == ["new"], "who was never trained"
    assert due(30) == ["new", "col-1"]
    assert due(365) == ["new", "col-1", "col-2"]
    book.at(f"{years_after(date(2025, 4, 10), 1)} 09:00")
    assert due(0) == ["new"], "the anniversary still counts"
    book.at("2026-04-11 09:00")
    assert due(0) == ["new", "col-1"]


def test_a_certificate_that_is_missing_or_ends_soon_is_listed_with_training(book: Book) -> None:
    """She has the skill and no certificate for it; his ends on the 20th."""
    with book.ctx.engine.begin() as connection:
        is_hers = update(staff).where(staff.c.external_id == "col-2")
        connection.execute(is_hers.values(skills=["hardship", "early"]))
        legal = {"kind": "legal", "valid_until": date(2026, 4, 20)}
        his = select(staff.c.id).where(staff.c.external_id == "col-1").scalar_subquery()
        connection.execute(insert(certificate).values(staff_id=his, **legal))
    with book.ctx.engine.connect() as connection:
        ctx = acting(book.ctx, Actor("sup-1"))
        first = training_due(connection, ctx, 30, Asked(limit=3))
        found = (*first, *training_due(connection, ctx, 30, Asked(limit=3, after=first.after)))
        status = read_status(connection, book.ctx.now(), staffing=book.ctx.policy.staffing)
    assert [(each.staff, each.certificate, each.over) for each in found] == [
        ("col-2", "hardship", True),
        ("new", None, True),
        ("col-1", None, False),
        ("col-1", "legal", False),
    ]
    assert first.counts == {"over": status.training_over, "soon": status.training_ends_soon}
    assert first.counts == {"over": 2, "soon": 2}
