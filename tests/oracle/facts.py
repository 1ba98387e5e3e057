"""What is true of a person, a number or a loan and forbids a contact. No code of Arrears."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from tests.oracle.days import ladder_file, stands
from tests.oracle.log import Life, Reached
from tests.oracle.packs import lets_through


def forbidden_by_facts(life: Life, reached: Reached) -> Iterator[str]:
    """What was known at the moment of a contact and forbids it."""
    yield from forbidden_until_told(life, reached)
    yield from _forbidden_for_now(life, reached)


def forbidden_until_told(life: Life, reached: Reached) -> Iterator[str]:
    """What no later moment mends, but only something new that comes in."""
    at, loan = reached.at, reached.loan
    if loan in life.paid and life.paid[loan] <= at:
        yield "the money had come"
    if reached.channel == "legal":
        return
    if reached.party == "borrower":
        yield from _of_the_number(life, reached)
        yield from _inconvenient_place(life, reached)
    today = at.astimezone(ZoneInfo(life.lender_zone)).date()
    if life.wants("ceased", at, loan) and not lets_through(life, reached, "ceased", today):
        yield "they had asked for no contact at all"
    if life.wants(f"not_by_{reached.channel}", at):
        yield f"they had asked for no more ({reached.channel})"
    if life.wants("represented", at, loan):
        yield "somebody represents them"


def _forbidden_for_now(life: Life, reached: Reached) -> Iterator[str]:
    at, loan = reached.at, reached.loan
    if (due := life.due.get(loan)) and any(
        at.astimezone(ZoneInfo(zone)).date() <= due for zone in life.zones
    ):
        yield "the due day was not over"
    today = at.astimezone(ZoneInfo(life.lender_zone)).date()
    for pause in life.pauses:
        if pause.covers(loan, today, at) and not lets_through(life, reached, pause.kind, today):
            yield f"a hold was in force ({pause.kind})"
    if reached.channel == "legal":
        return
    yield from _of_the_debt(life, reached)
    if reached.channel == "call":
        asked = [for_when for since, for_when in life.callbacks if since <= at]
        if asked and at < asked[-1]:
            yield "they had asked to be called later"
    if reached.party == "borrower" and life.inconvenient:
        yield from _inconvenient_time(life, reached, today)


def _of_the_debt(life: Life, reached: Reached) -> Iterator[str]:
    """Nothing is due for the ladder, or its day is not over, where the oracle knows the debt."""
    debt = life.debts.get(reached.loan)
    if debt is None:
        return
    day = min(reached.at.astimezone(ZoneInfo(zone)).date() for zone in life.zones)
    here = reached.at.astimezone(ZoneInfo(life.lender_zone)).date()
    standing = stands(ladder_file(debt.ladder), debt.owed(reached.at), min(day, here))
    if standing.ladder_since is None:
        yield "nothing that matters was past due"


def _of_the_number(life: Life, reached: Reached) -> Iterator[str]:
    if reached.channel not in {"sms", "call"}:
        return
    if what := life.numbers.closed_by(reached.number, reached.channel, reached.at):
        yield f"the number was closed ({what})"
    if reached.loan in life.debts and reached.number != life.number_of(reached.loan, reached.at):
        yield "the number was not theirs"
    if is_at_work(life, reached) and life.wants("employer_forbids", reached.at):
        yield "their employer forbids it"


def _inconvenient_time(life: Life, reached: Reached, today: date) -> Iterator[str]:
    """A time at which the person asked not to be contacted."""
    if lets_through(life, reached, "inconvenient_time", today):
        return
    for zone in life.zones:
        local = reached.at.astimezone(ZoneInfo(zone))
        if any(hours.covers(local, reached.channel) for hours in life.inconvenient):
            yield "the time was inconvenient"


def _inconvenient_place(life: Life, reached: Reached) -> Iterator[str]:
    """A place at which the person asked not to be contacted."""
    places = {"home"}
    if reached.channel != "visit":
        fixed = life.numbers.knows(reached.number, "takes_no_texts", reached.at)
        line = "work" if is_at_work(life, reached) else "home" if fixed else ""
        places = {reached.number, line}
    if any(life.wants(f"not_at_{place}", reached.at) for place in places):
        yield "the place was inconvenient"


def is_at_work(life: Life, reached: Reached) -> bool:
    """Whether the number is that of a place of work. A visit goes to the home, whatever number
    there is."""
    if reached.channel not in {"sms", "call"} or reached.party != "borrower":
        return reached.at_work
    return reached.at_work or life.numbers.knows(reached.number, "at_work", reached.at)
