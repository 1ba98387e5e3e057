"""The packs' plain values, and what each of them says of one contact. No code of Arrears."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from ruamel.yaml import YAML

from tests.oracle.log import Life, Reached

PACKS = Path(__file__).parents[2] / "config" / "rule_packs"
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@cache
def packs() -> dict[str, dict[str, Any]]:
    """By jurisdiction, each file as it is written."""
    read = [YAML(typ="safe").load(path) for path in sorted(PACKS.glob("*.yaml"))]
    return {pack["jurisdiction"]: pack for pack in read}


@cache
def _public_holidays(country: str) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=range(2019, 2034)))


@cache
def _bound_by(jurisdiction: str) -> tuple[dict[str, Any], ...]:
    named = dict.fromkeys(("*", jurisdiction[:2], jurisdiction))
    bound = [packs()[name] for name in named if name in packs()]
    instead_of = {
        replaced
        for pack in bound
        for rule in pack["rules"]
        if rule.get("status") != "draft"
        for replaced in rule.get("replaces", ())
    }
    return tuple(
        {**pack, "rules": [rule for rule in pack["rules"] if rule["id"] not in instead_of]}
        for pack in bound
    )


def against(life: Life, reached: Reached) -> list[str]:
    """The rules that one contact breaks, with what the log held before it."""
    broken = list(_of_the_lender(life, reached))
    hours_given = set()
    for zone in life.zones:
        local = reached.at.astimezone(ZoneInfo(zone))
        for pack in _bound_by(life.jurisdiction):
            for rule in pack["rules"]:
                if not _speaks_of(rule, life, reached, local.date()):
                    continue
                if rule["kind"] == "contact_hours" and not {"place", "products"} & set(rule):
                    hours_given.add(zone)
                if not _kept(rule, pack, life, reached, local):
                    broken.append(rule["id"])
    if reached.channel != "legal" and hours_given != set(life.zones):
        broken.append("no hours are known")
    return broken


def _of_the_lender(life: Life, reached: Reached) -> Iterator[str]:
    if reached.loan in life.paid and life.paid[reached.loan] <= reached.at:
        yield "the money had come"
    if (due := life.due.get(reached.loan)) and any(
        reached.at.astimezone(ZoneInfo(zone)).date() <= due for zone in life.zones
    ):
        yield "the due day was not over"
    today = reached.at.astimezone(ZoneInfo(life.lender_zone)).date()
    for pause in life.pauses:
        covers = pause.first <= today and (pause.end is None or today < pause.end)
        known = pause.loan == reached.loan and pause.known_at <= reached.at
        if known and covers and not _lets_through(life, reached, pause.kind, today):
            yield "a hold was in force"
    if life.number_invalid and reached.party == "borrower" and reached.channel in {"sms", "call"}:
        yield "the number reaches nobody"
    closed = life.closed.get((reached.channel, reached.number))
    if closed is not None and closed <= reached.at:
        yield "the number was closed"
    for channel in (reached.channel, "*"):
        if (
            reached.channel != "legal"
            and channel in life.stopped
            and life.stopped[channel] <= reached.at
            and not (channel == "*" and _lets_through(life, reached, "ceased", today))
        ):
            yield f"they had asked for no more ({channel})"


def _speaks_of(rule: dict[str, Any], life: Life, reached: Reached, on: date) -> bool:
    return (
        rule.get("status", "in_force") == "in_force"
        and rule.get("modality", "must_not") != "advisory"
        and reached.channel in rule.get("channels", ())
        and rule["effective_from"] <= on <= rule.get("effective_to", date.max)
        and _is_there(rule, reached)
        and life.product in rule.get("products", (life.product,))
        and life.collects_as in rule.get("applies_to", (life.collects_as,))
    )


def _kept(
    rule: dict[str, Any], pack: dict[str, Any], life: Life, reached: Reached, local: datetime
) -> bool:
    match rule["kind"]:
        case "contact_hours":
            return _within_hours(rule["hours"], pack, local) or (
                rule.get("consent") == "frees" and _agreed_to_other_hours(life, reached)
            )
        case "cap":
            if _counted(rule, life, reached, local) < int(rule["at_most"]):
                return True
            return _freed_from_cap(rule, life, reached, local)
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
            given = reached.loan in life.notices and life.notices[reached.loan] <= reached.at
            if given or not mine:
                return True
            first = min(mine).astimezone(ZoneInfo(life.zones[0])).date()
            return (local.date() - first).days <= int(rule["within_days"])
        case "third_parties":
            if reached.purpose == "locate" and reached.channel in rule.get("to_locate", ()):
                return reached.party == "borrower" or _may_ask_where(life, reached)
            return reached.party == "borrower" or _unreachable(rule, life, reached)
        case "limitation":
            of_suit = reached.channel == "legal" or "legal_consequences" in reached.says
            if not of_suit and rule.get("after") != "extinguished":
                return True
            start = life.loans[reached.loan]
            day = 28 if (start.month, start.day) == (2, 29) else start.day
            last = date(start.year + rule["years"], start.month, day)
            if (start.month, start.day) == (2, 29) and _leap(start.year + rule["years"]):
                last = date(last.year, 2, 29)
            return local.date() <= last
    return True


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _within_hours(hours: dict[str, str], pack: dict[str, Any], local: datetime) -> bool:
    day, clock = WEEK[local.weekday()], local.strftime("%H:%M")
    country = pack.get("calendar")
    if country and "holidays" in hours and local.date() in _public_holidays(country):
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


def _counted(rule: dict[str, Any], life: Life, reached: Reached, local: datetime) -> int:
    """How many the rule counts, before the contact, in the window that it falls into."""
    counted = 0
    for other in life.contacts:
        if other is reached:
            break
        if other.channel not in rule.get("counts", rule["channels"]):
            continue
        if other.inbound and rule.get("inbound") != "count":
            continue
        if other.outcome in rule.get("ignores", ()):
            continue
        if rule["scope"] == "debt" and reached.loan not in {other.loan, *other.also_about}:
            continue
        if rule.get("third_parties") != "count" and not _with_the_same(rule, other, reached):
            continue
        if rule["scope"] == "number" and other.number != reached.number:
            continue
        if rule["counter"] == "connected" and not other.connected:
            continue
        if rule["counter"] == "unanswered" and other.connected:
            continue
        if not _is_there(rule, other):
            continue
        apart = (local.date() - other.at.astimezone(local.tzinfo).date()).days
        counted += _same_window(rule["window"], local.date(), apart)
    return counted


def _lets_through(life: Life, reached: Reached, stop: str, on: date) -> bool:
    """Whether a law permits the purpose although the stop, a hold or `ceased`, is in force."""
    return reached.channel != "legal" and any(
        rule["kind"] == "permitted"
        and rule.get("status", "in_force") == "in_force"
        and rule["effective_from"] <= on <= rule.get("effective_to", date.max)
        and stop in rule["during"]
        and reached.purpose in rule["purposes"]
        for pack in _bound_by(life.jurisdiction)
        for rule in pack["rules"]
    )


def _agreed_to_other_hours(life: Life, reached: Reached) -> bool:
    return any(
        agreed.to == "other_hours"
        and agreed.since <= reached.at
        and (agreed.until is None or reached.at < agreed.until)
        for agreed in life.agreed
    )


def _may_ask_where(life: Life, reached: Reached) -> bool:
    """Somebody else may be asked once where the borrower is, while nobody knows it."""
    asked = any(
        other.purpose == "locate" and other.number == reached.number
        for other in life.contacts
        if other.party == "third_party" and other.at < reached.at
    )
    return life.number_invalid and not asked


def _is_there(rule: dict[str, Any], reached: Reached) -> bool:
    match rule.get("place"):
        case "work":
            return reached.at_work
        case "elsewhere":
            return reached.at_work or reached.party == "third_party"
    return True


def _with_the_same(rule: dict[str, Any], other: Reached, reached: Reached) -> bool:
    """Whether another contact was with the one who is to be reached now."""
    answered_by_other = other.outcome == "spoke_with_other"
    if reached.party == "third_party":
        theirs = other.party == "third_party" or answered_by_other
        return theirs and other.number == reached.number
    if other.party == "third_party":
        return False
    return rule["counter"] != "connected" or not answered_by_other


def _freed_from_cap(rule: dict[str, Any], life: Life, reached: Reached, local: datetime) -> bool:
    """Whether the person agreed to more, not too long ago, and nobody spoke with them since."""
    for agreed in life.agreed:
        if agreed.to != "more_contacts" or agreed.since > reached.at:
            continue
        if agreed.until is not None and agreed.until <= reached.at:
            continue
        age = (local.date() - agreed.since.astimezone(local.tzinfo).date()).days
        spoken = any(
            other.connected and other.party == "borrower" and other.outcome != "spoke_with_other"
            for other in life.contacts
            if agreed.since < other.at < reached.at
        )
        if age < rule.get("consent_days", 0) and not spoken:
            return True
    return False


def _same_window(window: str, day: date, apart: int) -> bool:
    other = day - timedelta(days=apart)
    match window.split():
        case [days, "consecutive", "days"]:
            return 0 <= apart < int(days)
        case ["calendar", "day"]:
            return apart == 0
        case ["calendar", "week"]:
            return day.isocalendar()[:2] == other.isocalendar()[:2]
        case ["calendar", "month"]:
            return (day.year, day.month) == (other.year, other.month)
    raise ValueError(f"nobody can read the window {window!r}")


def _unreachable(rule: dict[str, Any], life: Life, reached: Reached) -> bool:
    if rule["when"] == "never":
        return False
    if life.number_invalid:
        return True
    calls = [c for c in life.contacts if c.channel == "call" and c.at < reached.at]
    latest = sorted((c for c in calls if c.party == "borrower"), key=lambda c: c.at)
    latest = latest[-rule["failures"] :]
    return len(latest) == rule["failures"] and not any(c.connected for c in latest)


def moments_worth_asking(life: Life, since: datetime, until: datetime) -> Iterator[datetime]:
    """Every moment between at which a rule could open: where hours begin, and where days do."""
    clocks = {"00:00"}
    for pack in _bound_by(life.jurisdiction):
        for rule in pack["rules"]:
            for times in rule.get("hours", {}).values():
                if "-" in times:
                    clocks.add(times.split("-")[0])
    if since < until:
        yield since
    for name in {*life.zones, life.lender_zone}:
        zone = ZoneInfo(name)
        day = since.astimezone(zone).date()
        while day <= until.astimezone(zone).date():
            for clock in clocks:
                hour, minute = map(int, clock.split(":"))
                moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                if since < moment < until:
                    yield moment
            day += timedelta(days=1)
