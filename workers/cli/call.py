"""`arrears call`: a collector starts a call that the gate allows, and records its outcome."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer

from domain.compliance.vocabulary import AskedAgain, Channel, Party
from domain.contact_outcomes import INBOUND, REPORT_IS_NAMED_BY, ContactOutcome
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.right_party import Question
from workers.attempts.attempts import BarredError, StartedAttempt, find_open_attempt
from workers.calls.locate import start_location_call
from workers.calls.start import start_call
from workers.cli.common import AsJson, DryRun, Loan, ask_for
from workers.cli.context import open_context, submit
from workers.cli.dates import parse_moment
from workers.cli.language import coded, language_of_environment, say, words
from workers.cli.outcome_options import with_outcome
from workers.cli.render import errors, print_done, print_json, print_lines
from workers.sending.counter import assert_counter_usable
from workers.staff.next_work import NothingToServe, ServedWork, next_for
from workers.staff.served_leases import release

app = typer.Typer()

ALLOWED = {
    "Call": "Allowed now: the call may start.",
    "Visit": "Allowed now: the visit may start.",
}

QUESTIONS = {
    Question.NAME: "the full name",
    Question.ADDRESS_NUMBERS: "the numbers of the address",
    Question.POSTCODE: "the postcode",
    Question.OTHER_NUMBER: "the last four digits of their telephone number",
}
"""What visitors ask for at the door."""

Outcome = Annotated[ContactOutcome, typer.Option(help="What came of it.")]


@app.command("next")
def serve_next(
    give_back: Annotated[
        bool, typer.Option("--give-back", help="Give back what you were served, for now.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show whom you call next, and why. Nobody else is served that person meanwhile.

    To ask again shows the same until its outcome is reported. It has no personal data.
    """
    ctx = open_context()
    served = next_for(ctx)
    if give_back and isinstance(served, ServedWork) and served.lease is not None:
        release(ctx, served.lease)
        print_lines(say("Given back: the work about {loan}.", loan=served.loan or served.record))
        return
    if as_json:
        print_json(served)
        return
    print_lines(speak(served.why, language_of_environment()))
    zone = ctx.settings.lender_zone
    if isinstance(served, NothingToServe):
        if served.ask_again_at is not None:
            print_lines(say("Ask again at {at}.", at=_moment(served.ask_again_at, zone)))
        return
    if served.reply is not None:
        print_lines(say("`arrears reply read {reply}` shows the text.", reply=served.reply))
    elif served.duty is not None:
        print_lines(say("`arrears duty done {duty}` says that it is done.", duty=served.duty))
    elif served.attempt is not None:
        print_lines(say("The call {attempt} of loan {loan}.", **_named(served)))
    else:
        print_lines(
            say("Call about loan {loan}: {purpose}", **_named(served)),
            say("`arrears call start {loan}` shows the number.", **_named(served)),
        )
    print_lines(say("It is yours until {at} or longer.", at=_moment(served.until, zone)))


def _named(served: ServedWork) -> dict[str, object]:
    purpose = say(served.purpose) if served.purpose else ""
    return {"loan": served.loan, "attempt": served.attempt, "purpose": purpose}


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


@app.command()
def start(
    loan: Loan,
    item: Annotated[
        str | None, typer.Option(help="The ladder item; the newest call if left out.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask the contact gate, record the call and show the number. Exit code 1: not now, and why.

    The number is personal data: the access is logged.
    """
    ctx = open_context()
    assert_counter_usable(ctx)
    begin = partial(start_call, ctx, loan, item=item, dry_run=dry_run)
    print_started("Call", begin, ctx.settings.lender_zone, as_json=as_json, dry_run=dry_run)


@app.command("outcome")
@with_outcome
def record_outcome(
    loan: Loan,
    outcome: Outcome,
    said: dict[str, Any],
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="With callback_requested: when to call again, as 2026-03-01 17:30."
        ),
    ] = None,
) -> None:
    """Record the outcome of the last call that was started. It cannot be changed later."""
    submit_outcome(loan, Channel.CALL, outcome, said, callback_at=at)


@app.command()
@with_outcome
def inbound(
    loan: Loan,
    outcome: Annotated[
        ContactOutcome, typer.Option(help="What it came to, by whoever took the call.")
    ],
    said: dict[str, Any],
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="With callback_requested: when to call again, as 2026-03-01 17:30."
        ),
    ] = None,
    by_representative: Annotated[
        bool,
        typer.Option("--by-representative", help="Who acts for the borrower called."),
    ] = False,
    borrower: Annotated[
        str | None,
        typer.Option(help="The co-borrower or the guarantor who called; else the borrower did."),
    ] = None,
) -> None:
    """Record a call that the person made: where a law says so, it counts as a conversation."""
    if outcome not in INBOUND:
        raise ArrearsError(
            say(
                "No call that the person made comes to {outcome}. Write one of {known}.",
                outcome=outcome,
                known=", ".join(INBOUND),
            )
        )
    more: dict[str, Any] = {"by_representative": True} if by_representative else {}
    if at is not None:
        zone = open_context().settings.lender_zone
        more["callback_at"] = parse_moment(at, zone).isoformat()
    submit_inbound(Channel.CALL, loan, outcome, {**said, **more}, borrower=borrower)


@app.command()
def locate(
    loan: Loan,
    number: Annotated[
        str | None,
        typer.Option(
            help="The third party's number, with its country code. Asked for if left out.",
        ),
    ] = None,
    again: Annotated[
        AskedAgain | None,
        typer.Option(help="Why they may be asked once more, if they were asked before."),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask somebody else where the borrower can be reached: ask the gate and record the call.

    Exit code 1: not now, and why. The number is used for this call and not kept. Report the outcome
    with `arrears call outcome`.
    """
    ctx = open_context()
    number = number or ask_for(say("The third party's number"), "--number")
    with refusal_printed(ctx.settings.lender_zone):
        started = start_location_call(ctx, loan, number, again_because=again, dry_run=dry_run)
    if as_json:
        print_json(started)
        return
    if dry_run:
        print_lines(say(ALLOWED["Call"]))
    print_lines(
        say(
            "A call to a third party, perhaps in {language}:",
            language=words("language", [started.language]),
        ),
        *map(say, started.instructions),
    )
    if started.warnings:
        print_lines(
            say("Rules that advise against it: {warnings}.", warnings=", ".join(started.warnings))
        )
    print_done(say("Attempt {attempt}.", attempt=started.attempt), dry_run=dry_run)


def submit_outcome(
    loan: str,
    channel: Channel,
    outcome: ContactOutcome,
    said: Mapping[str, Any],
    callback_at: str | None = None,
) -> None:
    """Record the outcome of the last attempt that was started on a channel.

    `said` is as the event's data has it. `callback_at` is as it was typed, in the lender's zone
    where it names none.
    """
    ctx = open_context()
    with ctx.engine.connect() as connection:
        attempt = find_open_attempt(connection, ctx, loan, channel)
    payload: dict[str, Any] = {"attempt": attempt, "outcome": outcome, "reason": None, **said}
    if callback_at is not None:
        moment = parse_moment(callback_at, ctx.settings.lender_zone)
        payload["callback_at"] = moment.isoformat()
    named = [str(payload[name]) for name in REPORT_IS_NAMED_BY if payload.get(name) is not None]
    submit(ctx, "contact_outcome", ":".join([attempt, *named]), payload)


def submit_inbound(
    channel: Channel,
    loan: str,
    outcome: ContactOutcome,
    said: Mapping[str, Any],
    *,
    at: str | None = None,
    borrower: str | None = None,
) -> None:
    """Record a contact that the person began. `said` is as the event's data has it; `at` is when,
    as it was typed, in the lender's zone where it names none; None: now."""
    ctx = open_context()
    began = parse_moment(at, ctx.settings.lender_zone) if at else ctx.now()
    contact = f"{channel}:{uuid4()}"
    payload: dict[str, Any] = {
        "contact": contact,
        "loan": loan,
        "channel": channel,
        "at": began.isoformat(),
        "outcome": outcome,
        "reason": None,
        "also_about": [],
        **said,
    }
    if borrower:
        payload["borrower"] = borrower
    submit(ctx, "inbound_contact", contact, payload)


@contextmanager
def refusal_printed(zone: ZoneInfo) -> Iterator[None]:
    """If the gate does not allow an attempt, print why, from when on and by which rules; exit."""
    try:
        yield
    except BarredError as barred:
        language = language_of_environment()
        errors.print(say("Not now."), speak(barred.reason, language), markup=False)
        if barred.until is not None:
            until = barred.until.astimezone(zone)
            errors.print(say("Not before"), f"{until:%Y-%m-%d %H:%M} ({zone}).", markup=False)
        if barred.rules:
            errors.print(say("Rules:"), f"{', '.join(barred.rules)}.", markup=False)
        raise typer.Exit(1) from None


def _whom(started: StartedAttempt) -> str:
    """Who is contacted, where it is not the borrower; people are ids."""
    if started.representative is not None:
        return say(
            "To {acting}, who acts for {borrower}, instead of that person.",
            acting=coded("acting", started.representative),
            borrower=started.borrower,
        )
    return say(
        "To {party} {borrower}.", party=coded("party", started.party), borrower=started.borrower
    )


def print_started(
    what: str, begin: Callable[[], StartedAttempt], zone: ZoneInfo, *, as_json: bool, dry_run: bool
) -> None:
    """Start an attempt, and print what the person who makes it must know; or exit with the reason
    why it may not start, when it may, and which rules say so."""
    with refusal_printed(zone):
        started = begin()
    if as_json:
        print_json(started)
        return
    lines = [
        say(
            "{what} for {item}, in {language}: {purpose}",
            what=say(what),
            item=started.item,
            language=words("language", [started.language]),
            purpose=say(started.purpose),
        )
    ]
    if started.party is not Party.BORROWER:
        lines.append(_whom(started))
    purposes = dict.fromkeys(of.purpose for of in started.loans)
    lines += [say(other) for other in purposes if other not in ("", started.purpose)]
    about = list(dict.fromkeys(of.loan for of in started.loans))
    if len(about) > 1:
        named = ", ".join(about)
        lines.append(say("About {count} loan(s): {loans}.", count=len(about), loans=named))
    if started.must_learn:
        lines.append(say("Learn: {topics}.", topics=words("topics", started.must_learn)))
    if started.may_offer:
        lines.append(say("You may offer: {offers}.", offers=words("offers", started.may_offer)))
    if started.outcomes:
        outcomes = words("", [coded("outcome", each) for each in started.outcomes])
        lines.append(say("It may come to: {outcomes}; or another outcome.", outcomes=outcomes))
    if started.name:
        lines.append(say("For {name}.", name=started.name))
    if started.hand_over:
        letters = words("document", started.hand_over)
        lines.append(say("Hand over, closed: {letters}.", letters=letters))
    if started.questions:
        questions = words("", [say(QUESTIONS[each]) for each in started.questions])
        lines.append(say("Before you say why you come, ask for: {questions}.", questions=questions))
    if started.warnings:
        lines.append(
            say("Rules that advise against it: {warnings}.", warnings=", ".join(started.warnings))
        )
    if dry_run:
        lines.insert(0, say(ALLOWED[what]))
    print_lines(*lines)
    print_done(
        say("{reach}  (attempt {attempt})", reach=started.reach, attempt=started.attempt),
        dry_run=dry_run,
    )
