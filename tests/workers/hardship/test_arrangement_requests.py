"""A request for a plan has an end: offered, refused with the reason, withdrawn, or lapsed."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, update

from domain.arranged import Wish
from domain.arrangements import AskedBy, Refusal
from domain.errors import RefusedError
from tests.support.arrangements import (
    accept,
    ask,
    confirm,
    decline,
    holds,
    in_difficulty,
    offer,
    status,
    withdraw,
)
from tests.support.events import pay, reverse, tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.db.free_text import erase_words
from workers.db.outbox import with_outbox
from workers.db.schema import arrangement, inbox_event, outbox_event, problem, reply
from workers.hardship.arrangement_reads import list_arrangements, open_arrangements
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.arrangement_wishes import wish_of
from workers.hardship.arrangements import found
from workers.history.history import loan_history
from workers.inbox.event_data.arrangements import ArrangementRequestFacts
from workers.privacy.plain_words import count_plain_words, encrypt_plain_words
from workers.sms.providers.port import InboundText


@pytest.fixture
def book(engine: Engine) -> Book:
    return in_difficulty(engine)


def problems(book: Book) -> list[tuple[str, bool]]:
    return [(row.kind, row.resolved_at is None) for row in book.rows(problem)]


def settle(book: Book, on: str) -> int:
    return settle_arrangements(book.at(f"{on} 00:10").ctx)


def test_a_request_that_nobody_answers_is_late_after_a_week_and_lapses_after_thirty_days(
    book: Book,
) -> None:
    """On 11 March she asks. Until 18 March the answer is in time, and nobody calls her. Then a
    supervisor sees it in the list and as a problem, and the lender's systems hear of it, once. On
    10 April it has lapsed, and the ladder goes on."""
    object.__setattr__(book.ctx, "engine", with_outbox(book.ctx.engine))
    assert ask(book).answer_by == date(2026, 3, 18)
    assert holds(book, of_requests=True) == [("manual", "2026-03-11", "2026-04-10")]

    assert settle(book, "2026-03-18") == 0
    assert problems(book) == []
    for _ in range(2):
        assert settle(book, "2026-03-19") == 0
    assert problems(book) == [("arrangement_unanswered", True)]
    (told,) = [row for row in book.rows(outbox_event) if row.kind == "arrangement.late"]
    assert told.payload["answer_by"] == "2026-03-18"
    with book.ctx.engine.connect() as connection:
        (listed,) = open_arrangements(connection, book.ctx)
    assert (listed.status, listed.late) == ("requested", True)
    assert (listed.answer_by, listed.valid_until) == (date(2026, 3, 18), None)

    assert settle(book, "2026-04-10") == 1
    assert (status(book), problems(book)) == ("expired", [("arrangement_unanswered", False)])
    assert ask(book, id="AR-2").request_hold_id is None, "it pauses once in four months"


def days_listed(book: Book) -> list[str | None]:
    """The days of the only open arrangement that a list shows."""
    with book.ctx.engine.connect() as connection:
        (listed,) = open_arrangements(connection, book.ctx)
        (shown,) = list_arrangements(connection, book.ctx)
    days = (listed.answer_by, listed.valid_until, listed.confirm_by)
    assert (shown.answer_by, shown.valid_until) == days[:2]
    return [day.isoformat() if day else None for day in days]


def test_what_is_overtaken_is_over_at_once(book: Book) -> None:
    """She asks, and pays all that she owes: nothing is left to arrange. The money goes back and she
    asks again; the ledger makes a plan of that which nobody has offered here: somebody finds out
    what was agreed with her."""
    ask(book)
    pay(book, "3680", id="P-1")
    assert (status(book), problems(book)) == ("withdrawn", [])
    assert holds(book, of_requests=True) == [("manual", "2026-03-11", "2026-03-11")]
    reverse(book, "P-1")
    ask(book, id="AR-2")
    pay(book, "500", id="P-2")
    assert status(book) == "requested", "a part of it is no answer"
    plan = [{"due_on": "2026-05-01", "principal": "3180", "interest": "0", "fees": "0"}]
    confirm(book, plan, id="AR-2")
    assert (status(book), problems(book)) == ("replaced", [("arrangement_not_awaited", True)])
    assert ask(book, id="AR-3").status == "requested"


def test_an_answer_resolves_it_and_the_pause_lasts_while_the_offer_can_be_accepted(
    book: Book,
) -> None:
    ask(book)
    settle(book, "2026-03-19")
    offered = offer(book)
    assert problems(book) == [("arrangement_unanswered", False)]
    paused = holds(book, of_requests=True)
    assert paused == [
        ("manual", "2026-03-11", "2026-03-19"),
        ("manual", "2026-03-19", "2026-03-27"),
    ]
    assert offered.valid_until == date(2026, 3, 26)
    assert days_listed(book) == [None, "2026-03-26", None]
    accept(book)
    assert days_listed(book) == [None, None, "2026-03-24"], "each while it counts"
    assert holds(book, of_requests=True)[-1][2] == "2026-03-19", "the acceptance has its own pause"
    withdraw(book)
    assert [ends_on for _, _, ends_on in holds(book)] == ["2026-03-19"]


def test_offers_made_anew_pause_no_longer_than_the_request_would_have_lasted(book: Book) -> None:
    ask(book)
    for day in ("2026-03-20", "2026-04-04", "2026-04-08"):
        offered = offer(book.at(f"{day} 10:00"))

    assert offered.valid_until == date(2026, 4, 15)
    assert [ends_on for _, _, ends_on in holds(book, of_requests=True)][-1] == "2026-04-10"
    offer(book.at("2026-04-12 10:00"))
    assert len(holds(book, of_requests=True)) == 4, "nothing pauses any more"


def test_whoever_declines_says_why_and_the_ladder_goes_on(book: Book) -> None:
    ask(book)
    for refusal in (None, Refusal.OTHER):
        with pytest.raises(RefusedError, match="Say why"):
            decline(book, refusal)
    assert decline(book, Refusal.BEYOND_MEANS, "no income until May").refusal == "beyond_means"
    assert holds(book, of_requests=True) == [("manual", "2026-03-11", "2026-03-11")]
    with book.ctx.engine.connect() as connection:
        history = " ".join(said.text for said in loan_history(connection, book.ctx, "L-1"))
    assert "could not keep any that may be offered" in history


def test_whoever_asks_again_is_not_told_before_the_morning_that_nothing_can_be_offered(
    book: Book,
) -> None:
    """The text of the evening waits for the morning, and is called off by what came since."""
    book.at("2026-03-11 22:30")
    ask(book)
    decline(book, Refusal.PROOF_MISSING, "no letter")
    book.send("L-1", "nothing_offered_text")
    book.at("2026-03-12 07:30")
    ask(book, id="AR-2", by=AskedBy.FORM)
    offer(book, id="AR-2")
    book.at("2026-03-12 10:00")
    book.send("L-1", "nothing_offered_text")
    decline(book, Refusal.SAID_NO, id="AR-2")
    book.send("L-1", "nothing_offered_text")
    assert (book.actions("L-1")["nothing_offered_text"], book.sms.sent) == ("cancelled", [])


def test_what_a_text_asks_for_pauses_nothing_before_a_person_has_read_it(book: Book) -> None:
    text = InboundText("twilio", f"SM{7:032x}", PHONE["CN"], "我失业了，能不能分期？", None)
    record_inbound_text(book.ctx, text, help_is_answered=False)
    assert (status(book), holds(book, of_requests=True)) == ("requested", [])
    read = {"reply": book.one(reply).id, "meaning": "asks_plan", "actor": "c-1"}
    assert tell(book, "reply_read", **read).status == "applied"
    assert holds(book, of_requests=True) == [("manual", "2026-03-11", "2026-04-10")]
    assert len(book.rows(arrangement)) == 1


def test_a_request_of_an_earlier_release_gets_its_clock(book: Book) -> None:
    ask(book, by=AskedBy.TEXT)
    values = {"answer_by": None, "lapses_on": None, "review_on": date(2026, 3, 11)}
    with book.ctx.engine.begin() as connection:
        connection.execute(update(arrangement).values(values))
    assert settle(book, "2026-03-20") == 0
    assert book.one(arrangement).answer_by == date(2026, 3, 27)
    settle(book, "2026-03-28")
    assert problems(book) == [("arrangement_unanswered", True)]


def test_what_she_can_pay_a_month_stands_nowhere_in_clear_and_goes_with_an_erasure(
    book: Book,
) -> None:
    """It comes with a request, in the event and in the row, and an offer rests on it. Where an
    earlier release stored it as it was said, it is moved."""
    said = {"arrangement": "AR-1", "loan": "L-1", "monthly": "731.25", "actor": "c-1"}
    facts = ArrangementRequestFacts.model_validate(said, strict=False)
    assert tell(book, "arrangement_request", **facts.payload(book.ctx.cipher)).status == "applied"
    assert offer(book).status == "offered"
    assert "731.25" not in str([*book.rows(arrangement), *book.rows(inbox_event)])
    assert accept(book).status == "accepted"

    with book.ctx.engine.begin() as connection:
        plain = update(arrangement).values(wish_monthly=Decimal("731.25"), wish_monthly_id=None)
        connection.execute(plain)
        as_before = func.jsonb_set(inbox_event.c.payload, "{monthly}", '"731.25"')
        requests = inbox_event.c.kind == "arrangement_request"
        connection.execute(update(inbox_event).where(requests).values(payload=as_before))
        assert count_plain_words(connection) == {"arrangement": 1, "inbox_event": 1}
    encrypt_plain_words(book.ctx)
    assert "731.25" not in str([*book.rows(arrangement), *book.rows(inbox_event)])
    with book.ctx.engine.begin() as connection:
        stored = found(connection, "AR-1", None)
        assert wish_of(connection, book.ctx, stored) == Wish(monthly=Decimal("731.25"))
        erase_words(connection, loans=[stored.loan_id], borrower_ids=[])
        assert wish_of(connection, book.ctx, stored) is None
