"""`arrears status`: what is due, waiting or failed, and how full the queues are."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial

import redis

from domain.actions import ActionStatus
from domain.language.speak import speak, with_sentence
from workers.cli.common import AsJson
from workers.cli.context import open_context
from workers.cli.render import Table, print_counts, print_json, print_lines
from workers.messaging.broker import queue_depths
from workers.operations.status import ReasonCount, Status, read_status


def status(as_json: AsJson = False) -> None:
    """Show what is due, what waits and for what, what failed, and how full the queues are."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = read_status(connection, ctx.now())
    depths = _depths(ctx.settings.redis_url)
    if as_json:
        # The queues are null when the broker cannot be reached.
        print_json(with_sentence(found) | {"queues": depths})
        return
    _show(found, depths)


def _depths(redis_url: str) -> dict[str, int] | None:
    try:
        return {str(queue): depth for queue, depth in queue_depths(redis_url).items()}
    except redis.RedisError:
        return None


def _show(found: Status, depths: Mapping[str, int] | None) -> None:
    print_lines(f"Business date {found.business_date}, {found.at:%H:%M %Z}", style="bold")
    print_counts("Loans", _loans(found))
    print_lines(_scan(found))
    _actions(found)
    print_counts("Waiting", _waits(found))
    print_lines(_oldest(found))
    print_counts("Deferred, by rule", found.actions.deferred_by_rules)
    print_counts("Planned, and waiting", _spoken(found.actions.waiting_by_reason))
    print_counts("Given up", _spoken(found.actions.dead_by_reason))
    print_counts("Texts", found.messages)
    print_counts("Borrowers' replies to be read", found.replies)
    print_counts("Events waiting to be applied", found.events.waiting)
    print_counts("Events rejected", found.events.rejected)
    for reason in found.events.newest:
        print_lines(f"  {speak(reason)}")
    print_counts("Events out", _events_out(found))
    print_counts("Events out given up", _spoken(found.events_out.dead_by_reason))
    print_counts("Open problems", found.problems)
    if depths is None:
        print_lines(
            "The broker cannot be reached, so the queues are not shown. Check REDIS_URL; nothing "
            "is lost meanwhile."
        )
    else:
        print_counts("Messages in the queues", depths)


def _spoken(counts: Iterable[ReasonCount]) -> dict[str, int]:
    return {speak(count.reason): count.count for count in counts}


def _loans(found: Status) -> dict[str, int]:
    days = {f"past due, days {days}": n for days, n in found.loans.past_due.items()}
    return {
        "on the book": found.loans.on_the_book,
        **days,
        "due for review": found.loans.due_for_review,
        "of them published to the workers": found.loans.announced,
    }


def _scan(found: Status) -> str:
    if found.scan is None:
        return "Today's scan has not started."
    zone = found.at.tzinfo
    scan = found.scan
    finished = "is under way"
    if scan.finished_at is not None:
        finished = f"finished at {scan.finished_at.astimezone(zone):%H:%M:%S}"
    return (
        f"Today's scan started at {scan.started_at.astimezone(zone):%H:%M:%S} and {finished}: "
        f"{scan.loans} loans published, in {scan.envelopes} messages."
    )


def _actions(found: Status) -> None:
    if not found.actions.by_type:
        print_lines("There are no actions.")
        return
    shown = [status for status in ActionStatus if found.actions.in_status(status)]
    names = [status.replace("_", " ") for status in shown]
    columns: dict[str, Callable[[tuple[str, Mapping[str, int]]], object]] = {
        "Actions": lambda counted: counted[0].replace("_", " "),
        **{name: partial(_count, status=status) for name, status in zip(names, shown, strict=True)},
    }
    Table(None, columns, right=names).print(found.actions.by_type.items())


def _count(counted: tuple[str, Mapping[str, int]], status: ActionStatus) -> int:
    return counted[1].get(status, 0)


def _waits(found: Status) -> dict[str, int]:
    return {
        "for an approval": found.actions.in_status(ActionStatus.AWAITING_APPROVAL),
        "to be tried again": found.actions.in_status(ActionStatus.FAILED),
        "for certainty, not repeated": found.actions.in_status(ActionStatus.UNKNOWN),
        "claimed, past their time": found.actions.lost_claims,
        "due, for a worker": found.actions.due,
    }


def _events_out(found: Status) -> dict[str, int]:
    out = found.events_out
    if out.oldest_seconds is None:
        return {}
    return {"waiting": out.waiting, "seconds since the oldest happened": out.oldest_seconds}


def _oldest(found: Status) -> str:
    actions = found.actions
    if actions.oldest_due_at is None or actions.oldest_due_seconds is None:
        return "No action is due."
    since = actions.oldest_due_at.astimezone(found.at.tzinfo)
    age = timedelta(seconds=actions.oldest_due_seconds)
    return f"The oldest action that is due has been so since {since:%Y-%m-%d %H:%M}, for {age}."
