"""`arrears person`: which customer records are one person, and what is true of the person."""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from config.input_errors import what_to_write
from domain.errors import ArrearsError
from domain.inconvenient import Location
from domain.language.speak import speak
from domain.parties import RepresentativeKind
from domain.persons import Link
from workers.borrowers.same_person import SamePersonDecision
from workers.cli.common import AsJson, DryRun, Why, lender_id
from workers.cli.context import open_context, read, submit
from workers.cli.dates import parse_inconvenient_time, parse_moment
from workers.cli.language import coded, language_of_environment, said_by, say
from workers.cli.personal import encrypted_payload
from workers.cli.render import Table, print_done, print_json
from workers.context import Context
from workers.inbox.event_data.persons import (
    PersonFactEndFacts,
    PersonFactFacts,
    RepresentativeFacts,
)
from workers.operations.persons import (
    ActsFor,
    KnownFact,
    PartyOf,
    PersonRecord,
    are_linked,
    read_person,
    would_decide,
)
from workers.operations.record_links import RecordLink

app = typer.Typer()

Borrower = Annotated[str, lender_id("BORROWER", "The lender's id of the customer.")]
Fact = Annotated[
    Literal[
        "represented",
        "employer_forbids",
        "ceased",
        "agreed_more_contacts",
        "agreed_other_hours",
        "inconvenient_time",
        "inconvenient_place",
        "language",
    ],
    typer.Argument(help="What is true of the person."),
]
OnlyLoan = Annotated[
    str | None, typer.Option("--loan", help="The only loan that it is about; all if left out.")
]
OnlyChannel = Annotated[
    Literal["sms", "call", "visit"] | None,
    typer.Option("--channel", help="Of what is inconvenient: the only channel; all if left out."),
]
Time = Annotated[
    str | None,
    typer.Option(
        metavar="DAYS [HOURS]",
        help='For inconvenient_time: "sun", "mon-fri 09:00-17:00", "every_day 22:00-06:00".',
    ),
]
Place = Annotated[
    Location | None,
    typer.Option(help="For inconvenient_place; number, address: one that the borrower has now."),
]
Number = Annotated[
    int | None,
    typer.Option(min=1, help="Which of the borrower's numbers, if there are several."),
]
OfRepresentative = Annotated[
    bool,
    typer.Option("--of-representative", help="It is a wish of who acts for the person."),
]
Locale = Annotated[
    str | None, typer.Option("--locale", help="For language: such as en or zh-Hans.")
]
Other = Annotated[str, lender_id("OTHER", "The lender's id of the other record.")]
RECORDS = Table[PersonRecord](
    "Records of this person",
    {"borrower": lambda record: record.borrower, "loans": lambda record: record.loans},
    right=("loans",),
)
LINKS = Table[RecordLink](
    "Links",
    {
        "borrower": lambda link: link.borrower,
        "other": lambda link: link.other,
        "are": lambda link: coded("link", link.status),
        "why": lambda link: link.reason,
        "since": lambda link: link.since,
        "by": lambda link: link.actor or "",
    },
    if_none="No other record is joined with it or parted from it.",
)

PARTY_OF = Table[PartyOf](
    "Party to loans of others",
    {
        "loan": lambda party: party.loan,
        "role": lambda party: coded("party", party.role),
        "record": lambda party: party.borrower,
    },
    if_none="Not party to a loan of anybody else.",
)
REPRESENTED_BY = Table[ActsFor](
    "Represented by",
    {
        "kind": lambda acting: coded("representative", acting.kind),
        "loan": lambda acting: acting.loan or say("all"),
        "contacted instead": lambda acting: say("yes") if acting.contacted else say("no"),
        "asked for": lambda acting: list(acting.wishes),
        "since": lambda acting: acting.since,
    },
    if_none="Nobody is on record who acts for this person.",
)
FACTS = Table[KnownFact](
    "Known of this person",
    {
        "fact": lambda known: coded("person_fact", known.fact),
        "which": lambda known: ", ".join(known.details),
        "record": lambda known: known.borrower,
        "since": lambda known: known.since,
        "until": lambda known: known.until or "",
        "source": lambda known: said_by(known.source),
    },
    if_none="Nothing else is known of this person.",
)


@app.command()
def show(borrower: Borrower, as_json: AsJson = False) -> None:
    """Show all customer records of a person, what joins or parts them, and what is known of the
    person. No personal data."""
    found = read(lambda connection, ctx: read_person(connection, borrower, ctx))
    if as_json:
        print_json(found)
        return
    RECORDS.print(found.records)
    LINKS.print(found.links)
    PARTY_OF.print(found.party_of)
    REPRESENTED_BY.print(found.represented_by)
    FACTS.print(found.facts)


@app.command()
def note(
    borrower: Borrower,
    fact: Fact,
    loan: OnlyLoan = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="When a consent, a time or a place ends, in the lender's zone.",
        ),
    ] = None,
    channel: OnlyChannel = None,
    time: Time = None,
    place: Place = None,
    number: Number = None,
    locale: Locale = None,
    of_representative: OfRepresentative = False,
) -> None:
    """Record who acts for a person, what they asked for, or what they agreed to."""
    ctx = open_context()
    ends = parse_moment(until, ctx.settings.lender_zone, whole_day=True) if until else None
    if ends and ends <= ctx.now():
        raise ArrearsError(
            say("--until {until} is over. Give a moment that is to come.", until=until)
        )
    payload = _reported(borrower, fact, loan, channel, time, place, number, locale)
    if of_representative:
        payload["of_representative"] = True
    if ends is not None:
        payload["until"] = ends.isoformat()
    _submit(ctx, "person_fact", PersonFactFacts, payload)


@app.command()
def represent(
    borrower: Borrower,
    kind: Annotated[RepresentativeKind, typer.Argument(help="What they are to the person.")],
    loan: OnlyLoan = None,
    name: Annotated[str | None, typer.Option(help="The name of who acts for them.")] = None,
    phone: Annotated[str | None, typer.Option(help="Their number, as +8613800138000.")] = None,
    address: Annotated[str | None, typer.Option(help="Their address, in one line.")] = None,
    zones: Annotated[list[str] | None, typer.Option(help="An IANA zone of theirs.")] = None,
    contacted: Annotated[
        bool, typer.Option(help="Whether they may be contacted instead, where a rule says so.")
    ] = True,
) -> None:
    """Record who acts for a person, with their details. It ends with the fact `represented`."""
    ctx = open_context()
    payload = encrypted_payload(
        RepresentativeFacts,
        ctx.cipher,
        borrower=borrower,
        kind=kind,
        loan=loan,
        contacted=contacted,
        name=name,
        phone=phone,
        address=address,
        zones=tuple(zones or ()),
        actor=ctx.actor.reference,
    )
    submit(ctx, "representative", f"{borrower}:{kind}:{ctx.now().isoformat()}", payload)


@app.command()
def end(
    borrower: Borrower,
    fact: Fact,
    loan: OnlyLoan = None,
    channel: OnlyChannel = None,
    time: Time = None,
    place: Place = None,
    number: Number = None,
    locale: Locale = None,
    of_representative: OfRepresentative = False,
) -> None:
    """Record that a fact about a person is not true any more, or that a consent was withdrawn.

    Without the details of a fact, all facts of its kind end.
    """
    payload = _reported(borrower, fact, loan, channel, time, place, number, locale)
    if of_representative:
        payload["of_representative"] = True
    _submit(open_context(), "person_fact_end", PersonFactEndFacts, payload)


def _reported(
    borrower: str,
    fact: str,
    loan: str | None,
    channel: str | None,
    time: str | None,
    place: str | None,
    number: int | None,
    locale: str | None,
) -> dict[str, Any]:
    reported = {
        "borrower": borrower,
        "fact": fact,
        "loan": loan,
        "channel": channel,
        "time": parse_inconvenient_time(time) if time else None,
        "place": place,
        "which_number": number,
        "locale": locale,
    }
    return {name: value for name, value in reported.items() if value is not None}


def _submit(
    ctx: Context, kind: str, model: type[PersonFactEndFacts], payload: dict[str, Any]
) -> None:
    """Check the fact as if the lender's systems had posted it, and apply it."""
    payload = {**payload, "actor": ctx.actor.reference}
    try:
        model.model_validate_json(json.dumps(payload))
    except ValidationError as error:
        said = error.errors()[0]
        raise ArrearsError(
            say(
                "This is no {fact}: {why}. `arrears person note` says with --help what "
                "each fact needs.",
                fact=payload["fact"],
                why=what_to_write(said),
            )
        ) from None
    borrower, fact = payload["borrower"], payload["fact"]
    submit(ctx, kind, f"{borrower}:{fact}:{ctx.now().isoformat()}", payload)


@app.command()
def confirm(borrower: Borrower, other: Other, why: Why) -> None:
    """Confirm that two records that count as one person are one."""
    ctx = open_context()
    if not are_linked(ctx, borrower, other):
        raise ArrearsError(
            say(
                "Nothing says yet that {borrower} and {other} are one person. `arrears "
                "person join` says so.",
                borrower=borrower,
                other=other,
            )
        )
    _decide(ctx, borrower, other, Link.CONFIRMED, why)


@app.command()
def join(borrower: Borrower, other: Other, why: Why, dry_run: DryRun = False) -> None:
    """Make two records one person: what protects one of them protects all loans of both."""
    _decide(open_context(), borrower, other, Link.CONFIRMED, why, dry_run=dry_run)


@app.command()
def part(borrower: Borrower, other: Other, why: Why, dry_run: DryRun = False) -> None:
    """Part two records: they are two persons. Facts stay on the record on which they came in."""
    _decide(open_context(), borrower, other, Link.PARTED, why, dry_run=dry_run)


def _decide(
    ctx: Context, borrower: str, other: str, status: Link, why: str, *, dry_run: bool = False
) -> None:
    decision = SamePersonDecision(
        borrower=borrower, other=other, status=status, why=why, actor=ctx.actor.reference
    )
    if dry_run:
        reasons = would_decide(ctx, decision)
        print_done(speak(reasons, language_of_environment()), dry_run=True)
        return
    # Each decision is an event of its own: the same one may be made again after it was undone.
    id = f"{borrower}:{other}:{status}:{ctx.now():%Y%m%dT%H%M%S%f}"
    submit(ctx, "same_person", id, asdict(decision))
