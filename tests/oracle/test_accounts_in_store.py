"""Arrears itself, with all that people agree, judged; and each fault of a broken one is caught."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from domain import arrangements
from domain.call_plan import CallPlan
from domain.compliance.contact_facts import ContactFacts
from domain.promises import ReceivedPayment
from domain.reasons import ReasonCode
from tests.oracle import accounts_in_store, what_comes_in
from tests.oracle.accounts_in_store import live_with_agreements
from workers.attempts import outcomes, raised_matters
from workers.calls import start
from workers.db.schema import action
from workers.hardship import (
    arrangement_acceptances,
    arrangement_schedules,
    holds,
    promise_judgement,
    promises,
)

EVERYTHING = (
    *("promise", "promise in parts", "plan", "complaint", "answer", "bounces", "paused"),
    *("pays what was promised", "the ledger says yes", "the ledger says no"),
    *("dispute", "dispute answered", "one call about several"),
    *("says paid", "complains in a call"),
)
ACTED = ("text_day_1", "enquiry_call", "promise_reminder", "promise_broken_call")


def test_what_arrears_does_and_records_is_what_the_oracle_says(engine: Engine) -> None:
    judged = live_with_agreements(engine, seed=5, borrowers=8, days=24)
    assert (judged.unlawful, judged.not_due) == ([], [])
    assert [what for what in EVERYTHING if not judged.seen[what]] == []
    assert [item for item in ACTED if not judged.contacts[item]] == []
    with engine.connect() as connection:
        done = connection.execute(select(action.c.reason).where(action.c.status == "done"))
        codes = {reason.code for reasons in done.scalars() for reason in reasons or ()}
    assert ReasonCode.NOT_REACHED in codes, "some were tried in vain, as the oracle counts"


def nothing(*_: Any, **__: Any) -> None:
    return None


def ends_at_once(place: Callable[..., int]) -> Callable[..., int]:
    """A hold that covers no day."""

    def placed(connection: Any, pause: Any, **more: Any) -> int:
        return place(connection, type(pause)(pause.kind, pause.starts_on, pause.starts_on), **more)

    return placed


def without_days(pause: Callable[..., int]) -> Callable[..., int]:
    """The pause of a plan that covers no day."""

    def paused(connection: Any, stored: Any, starts_on: Any, _: Any, *more: Any) -> int:
        return pause(connection, stored, starts_on, starts_on, *more)

    return paused


def twice(received: Iterable[ReceivedPayment]) -> list[ReceivedPayment]:
    return [replace(each, amount=each.amount * 2) for each in received]


Patch = tuple[object, str, Callable[[Any], Any]]
FAULTS: dict[str, tuple[str, list[Patch]]] = {
    "no promise pauses the ladder": (
        "they had promised to pay",
        [(promises, "insert_hold", ends_at_once)],
    ),
    "no plan pauses the ladder": (
        "a plan was kept",
        [
            (arrangement_schedules, "pause", without_days),
            (arrangement_acceptances, "pause", without_days),
        ],
    ),
    "no dispute pauses the ladder": (
        "their dispute was not answered",
        [(holds, "insert_hold", ends_at_once)],
    ),
    "nobody keeps to the moment of a callback": (
        "they had asked to be called later",
        [(ContactFacts, "call_not_before", lambda _: property(lambda self: None))],
    ),
    "who was complained of may call": (
        "they had complained of who calls",
        [(start, "refuse_who_may_not", lambda _: nothing)],
    ),
    "a call is tried again at once": (
        "the next try was not before",
        [(CallPlan, "next_try", lambda _: lambda self, made, zone, now: now)],
    ),
    "nobody is left alone who says that they paid": (
        "they had said that they paid",
        [],  # the same as with disputes
    ),
    "nobody looks for the money": (
        "nothing follows from contact:",
        [(outcomes, "plan_next", lambda _: nothing)],
    ),
    "a complaint in a call is not heard": (
        "is not open",
        [(raised_matters, "receive_complaint", lambda _: lambda *_, **__: ())],
    ),
    "nobody is reminded": (
        "nothing follows from promise:",
        [(promises, "plan_reminders", lambda _: nothing)],
    ),
    "money counts twice": (
        "is kept, not",
        [
            (
                promise_judgement,
                "judge",
                lambda judge: lambda made, received, on: judge(made, twice(received), on),
            )
        ],
    ),
    "a plan is in default at once": (
        "is defaulted, not active",
        [(arrangements, "REPORTED_AFTER", lambda _: -timedelta(days=9))],
    ),
    "nobody watches over answers": (
        "is late, and nobody is told",
        [(accounts_in_store, "watch_answers", lambda _: nothing)],
    ),
}
"""What is broken: what the oracle says of it, and where and how it is broken."""


def test_each_fault_of_an_engine_with_all_of_them_is_caught(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _, patches in FAULTS.values():
        for where, name, broken in patches:
            monkeypatch.setattr(where, name, broken(getattr(where, name)))
    # No complaint is answered, so that some are late.
    monkeypatch.setitem(what_comes_in.HAPPENING, "answer", lambda world, account: False)
    judged = live_with_agreements(engine, seed=2, borrowers=10, days=22)
    said = " ".join([*judged.unlawful, *judged.not_due])
    assert [fault for fault, (wanted, _) in FAULTS.items() if wanted not in said] == []
