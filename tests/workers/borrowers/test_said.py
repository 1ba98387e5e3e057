"""What a person says in a call, at a visit or in a text of when, where and how to reach them."""

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.compliance.gate import may_contact
from domain.compliance.inconvenient_times import INCONVENIENT_TIME
from domain.compliance.verdict import INCONVENIENT_PLACE, Verdict
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode
from tests.support.acting import acting
from tests.support.commands import arrears
from tests.support.encrypted import in_payload
from tests.support.environment import an_environment
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import borrower, person_fact, problem, reply
from workers.gate.facts import read_contact_facts
from workers.inbox.apply import EventResult
from workers.sms.providers.port import InboundText

OTHER_NUMBER = "+8613900139000"
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MORNINGS = {
    "fact": "inconvenient_time",
    "time": {"days": EVERY_DAY, "starts": "00:00", "ends": "12:00"},
}
THIS_NUMBER = {"fact": "inconvenient_place", "place": "number"}


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are one borrower's, L-3 is the same person's with another number; a relative has
    the number of the first two."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.loan("L-3", borrower_id="B-2", same_person_as="B-1", phone=OTHER_NUMBER)
    book.loan("relative")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    return book


def asked(book: Book, loan: str = "L-1", channel: Channel = Channel.CALL) -> Verdict:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan, book.clock.at)
    return may_contact(facts, channel, book.clock.at)


def a_call(book: Book) -> str:
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return str(start_call(acting(book.ctx, Actor("c-1")), "L-1").attempt)


def ends(book: Book, attempt: str, outcome: str = "spoke", *said: object) -> EventResult:
    return tell(
        book,
        "contact_outcome",
        attempt=attempt,
        outcome=outcome,
        reason="forgot" if outcome == "spoke" else None,
        said=list(said),
        actor="c-1",
    )


def test_never_before_noon_said_in_a_call_is_kept_for_every_loan(book: Book) -> None:
    assert ends(book, a_call(book), "spoke", MORNINGS).status == "applied"
    book.at("2026-03-15 10:00")
    for loan in ("L-1", "L-3"):
        assert INCONVENIENT_TIME in asked(book, loan, Channel.SMS).rules
    assert book.one(person_fact).source == "c-1"


def test_not_at_this_number_means_the_number_that_was_called(book: Book) -> None:
    ends(book, a_call(book), "spoke", THIS_NUMBER, {"fact": "employer_forbids"})
    assert asked(book, "L-1", Channel.SMS).rules == (INCONVENIENT_PLACE,)
    assert asked(book, "L-3", Channel.SMS).permission == "allowed", "another number"
    assert [row.kind for row in book.rows(person_fact)] == [
        "inconvenient_place",
        "employer_forbids",
    ]


def test_what_was_said_is_not_lost_when_an_outcome_comes_again(book: Book) -> None:
    attempt = a_call(book)
    assert ends(book, attempt, "spoke").status == "applied"
    again = ends(book, attempt, "spoke", MORNINGS)
    assert again.reason[0].code is ReasonCode.OUTCOME_KNOWN
    assert book.one(person_fact).kind == "inconvenient_time"
    ends(book, attempt, "spoke", MORNINGS)
    open_ones = select(person_fact.c.id).where(person_fact.c.ended_at.is_(None))
    assert len(book.rows(open_ones)) == 1


def test_where_nobody_was_reached_nobody_said_anything(book: Book) -> None:
    refused = ends(book, a_call(book), "no_answer", MORNINGS)
    assert (refused.status, refused.reason[0].code) == (
        "rejected",
        ReasonCode.NOBODY_SAID_ANYTHING,
    )


def test_somebody_who_calls_in_says_it_too(book: Book) -> None:
    inbound = {
        "contact": "call-1",
        "loan": "L-2",
        "channel": "call",
        "at": "2026-03-02T09:00:00+08:00",
        "reason": None,
        "also_about": [],
        "actor": "c-1",
    }
    done = tell(book, "inbound_contact", **inbound, outcome="spoke", said=[MORNINGS])
    assert done.status == "applied"
    assert INCONVENIENT_TIME in asked(book, "L-3").rules
    again = {**inbound, "contact": "call-2"}
    refused = tell(book, "inbound_contact", **again, outcome="spoke", said=[THIS_NUMBER])
    assert refused.reason[0].code is ReasonCode.NO_NUMBER_TO_NAME
    missed = tell(book, "inbound_contact", **again, outcome="no_answer", said=[MORNINGS])
    assert missed.reason[0].code is ReasonCode.OUTCOME_NOT_INBOUND


def writes(book: Book, body: str, phone: str = PHONE["CN"]) -> int:
    text = InboundText("twilio", f"SM-{body}", phone, body, None)
    record_inbound_text(book.ctx, text, help_is_answered=True)
    return int(book.rows(select(reply.c.id).order_by(reply.c.id))[-1].id)


def read(book: Book, reply_id: int, meaning: str, *said: object) -> EventResult:
    extra = {"said": list(said)} if said else {}
    return tell(book, "reply_read", reply=reply_id, meaning=meaning, actor="c-1", **extra)


def test_a_person_reads_i_work_nights_and_everybody_who_has_the_number_is_kept_from_it(
    book: Book,
) -> None:
    assert read(book, writes(book, "我上夜班"), "wishes", MORNINGS).status == "applied"
    for loan in ("L-1", "L-2", "L-3", "relative"):
        assert INCONVENIENT_TIME in asked(book, loan).rules
    book.at("2026-03-02 12:00")
    assert asked(book, "L-2", Channel.SMS).permission == "allowed", "the text was read"


IN_ENGLISH = {"fact": "language", "locale": "en"}
UNTIL_THURSDAY = {"until": "2026-03-05T00:00:00+08:00"}


def known(book: Book, fact: str) -> list[tuple[str, str | None]]:
    """What is known now of whom, with the language."""
    rows = (
        select(borrower.c.external_id, person_fact.c.locale)
        .join(person_fact, person_fact.c.borrower_id == borrower.c.id)
        .where(person_fact.c.kind == fact, person_fact.c.ended_at.is_(None))
    )
    return sorted((row.external_id, row.locale) for row in book.rows(rows))


def test_a_wish_of_a_relative_for_some_days_does_not_shorten_that_of_the_borrower(
    book: Book,
) -> None:
    tell(book, "person_fact", borrower="B-1", **MORNINGS, actor="c-1")
    text = writes(book, "请不要在周四前的上午联系")
    read(book, text, "wishes", {**MORNINGS, **UNTIL_THURSDAY})
    book.at("2026-03-04 10:00")
    assert [book.may_call(loan) for loan in ("L-1", "relative")] == ["deferred", "deferred"]
    book.at("2026-03-09 10:00")
    assert [book.may_call(loan) for loan in ("L-1", "relative")] == ["deferred", "allowed"]


def test_a_language_from_a_number_that_two_people_have_replaces_no_language_of_either(
    book: Book,
) -> None:
    tell(book, "person_fact", borrower="B-1", fact="language", locale="zh-Hans", actor="c-1")
    read(book, writes(book, "English please"), "wishes", IN_ENGLISH)
    assert known(book, "language") == [("B-1", "zh-Hans"), ("B-relative", "en")]


def test_a_text_read_late_does_not_replace_the_language_that_was_said_since(book: Book) -> None:
    text = writes(book, "请用英语", OTHER_NUMBER)
    book.at("2026-03-02 10:30")
    tell(book, "person_fact", borrower="B-2", fact="language", locale="zh-Hans", actor="c-1")
    book.at("2026-03-02 11:00")
    read(book, text, "wishes", IN_ENGLISH)
    assert known(book, "language") == [("B-2", "zh-Hans")]


@pytest.mark.parametrize("by_whom", ["the lender", "the person"])
def test_what_somebody_else_says_shortens_no_wish_and_replaces_no_language(
    book: Book, by_whom: str
) -> None:
    tell(book, "person_fact", borrower="B-1", **MORNINGS, channel="call", actor="c-1")
    tell(book, "person_fact", borrower="B-1", fact="language", locale="zh-Hans", actor="c-1")
    said = [{**MORNINGS, **UNTIL_THURSDAY, "channel": "call"}, IN_ENGLISH]
    book.at("2026-03-02 12:30")
    if by_whom == "the lender":
        assert ends(book, a_call(book), "spoke_with_other", *said).status == "applied"
    else:
        at = {"channel": "call", "at": "2026-03-02T12:00:00+08:00", "reason": None, "actor": "c-1"}
        call = {"contact": "call-1", "loan": "L-1", "also_about": [], **at}
        done = tell(book, "inbound_contact", **call, outcome="spoke_with_other", said=said)
        assert done.status == "applied"
    book.at("2026-03-09 10:00")
    assert asked(book).permission == "deferred"
    assert known(book, "language") == [("B-1", "zh-Hans")]


def test_what_somebody_else_says_protects_the_borrower_who_said_nothing(book: Book) -> None:
    ends(book, a_call(book), "spoke_with_other", MORNINGS, IN_ENGLISH)
    assert known(book, "inconvenient_time") == [("B-1", None)]
    assert known(book, "language") == [("B-1", "en")]


def test_not_at_this_number_in_a_text_means_the_number_it_came_from(book: Book) -> None:
    read(book, writes(book, "这是公司的号码"), "wishes", THIS_NUMBER)
    assert asked(book, "L-1").rules == (INCONVENIENT_PLACE,)
    assert asked(book, "L-3").permission == "allowed"


def test_wishes_of_a_number_that_nobody_has_are_not_lost_silently(book: Book) -> None:
    stranger = writes(book, "我上夜班", "+8613900139777")
    for meaning, said in (("wishes", [MORNINGS]), ("no_consent", [])):
        refused = read(book, stranger, meaning, *said)
        assert refused.reason[0].code is ReasonCode.REPLY_OF_NOBODY
    assert read(book, stranger, "stop").status == "applied"


def test_a_consent_is_taken_back_by_a_text(book: Book) -> None:
    book.at("2026-03-02 23:00")
    for fact in ("agreed_other_hours", "agreed_more_contacts"):
        tell(book, "person_fact", borrower="B-1", fact=fact, actor="c-1")
    assert asked(book).permission == "allowed"
    read(book, writes(book, "晚上别打电话"), "no_consent")
    assert asked(book).permission == "deferred"
    assert [row.ended_by for row in book.rows(person_fact)] == ["c-1", "c-1"]


def test_a_consent_ends_by_itself_and_by_a_command(book: Book, database_url: str) -> None:
    book.at("2026-03-02 23:00")
    until = "2026-03-03T00:00:00+08:00"
    tell(book, "person_fact", borrower="B-1", fact="agreed_other_hours", until=until, actor="c-1")
    assert asked(book).permission == "allowed"
    book.at("2026-03-03 00:00")
    assert asked(book).permission == "deferred"

    tell(book, "person_fact", borrower="B-1", fact="agreed_other_hours", actor="c-1")
    assert asked(book).permission == "allowed"
    environment = an_environment(database_url)
    done = arrears(environment, "person", "end", "B-1", "agreed_other_hours", by="c-1")
    assert done.returncode == 0, done.stderr
    assert asked(book).permission == "deferred"


def test_a_consent_to_more_contacts_frees_from_no_hour_and_the_other_from_no_cap(
    book: Book,
) -> None:
    book.at("2026-03-02 23:00")
    tell(book, "person_fact", borrower="B-1", fact="agreed_more_contacts", actor="c-1")
    assert asked(book).permission == "deferred"


def test_the_staff_say_it_with_the_outcome_and_with_the_reply(
    book: Book, database_url: str
) -> None:
    environment = an_environment(database_url)
    a_call(book)
    wishes = ("--inconvenient-time", "sun", "--inconvenient-place", "number", "--speaks", "en")
    outcome = ("call", "outcome", "L-1", "--outcome", "spoke", "--reason", "forgot")
    text = writes(book, "周日别找我")
    close = ("reply", "close", str(text), "--means")
    for command in ((*outcome, *wishes), (*close, "wishes", "--inconvenient-time", "sun")):
        done = arrears(environment, *command)
        assert done.returncode == 0, done.stderr + done.stdout
    for command in ((*close, "wishes"), (*close, "stop", "--speaks", "en")):
        refused = arrears(environment, *command)
        assert "`--means wishes`, and nothing else" in refused.stderr
    unreadable = arrears(environment, *close, "wishes", "--speaks", "English!")
    assert "is not a language" in unreadable.stderr
    kinds = {row.kind for row in book.rows(person_fact)}
    assert kinds == {"inconvenient_time", "inconvenient_place", "language"}


def test_a_contact_that_no_time_is_left_for_is_a_problem_with_its_remedy(book: Book) -> None:
    book.escalate("L-1")
    always = {"days": EVERY_DAY, "starts": "00:00", "ends": "00:00"}
    tell(book, "person_fact", borrower="B-1", fact="inconvenient_time", time=always, actor="c-1")
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.action("L-1", "text_day_1").status == "barred"
    (found,) = book.rows(problem)
    assert (found.kind, found.detail[0].code) == (
        "no_convenient_time",
        ReasonCode.NO_CONVENIENT_TIME,
    )

    tell(book, "person_fact_end", borrower="B-1", fact="inconvenient_time", actor="c-1")
    assert book.one(problem).resolved_at is not None


def test_an_inconvenient_place_is_a_problem_until_another_number_comes(book: Book) -> None:
    tell(
        book,
        "person_fact",
        borrower="B-1",
        fact="inconvenient_place",
        place="number",
        actor="c-1",
    )
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert book.one(problem).kind == "inconvenient_place"
    new = in_payload(book, "phone_encrypted", "+8613900139555", "B-1")
    tell(book, "contact_change", borrower="B-1", phone_encrypted=new)
    assert book.one(problem).resolved_at is not None
    assert book.send("L-1", "text_day_1") == "accepted"


AT_WORK = {"fact": "inconvenient_place", "place": "work"}


def test_a_fact_of_a_guarantor_does_not_resolve_the_problem_of_the_borrower(book: Book) -> None:
    book.loan("L-9", borrower_id="B-9", phone="+8613900139009")
    tell(book, "loan_party", loan="L-1", borrower="B-9", role="guarantor", actor="c-1")
    tell(book, "person_fact", borrower="B-1", **THIS_NUMBER, actor="c-1")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    for kind in ("person_fact", "person_fact_end"):
        tell(book, kind, borrower="B-9", **AT_WORK, actor="c-1")
    inbound = {"contact": "call-1", "loan": "L-9", "channel": "call", "reason": None}
    at = {"at": "2026-03-02T09:00:00+08:00", "also_about": [], "actor": "c-1"}
    tell(book, "inbound_contact", **inbound, **at, outcome="spoke", said=[MORNINGS])
    read(book, writes(book, "早上别打", "+8613900139009"), "wishes", MORNINGS)
    assert book.one(problem).resolved_at is None

    tell(book, "person_fact_end", borrower="B-2", **AT_WORK, actor="c-1")
    assert book.one(problem).resolved_at is not None, "a fact of the borrower, on another record"
