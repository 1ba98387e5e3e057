"""What is true of a person, a number or a loan and forbids a contact. No code of Arrears."""

from collections.abc import Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.oracle.acting import called_instead
from tests.oracle.days import ladder_file, stands
from tests.oracle.log import Hours, Life, Pause, Reached
from tests.oracle.packs import lets_through, reaches_over


def forbidden_by_facts(life: Life, reached: Reached) -> Iterator[str]:
    """What was known at the moment of a contact and forbids it."""
    yield from forbidden_until_told(life, reached)
    yield from forbidden_for_now(life, reached)


def forbidden_until_told(life: Life, reached: Reached) -> Iterator[str]:
    """What no later moment mends, but only something new that comes in."""
    at, loan = reached.at, reached.loan
    paid = life.owner(loan).paid
    if loan in paid and paid[loan] <= at:
        yield "the money had come"
    if reached.channel == "legal":
        return
    if reached.party == "representative":
        yield from _of_the_representative(life, reached)
    elif reached.party == "third_party":
        if what := life.numbers.closed_by(reached.number, reached.channel, at):
            yield f"the number of somebody else was closed ({what[0]})"
        if reached.at_work and life.wants("employer_forbids", at):
            yield "it may be the place of work whose employer forbids it"
    else:
        if life.role(loan, at) != reached.party:
            yield f"they were no {reached.party} of the loan"
        # What was said under an id that somebody else had may have been said by them.
        of_others = life.has_id_of_another()
        if reached.language and not of_others and reached.language != life.language(loan, at):
            yield "it was not in their language"
        yield from _of_the_number(life, reached)
        yield from _inconvenient_place(life, reached)
    today = at.astimezone(ZoneInfo(life.lender_zone)).date()
    if life.wants("ceased", at, loan) and not lets_through(life, reached, "ceased", today):
        yield "they had asked for no contact at all"
    if reached.party == "representative":
        return
    if life.wants(f"not_by_{reached.channel}", at):
        yield f"they had asked for no more ({reached.channel})"
    if life.wants("represented", at, loan):
        yield "somebody represents them"


def _of_the_representative(life: Life, reached: Reached) -> Iterator[str]:
    acting = called_instead(life, reached.channel, reached.loan, reached.at)
    if acting is None:
        yield "nobody is contacted instead of them"
    elif not acting.number or reached.number != acting.number:
        yield "the number was not that of who acts for them"
    closed = life.numbers.closed_by(reached.number, reached.channel, reached.at)
    if closed or life.numbers.knows(reached.number, "opted_out", reached.at):
        yield "the number of who acts for them was closed"


def forbidden_for_now(life: Life, reached: Reached) -> Iterator[str]:
    """What time may mend."""
    at, loan = reached.at, reached.loan
    if (due := life.owner(loan).due.get(loan)) and any(
        at.astimezone(ZoneInfo(zone)).date() <= due for zone in life.zones
    ):
        yield "the due day was not over"
    today = at.astimezone(ZoneInfo(life.lender_zone)).date()
    for pause, whose in _pauses(life, reached, today):
        if pause.covers(loan, today, at) and not lets_through(life, reached, pause.kind, today):
            yield f"a hold was in force ({pause.kind}{whose})"
    if reached.channel == "legal":
        return
    yield from _of_the_debt(life, reached)
    if reached.channel == "call":
        acts = reached.party == "representative"
        callbacks = life.numbers.callbacks[reached.number] if acts else life.callbacks
        asked = [for_when for since, for_when in callbacks if since <= at]
        if asked and at < asked[-1]:
            yield "they had asked to be called later"
    if reached.party != "third_party" and inconvenient_hours(life, reached):
        yield from _inconvenient_time(life, reached, today)


def _pauses(life: Life, reached: Reached, today: date) -> Iterator[tuple[Pause, str]]:
    """The holds of the loan, of whoever is contacted, and of other parties that reach over."""
    loan = reached.loan
    yield from ((pause, "") for pause in life.owner(loan).pauses if pause.loan == loan)
    # About whom somebody else is asked, and who is sued, is the borrower.
    to = life.role(loan, reached.at) or "borrower"
    for role, somebody in life.everybody(loan, reached.at):
        mine = somebody is life
        for pause in somebody.pauses:
            if pause.loan is None and (mine or reaches_over(life, pause.kind, role, to, today)):
                yield pause, "" if mine else f" of the {role}"


def _of_the_debt(life: Life, reached: Reached) -> Iterator[str]:
    """Nothing is due for the ladder, or its day is not over, where the oracle knows the debt."""
    debt = life.owner(reached.loan).debts.get(reached.loan)
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
        yield f"the number was closed ({what[0]})"
    if reached.loan in life.records_of:
        numbers = life.numbers_at(reached.loan, reached.at)
        if reached.number not in numbers:
            yield "the number was not theirs"
        elif reached.number != number_to_use(life, reached):
            yield "another number of theirs comes first"
    if is_at_work(life, reached) and life.wants("employer_forbids", reached.at):
        yield "their employer forbids it"


def _inconvenient_time(life: Life, reached: Reached, today: date) -> Iterator[str]:
    """A time at which the person asked not to be contacted."""
    if lets_through(life, reached, "inconvenient_time", today):
        return
    for zone in life.zones:
        local = reached.at.astimezone(ZoneInfo(zone))
        hours_of = inconvenient_hours(life, reached)
        if any(hours.covers(local, reached.channel) for hours in hours_of):
            yield "the time was inconvenient"


def inconvenient_hours(life: Life, reached: Reached) -> list[Hours]:
    """The hours at which whoever is contacted asked not to be."""
    if reached.party == "representative":
        return life.numbers.hours.get(reached.number, [])
    return life.inconvenient


def number_to_use(life: Life, reached: Reached) -> str:
    """The first number of the person that nothing stops; the first one if each is stopped.

    A text that nobody has read stops the contact, and passes no number over. A text that did not
    arrive at a number goes to the next one, if there is one.
    """
    numbers = life.numbers_at(reached.loan, reached.at)
    free = [number for number in numbers if not _is_passed_over(life, reached, number)]
    failed = _failed_at(life, reached)
    return next((n for n in free if n not in failed), next(iter([*free, *numbers]), ""))


def _is_passed_over(life: Life, reached: Reached, number: str) -> bool:
    at_work = life.numbers.knows(number, "at_work", reached.at)
    return (
        not set(life.numbers.closed_by(number, reached.channel, reached.at)) <= {"unread_reply"}
        or (at_work and life.wants("employer_forbids", reached.at))
        or _is_inconvenient(life, number, reached.at, at_work=at_work)
    )


def _failed_at(life: Life, reached: Reached) -> set[str]:
    """The numbers at which an earlier try of the borrower's text did not arrive."""
    if reached.party != "borrower" or not life.undelivered:
        return set()
    since = ladder_since(life, reached.loan, reached.at)
    return {
        failed.number
        for failed in life.undelivered
        if (failed.loan, failed.item, failed.since) == (reached.loan, reached.item, since)
        and failed.known_at <= reached.at
    }


def ladder_since(life: Life, loan: int, at: datetime) -> date | None:
    """The day on which the ladder of a loan began, where the oracle knows the debt."""
    debt = life.owner(loan).debts[loan]
    here = at.astimezone(ZoneInfo(life.lender_zone)).date()
    return stands(ladder_file(debt.ladder), debt.owed(at), here).ladder_since


def _inconvenient_place(life: Life, reached: Reached) -> Iterator[str]:
    """A place at which the person asked not to be contacted."""
    at_work = is_at_work(life, reached)
    if reached.channel == "visit":
        stopped = life.wants("not_at_home", reached.at)
    else:
        stopped = _is_inconvenient(life, reached.number, reached.at, at_work=at_work)
    if stopped:
        yield "the place was inconvenient"


def _is_inconvenient(life: Life, number: str, at: datetime, *, at_work: bool) -> bool:
    fixed = life.numbers.knows(number, "takes_no_texts", at)
    line = "work" if at_work else "home" if fixed else ""
    return any(life.wants(f"not_at_{place}", at) for place in (number, line))


def is_at_work(life: Life, reached: Reached) -> bool:
    """Whether the number is that of a place of work. A visit goes to the home, whatever number
    there is."""
    if reached.channel not in {"sms", "call"} or reached.party == "third_party":
        return reached.at_work
    return reached.at_work or life.numbers.knows(reached.number, "at_work", reached.at)
