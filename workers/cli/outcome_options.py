"""The options of what came of a conversation: one table for every command that reports it.

Each is a member of the event's data, under its own name.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, Literal

import typer

from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ArrearsReason
from domain.disputes import ComplaintKind, DisputeKind
from domain.errors import ArrearsError
from workers.cli.common import parse_id
from workers.cli.dates import parse_day
from workers.cli.language import say
from workers.cli.payment import parse_amount
from workers.cli.said import Places, Speaks, Times, read_said

OPTIONS: Mapping[str, Any] = {
    "reason": Annotated[
        ArrearsReason | None,
        typer.Option(help="Why the loan is overdue, if the borrower said so."),
    ],
    "also_about": Annotated[
        list[str] | None, typer.Option(help="Another loan that was mentioned.")
    ],
    "promised": Annotated[
        list[str] | None,
        typer.Option(
            metavar="AMOUNT:CURRENCY:DAY",
            help="With promised: how much by which day, such as 500.00:CNY:2026-03-12; once for "
            "each part.",
        ),
    ],
    "dispute_kind": Annotated[
        DisputeKind | None, typer.Option(help="With disputes: what is disputed.")
    ],
    "complaint_kind": Annotated[
        ComplaintKind | None, typer.Option(help="With complains: what it is about, if known.")
    ],
    "about_staff": Annotated[
        str | None,
        typer.Option(parser=parse_id, metavar="STAFF", help="With complains: about whom."),
    ],
    "about_attempt": Annotated[
        str | None,
        typer.Option(
            parser=parse_id,
            metavar="TEXT",
            help="With complains: the call or the visit in question.",
        ),
    ],
    "stopped_channel": Annotated[
        Literal["sms", "call", "visit"] | None,
        typer.Option(help="With stop_channel: by which there is to be no contact."),
    ],
    "why": Annotated[
        str | None, typer.Option(help="What the person said, in words that identify nobody.")
    ],
    "recording": Annotated[
        str | None,
        typer.Option(
            parser=parse_id,
            metavar="TEXT",
            help="The reference of the recording; of a letter, under which it is filed.",
        ),
    ],
    "inconvenient_times": Times,
    "inconvenient_places": Places,
    "speaks": Speaks,
}
"""By the name of the parameter. The last three are together the member `said`."""

SAID = ("inconvenient_times", "inconvenient_places", "speaks")
MEMBERS = {*OPTIONS, "said"} - set(SAID)
"""The members of the event's data that the options fill."""


def with_outcome(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options. What they say comes to its parameter `said`, as the event's
    data has it: only what was given."""

    @wraps(command)
    def run(**given: Any) -> None:
        options = {name: given.pop(name) for name in OPTIONS}
        command(**given, said=_read(options))

    signature = inspect.signature(command, eval_str=True)
    own = [each for name, each in signature.parameters.items() if name != "said"]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation
        )
        for name, annotation in OPTIONS.items()
    ]
    run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    return run


def _read(options: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if name not in SAID and value}
    if (promised := given.get("promised")) is not None:
        given["promised"] = _read_promise([_read_part(part) for part in promised])
    if (stopped := given.get("stopped_channel")) is not None:
        given["stopped_channel"] = Channel(stopped)
    if said := read_said(*(options[name] for name in SAID)):
        given["said"] = said
    return given


def _read_promise(parts: list[dict[str, str]]) -> dict[str, Any]:
    """One part is a promise of its own. Several are of one currency."""
    first, *others = parts
    if not others:
        return first
    currencies = {part.pop("currency") for part in parts}
    if len(currencies) > 1:
        raise ArrearsError(
            say(
                "The parts of one promise are in several currencies: {currencies}.",
                currencies=", ".join(sorted(currencies)),
            )
        )
    return {"currency": currencies.pop(), "parts": parts}


def _read_part(written: str) -> dict[str, str]:
    amount, currency, day = [*written.split(":"), "", "", ""][:3]
    if not (amount and currency and day) or written.count(":") != 2:
        raise ArrearsError(
            say(
                "{written!r} says no amount, currency and day. Write it like "
                "500.00:CNY:2026-03-12.",
                written=written,
            )
        )
    return {
        "amount": str(parse_amount(amount)),
        "currency": currency,
        "due_on": parse_day(day).isoformat(),
    }
