"""`arrears status`: how the house stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import redis
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

from domain.actions import ActionStatus
from workers.cli.common import console, open_context
from workers.messaging.broker import queue_depths
from workers.operations.status import Status, read_status


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what is due, what waits and for what, what failed, and how full the queues are."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = read_status(connection, ctx.now())
    depths = _depths(ctx.settings.redis_url)
    if as_json:
        # The queues are null when the broker cannot be reached.
        console.print_json(data=asdict(found) | {"queues": depths}, default=str)
        return
    _show(found, depths)


def _depths(redis_url: str) -> dict[str, int] | None:
    try:
        return {str(queue): depth for queue, depth in queue_depths(redis_url).items()}
    except redis.RedisError:
        return None


def _show(found: Status, depths: Mapping[str, int] | None) -> None:
    console.print(Text(f"Business date {found.business_date}, {found.at:%H:%M %Z}", style="bold"))
    _counted("Loans", _loans(found))
    console.print(_scan(found))
    _actions(found)
    _counted("Waiting", _waits(found))
    console.print(_oldest(found))
    _counted("Deferred, by rule", found.actions.deferred_by_rules)
    _counted("Planned, and waiting", found.actions.waiting_by_reason)
    _counted("Given up", found.actions.dead_by_reason)
    _counted("Texts", found.messages)
    _counted("Borrowers' replies to be read", found.replies)
    _counted("Events waiting to be applied", found.events.waiting)
    _counted("Events rejected", found.events.rejected)
    for sentence in found.events.newest:
        console.print(Text(f"  {sentence}"))
    _counted("Events out", _events_out(found))
    _counted("Events out given up", found.events_out.dead_by_reason)
    _counted("Open problems", found.problems)
    if depths is None:
        console.print(
            "The broker cannot be reached, so the queues are not shown. Check REDIS_URL; nothing "
            "is lost meanwhile."
        )
    else:
        _counted("Messages in the queues", depths)


def _loans(found: Status) -> dict[str, int]:
    days = {f"past due, days {days}": n for days, n in found.loans.past_due.items()}
    return {
        "on the book": found.loans.on_the_book,
        **days,
        "due for a look": found.loans.due_for_a_look,
        "of them announced to the workers": found.loans.announced,
    }


def _scan(found: Status) -> str:
    if found.scan is None:
        return "Today's scan has not begun."
    zone = found.at.tzinfo
    scan = found.scan
    finished = "is under way"
    if scan.finished_at is not None:
        finished = f"finished at {scan.finished_at.astimezone(zone):%H:%M:%S}"
    return (
        f"Today's scan began at {scan.started_at.astimezone(zone):%H:%M:%S} and {finished}: "
        f"loans announced {scan.loans}, in envelopes {scan.envelopes}."
    )


def _actions(found: Status) -> None:
    if not found.actions.by_type:
        console.print("There are no actions.")
        return
    table = Table("Actions", box=SIMPLE_HEAD)
    shown = [each_status for each_status in ActionStatus if found.actions.in_status(each_status)]
    for one in shown:
        table.add_column(one.replace("_", " "), justify="right")
    for work, counts in found.actions.by_type.items():
        table.add_row(work.replace("_", " "), *(str(counts.get(one, 0)) for one in shown))
    console.print(table)


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


def _counted(title: str, counts: Mapping[str, int]) -> None:
    """A table of two columns; nothing at all where there is nothing to count."""
    if not counts:
        return
    table = Table(title, Column("", justify="right"), box=SIMPLE_HEAD)
    for name, number in counts.items():
        # Not markup: a reason may hold square brackets.
        table.add_row(Text(name), str(number))
    console.print(table)
