"""Times and places that a person called inconvenient: kept for every loan, on every record."""

import json

import pytest
from sqlalchemy import Engine, select

from domain.compliance.gate import may_contact
from domain.compliance.inconvenient_times import INCONVENIENT_TIME
from domain.compliance.verdict import INCONVENIENT_PLACE, Verdict
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.language.speak import speak
from domain.reasons import ReasonCode
from tests.support.commands import arrears
from tests.support.encrypted import in_payload
from tests.support.environment import an_environment
from tests.support.events import store, tell
from tests.support.loans import Book
from workers.db.schema import person_fact, problem
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.apply import EventResult

OTHER_NUMBER = "+8613900139000"
MORNINGS = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "ends": "12:00"}
SUNDAYS = {"days": ["sun"]}


@pytest.fixture
def book(engine: Engine) -> Book:
    """A Monday morning. L-1 and L-2 are one borrower's; L-3 is the same person's under another id,
    with another number; `relative` is of somebody else, who has the number of the first record."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.loan("L-3", borrower_id="B-2", same_person_as="B-1", phone=OTHER_NUMBER)
    book.loan("relative")
    return book


def said(book: Book, fact: str, *, ended: bool = False, **more: object) -> EventResult:
    if isinstance(time := more.get("time"), dict):
        more["time"] = {"starts": "00:00", "ends": "00:00"} | time
    kind = "person_fact_end" if ended else "person_fact"
    return tell(book, kind, **({"borrower": "B-1", "fact": fact, "actor": "c-1"} | more))


def asked(book: Book, loan: str = "L-1", channel: Channel = Channel.CALL) -> Verdict:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan, book.clock.at)
    return may_contact(facts, channel, book.clock.at)


def may_call(book: Book) -> list[str]:
    return [book.may_call(loan) for loan in ("L-1", "L-2", "L-3", "relative")]


ALL = ["allowed"] * 4


def open_problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


def test_never_before_noon_reaches_every_loan_of_the_person_and_nobody_else(book: Book) -> None:
    assert said(book, "inconvenient_time", time=MORNINGS).status == "applied"
    assert may_call(book) == ["deferred"] * 3 + ["allowed"]
    assert asked(book).until == book.moment("2026-03-02 12:00")

    book.at("2026-03-02 12:00")
    assert may_call(book) == ALL

    book.at("2026-03-03 10:00")
    said(book, "inconvenient_time", ended=True)
    assert may_call(book) == ALL


def test_a_text_waits_for_the_first_moment_outside_of_them_and_goes_then(book: Book) -> None:
    book.escalate("L-1")
    said(book, "inconvenient_time", time=MORNINGS)
    assert book.send("L-1", "text_day_1") == "nothing to do"
    waiting = book.action("L-1", "text_day_1")
    assert (waiting.status, INCONVENIENT_TIME in waiting.rules) == ("deferred", True)
    assert waiting.due_at == book.moment("2026-03-02 12:00")

    book.at("2026-03-02 12:00")
    assert book.send("L-1", "text_day_1") == "accepted"


def test_what_waits_is_due_again_when_the_time_is_convenient_after_all(book: Book) -> None:
    book.escalate("L-1")
    said(book, "inconvenient_time", time=MORNINGS)
    book.send("L-1", "text_day_1")
    said(book, "inconvenient_time", time=MORNINGS, ended=True)
    assert book.send("L-1", "text_day_1") == "accepted"


def test_each_time_ends_by_itself_and_one_is_on_record_once(book: Book) -> None:
    said(book, "inconvenient_time", time=MORNINGS, until="2026-03-02T11:00:00+08:00")
    said(book, "inconvenient_time", time=SUNDAYS)
    said(book, "inconvenient_time", time=MORNINGS, until="2026-03-03T00:00:00+08:00")
    known = [row for row in book.rows(person_fact) if row.ended_at is None]
    assert len(known) == 2, "the same time until later takes the place of the one before"
    assert book.may_call("L-1") == "deferred"

    book.at("2026-03-03 10:00")
    assert book.may_call("L-1") == "allowed", "the mornings are over"
    book.at("2026-03-08 15:00")
    assert asked(book).until == book.moment("2026-03-09 08:00"), "and Sundays are not"

    said(book, "inconvenient_time", time=SUNDAYS, ended=True)
    assert book.may_call("L-1") == "allowed"


WORK = {"days": ["mon", "tue", "wed", "thu", "fri"], "starts": "09:00", "ends": "17:00"}
UNTIL_THURSDAY = "2026-03-05T00:00:00+08:00"


@pytest.mark.parametrize("for_good", [{}, {"channel": "call"}, {"until": "2026-04-01T00:00:00Z"}])
@pytest.mark.parametrize("for_now", [{}, {"channel": "call"}])
def test_a_wish_for_some_days_never_shortens_one_that_lasts_longer(
    book: Book, for_good: dict[str, str], for_now: dict[str, str]
) -> None:
    said(book, "inconvenient_time", time=WORK, **for_good)
    said(book, "inconvenient_time", time=WORK, until=UNTIL_THURSDAY, **for_now)
    assert may_call(book) == ["deferred"] * 3 + ["allowed"]
    book.at("2026-03-09 10:00")
    assert may_call(book) == ["deferred"] * 3 + ["allowed"], "the next Monday"


def test_a_wish_for_good_takes_the_place_of_one_for_some_days(book: Book) -> None:
    said(book, "inconvenient_time", time=WORK, until=UNTIL_THURSDAY)
    said(book, "inconvenient_time", time=WORK)
    book.at("2026-03-09 10:00")
    assert asked(book).permission == "deferred"
    said(book, "inconvenient_time", time=WORK, ended=True)
    assert asked(book).permission == "allowed"


def test_who_wants_a_time_to_count_shorter_is_told_to_end_it_first(book: Book) -> None:
    said(book, "inconvenient_time", time=WORK)
    result = said(book, "inconvenient_time", time=WORK, until=UNTIL_THURSDAY)
    assert (result.status, result.reason[0].code) == ("applied", ReasonCode.PERSON_FACT_LASTS)
    assert "End it first" in speak(result.reason)

    said(book, "inconvenient_time", time=WORK, ended=True)
    said(book, "inconvenient_time", time=WORK, until=UNTIL_THURSDAY)
    assert asked(book).permission == "deferred"
    book.at("2026-03-09 10:00")
    assert asked(book).permission == "allowed"


def test_a_place_for_some_days_leaves_the_place_for_good_alone(book: Book) -> None:
    said(book, "inconvenient_place", place="number", channel="call")
    said(book, "inconvenient_place", place="number", until=UNTIL_THURSDAY)
    assert asked(book, channel=Channel.SMS).permission == "deferred"
    book.at("2026-03-09 10:00")
    assert asked(book, channel=Channel.SMS).permission == "allowed"
    assert asked(book).permission == "deferred"


def test_a_time_may_be_about_one_channel(book: Book) -> None:
    said(book, "inconvenient_time", time=MORNINGS, channel="call")
    assert asked(book).permission == "deferred"
    assert asked(book, channel=Channel.SMS).permission == "allowed"


def test_a_time_counts_in_each_zone_of_the_person(book: Book) -> None:
    book.loan("far", zones=["Asia/Shanghai", "Asia/Tokyo"])
    said(book, "inconvenient_time", borrower="B-far", time={**MORNINGS, "starts": "11:00"})
    assert asked(book, "far").until == book.moment("2026-03-02 12:00"), "eleven in Tokyo"
    book.at("2026-03-02 09:59")
    assert book.may_call("far") == "allowed"


def test_if_nothing_of_the_hours_is_left_the_contact_is_barred(book: Book) -> None:
    nights_only = {**MORNINGS, "starts": "07:00", "ends": "23:00"}
    said(book, "inconvenient_time", time=nights_only)
    verdict = asked(book)
    assert (verdict.permission, verdict.rules) == ("barred", (INCONVENIENT_TIME,))
    assert [reason.code for reason in verdict.reason] == [ReasonCode.NO_CONVENIENT_TIME]
    assert "agree on a time with the borrower" in speak(verdict.reason)


NEVER = {**MORNINGS, "ends": "00:00"}


def test_what_was_barred_because_no_time_was_left_is_looked_at_again_when_the_wish_ends(
    book: Book,
) -> None:
    book.escalate("L-1")
    said(book, "inconvenient_time", time=NEVER)
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.actions("L-1")["text_day_1"] == "barred"
    said(book, "language", locale="en")
    assert book.actions("L-1")["text_day_1"] == "barred", "it says nothing about times"

    said(book, "inconvenient_time", ended=True)
    assert book.actions("L-1")["text_day_1"] == "deferred"
    assert speak(book.action("L-1", "text_day_1").reason) == (
        "What the person wishes has changed: it is checked again."
    )
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "accepted"


def test_it_is_skipped_if_the_ladder_went_on_without_it(book: Book) -> None:
    book.escalate("L-1")
    said(book, "inconvenient_time", time=NEVER)
    assert book.send("L-1", "text_day_1") == "nothing to do"
    book.at("2026-04-20 10:00").escalate("L-1")
    said(book, "inconvenient_time", ended=True)
    assert book.send("L-1", "text_day_1") == "nothing to do", "it is not due before the review"
    book.escalate("L-1")
    assert book.actions("L-1")["text_day_1"] == "skipped"


def test_so_it_is_when_somebody_parts_the_records(book: Book) -> None:
    book.escalate("L-1", "L-3")
    said(book, "inconvenient_time", borrower="B-2", time=NEVER)
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.actions("L-1")["text_day_1"] == "barred"
    told = {"status": "parted", "why": "a father and a son", "actor": "c-1"}
    tell(book, "same_person", borrower="B-1", other="B-2", **told)
    book.escalate("L-1", "L-3")
    assert book.send("L-1", "text_day_1") == "accepted"
    assert book.send("L-3", "text_day_1") == "nothing to do"


def test_each_problem_is_over_when_what_it_is_about_has_changed(book: Book) -> None:
    book.escalate("L-1")
    said(book, "inconvenient_place", place="number")
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert open_problems(book) == ["inconvenient_place"]
    said(book, "language", locale="en")
    said(book, "inconvenient_time", time=SUNDAYS)
    assert open_problems(book) == ["inconvenient_place"], "the number is as inconvenient as before"
    said(book, "inconvenient_place", place="number", ended=True)
    assert open_problems(book) == []


def test_if_nothing_is_left_until_a_day_the_contact_waits_for_that_day(book: Book) -> None:
    until = "2026-09-01T12:00:00+08:00"
    said(book, "inconvenient_time", time={**MORNINGS, "ends": "00:00"}, until=until)
    verdict = asked(book)
    assert (verdict.permission, verdict.until) == ("deferred", book.moment("2026-09-01 12:00"))


def test_a_number_is_inconvenient_for_the_person_and_not_for_others_who_have_it(
    book: Book,
) -> None:
    said(book, "inconvenient_place", place="number")
    assert may_call(book) == ["deferred", "deferred", "allowed", "allowed"]
    assert asked(book).rules == (INCONVENIENT_PLACE,)
    assert asked(book, channel=Channel.SMS).permission == "deferred"
    assert asked(book, channel=Channel.VISIT).permission == "allowed"

    said(book, "inconvenient_place", place="number", ended=True)
    assert may_call(book) == ALL


def test_it_stays_with_the_number_and_goes_where_the_person_goes(book: Book) -> None:
    said(book, "inconvenient_place", place="number")
    new = in_payload(book, "phone_encrypted", OTHER_NUMBER, "B-1")
    tell(book, "contact_change", borrower="B-1", phone_encrypted=new)
    assert may_call(book) == ALL, "the new number is another place"


def test_work_is_the_number_of_work_and_home_is_a_visit_and_a_fixed_line(book: Book) -> None:
    said(book, "inconvenient_place", place="work")
    said(book, "inconvenient_place", place="home")
    assert may_call(book) == ALL, "a mobile telephone is at no place"
    assert asked(book, channel=Channel.VISIT).rules == (INCONVENIENT_PLACE,)

    tell(book, "number_fact", borrower="B-1", fact=NumberFact.AT_WORK, actor="c-1")
    assert may_call(book) == ["deferred", "deferred", "allowed", "allowed"]
    tell(book, "number_fact_end", borrower="B-1", fact=NumberFact.AT_WORK, actor="c-1")
    tell(book, "number_fact", borrower="B-1", fact=NumberFact.NO_TEXTS, actor="c-1")
    assert asked(book).rules == (INCONVENIENT_PLACE,)


def test_an_address_is_inconvenient_for_the_person_until_another_one_comes(book: Book) -> None:
    def may_visit() -> list[str]:
        loans = ("L-1", "L-3", "relative")
        return [asked(book, loan, Channel.VISIT).permission for loan in loans]

    for borrower in ("B-1", "B-2", "B-relative"):
        move(book, borrower, "1 Example Road")
    said(book, "inconvenient_place", place="address")
    assert may_visit() == ["deferred", "deferred", "allowed"], "the same house"
    assert may_call(book) == ALL
    move(book, "B-1", "2 Example Road")
    assert may_visit() == ["allowed", "deferred", "allowed"]
    move(book, "B-1", "1, Example Road")
    assert may_visit() == ["deferred", "deferred", "allowed"], "they moved back"
    said(book, "inconvenient_place", place="address", ended=True)
    assert may_visit() == ["allowed"] * 3

    move(book, "B-1", None)
    missing = said(book, "inconvenient_place", place="address")
    assert missing.reason[0].code is ReasonCode.NO_ADDRESS_TO_NAME


def move(book: Book, borrower: str, address: str | None) -> None:
    new = address and in_payload(book, "address_encrypted", address, borrower)
    tell(book, "contact_change", borrower=borrower, address_encrypted=new)


def test_an_address_at_work_is_work_and_not_the_home(book: Book) -> None:
    move(book, "B-1", "1 Example Road")
    said(book, "inconvenient_place", place="work")
    assert asked(book, channel=Channel.VISIT).permission == "allowed"
    at_work = {"borrower": "B-1", "fact": "at_work", "actor": "c-1"}
    assert tell(book, "address_fact", **at_work).status == "applied"
    assert asked(book, channel=Channel.VISIT).rules == (INCONVENIENT_PLACE,)
    said(book, "inconvenient_place", place="work", ended=True)
    said(book, "inconvenient_place", place="home")
    assert asked(book, channel=Channel.VISIT).permission == "allowed", "home is elsewhere"


def test_a_report_that_says_no_time_and_one_of_a_single_debt_are_refused(book: Book) -> None:
    for fact in ("inconvenient_time", "inconvenient_place", "language"):
        assert said(book, fact).reason[0].code is ReasonCode.PERSON_FACT_INCOMPLETE
    about_one = said(book, "inconvenient_time", time=SUNDAYS, loan="L-1")
    assert about_one.reason[0].code is ReasonCode.FACT_HAS_NO_LOAN
    book.loan("no number", phone=None)
    missing = said(book, "inconvenient_place", borrower="B-no number", place="number")
    assert missing.reason[0].code is ReasonCode.NO_NUMBER_TO_NAME


def test_a_report_that_is_not_applied_yet_stops_contact(book: Book) -> None:
    book.escalate("L-2")
    store(book, "person_fact", borrower="B-1", fact="inconvenient_time", actor="c-1")
    assert book.send("L-2", "text_day_1") == "nothing to do"


def test_the_staff_say_it_at_the_command_line_and_the_story_tells_it(
    book: Book, database_url: str
) -> None:
    environment = an_environment(database_url)
    for command in (
        ("inconvenient_time", "--time", "sat-sun 22:00-06:00", "--channel", "call"),
        ("inconvenient_time", "--time", "every_day", "--until", "2099-12-31"),
        ("inconvenient_place", "--place", "number"),
        ("language", "--locale", "en"),
    ):
        done = arrears(environment, "person", "note", "B-1", *command, by="c-1")
        assert done.returncode == 0, done.stderr + done.stdout
    for command, remedy in (
        (("inconvenient_time",), "which time, which place or which language"),
        (("inconvenient_time", "--time", "Sundays"), "no time of the week"),
        (("represented", "--place", "home"), "place goes only with inconvenient_place"),
        (("language", "--locale", "en", "--until", "2099-12-31"), "ends by itself"),
    ):
        refused = arrears(environment, "person", "note", "B-1", *command, by="c-1")
        assert (refused.returncode != 0, remedy in refused.stderr) == (True, True), refused.stderr
    done = arrears(environment, "person", "end", "B-1", "inconvenient_place", by="c-1")
    assert done.returncode == 0, done.stderr + done.stdout

    shown = arrears(environment, "person", "show", "B-2", "--json")
    known = [(row["fact"], row["details"]) for row in json.loads(shown.stdout)["facts"]]
    assert known == [
        ("inconvenient_time", ["call", "sat sun 22:00-06:00"]),
        ("inconvenient_time", ["mon tue wed thu fri sat sun 00:00-00:00"]),
        ("language", ["en"]),
    ]
    assert "22:00-06:00" in arrears(environment, "person", "show", "B-1").stdout
    asked_for = arrears(environment, "may-contact", "L-3", "call", "--at", "2026-03-02 10:00")
    assert "The borrower called this time inconvenient: every day" in asked_for.stdout

    for language, sentences in {
        "en": (
            "It is Saturday, Sunday, 22:00 to 06:00. It is only about contact by call.",
            "It is every day, 00:00 to 24:00. It counts until 2099-12-31",
            "a place is inconvenient for them (source: c-1). It is this telephone number.",
            "It is en.",
        ),
        "zh": ("时间为星期六、星期日，22:00至06:00。", "地点为该电话号码。"),
    }.items():
        with book.ctx.engine.connect() as connection:
            told = loan_history(connection, book.ctx, "L-3", language=language)
        story = "\n".join(entry.text for entry in told)
        for sentence in sentences:
            assert sentence in story, story
    ended = select(person_fact.c.kind).where(person_fact.c.ended_at.is_not(None))
    assert [row.kind for row in book.rows(ended)] == ["inconvenient_place"]
