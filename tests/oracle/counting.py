"""How often somebody was reached, as each cap counts. No code of Arrears."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from tests.oracle.log import Life, Reached

LONGEST = timedelta(days=33)
"""No window is longer, whatever the zone."""

NOT_THE_PERSON = ("third_party", "representative")
WITH_BORROWER = frozenset({"spoke", "refused", "callback_requested"})
WITH_OTHER = frozenset({"spoke_with_other", "wrong_person", "third_party_refused", "deceased"})
"""Outcomes of calls that somebody else answered."""


def counted(rule: dict[str, Any], life: Life, reached: Reached, local: datetime) -> int:
    """How many the rule counts, before the contact, in the window that it falls into."""
    found, today = 0, local.date()
    channels, ignored = rule.get("counts", rule["channels"]), rule.get("ignores", ())
    for other in _before(rule, life, reached):
        if other.channel not in channels or other.outcome in ignored:
            continue
        if other.inbound and rule.get("inbound") != "count":
            continue
        if rule["scope"] == "debt" and not _is_about(other, reached.loan):
            continue
        counts_all = rule.get("third_parties") == "count" or rule["scope"] == "number"
        if not counts_all and not _with_the_same(rule, other, reached):
            continue
        if rule["counter"] == "connected" and not other.connected:
            continue
        if rule["counter"] == "unanswered" and other.connected:
            continue
        if is_there(rule, other, at_work=other.at_work):
            there = other.at.astimezone(local.tzinfo).date()
            found += _same_window(rule["window"], today, there)
    return found


def _before(rule: dict[str, Any], life: Life, reached: Reached) -> Iterator[Reached]:
    """The contacts before one: with the person, or with whomever at the number.

    A third party and who acts for the person are known by the number only, whoever's debt it was
    about.
    """
    at_number = life.numbers.reached.get(reached.number, [])
    made = life.contacts
    if rule["scope"] == "number":
        made = at_number
    elif reached.party in NOT_THE_PERSON:
        others = [other for other in at_number if other.life_id != life.id]
        made = sorted([*life.contacts, *others], key=lambda other: other.at)
    for other in made:
        if other is reached:
            return
        if reached.at - other.at < LONGEST:
            yield other


def _is_about(other: Reached, loan: int) -> bool:
    return other.loan == loan or loan in other.also_about


def is_there(rule: dict[str, Any], reached: Reached, *, at_work: bool) -> bool:
    """Whether a rule about a place is about the place where somebody is reached."""
    match rule.get("place"):
        case "work":
            return at_work
        case "elsewhere":
            return at_work or reached.party == "third_party"
    return True


def _with_the_same(rule: dict[str, Any], other: Reached, reached: Reached) -> bool:
    """Whether another contact was with the one who is to be reached now."""
    if reached.party == "representative":
        return other.party == "representative" and other.number == reached.number
    if reached.party == "third_party":
        counts = rule["counter"] != "connected" and other.party == "third_party"
        return (counts or not reached_borrower(other)) and other.number == reached.number
    if rule["counter"] == "connected":
        return reached_borrower(other)
    return other.party not in NOT_THE_PERSON or reached_borrower(other)


def reached_borrower(other: Reached) -> bool:
    """Whether it reached the borrower, at whosever telephone; or was to, and nobody answered."""
    if other.party == "representative":
        return False
    if other.outcome in WITH_OTHER | WITH_BORROWER:
        return other.outcome in WITH_BORROWER
    return other.party != "third_party"


def is_free(rule: dict[str, Any], life: Life, reached: Reached, local: datetime) -> bool:
    """Whether the person agreed to more, not too long ago, and nobody spoke with them since."""
    if reached.party in NOT_THE_PERSON:
        return False
    for agreed in life.agreements("more_contacts", reached.loan, reached.at):
        age = (local.date() - agreed.since.astimezone(local.tzinfo).date()).days
        spoken = any(
            other.connected and reached_borrower(other)
            for other in _before(rule, life, reached)
            if agreed.since < other.at
        )
        if age < rule.get("consent_days", 0) and not spoken:
            return True
    return False


def _same_window(window: str, day: date, other: date) -> bool:
    match _words(window):
        case [days, "consecutive", "days"]:
            return 0 <= (day - other).days < int(days)
        case ["calendar", "day"]:
            return day == other
        case ["calendar", "week"]:
            return day.isocalendar()[:2] == other.isocalendar()[:2]
        case ["calendar", "month"]:
            return (day.year, day.month) == (other.year, other.month)
    raise ValueError(f"nobody can read the window {window!r}")


@cache
def _words(window: str) -> list[str]:
    return window.split()
