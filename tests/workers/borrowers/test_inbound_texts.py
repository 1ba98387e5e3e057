"""Borrowers' texts: a stop beats every text that is not claimed yet, the rest finds a person."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from sqlalchemy import Engine, delete, insert
from sqlalchemy import text as sql

from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from domain.inbound_texts import ReplyKind
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.encrypted import opened
from tests.support.events import is_held_back, tell
from tests.support.inbound import RecordedText, record_inbound_text
from tests.support.loans import PHONE, Book
from workers.borrowers.reply_queue import (
    ReplyToRead,
    assign_replies,
    count_replies,
    open_reply,
    read_replies,
)
from workers.calls.assign import assign_call
from workers.db.inbox_queue import lock_event
from workers.db.schema import (
    borrower,
    borrower_number,
    contact,
    contact_point_fact,
    inbox_event,
    person_fact,
    reply,
)
from workers.gate.facts import read_contact_facts
from workers.http.inbound_texts import store_text
from workers.inbox.apply import apply_events, dispatch_events
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.sms.providers.port import InboundText

TODAY = ("2026-03-02 08:00", "2026-03-02 20:00")
_sids = count(1)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 belong to people who share a telephone; L-1 was texted today."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-03-01")
    book.escalate("L-1", "L-2")
    book.send("L-1", "text_day_1")
    return book


def texts(
    book: Book, body: str, *, sid: str = "", number: str = PHONE["CN"], provider: str = "twilio"
) -> RecordedText:
    """A borrower writes; each text is another one unless the story names its id."""
    text = InboundText(provider, sid or f"SM{next(_sids)}", number, body, None)
    return record_inbound_text(book.ctx, text, help_is_answered=True)


def waiting(book: Book, staff_id: int | None = None) -> tuple[ReplyToRead, ...]:
    with book.ctx.engine.connect() as connection:
        zone = book.ctx.settings.lender_zone
        return tuple(read_replies(connection, book.ctx.actor, zone, staff_id))


def counted(book: Book) -> dict[str, int]:
    with book.ctx.engine.connect() as connection:
        return count_replies(connection)


# --- a stop, a start


def test_a_stop_is_for_everybody_who_has_the_number_and_bars_texts_that_were_planned(
    book: Book,
) -> None:
    assert texts(book, "Stop.") == RecordedText(ReplyKind.STOP, "zh-Hans")

    assert book.number_facts() == ["opted_out"]
    assert book.send("L-2", "text_day_1") == "nothing to do"
    assert book.actions("L-2")["text_day_1"] == "barred"
    assert len(book.sms.sent) == 1


def test_a_stop_and_a_text_at_the_same_moment_never_text_after_the_stop(book: Book) -> None:
    concurrently(partial(texts, book, "STOP"), partial(book.send, "L-2", "text_day_1"))
    sent = len(book.sms.sent)
    # Deferred: the text was stored before the claim, and is applied by now.
    assert book.actions("L-2")["text_day_1"] in {"barred", "deferred", "done"}
    assert (book.actions("L-2")["text_day_1"] == "done") == (sent == 2)


def test_a_start_takes_back_a_stop(book: Book) -> None:
    texts(book, "退订")
    texts(book, "START")
    assert book.number_facts() == []


@pytest.mark.parametrize(
    ("source", "left"),
    [
        (Actor("twilio", ActorKind.PROVIDER), []),
        (Actor("c-1"), ["opted_out"]),
        (Actor("text"), ["opted_out"]),
    ],
)
def test_a_start_takes_back_only_what_a_text_said(
    book: Book, source: Actor, left: list[str]
) -> None:
    book.note_number_fact(NumberFact.OPTED_OUT, source)
    texts(book, "START")
    assert book.number_facts() == left


def test_a_stop_that_is_told_again_after_a_start_undoes_nothing(book: Book) -> None:
    texts(book, "STOP", sid="SM-stop")
    texts(book, "START")
    texts(book, "STOP", sid="SM-stop")
    assert book.number_facts() == []
    assert len(book.rows(reply)) == 2


def test_a_text_told_twice_at_once_is_on_record_once(book: Book) -> None:
    tell = partial(texts, book, "I lost my job", sid="SM-twice")
    concurrently(tell, tell)
    assert len(book.rows(reply)) == 1


def test_ids_of_two_providers_do_not_get_in_each_others_way(book: Book) -> None:
    texts(book, "hello", sid="1")
    texts(book, "hello", sid="1", provider="tencent")
    assert len(book.rows(reply)) == 2


# --- stored first, applied afterwards


def stored(book: Book, body: str, *, sid: str = "") -> int:
    """A text is stored as the webhook does, and not applied yet."""
    text = InboundText("twilio", sid or f"SM{next(_sids)}", PHONE["CN"], body, None)
    event = store_text(book.ctx, text, help_is_answered=True).event_id
    assert event is not None
    return event


@pytest.mark.parametrize("body", ["Do not contact me again", "Wrong number", "STOP", "thanks"])
def test_a_text_is_stored_while_an_import_has_everybody_and_applied_afterwards(
    book: Book, body: str
) -> None:
    with book.ctx.engine.begin() as importing:
        importing.execute(sql("SET LOCAL lock_timeout = '1s'"))
        importing.execute(sql("SELECT FROM person FOR NO KEY UPDATE"))
        importing.execute(sql("SELECT FROM loan FOR NO KEY UPDATE"))
        importing.execute(sql("SELECT FROM contact_point FOR NO KEY UPDATE"))
        with ThreadPoolExecutor(1) as webhook:
            event = webhook.submit(stored, book, body).result(timeout=10)
    assert book.rows(reply) == []
    assert is_held_back(book, "L-2"), "whatever it says, nobody has read it yet"
    assert book.send("L-2", "text_day_1") == "nothing to do"
    assert book.action("L-2", "text_day_1").rules == ["lender.event_pending"]

    assert dispatch_events(book.ctx) == [event]
    apply_events(book.ctx, [event])
    assert not is_held_back(book, "L-2")
    assert len(book.rows(reply)) == 1


def test_its_words_are_in_the_event_until_they_are_on_record(book: Book) -> None:
    event = stored(book, "I lost my job")
    payload = book.one(inbox_event).payload
    assert PHONE["CN"] not in str(payload)
    assert "lost my job" not in str(payload)
    assert opened(book, inbox_event.c.payload)[0]["body_encrypted"] == "I lost my job"

    apply_events(book.ctx, [event])
    assert {"body_encrypted", "number"}.isdisjoint(book.one(inbox_event).payload)
    assert opened(book, reply.c.body_encrypted)[0] == "I lost my job"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["as they came", "the other way round"])
def test_of_a_stop_and_a_start_the_one_that_came_later_counts(
    book: Book, order: tuple[int, int]
) -> None:
    for first, second, facts in (("STOP", "START", []), ("START", "STOP", ["opted_out"])):
        came = [stored(book, first)]
        book.clock.at += timedelta(seconds=1)
        came.append(stored(book, second))
        book.clock.at += timedelta(seconds=1)
        for place in order:
            apply_events(book.ctx, [came[place]])
        assert book.number_facts() == facts


def test_what_a_text_asked_for_counts_from_when_it_came(book: Book) -> None:
    came_at = book.ctx.now()
    event = stored(book, "STOP")
    book.clock.at += timedelta(hours=3)
    apply_events(book.ctx, [event])
    assert book.one(contact_point_fact).since == book.one(reply).received_at == came_at


def test_a_text_that_comes_again_is_stored_once_also_while_it_is_applied(book: Book) -> None:
    event = stored(book, "STOP", sid="SM-again")
    again = InboundText("twilio", "SM-again", PHONE["CN"], "STOP", None)
    with book.ctx.engine.begin() as worker:
        lock_event(worker, event)
        with ThreadPoolExecutor(1) as webhook:
            told = webhook.submit(store_text, book.ctx, again, help_is_answered=True)
            assert told.result(timeout=10).event_id is None
    assert len(book.rows(inbox_event)) == 1


# --- for a person


def test_any_other_text_is_encrypted_and_belongs_to_the_loan_that_was_texted_last(
    book: Book,
) -> None:
    texts(book, "我失业了")
    kept = book.one(reply)
    assert (kept.kind, kept.loan_id) == ("other", book.loan_id("L-1"))
    assert "我失业了".encode() not in bytes(kept.body_encrypted)
    assert open_reply(acting(book.ctx, Actor("c-1")), kept.id).body == "我失业了"

    tell(book, "reply_read", reply=kept.id, meaning="harmless", actor="c-1")
    book.at("2026-03-02 11:00").send("L-2", "text_day_1")
    texts(book, "明天还")
    assert book.rows(reply)[-1].loan_id == book.loan_id("L-2")


def test_a_reply_finds_a_collector_on_shift_who_speaks_the_language(book: Book) -> None:
    book.staff("c-en", "caller", languages=["en"], shift=TODAY)
    book.staff("v-1", "visitor", shift=TODAY)
    mine = book.staff("c-zh", "caller", languages=["zh-Hans"], shift=TODAY)
    texts(book, "我失业了")
    assert counted(book) == {"with nobody yet": 1}

    assert assign_replies(book.ctx) == 1
    assert assign_replies(book.ctx) == 0

    (found,) = waiting(book, mine)
    assert (found.staff, found.loan, found.language) == ("c-zh", "L-1", "zh-Hans")
    assert f"{found.received_at:%Y-%m-%d %H:%M}" == "2026-03-02 10:00"
    assert waiting(book) == (found,)
    assert counted(book) == {"with a collector": 1}


def test_a_reply_at_night_waits_for_the_morning_shift(book: Book) -> None:
    book.staff("c-1", "caller", shift=("2026-03-03 08:00", "2026-03-03 20:00"))
    texts(book, "我失业了")
    assert assign_replies(book.ctx) == 0
    book.at("2026-03-03 07:59")
    assert assign_replies(book.ctx) == 0
    book.at("2026-03-03 08:00")
    assert assign_replies(book.ctx) == 1


def test_replies_and_calls_fill_one_day_together(book: Book) -> None:
    book.staff("c-1", "caller", capacity=3, shift=TODAY)
    for _ in range(4):
        texts(book, "我失业了")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    assert assign_replies(book.ctx) == 2
    assert assign_call(book.ctx, book.action_id("L-2", "friendly_call")) == "nobody free"
    assert counted(book) == {"with a collector": 2, "with nobody yet": 2}


def test_two_repairs_at_once_give_each_reply_to_one_person(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    for _ in range(3):
        texts(book, "我失业了")
    assert sum(concurrently(*[partial(assign_replies, book.ctx)] * 2)) == 3
    assert counted(book) == {"with a collector": 3}


def test_a_text_from_a_number_that_nobody_has_is_kept_and_shows(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    assert texts(book, "who are you", number="+12125550199") == RecordedText(ReplyKind.OTHER, None)
    assert texts(book, "STOP", number="+12125550199").kind is ReplyKind.STOP
    assert book.number_facts() == ["opted_out"], "whoever comes to have it is not texted"
    assert assign_replies(book.ctx) == 0
    assert counted(book) == {"from numbers that nobody on the book has": 1}
    (found,) = waiting(book)
    assert (found.loan, found.language, found.staff) == (None, None, None)


@pytest.mark.parametrize(
    "body", ["别再联系我", "请找我的律师"], ids=["the machine reads it", "a person reads it"]
)
def test_whoever_just_got_another_number_may_still_answer_from_the_old_one(
    engine: Engine, body: str
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    moved = ContactChangeFacts(borrower="B-1", phone="+8613900139555")
    assert tell(book, "contact_change", **moved.payload(book.ctx.cipher)).status == "applied"

    text = InboundText("twilio", "SM-1", PHONE["CN"], body, None)
    event = store_text(book.ctx, text, help_is_answered=True).event_id
    assert event is not None
    assert is_held_back(book, "L-1"), "until it is applied"
    apply_events(book.ctx, [event])

    if book.one(reply).to_read:
        (kept,) = waiting(book)
        assert kept.loan == "L-1", "a collector sees whose text it is"
        with engine.connect() as connection:
            facts = read_contact_facts(connection, book.ctx, "L-1", book.clock.at)
        assert "unread_reply" in facts.numbers[0].facts, "no text goes out meanwhile"
        tell(book, "reply_read", reply=kept.reply, meaning="cease", actor="c-1")
    assert [fact.kind for fact in book.rows(person_fact)] == ["ceased"]
    assert book.numbers("B-1") == ["+8613900139555"]
    assert book.may_call("L-1") == "barred"


@pytest.mark.parametrize(
    "whose", ["another borrower has it now", "long ago", "a third party was asked there"]
)
def test_a_text_from_an_old_number_is_not_always_that_of_whoever_had_it(
    engine: Engine, whose: str
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    book.set_numbers("B-1", "+8613900139555")
    number = PHONE["CN"]
    if whose == "a third party was asked there":
        number = "+8613900139777"
        asked = {name: value for name, value in book.one(contact)._asdict().items() if name != "id"}
        asked |= {
            "party": "third_party",
            "purpose": "locate",
            "number_blind_index": book.ctx.cipher.blind_index(number),
        }
        with engine.begin() as connection:
            connection.execute(insert(contact).values(asked))
    if whose == "another borrower has it now":
        book.loan("L-2", borrower_id="B-2")
    if whose == "long ago":
        book.at("2026-06-02 10:00")

    texts(book, "别再联系我", number=number)

    ceased = {fact.borrower_id for fact in book.rows(person_fact)}
    names = {row.external_id for row in book.rows(borrower) if row.id in ceased}
    assert names == ({"B-2"} if whose == "another borrower has it now" else set())
    assert "opted_out" in book.number_facts()


def test_a_borrower_who_was_never_texted_is_known_by_the_number(book: Book) -> None:
    book.loan("L-3", phone="+8613900139000")
    texts(book, "你好", number="+8613900139000")
    kept = book.one(reply)
    assert kept.borrower_id is not None
    assert kept.loan_id == book.loan_id("L-3"), "the collector sees whose case it is"


def test_a_reply_that_somebody_saw_to_is_work_no_more(book: Book) -> None:
    texts(book, "我失业了")
    number = book.one(reply).id
    tell(book, "reply_read", reply=number, meaning="harmless", actor="c-1")
    assert (waiting(book), counted(book)) == ((), {})
    assert (book.one(reply).actor, book.one(reply).meaning) == ("c-1", "harmless")
    again = tell(book, "reply_read", reply=number, meaning="stop", actor="c-2")
    assert again.status == "rejected"
    assert f"c-1 has seen to reply {number} already." in speak(again.reason)
    assert book.number_facts() == []


def test_a_reply_that_does_not_exist_cannot_be_read(book: Book) -> None:
    with pytest.raises(ArrearsError, match="no reply 999"):
        open_reply(acting(book.ctx, Actor("c-1")), 999)
    assert tell(book, "reply_read", reply=999, meaning="stop", actor="c-1").status == "rejected"


def test_a_reply_whose_representation_is_logged_tells_nothing(book: Book) -> None:
    texts(book, "我失业了")
    assert "失业" not in repr(open_reply(acting(book.ctx, Actor("c-1")), book.one(reply).id))
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(borrower_number))
    assert texts(book, "STOP").locale is None
