"""Borrowers' texts: a stop beats every text that is not claimed yet, the rest finds a person."""

from functools import partial
from itertools import count

import pytest
from sqlalchemy import Engine, delete

from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.errors import ArrearsError
from domain.inbound_texts import ReplyKind
from domain.language.speak import speak
from tests.support.concurrently import concurrently
from tests.support.events import tell
from tests.support.loans import PHONE, Book
from workers.borrowers.inbound_texts import RecordedText, record_inbound_text
from workers.borrowers.reply_queue import (
    ReplyToRead,
    assign_replies,
    count_replies,
    open_reply,
    read_replies,
)
from workers.calls.assign import assign_call
from workers.db.schema import borrower_number, reply
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
        return read_replies(connection, book.ctx.settings.lender_zone, staff_id)


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
    assert book.actions("L-2")["text_day_1"] in {"barred", "done"}
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


# --- for a person


def test_any_other_text_is_encrypted_and_belongs_to_the_loan_that_was_texted_last(
    book: Book,
) -> None:
    texts(book, "我失业了")
    kept = book.one(reply)
    assert (kept.kind, kept.loan_id) == ("other", book.loan_id("L-1"))
    assert "我失业了".encode() not in bytes(kept.body_encrypted)
    assert open_reply(book.ctx, kept.id, actor=Actor("c-1")).body == "我失业了"

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
    assert (again.status, speak(again.reason)) == (
        "rejected",
        f"c-1 has seen to reply {number} already.",
    )
    assert book.number_facts() == []


def test_a_reply_that_does_not_exist_cannot_be_read(book: Book) -> None:
    with pytest.raises(ArrearsError, match="no reply 999"):
        open_reply(book.ctx, 999, actor=Actor("c-1"))
    assert tell(book, "reply_read", reply=999, meaning="stop", actor="c-1").status == "rejected"


def test_a_reply_whose_representation_is_logged_tells_nothing(book: Book) -> None:
    texts(book, "我失业了")
    assert "失业" not in repr(open_reply(book.ctx, book.one(reply).id, actor=Actor("c-1")))
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(borrower_number))
    assert texts(book, "STOP").locale is None
