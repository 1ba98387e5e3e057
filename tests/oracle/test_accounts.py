"""What the oracle says of promises, plans, complaints, follow-ups and tries in made-up logs.

Nothing of what is right, and something of each wrong that is planted.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.accounts import Account
from tests.oracle.agreements import Pledge
from tests.oracle.happened import Complained, Disputed, Made, Paid, Plan, Promised
from tests.oracle.on_record import Found, of_calls

CN = ZoneInfo("Asia/Shanghai")
DUE = date(2026, 3, 2)


def on(day: str, clock: str = "10:00") -> datetime:
    return datetime.fromisoformat(f"2026-{day} {clock}").replace(tzinfo=CN)


def an_account() -> Account:
    """Of 900.00 that fell due on Monday, 2 March."""
    schedule = ((DUE, 900_00), (date(2026, 4, 1), 900_00))
    return Account(
        "L-1", "consumer_loan_cn", "Asia/Shanghai", CN, [(on("03-02", "00:00"), schedule)]
    )


def text(day: str, item: str = "text_day_1") -> Made:
    return Made(on(day), "sms", item)


def call(day: str, clock: str = "10:00", by: str = "c-1", outcome: str = "no_answer") -> Made:
    return Made(on(day, clock), "call", "enquiry_call", by, outcome, DUE, on(day, clock))


def promised(*days: str, made: str = "03-03") -> Account:
    account = an_account()
    parts = tuple((on(day).date(), 900_00 // len(days)) for day in days)
    account.promised.append(Promised("PR-1", Pledge(parts, on(made))))
    return account


def paid(account: Account, day: str, cents: int) -> Account:
    account.paid[f"P-{day}"] = Paid(on(day).date(), on(day), cents)
    return account


def looked(account: Account, *days: str) -> Account:
    for day in days:
        account.look(on(day))
        account.day_ends(on(day))
    return account


def with_plan(*, active: bool = True) -> Account:
    """A plan of one instalment on 9 March, with five days of grace."""
    account = an_account()
    answer_by = date(2026, 3, 8)
    plan = Plan("AR-1", on("03-03"), answer_by, ((date(2026, 3, 9), 900_00),), 5, 1)
    if active:
        plan.active_at = on("03-03")
        account.schedules.append((on("03-03"), ((date(2026, 3, 9), 900_00),)))
    account.plans.append(plan)
    return account


def complained(*, stops_all: bool = False, answered: str | None = None) -> Account:
    account = an_account()
    answered_at = on(answered) if answered else None
    matter = Complained("C-1", on("03-04"), "c-1", stops_all, date(2026, 3, 19), answered_at)
    account.complained.append(matter)
    return account


def said_paid(*days: str) -> Account:
    """Each time they are left alone, and as often as the ladder allows it."""
    account = an_account()
    for n, day in enumerate(days):
        account.look(on(day))
        account.says_paid(f"a-{n}", on(day))
    return account


def disputed(answered: str | None = None) -> Account:
    account = an_account()
    account.disputed.append(Disputed("D-1", on("03-04"), on(answered) if answered else None))
    return account


def asked_for_callback(day: str, clock: str = "10:00") -> Made:
    """By the call of 9 March."""
    made = call("03-09", outcome="callback_requested")
    made.again_at = on(day, clock)
    return made


def called(*calls: Made) -> Account:
    account = an_account()
    account.made += calls
    return account


LAWFUL: dict[str, Callable[[], tuple[Account, Made]]] = {
    "a text in its step": lambda: (an_account(), text("03-03")),
    "a call that was never tried": lambda: (an_account(), call("03-09")),
    "the next try in another part of the next day": lambda: (
        called(call("03-09")),
        call("03-10", "12:00"),
    ),
    "another collector on the next day": lambda: (
        called(call("03-09")),
        call("03-10", "12:00", by="c-2"),
    ),
    "by another collector than the one complained of": lambda: (
        complained(),
        call("03-09", by="c-2"),
    ),
    "after the complaint was rejected": lambda: (complained(answered="03-06"), call("03-09")),
    "after the dispute was answered": lambda: (disputed("03-08"), call("03-09")),
    "when the days after they said that they paid are over": lambda: (
        said_paid("03-09"),
        Made(on("03-14"), "call", "payment_not_seen_call", "c-1"),
    ),
    "at the moment that they asked for, whatever the tries and the hours": lambda: (
        called(asked_for_callback("03-09", "11:00")),
        call("03-09", "11:00"),
    ),
    "a callback after the step": lambda: (
        called(asked_for_callback("04-02")),
        call("04-02"),
    ),
    "when what was agreed was not paid, and the ledger is silent": lambda: (
        looked(with_plan(active=False), "03-08", "03-16"),
        call("03-16"),
    ),
    "after the plan is in default": lambda: (
        looked(with_plan(), *(f"03-{day:02}" for day in range(3, 17))),
        Made(on("03-16"), "sms", "arrangement_default_notice"),
    ),
    "after the days of grace that began anew with money that went back": lambda: (
        looked(_gone_back("03-15"), "03-16", "03-22"),
        Made(on("03-22"), "sms", "arrangement_default_notice"),
    ),
    "a call about a promise that was broken": lambda: (
        looked(promised("03-04"), "03-03", "03-04", "03-05", "03-06"),
        Made(on("03-06"), "call", "promise_broken_call", "c-1"),
    ),
}


@pytest.mark.parametrize("what", LAWFUL)
def test_what_may_be_done_breaks_nothing(what: str) -> None:
    account, made = LAWFUL[what]()
    assert account.against(made) == []


UNLAWFUL: dict[str, tuple[Callable[[], tuple[Account, Made]], str]] = {
    "during a promise": (lambda: (promised("03-06"), text("03-03")), "they had promised to pay"),
    "during a promise whose first part was paid": (
        lambda: (paid(promised("03-04", "03-12"), "03-04", 450_00), call("03-09")),
        "they had promised to pay",
    ),
    "a reminder of what is paid": (
        lambda: (
            paid(promised("03-06", "03-12"), "03-04", 450_00),
            Made(on("03-05"), "sms", "promise_reminder"),
        ),
        "nothing that promise_reminder answers had happened",
    ),
    "a call about a promise that was kept": (
        lambda: (
            looked(paid(promised("03-04"), "03-04", 500_00), "03-04"),
            Made(on("03-04"), "call", "promise_broken_call", "c-1"),
        ),
        "nothing that promise_broken_call answers had happened",
    ),
    "the first that was broken is called about as the second": (
        lambda: (
            looked(promised("03-04"), "03-03", "03-04", "03-05", "03-06"),
            Made(on("03-06"), "call", "hardship_offer", "c-1"),
        ),
        "nothing that hardship_offer answers had happened",
    ),
    "too late for what follows from a broken promise": (
        lambda: (
            looked(promised("03-04"), "03-03", "03-04", "03-05", "03-06"),
            Made(on("03-12"), "call", "promise_broken_call", "c-1"),
        ),
        "nothing that promise_broken_call answers had happened",
    ),
    "while a plan is kept": (lambda: (with_plan(), text("03-12")), "a plan was kept"),
    "while its days of grace last": (lambda: (with_plan(), call("03-15")), "a plan was kept"),
    "while the ledger has not answered": (
        lambda: (with_plan(active=False), text("03-04")),
        "a plan was kept",
    ),
    "while the ledger is silent, and nothing of what was agreed is missed": (
        lambda: (looked(with_plan(active=False), "03-08", "03-15"), call("03-15")),
        "a plan was kept",
    ),
    "on the last day of grace after money of the plan went back": (
        lambda: (looked(_gone_back("03-15"), "03-16", "03-21"), call("03-21")),
        "a plan was kept",
    ),
    "on a day of grace more for each day of a dispute": (
        lambda: (looked(_plan_disputed(), "03-16"), call("03-16")),
        "a plan was kept",
    ),
    "a notice of a default that was none": (
        lambda: (with_plan(), Made(on("03-12"), "sms", "arrangement_default_notice")),
        "nothing that arrangement_default_notice answers had happened",
    ),
    "a second notice of one default": (
        lambda: (_noticed(), Made(on("03-18"), "sms", "arrangement_default_notice")),
        "arrangement_default_notice had answered it already",
    ),
    "by who was complained of": (
        lambda: (complained(), call("03-09")),
        "they had complained of who calls",
    ),
    "by who was rightly complained of": (
        lambda: (_rightly(), call("03-09")),
        "they had complained of who calls",
    ),
    "before a complaint that stops everybody is answered": (
        lambda: (complained(stops_all=True), call("03-09", by="c-2")),
        "their complaint was not answered",
    ),
    "before a dispute is answered": (
        lambda: (disputed(), call("03-09")),
        "their dispute was not answered",
    ),
    "before the days after they said that they paid are over": (
        lambda: (said_paid("03-09"), call("03-13")),
        "they had said that they paid",
    ),
    "a call about money that nobody said was paid": (
        lambda: (an_account(), Made(on("03-14"), "call", "payment_not_seen_call", "c-1")),
        "nothing that payment_not_seen_call answers had happened",
    ),
    "the other call that an outcome may bring": (
        lambda: (said_paid("03-09"), Made(on("03-14"), "call", "after_hardship_call", "c-1")),
        "nothing that after_hardship_call answers had happened",
    ),
    "after who said that they paid told the reason": (
        lambda: (
            called(replace(call("03-09", outcome="says_paid"), told_reason=True)),
            call("03-16", "12:00"),
        ),
        "what was to be learnt was learnt",
    ),
    "before the moment that they asked for": (
        lambda: (called(asked_for_callback("03-12")), call("03-11", "12:00")),
        "they had asked to be called later",
    ),
    "two collectors on one day": (
        lambda: (called(call("03-09")), call("03-09", "18:00", by="c-2")),
        "another collector had called today",
    ),
    "too soon after the try before": (
        lambda: (called(call("03-09")), call("03-09", "18:00")),
        "the next try was not before 2026-03-10 12:00:00+08:00",
    ),
    "at the hour of the try before": (
        lambda: (called(call("03-09", "11:00")), call("03-10", "11:30")),
        "the next try was not before 2026-03-10 12:00:00+08:00",
    ),
    "one try too many": (
        lambda: (called(*(call(f"03-{day}") for day in range(10, 16))), call("03-18")),
        "its tries were used up",
    ),
    "after the reason was learnt": (
        lambda: (called(call("03-09", outcome="spoke")), call("03-11", "12:00")),
        "what was to be learnt was learnt",
    ),
    "after its step": (
        lambda: (an_account(), text("03-09")),
        "it was day 7, and text_day_1 is of 1 to 3",
    ),
    "again on the day on which they could not talk": (
        lambda: (called(call("03-09", "09:00", outcome="cannot_talk")), text("03-09")),
        "they had ended it for today",
    ),
    "about what is paid": (
        lambda: (paid(an_account(), "03-03", 900_00), text("03-04")),
        "nothing that matters was past due",
    ),
}


def _gone_back(day: str) -> Account:
    """Money of the plan came in time, and went back on a day."""
    account = paid(looked(with_plan(), "03-03"), "03-09", 900_00)
    account.money_changed(on("03-09"))
    account.paid["P-03-09"].gone_at = on(day)
    account.money_changed(on(day), lost="P-03-09")
    return account


def _plan_disputed() -> Account:
    """The ledger's schedule was in dispute for two of the days after an instalment fell due."""
    account = with_plan()
    account.disputed.append(Disputed("D-1", on("03-10"), on("03-12")))
    return account


def _noticed() -> Account:
    account = looked(with_plan(), *(f"03-{day:02}" for day in range(3, 17)))
    account.made.append(Made(on("03-16"), "sms", "arrangement_default_notice"))
    return account


def _rightly() -> Account:
    account = complained(answered="03-06")
    account.complained[0].upheld = True
    return account


@pytest.mark.parametrize("what", UNLAWFUL)
def test_what_may_not_be_done_is_found(what: str) -> None:
    made_up, broken = UNLAWFUL[what]
    account, made = made_up()
    said = [each.replace("Z", "+00:00") for each in account.against(made)]
    assert any(_same(broken, each) for each in said), said


def _same(wanted: str, said: str) -> bool:
    """Moments are told in any zone."""
    before, _, moment = wanted.partition(" before ")
    if not moment or not said.startswith(before):
        return wanted == said
    return datetime.fromisoformat(moment) == datetime.fromisoformat(said.partition(" before ")[2])


def test_who_says_for_the_third_time_that_they_paid_is_not_left_alone_again() -> None:
    account = said_paid("03-03", "03-10", "03-20")
    assert [said.until and f"{said.until:%m-%d}" for said in account.said_paid] == [
        *("03-08", "03-15", None)
    ]
    assert [f"{cause.on:%m-%d}" for cause in account.causes] == ["03-08", "03-15", "03-21"]

    looked(paid(account, "03-21", 900_00), "03-21")
    account.look(on("04-02"))
    assert account.says_paid("a-4", on("04-02")).until == date(2026, 4, 7), "in other arrears"


TRIED = [f"03-{day}" for day in range(10, 16)]
"""The days of all tries of an enquiry."""


def _of_calls(tries: int, *, done: bool, last: str = "no_answer") -> list[str]:
    calls = [call(day) for day in TRIED[:tries]]
    if calls:
        calls[-1].outcome = last
    not_reached = [("enquiry_call", DUE)] if done else []
    found = Found({}, {}, {}, not_reached, {}, set(), [], {})
    return list(of_calls(called(*calls), found))


def test_a_call_is_not_reached_after_all_its_tries_and_not_before() -> None:
    assert _of_calls(6, done=True) == _of_calls(5, done=False) == []
    assert _of_calls(6, done=False, last="spoke") == [], "it was learnt"
    assert _of_calls(6, done=False) == [
        "enquiry_call is not done as not reached, after 6 tries of 6"
    ]
    assert _of_calls(5, done=True) == ["enquiry_call is not reached after 5 tries of 6"]
    assert _of_calls(0, done=True) == ["enquiry_call is not reached, and nobody tried"]
