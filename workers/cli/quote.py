"""`arrears quote`: what a deferral or an instalment plan would mean. Nothing is changed."""

from collections.abc import Iterator
from datetime import UTC, date
from typing import Annotated

import typer

from domain.arranged import Wish
from domain.arrangements import ArrangementKind
from domain.errors import ArrearsError
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part, render
from domain.language.speak import LANGUAGES, speak
from domain.loans import Instalment
from domain.quote_json import quote_as_json
from domain.quotes import NotOffered, Quote
from domain.reason_json import reasons_as_json
from workers.calls.amounts import assert_commands_show_amounts
from workers.cli.common import AsJson, Loan, day
from workers.cli.context import open_context
from workers.cli.language import Language, language_of_environment
from workers.cli.payment import parse_amount
from workers.cli.render import print_json, print_lines
from workers.hardship.quotes import quote_loan

NOT_OFFERED = 1
"""The exit code where nothing can be offered."""
LONGEST_IN_DAYS = 3650
MOST_INSTALMENTS = 600

Deferral = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=LONGEST_IN_DAYS,
        metavar="DAYS",
        help="A deferral: for so many days nothing is to be paid.",
    ),
]
Instalments = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MOST_INSTALMENTS,
        metavar="NUMBER",
        help="An instalment plan of so many monthly instalments.",
    ),
]
Until = Annotated[date | None, day("A plan that is paid by this day.", "--until")]
Monthly = Annotated[
    str | None,
    typer.Option(
        metavar="AMOUNT",
        help="The shortest plan of which no month costs more than this, the instalments that "
        "stay as they are included.",
    ),
]


def quote(
    loan: Loan,
    deferral: Deferral = None,
    instalments: Instalments = None,
    until: Until = None,
    monthly: Monthly = None,
    language: Language = None,
    as_json: AsJson = False,
) -> None:
    """Show what a deferral or an instalment plan would mean, to the cent. It changes nothing.

    Exit code 1: it cannot be offered; the reasons are shown.
    """
    given = [each for each in (deferral, instalments, until, monthly) if each is not None]
    if len(given) != 1:
        raise ArrearsError(
            "Say what is asked for with one of --deferral, --instalments, --until and --monthly."
        )
    wish = Wish(deferral, instalments, until, parse_amount(monthly) if monthly else None)
    language = language or language_of_environment()
    ctx = open_context()
    assert_commands_show_amounts(ctx, loan=loan)
    with ctx.engine.connect() as connection:
        found = quote_loan(connection, ctx, loan, wish)
    if as_json:
        print_json(_as_json(found))
    elif isinstance(found, NotOffered):
        print_lines(speak(found.reason, language))
    else:
        print_lines(*quote_lines(loan, found, language))
    if isinstance(found, NotOffered):
        raise typer.Exit(NOT_OFFERED)


def quote_lines(loan: str, found: Quote, language: str) -> list[str]:
    """What must be known before anybody agrees, in a language."""
    entries = [Entry(None, parts) for parts in _sentences(loan, found)]
    return [line.text for line in render(entries, LANGUAGES[language], UTC)]


def _sentences(loan: str, found: Quote) -> Iterator[tuple[Part, ...]]:
    """What must be known before anybody agrees: one line each."""
    of = {"currency": found.currency}
    head = {"loan": loan, "as_of": found.as_of, "valid_until": found.valid_until}
    if found.kind is ArrangementKind.DEFERRAL:
        yield (part(Phrase.QUOTE_DEFERRAL, **head, terms=found.terms),)
    else:
        count = len(found.arranged)
        yield (part(Phrase.QUOTE_PLAN, **head, terms=found.terms, instalments=count),)
    arranged = {instalment.due_on: instalment for instalment in found.arranged}
    for instalment in found.after:
        yield _instalment(instalment, arranged.get(instalment.due_on), found.currency)
    if found.rate_percent:
        percent, day_count = f"{found.rate_percent.normalize():f}", found.day_count
        yield (part(Phrase.QUOTE_RATE, percent=percent, day_count=day_count),)
    else:
        yield (part(Phrase.QUOTE_NO_RATE),)
    yield (part(Phrase.QUOTE_COSTS, interest=found.interest, fee=found.fee, **of),)
    if found.interest_dropped:
        yield (part(Phrase.QUOTE_DROPPED, amount=found.interest_dropped, **of),)
    yield (
        part(
            Phrase.QUOTE_TOTALS,
            before=found.to_pay_before,
            after=found.to_pay_after,
            difference=found.difference,
            **of,
        ),
    )
    yield (
        part(
            Phrase.QUOTE_LAST_DAYS,
            last_day_before=found.last_day_before,
            last_day_after=found.last_day_after,
        ),
    )
    if found.stops:
        yield (_what_stops(found),)
    yield (part(Phrase.QUOTE_GOES_ON, effects=found.goes_on),)
    yield (part(Phrase.QUOTE_ENDS, instalments=found.missed_ends_it, days=found.grace_days),)
    cost = [part(Phrase.QUOTE_COST, percent=f"{found.cost_percent:f}")]
    if cap := found.cost_cap:
        at_most = f"{cap.at_most:f}"
        cost.append(part(Phrase.QUOTE_CAP, at_most=at_most, citation=cap.source.citation))
    yield tuple(cost)
    if found.pays_in_order:
        yield (part(Phrase.QUOTE_ORDER, component=found.pays_in_order),)
    yield (part(Phrase.QUOTE_WHO, role=found.who_may_agree),)
    yield (part(Phrase.QUOTE_CHANGES_NOTHING),)


def _what_stops(found: Quote) -> Part:
    if found.deferred_until is None:
        return part(Phrase.QUOTE_STOPS, effects=found.stops)
    return part(Phrase.QUOTE_STOPS_UNTIL, effects=found.stops, on=found.deferred_until)


def _instalment(whole: Instalment, arranged: Instalment | None, currency: str) -> tuple[Part, ...]:
    """One day on which something is to be paid, and how much of it is of the arrangement."""
    sentence = part(
        Phrase.QUOTE_INSTALMENT,
        due_on=whole.due_on,
        principal=whole.principal,
        interest=whole.interest,
        fees=whole.fees,
        amount=whole.amount,
        currency=currency,
    )
    if arranged is None or arranged == whole:
        return (sentence,)
    of_it = part(Phrase.QUOTE_OF_ARRANGEMENT, amount=arranged.amount, currency=currency)
    return (sentence, of_it)


def _as_json(found: Quote | NotOffered) -> dict[str, object]:
    """The same for programs."""
    if isinstance(found, NotOffered):
        return {"offered": False, "reason": reasons_as_json(found.reason)}
    return {"offered": True, **quote_as_json(found)}
