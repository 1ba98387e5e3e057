"""`arrears status`: what is due, waiting or failed, and how full the queues are."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta, tzinfo
from functools import partial

import redis

from config.readers.in_force import none_in_force
from domain.actions import ActionStatus
from domain.language.speak import speak, with_sentence
from workers.cli.alarms import too_many_numbers
from workers.cli.common import AsJson
from workers.cli.context import open_context
from workers.cli.import_sentences import import_is_unfinished
from workers.cli.language import coded, language_of_environment, say, word
from workers.cli.render import Table, print_counts, print_json, print_lines
from workers.cli.sending import hold_lines
from workers.db.problems import ARRANGEMENT_UNANSWERED
from workers.messaging.broker import queue_depths
from workers.operations.standstill import StandsStill, Standstill
from workers.operations.status import ReasonCount, Status, read_status
from workers.visits.notices import NOTICE_NOT_PRINTED
from workers.workforce.training import SOON


def status(as_json: AsJson = False) -> None:
    """Show what is due, what waits and for what, what failed, and how full the queues are."""
    ctx = open_context()
    depths = _depths(ctx.settings.redis_url)
    with ctx.engine.connect() as connection:
        found = read_status(
            connection,
            ctx.now(),
            depths,
            ctx.settings.scan_seconds,
            ctx.cipher,
            ctx.policy.staffing,
        )
    nothing_counts = none_in_force(ctx.policy, found.business_date)
    if as_json:
        # The queues are null when the broker cannot be reached.
        print_json(with_sentence(found) | {"queues": depths, "none_in_force": nothing_counts})
        return
    _show(found, depths)
    for folder in nothing_counts:
        print_lines(
            say(
                "Nothing in {folder} is in force on {day}, so what it would say is missing. Write "
                "a version that takes effect by then, in a file of its own.",
                folder=f"config/{folder}",
                day=found.business_date,
            ),
            style="bold red",
        )


def _depths(redis_url: str) -> dict[str, int] | None:
    try:
        return {str(queue): depth for queue, depth in queue_depths(redis_url).items()}
    except redis.RedisError:
        return None


def _show(found: Status, depths: Mapping[str, int] | None) -> None:
    print_lines(*hold_lines(found.sending_holds), style="bold red")
    alarms = (too_many_numbers(alarm, found.at.tzinfo) for alarm in found.number_alarms)
    print_lines(*alarms, style="bold red")
    print_lines(
        say(
            "Business date {business_date}, {at:%H:%M %Z}",
            business_date=found.business_date,
            at=found.at,
        ),
        style="bold",
    )
    print_lines(*standstill_lines(found.standstills, found.at.tzinfo), style="bold red")
    if found.history_days_open > 1:
        print_lines(
            say(
                "The daily history is closed up to {closed}: {days} days are missing. A worker of "
                "the queue maintenance closes them; its log says what keeps it.",
                closed=found.history_closed,
                days=found.history_days_open,
            ),
            style="bold red",
        )
    if found.duties.late:
        print_lines(
            say(
                "{late} of what is owed after conversations is late. `arrears duty list` shows it; "
                "whoever has done it says so with `arrears duty done`.",
                late=found.duties.late,
            ),
            style="bold red",
        )
    print_counts(say("Loans"), _loans(found))
    print_lines(_scan(found))
    _actions(found)
    print_counts(say("Waiting"), _waits(found))
    print_lines(_oldest(found))
    print_counts(say("Deferred, by rule"), found.actions.deferred_by_rules)
    print_counts(say("Planned, and waiting"), _spoken(found.actions.waiting_by_reason))
    print_counts(say("Given up"), _spoken(found.actions.dead_by_reason))
    print_counts(say("Texts"), _coded("message_status", found.messages))
    print_counts(say("Borrowers' replies to be read"), _coded("reply", found.replies))
    print_counts(say("Owed after conversations"), _duties(found))
    print_counts(say("Events waiting to be applied"), _coded("event_kind", found.events.waiting))
    print_counts(say("Events rejected"), _coded("event_kind", found.events.rejected))
    for reason in found.events.newest:
        print_lines(f"  {speak(reason, language_of_environment())}")
    print_counts(say("Events out"), _events_out(found))
    print_counts(say("Events out given up"), _spoken(found.events_out.dead_by_reason))
    print_counts(say("Open problems"), _coded("problem", found.problems))
    if unanswered := found.problems.get(ARRANGEMENT_UNANSWERED):
        print_lines(
            say(
                "Requests for a deferral or a plan that nobody answered in time: {count}. `arrears "
                "arrangement list` has them; `arrears arrangement offer` or `decline` answers one.",
                count=unanswered,
            ),
            style="bold red",
        )
    if to_print := found.problems.get(NOTICE_NOT_PRINTED):
        print_lines(
            say(
                "Notices of visits until tomorrow that are not printed: {count}. `arrears problems "
                "list --kind notice_not_printed` names the loans, `arrears letter print` prints "
                "one. Without it the visit cannot begin.",
                count=to_print,
            ),
            style="bold red",
        )
    print_lines(*_training(found))
    print_lines(*map(import_is_unfinished, found.imports))
    if depths is None:
        print_lines(
            say(
                "The broker cannot be reached, so the queues are not shown. Check REDIS_URL; "
                "nothing is lost meanwhile."
            )
        )
    else:
        print_counts(say("Messages in the queues"), depths)


def _training(found: Status) -> Iterator[str]:
    if found.training_over or found.training_ends_soon:
        yield say(
            "Training and certificates: {over} are over or missing, {soon} end within {days} days. "
            "`arrears quality training` says whose; who lacks one gets no such work.",
            over=found.training_over,
            soon=found.training_ends_soon,
            days=SOON,
        )


def standstill_lines(standing: Iterable[Standstill], zone: tzinfo | None) -> Iterator[str]:
    """What stands still, and what to do about it, a line each."""
    for each in standing:
        since = (
            f"{each.since.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
            if each.since
            else say("it was installed")
        )
        yield _standstill(each.kind, each.what, since)


def _standstill(kind: StandsStill, what: str, since: str) -> str:
    match kind:
        case StandsStill.BEAT:
            return say(
                "Nothing is started since {since}: beat is down, or the broker takes no messages. "
                "`arrears check` asks the broker; start `arrears beat` again.",
                since=since,
            )
        case StandsStill.NOT_SERVED:
            return say(
                "Nobody serves the queue {what} since {since}. Start a worker with "
                "--queues={what}.",
                what=what,
                since=since,
            )
        case StandsStill.QUEUE:
            return say(
                "The queue {what} holds messages, and none was taken since {since}. Its worker may "
                "be stuck: look at its log, and restart it.",
                what=what,
                since=since,
            )
        case StandsStill.CHAIN:
            return say(
                "Evidence waits for its link since {since}: the chain stands still. "
                "`arrears evidence verify` says more.",
                since=since,
            )
        case StandsStill.TASK:
            return say(
                "The task {what} has not ended well since {since}. The log of its worker says why.",
                what=what,
                since=since,
            )


def _spoken(counts: Iterable[ReasonCount]) -> dict[str, int]:
    language = language_of_environment()
    return {speak(count.reason, language): count.count for count in counts}


def _coded(name: str, counts: Mapping[str, int]) -> dict[str, int]:
    return {coded(name, code): count for code, count in counts.items()}


def _past_due(days: str) -> str:
    first, more, _ = days.partition(" and more")
    if more:
        return say("past due, days {first} and more", first=first)
    return say("past due, days {days}", days=days)


def _loans(found: Status) -> dict[str, int]:
    days = {_past_due(days): count for days, count in found.loans.past_due.items()}
    return {
        say("on the book"): found.loans.on_the_book,
        **days,
        say("due for review"): found.loans.due_for_review,
        say("of them published to the workers"): found.loans.announced,
    }


def _duties(found: Status) -> dict[str, int]:
    """Nothing where nothing is owed."""
    if not found.duties.open:
        return {}
    return {say("open"): found.duties.open, say("late"): found.duties.late}


def _scan(found: Status) -> str:
    if found.scan is None:
        return say("No scan has started today.")
    zone = found.at.tzinfo
    scan = found.scan
    finished = say("not all loans that are due are published yet")
    if scan.finished_at is not None:
        finished = say(
            "all loans that were due were published by {at:%H:%M:%S}",
            at=scan.finished_at.astimezone(zone),
        )
    return say(
        "Today's first scan started at {started:%H:%M:%S}; {finished}. All scans of today "
        "together: {loans} loans published, in {messages} messages.",
        started=scan.started_at.astimezone(zone),
        finished=finished,
        loans=scan.loans,
        messages=scan.envelopes,
    )


def _actions(found: Status) -> None:
    if not found.actions.by_type:
        print_lines(say("There are no actions."))
        return
    shown = [status for status in ActionStatus if found.actions.in_status(status)]
    names = [_word("status", status) for status in shown]
    columns: dict[str, Callable[[tuple[str, Mapping[str, int]]], object]] = {
        "Actions": lambda counted: _word("action_type", counted[0]),
        **{name: partial(_count, status=status) for name, status in zip(names, shown, strict=True)},
    }
    Table(None, columns, right=names).print(found.actions.by_type.items())


def _word(name: str, code: str) -> str:
    """A word alone: with the codes beside them the columns would be too wide."""
    return word(name, code).replace("_", " ")


def _count(counted: tuple[str, Mapping[str, int]], status: ActionStatus) -> int:
    return counted[1].get(status, 0)


def _waits(found: Status) -> dict[str, int]:
    return {
        say("for an approval"): found.actions.in_status(ActionStatus.AWAITING_APPROVAL),
        say("to be tried again"): found.actions.in_status(ActionStatus.FAILED),
        say("for certainty, not repeated"): found.actions.in_status(ActionStatus.UNKNOWN),
        say("claimed, past their time"): found.actions.lost_claims,
        say("due, for a worker"): found.actions.due,
    }


def _events_out(found: Status) -> dict[str, int]:
    out = found.events_out
    if out.oldest_seconds is None:
        return {}
    return {
        say("waiting"): out.waiting,
        say("seconds since the oldest happened"): out.oldest_seconds,
    }


def _oldest(found: Status) -> str:
    actions = found.actions
    if actions.oldest_due_at is None or actions.oldest_due_seconds is None:
        return say("No action is due.")
    since = actions.oldest_due_at.astimezone(found.at.tzinfo)
    age = timedelta(seconds=actions.oldest_due_seconds)
    return say(
        "The oldest action that is due has been so since {since:%Y-%m-%d %H:%M}, for {age}.",
        since=since,
        age=age,
    )
