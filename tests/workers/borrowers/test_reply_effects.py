"""What follows from a text that comes back, and from what a person says that it means."""

from functools import partial
from itertools import count

import pytest
from sqlalchemy import Engine, insert, select

from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.inbound_texts import Meaning, ReplyKind, effects_of
from domain.language.speak import speak
from tests.support.concurrently import concurrently
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.db.schema import borrower, hold, person_fact, problem, reply
from workers.history import loan_history
from workers.operations.problems import read_problems
from workers.privacy.erasure import erase
from workers.sms.providers.port import InboundText

STRANGER = "+8613900139555"
_sids = count(1)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 share a number; L-3 is another record of L-1's borrower, with its own number."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-2")
    book.loan("L-3", borrower_id="B-3", same_person_as="B-1", phone="+8613900139000")
    book.escalate("L-1", "L-2", "L-3")
    return book


def writes(book: Book, body: str, number: str = PHONE["CN"], provider: str = "twilio") -> int:
    """Somebody texts back. Gives the number of the reply."""
    text = InboundText(provider, f"SM{next(_sids)}", number, body, None)
    record_inbound_text(book.ctx, text, help_is_answered=True)
    return int(book.rows(reply)[-1].id)


def read(book: Book, reply_id: int, meaning: str, **more: str) -> str:
    """A person says what a text means. Gives what came of it, in English."""
    result = tell(book, "reply_read", reply=reply_id, meaning=meaning, actor="c-1", **more)
    return f"{result.status}: {speak(result.reason)}"


def texted(book: Book, *loans: str) -> list[str]:
    return [loan for loan in loans if book.send(loan, "text_day_1") == "accepted"]


def facts_of_persons(book: Book) -> list[tuple[str, str | None, str]]:
    """What is known of persons now: the kind, the channel, the source."""
    known = select(person_fact).where(person_fact.c.ended_at.is_(None)).order_by(person_fact.c.id)
    return [(row.kind, row.channel, row.source) for row in book.rows(known)]


def problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


# --- what a reply does by itself

CASE_8 = {
    "打错了": ReplyKind.WRONG_NUMBER,
    "TD退订": ReplyKind.STOP,
    "STOP STOP STOP": ReplyKind.STOP,
    "Wrong number": ReplyKind.WRONG_NUMBER,
    "你们有完没完": ReplyKind.OTHER,
}


@pytest.mark.parametrize(("body", "kind"), CASE_8.items())
def test_the_next_days_text_does_not_go_after_a_reply(
    engine: Engine, body: str, kind: ReplyKind
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("WN-1", due_on="2026-02-28", amount="100", phone="+8613800138071")
    book.escalate("WN-1")
    texts = [item for item in book.actions("WN-1") if item.startswith("text")]
    assert [book.send("WN-1", item) for item in texts[:1]] == ["accepted"]
    sent = len(book.sms.sent)

    writes(book, body, "+8613800138071")
    assert book.one(reply).kind == kind
    for day in range(3, 30):
        book.at(f"2026-03-{day:02} 10:00").escalate("WN-1")
        for item, status in book.actions("WN-1").items():
            if item.startswith("text") and status in {"planned", "deferred"}:
                book.send("WN-1", item)
    assert len(book.sms.sent) == sent


def test_a_request_for_no_contact_at_all_is_a_cease_of_everybody_with_the_number(
    book: Book,
) -> None:
    writes(book, "别再联系我")
    assert facts_of_persons(book) == [("ceased", None, "text")] * 2
    assert texted(book, "L-1", "L-2", "L-3") == []
    assert {book.action(loan, "text_day_1").status for loan in ("L-1", "L-2", "L-3")} == {"barred"}
    assert (book.may_call("L-1"), book.may_call("L-3")) == ("barred", "barred")


def test_no_calls_stops_calls_at_once_and_texts_until_a_person_has_read_it(book: Book) -> None:
    number = writes(book, "Stop calling me")
    assert facts_of_persons(book) == [("no_channel", "call", "text")] * 2
    assert book.may_call("L-3") == "barred"
    assert texted(book, "L-1", "L-3") == ["L-3"]
    assert read(book, number, "no_calls") == f"applied: Reply {number} is closed: no calls."
    assert texted(book, "L-1") == ["L-1"]


def test_a_wrong_number_closes_texts_and_calls_and_opens_a_problem(book: Book) -> None:
    writes(book, "你打错了")
    assert book.number_facts() == ["somebody_else"]
    assert facts_of_persons(book) == []
    assert texted(book, "L-1", "L-2", "L-3") == ["L-3"]
    assert (book.may_call("L-1"), book.may_call("L-3")) == ("deferred", "allowed")
    assert problems(book) == ["number_closed", "number_closed"]


def test_a_third_party_who_wants_no_contact_speaks_for_the_number_alone(book: Book) -> None:
    writes(book, "Wrong number. Do not contact me again")
    assert set(book.number_facts()) == {"somebody_else", "refused", "opted_out"}
    assert facts_of_persons(book) == []


def test_thanks_change_nothing(book: Book) -> None:
    for body in ("Thanks!", "OK", "好的", "收到", "👍"):
        writes(book, body)
    assert {row.to_read for row in book.rows(reply)} == {False}
    assert texted(book, "L-1", "L-2", "L-3") == ["L-1", "L-2", "L-3"]


def test_a_stop_with_more_in_it_counts_at_once_and_is_read_too(book: Book) -> None:
    number = writes(book, "STOP\nI dispute this debt")
    assert (book.one(reply).kind, book.one(reply).to_read) == ("stop", True)
    assert book.number_facts() == ["opted_out"]
    said = read(book, number, "dispute", dispute="D-1", why="not the amount")
    assert said == f"applied: Reply {number} is closed: dispute."
    assert book.one(hold).kind == "dispute"


def test_what_is_not_understood_puts_off_texts_to_everybody_with_the_number(book: Book) -> None:
    writes(book, "我失业了")
    assert texted(book, "L-1", "L-2", "L-3") == ["L-3"]
    waiting = book.action("L-1", "text_day_1")
    assert (waiting.status, waiting.rules) == ("deferred", ["lender.number_not_to_be_used"])
    assert book.may_call("L-1") == "allowed"


def test_the_deadline_shows_and_resumes_nothing(book: Book) -> None:
    number = writes(book, "我失业了")
    book.at("2026-03-20 10:00")
    with book.ctx.engine.connect() as connection:
        (unread,) = read_problems(connection, book.ctx).replies
    assert (unread.reply, unread.loan) == (number, "L-1")
    assert f"{unread.read_by:%Y-%m-%d %H:%M}" == "2026-03-04 10:00"
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "nothing to do"


def test_a_number_that_nobody_knows_keeps_what_was_said_for_whoever_has_it_later(
    book: Book,
) -> None:
    writes(book, "STOP", STRANGER)
    assert book.number_facts() == ["opted_out"]
    book.loan("L-9", phone=STRANGER)
    book.escalate("L-9")
    assert texted(book, "L-9") == []


def test_a_cease_from_a_number_that_nobody_knows_closes_the_number(book: Book) -> None:
    writes(book, "leave me alone", STRANGER)
    assert set(book.number_facts()) == {"opted_out", "refused"}
    book.loan("L-9", phone=STRANGER)
    assert book.may_call("L-9") == "deferred"


# --- what a person says that it means


def test_texts_go_on_after_the_last_reply_of_a_number_was_read(book: Book) -> None:
    first, second = writes(book, "我失业了"), writes(book, "在吗")
    assert texted(book, "L-1") == []
    read(book, first, "harmless")
    assert texted(book, "L-1") == []
    read(book, second, "harmless")
    assert texted(book, "L-1") == ["L-1"]


@pytest.mark.parametrize(
    ("meaning", "number", "person"),
    [
        ("stop", ["opted_out"], []),
        ("cease", ["opted_out"], [("ceased", None, "c-1")] * 2),
        ("wrong_number", ["somebody_else"], []),
        ("no_calls", [], [("no_channel", "call", "c-1")] * 2),
        ("harmless", [], []),
        ("start", [], []),
    ],
)
def test_what_a_person_says_counts_like_what_the_text_says(
    book: Book, meaning: str, number: list[str], person: list[tuple[str, str | None, str]]
) -> None:
    assert read(book, writes(book, "嗯？"), meaning).startswith("applied")
    assert (book.number_facts(), facts_of_persons(book)) == (number, person)
    assert bool(problems(book)) == (meaning == "wrong_number")


@pytest.mark.parametrize(
    ("meaning", "facts"),
    [
        ("stop", {"opted_out"}),
        ("cease", {"opted_out", "refused"}),
        ("wrong_number", {"somebody_else"}),
        ("no_calls", set()),
        ("harmless", set()),
    ],
)
def test_a_person_can_act_on_a_text_from_a_number_that_nobody_knows(
    book: Book, meaning: str, facts: set[str]
) -> None:
    assert read(book, writes(book, "嗯？", STRANGER), meaning).startswith("applied")
    assert set(book.number_facts()) == facts
    assert facts_of_persons(book) == []


@pytest.mark.parametrize("body", ["STOP", "leave me alone", "wrong number, leave me alone"])
def test_a_person_can_say_that_a_text_was_misread(book: Book, body: str) -> None:
    book.note_number_fact(NumberFact.AT_WORK, Actor("c-9"))
    number = writes(book, body)
    assert book.at("2026-03-02 11:00")
    read(book, number, "harmless")
    assert book.number_facts() == ["at_work"]
    assert facts_of_persons(book) == []
    assert problems(book) == []


def test_an_older_stop_stays_when_a_later_text_was_harmless(book: Book) -> None:
    writes(book, "STOP")
    book.at("2026-03-02 11:00")
    read(book, writes(book, "谁啊"), "harmless")
    assert book.number_facts() == ["opted_out"]


def test_a_person_can_take_a_stop_back_for_the_sender_who_asked(book: Book) -> None:
    writes(book, "STOP")
    book.at("2026-03-02 11:00")
    read(book, writes(book, "sorry, I do want your texts, go on"), "start")
    assert book.number_facts() == []


def test_a_start_that_is_read_late_does_not_undo_the_stop_that_came_after_it(book: Book) -> None:
    late = writes(book, "would it be possible to have them once more?")
    writes(book.at("2026-03-02 10:30"), "STOP")
    book.at("2026-03-02 11:00")
    assert read(book, late, "start").startswith("applied")
    assert book.number_facts() == ["opted_out"]
    assert texted(book, "L-1", "L-2") == []


@pytest.mark.parametrize(("again", "meaning"), [("STOP", None), ("没完没了", "stop")])
def test_a_stop_that_is_said_twice_is_not_undone_by_a_start_between_them(
    book: Book, again: str, meaning: str | None
) -> None:
    writes(book, "STOP")
    late = writes(book.at("2026-03-02 10:10"), "would it be possible to have them once more?")
    second = writes(book.at("2026-03-02 10:30"), again)
    if meaning:
        read(book, second, meaning)
    book.at("2026-03-02 11:00")
    read(book, late, "start")
    assert book.number_facts() == ["opted_out"]


def test_a_start_that_is_read_late_undoes_the_stop_before_it_alone(book: Book) -> None:
    writes(book, "STOP")
    late = writes(book.at("2026-03-02 10:10"), "would it be possible to have them once more?")
    book.at("2026-03-02 10:30")
    refused_by_provider = Actor("twilio", ActorKind.PROVIDER)
    book.note_number_fact(NumberFact.OPTED_OUT, refused_by_provider, STRANGER)
    read(book, late, "start")
    assert book.number_facts() == ["opted_out"], "that of the other number"
    assert texted(book, "L-1") == ["L-1"]


def test_what_a_person_read_in_a_later_text_stays_when_an_earlier_one_was_misread(
    book: Book,
) -> None:
    misread = writes(book, "退订。你们有完没完")
    read(book, writes(book.at("2026-03-02 10:05"), "别烦我了吧"), "stop")
    read(book.at("2026-03-02 10:10"), misread, "harmless")
    assert book.number_facts() == ["opted_out"]


@pytest.mark.parametrize("meaning", ["dispute", "no_consent"])
def test_a_stop_with_more_in_it_stays_a_stop_when_a_person_says_what_the_rest_is(
    book: Book, meaning: str
) -> None:
    number = writes(book, "STOP\nYou have no right to this")
    more = {"dispute": "D-1", "why": "not theirs"} if meaning == "dispute" else {}
    book.at("2026-03-02 11:00")
    assert read(book, number, meaning, **more).startswith("applied")
    assert book.number_facts() == ["opted_out"]


def test_a_dispute_names_a_loan_that_is_known(book: Book) -> None:
    stranger = writes(book, "这不是我的债", STRANGER)
    refused = read(book, stranger, "dispute", dispute="D-1", why="it is somebody else's")
    assert refused.startswith("rejected: ")
    assert "give its id, why, and the loan" in refused
    named = {"dispute": "D-1", "why": "it is somebody else's", "loan": "L-2"}
    assert read(book, stranger, "dispute", **named).startswith("applied")
    assert book.one(hold).loan_id == book.loan_id("L-2")


def test_the_history_tells_who_read_it_and_what_it_means(book: Book) -> None:
    read(book, writes(book, "我失业了"), "stop")
    with book.ctx.engine.connect() as connection:
        story = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))
    assert "The borrower's text was read by c-1: stop." in story


def test_every_meaning_but_those_with_details_is_a_kind_that_a_text_can_have() -> None:
    assert {*Meaning} - {"dispute", "wishes", "no_consent", "asks_plan"} == {*ReplyKind} - {
        "other",
        "help",
    }


def test_what_follows_is_the_same_whoever_read_it() -> None:
    for kind in set(Meaning) & set(ReplyKind):
        for known in (True, False):
            assert effects_of({ReplyKind(kind)}, number_is_known=known) == effects_of(
                {Meaning(kind)}, number_is_known=known
            )


# --- at the same moment


@pytest.mark.parametrize("body", ["别再联系我", "wrong number", "我失业了", "Stop calling me"])
def test_a_reply_and_a_text_at_the_same_moment_never_text_after_the_reply(
    book: Book, body: str
) -> None:
    before = writes(book, "在吗")
    read(book, before, "harmless")
    loans = ["L-1", "L-2", "L-3"]
    concurrently(
        partial(writes, book, body),
        partial(texted, book, "L-1"),
        partial(texted, book, "L-2"),
        partial(texted, book, "L-3"),
        partial(writes, book, body, "+8613900139000"),
    )
    sent = len(book.sms.sent)
    assert texted(book, *loans) == []
    assert len(book.sms.sent) == sent


def test_what_a_later_text_asked_for_stays_when_an_earlier_one_was_misread(book: Book) -> None:
    misread = writes(book, "退订。你们有完没完")
    writes(book.at("2026-03-02 10:05"), "退订")
    assert book.number_facts() == ["opted_out"]
    assert read(book, misread, "harmless").startswith("applied")
    assert book.number_facts() == ["opted_out"]


def test_two_people_who_read_one_text_close_it_once(book: Book) -> None:
    number = writes(book, "我失业了")
    meanings = ["stop", "harmless"]
    results = concurrently(*[partial(read, book, number, meaning) for meaning in meanings])
    assert sorted(result.split(":")[0] for result in results) == ["applied", "rejected"]
    assert bool(book.number_facts()) == (book.one(reply).meaning == "stop")


def test_a_text_that_nobody_has_read_puts_off_texts_after_the_erasure_too(book: Book) -> None:
    number = writes(book, "我失业了")
    ids = [row.id for row in book.rows(borrower) if row.external_id == "B-1"]
    with book.ctx.engine.begin() as connection:
        erase(connection, ids, book.ctx.now())
    assert texted(book, "L-2") == []
    read(book, number, "harmless")
    assert texted(book, "L-2") == ["L-2"]


def test_start_ends_an_opt_out_by_text_that_an_earlier_version_kept_of_the_person(
    book: Book,
) -> None:
    of_first = {"borrower_id": book.rows(borrower)[0].id, "since": book.clock.at}
    by_text = {"kind": "no_channel", "source": "text", "source_kind": "borrower"}
    with book.ctx.engine.begin() as connection:
        for channel in ("sms", "call"):
            fact = insert(person_fact).values(channel=channel, **by_text, **of_first)
            connection.execute(fact)

    writes(book, "START")
    assert facts_of_persons(book) == [("no_channel", "call", "text")]
    assert texted(book, "L-1") == ["L-1"]
