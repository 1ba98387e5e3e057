"""What the packs' plain values say of one contact. No code of Arrears."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.counting import NOT_THE_PERSON, counted, is_free, is_there, reached_borrower
from tests.oracle.days import next_worked
from tests.oracle.facts import (
    forbidden_by_facts,
    forbidden_for_now,
    forbidden_until_told,
    is_at_work,
)
from tests.oracle.log import Life, Reached
from tests.oracle.packs import Bound, in_force, public_holidays, rules_for, rules_of

NOT_THE_BORROWER = ("reaches_nobody", "somebody_else")
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def against(life: Life, reached: Reached) -> list[str]:
    """The rules that one contact breaks, with what the log held before it."""
    return [*_broken_rules(life, reached), *forbidden_by_facts(life, reached)]


def is_lawful(life: Life, reached: Reached) -> bool:
    """Whether `against` would find nothing, if it is not hopeless; the first thing is enough."""
    for _ in forbidden_for_now(life, reached):
        return False
    return not any(True for _ in _broken_rules(life, reached))


def is_hopeless(life: Life, reached: Reached) -> bool:
    """Whether no later moment would be lawful, unless something new comes in."""
    for _ in forbidden_until_told(life, reached):
        return True
    rules = rules_for(life.jurisdiction, reached.channel, life.product, life.collects_as)
    local = reached.at.astimezone(ZoneInfo(life.zones[0]))
    return any(
        bound.rule["kind"] in {"message", "limitation"}
        and "effective_to" not in bound.rule
        and in_force(bound.rule, local.date())
        and not _kept(bound, life, reached, local)
        for bound in rules
    )


def _broken_rules(life: Life, reached: Reached) -> Iterator[str]:
    rules = rules_for(life.jurisdiction, reached.channel, life.product, life.collects_as)
    at_work = is_at_work(life, reached)
    for zone in life.zones:
        local = reached.at.astimezone(ZoneInfo(zone))
        today, hours_given = local.date(), False
        for bound in rules:
            rule = bound.rule
            if not in_force(rule, today) or not is_there(rule, reached, at_work=at_work):
                continue
            if rule["kind"] == "contact_hours" and not {"place", "products"} & set(rule):
                hours_given = True
            if not _kept(bound, life, reached, local):
                yield rule["id"]
        if reached.channel != "legal" and not hours_given:
            yield "no hours are known"


def _kept(bound: Bound, life: Life, reached: Reached, local: datetime) -> bool:
    rule = bound.rule
    match rule["kind"]:
        case "contact_hours":
            return _within_hours(rule["hours"], bound.calendar, local) or (
                rule.get("consent") == "frees"
                and reached.party not in NOT_THE_PERSON
                and bool(life.agreements("other_hours", reached.loan, reached.at))
            )
        case "cap":
            if counted(rule, life, reached, local) < int(rule["at_most"]):
                return True
            return is_free(rule, life, reached, local)
        case "message":
            if rule.get("to", reached.party) != reached.party:
                return True
            lacks = set(rule.get("must_say", ())) - reached.says
            return not lacks and not set(rule.get("must_not_say", ())) & reached.says
        case "visit":
            if reached.staff < rule.get("staff", 1):
                return False
            days = rule.get("notice_days", 0)
            if not days:
                return True
            noticed_on = reached.noticed_at and reached.noticed_at.astimezone(local.tzinfo).date()
            return noticed_on is not None and (local.date() - noticed_on).days >= days
        case "validation_notice":
            mine = [c.at for c in life.contacts if c.loan == reached.loan and c.at < reached.at]
            notices = life.owner(reached.loan).notices
            given = reached.loan in notices and notices[reached.loan] <= reached.at
            if given or not mine:
                return True
            first = min(mine).astimezone(ZoneInfo(life.zones[0])).date()
            return (local.date() - first).days <= int(rule["within_days"])
        case "third_parties":
            if reached.purpose == "locate" and reached.channel in rule.get("to_locate", ()):
                return reached.party != "third_party" or _may_ask_where(life, reached)
            return reached.party != "third_party" or _unreachable(rule, life, reached)
        case "limitation":
            of_suit = reached.channel == "legal" or "legal_consequences" in reached.says
            if not of_suit and rule.get("after") != "extinguished":
                return True
            start = life.owner(reached.loan).loans[reached.loan]
            day = 28 if (start.month, start.day) == (2, 29) else start.day
            last = date(start.year + rule["years"], start.month, day)
            if (start.month, start.day) == (2, 29) and _leap(start.year + rule["years"]):
                last = date(last.year, 2, 29)
            if rule.get("ends_on_rest_day") == "next_working_day":
                last = next_worked(last) or last
            return local.date() <= last
    return True


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _within_hours(hours: dict[str, str], country: str | None, local: datetime) -> bool:
    day, clock = WEEK[local.weekday()], f"{local.hour:02}:{local.minute:02}"
    if country and "holidays" in hours and local.date() in public_holidays(country):
        return hours["holidays"] != "closed" and _between(clock, hours["holidays"])
    for days, times in hours.items():
        if days == "holidays":
            continue
        first, _, last = days.partition("-")
        span = WEEK if days == "every_day" else WEEK[WEEK.index(first) :]
        if days != "every_day":
            span = span[: span.index(last or first) + 1]
        if day in span and _between(clock, times):
            return True
    return False


def _between(clock: str, times: str) -> bool:
    start, end = times.split("-")
    return start <= clock < end


def _may_ask_where(life: Life, reached: Reached) -> bool:
    """Somebody else may be asked once where the borrower is, while nobody knows it."""
    asked = any(
        other.purpose == "locate"
        and other.number == reached.number
        # Who was not reached was not asked; of whom nobody has said so yet, they were.
        and (other.connected or not other.outcome)
        for other in life.contacts
        if other.party == "third_party" and other.at < reached.at
    )
    return _reaches_nobody(life, reached) and not asked


def _reaches_nobody(life: Life, reached: Reached) -> bool:
    """Whether each number on record reaches not the borrower, but nobody, or somebody else."""
    return all(
        any(life.numbers.knows(number, what, reached.at) for what in NOT_THE_BORROWER)
        for number in life.numbers_at(reached.loan, reached.at)
    )


def _unreachable(rule: dict[str, Any], life: Life, reached: Reached) -> bool:
    if rule["when"] == "never":
        return False
    if _reaches_nobody(life, reached):
        return True
    calls = [c for c in life.contacts if c.channel == "call" and c.at < reached.at]
    to_borrower = (c for c in calls if c.party not in NOT_THE_PERSON or reached_borrower(c))
    latest = sorted(to_borrower, key=lambda c: c.at)
    latest = latest[-rule["failures"] :]
    return len(latest) == rule["failures"] and not any(c.connected for c in latest)


def moments_worth_asking(
    life: Life, loan: int, since: datetime, until: datetime
) -> Iterator[datetime]:
    """Every moment between at which a rule could open: where hours begin, and where days do."""
    if since < until:
        yield since
    for name in {*life.zones, life.lender_zone}:
        zone = ZoneInfo(name)
        day = since.astimezone(zone).date()
        last = until.astimezone(zone).date()
        acting = life.acting_at(loan, since)
        of_acting = life.numbers.hours.get(acting.number, []) if acting else []
        ends = {divmod(hours.ends, 60) for hours in [*life.inconvenient, *of_acting]}
        clocks = sorted({*_openings(life.jurisdiction), *ends})
        while day <= last:
            for hour, minute in clocks:
                moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                if since < moment < until:
                    yield moment
            day += timedelta(days=1)


@cache
def _openings(jurisdiction: str) -> tuple[tuple[int, int], ...]:
    """The local times at which some rule's hours begin, and midnight."""
    clocks = {"00:00"}
    for rule, _ in rules_of(jurisdiction):
        for times in rule.get("hours", {}).values():
            if "-" in times:
                clocks.add(times.split("-")[0])
    return tuple((int(clock[:2]), int(clock[3:])) for clock in sorted(clocks))
