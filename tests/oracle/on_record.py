"""Where promises, plans, calls and complaints stand on record, against what the oracle says.

Of Arrears' tables only plain values are read: statuses, days, and what an action follows from.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from tests.oracle.accounts import Account
from tests.oracle.happened import Cause, Made
from tests.oracle.items import follow_ups, tries_of_item
from tests.support.loans import Book


class Found(NamedTuple):
    """What is on record of one loan."""

    promises: dict[str, str]
    plans: dict[str, str]
    followed: dict[tuple[str, str], list[str]]
    """By item and cause, the statuses of the actions."""
    not_reached: list[tuple[str, date]]
    """Items that are done because their tries were used up, with when their ladder had begun: they
    were not reached, or it was not learnt."""
    clocks: dict[str, str]
    """Of open complaints."""
    late_told: set[str]
    """Complaints that were reported as late."""
    looks: list[tuple[date | None, int | None]]
    """Of reviews of this moment that found the loan on its ladder: since when, and its day."""
    said_paid: dict[str, tuple[date, date]]
    """The pauses that came from saying so: from when, and the first day without them."""


_RECORDS = {
    "promises": "SELECT l.external_id, q.external_id, q.status FROM promise q",
    "plans": "SELECT l.external_id, q.external_id, q.status FROM arrangement q",
    "followed": "SELECT l.external_id, q.item, q.cause, q.status FROM action q",
    "not_reached": "SELECT l.external_id, q.item, q.ladder_since FROM action q",
    "clocks": "SELECT l.external_id, q.external_id, q.clock FROM complaint q",
    "late_told": """SELECT l.external_id, q.payload ->> 'complaint', q.kind
        FROM outbox_event q""",
    "looks": "SELECT l.external_id, q.ladder_since, q.ladder_day FROM decision q",
    "said_paid": "SELECT l.external_id, q.external_id, q.starts_on, q.ends_on FROM hold q",
}
_WHERE = {
    "followed": "q.cause IS NOT NULL",
    "not_reached": """q.status = 'done'
        AND jsonb_exists_any(q.reason -> 0, array['not_reached', 'not_learnt'])""",
    "clocks": "q.resolved_at IS NULL",
    "late_told": "q.kind = 'complaint.late'",
    "looks": "q.decided_at = :at AND q.outcome IN ('act', 'wait')",
    "said_paid": "starts_with(q.external_id, 'says_paid:')",
}


def wrong_on_record(book: Book, accounts: Mapping[str, Account], at: datetime) -> list[str]:
    """What is on record at a moment and should not be, or is missing."""
    records = defaultdict[str, dict[str, list[Any]]](lambda: defaultdict(list))
    with book.ctx.engine.connect() as connection:
        for what, query in _RECORDS.items():
            of_loans = f"{query} JOIN loan l ON l.id = q.loan_id WHERE {_WHERE.get(what, 'true')}"
            for loan, *row in connection.execute(text(of_loans), {"at": at}):
                records[loan][what].append(tuple(row))
    wrong = []
    for id, account in accounts.items():
        of_loan = records[id]
        found = Found(
            dict(of_loan["promises"]),
            dict(of_loan["plans"]),
            _by_cause(of_loan["followed"]),
            of_loan["not_reached"],
            dict(of_loan["clocks"]),
            {complaint for complaint, _ in of_loan["late_told"]},
            of_loan["looks"],
            {
                hold.removeprefix("says_paid:"): (first, end)
                for hold, first, end in of_loan["said_paid"]
            },
        )
        wrong += [f"{at:%Y-%m-%d} {id}: {said}" for said in _compare(account, found, at)]
    return wrong


def _by_cause(rows: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], list[str]]:
    found = defaultdict[tuple[str, str], list[str]](list)
    for item, cause, status in rows:
        found[item, cause].append(status)
    return found


def _compare(account: Account, found: Found, at: datetime) -> Iterator[str]:
    yield from _promises(account, found, at)
    yield from _plans(account, found)
    yield from _follow_ups(account, found, at)
    yield from of_calls(account, found)
    yield from _complaints(account, found, at)
    yield from _pauses(account, found)
    standing = account.stands(at)
    for since, day in found.looks:
        if (since, day) != (standing.ladder_since, standing.ladder_day):
            wanted = f"{standing.ladder_day} since {standing.ladder_since}"
            yield f"its review found day {day} since {since}, not {wanted}"


def _promises(account: Account, found: Found, at: datetime) -> Iterator[str]:
    for promised in account.promised:
        if promised.stood == "excused" and found.promises[promised.id] in ("kept", "withdrawn"):
            continue  # nothing is past due: a tape may have had the money, or a plan deferred it
        stands = account.promise_stands(promised, at)
        wanted = "withdrawn" if promised.ended_at else stands
        if found.promises[promised.id] != wanted:
            yield f"promise {promised.id} is {found.promises[promised.id]}, not {wanted}"


def _plans(account: Account, found: Found) -> Iterator[str]:
    for plan in account.plans:
        wanted = "active" if plan.active_at else "declined" if plan.refused_at else "accepted"
        wanted = plan.ended[1] if plan.ended else wanted
        if found.plans[plan.id] != wanted:
            yield f"plan {plan.id} is {found.plans[plan.id]}, not {wanted}"


def _follow_ups(account: Account, found: Found, at: datetime) -> Iterator[str]:
    """One action of each item for each cause, and none without one; none is called off too soon."""
    wanted = dict(_wanted(account))
    for item, cause in wanted:
        if not found.followed.get((item, cause)):
            yield f"nothing follows from {cause}: {item}"
    for (item, cause), statuses in found.followed.items():
        if (item, cause) not in wanted:
            yield f"{item} follows from {cause}, which did not happen"
        elif len(statuses) > 1:
            yield f"{item} follows {len(statuses)} times from {cause}"
        elif statuses == ["cancelled"] and account.must_remind(wanted[item, cause], at):
            yield f"nobody is reminded of {cause}"


def _wanted(account: Account) -> Iterable[tuple[tuple[str, str], Cause]]:
    for cause in account.causes:
        for item, follow_up in follow_ups(account.ladder).items():
            if follow_up["after"] == cause.trigger and cause.item in (None, item):
                yield (item, _named(cause)), cause


def _named(cause: Cause) -> str:
    if cause.trigger == "outcome":
        return f"contact:{cause.id}"
    kind = "promise" if cause.trigger.startswith("promise") else "arrangement"
    return f"{kind}:{cause.id}"


def of_calls(account: Account, found: Found) -> Iterator[str]:
    """Not reached is what was tried as often as the ladder says: then at once, and not before."""
    used_up = defaultdict[tuple[str, date | None], list[Made]](list)
    for made in account.made:
        if tries_of_item(account.ladder, made.item):
            used_up[made.item, made.since].append(made)
    done = set(found.not_reached)
    for (item, since), tried in used_up.items():
        most, count = (tries_of_item(account.ladder, item) or {})["most"], len(tried)
        if count < most and (item, since) in done:
            yield f"{item} is not reached after {count} tries of {most}"
        ended = any(made.learnt for made in tried) or tried[-1].again_at is not None
        if count >= most and not ended and (item, since) not in done:
            yield f"{item} is not done as not reached, after {count} tries of {most}"
    for item, since in done:
        if tries_of_item(account.ladder, item) and (item, since) not in used_up:
            yield f"{item} is not reached, and nobody tried"


def _complaints(account: Account, found: Found, at: datetime) -> Iterator[str]:
    for complained in account.complained:
        is_open = complained.answered_at is None
        if is_open != (complained.id in found.clocks):
            yield f"complaint {complained.id} is {'not ' if is_open else ''}open"
        late = is_open and account.day(at) > complained.answer_by
        if late and "late" not in (
            found.clocks.get(complained.id),
            complained.id in found.late_told,
        ):
            yield f"complaint {complained.id} is late, and nobody is told"


def _pauses(account: Account, found: Found) -> Iterator[str]:
    """Who says that they paid is left alone for some days, and not more often than is written."""
    wanted = {
        said.attempt: (account.day(said.at), said.until)
        for said in account.said_paid
        if said.until is not None
    }
    if found.said_paid != wanted:
        differ = set(found.said_paid.items()) ^ set(wanted.items())
        yield f"of the pauses of who says that they paid these differ: {sorted(differ)}"
