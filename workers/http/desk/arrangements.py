"""Deferrals and instalment plans at the desk: what one would mean, and the offer of it."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field
from starlette.requests import Request

from domain.errors import RefusedError
from domain.language.speak import speak
from domain.quote_json import quote_as_json
from domain.quotes import NotOffered, Wish
from workers.context import Context
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.quotes import quote_loan
from workers.http.desk.quoted import Quoted
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.inbox.event_data.arrangements import LONGEST_IN_DAYS, MOST_INSTALMENTS
from workers.inbox.event_data.fields import Amount, Day, Identifier, StrictModel

router = desk_router("arrangements")


class WishAtDesk(StrictModel):
    """What the borrower wishes for: one of these."""

    days: Annotated[int, Field(ge=1, le=LONGEST_IN_DAYS)] | None = None
    """A deferral: for so many days nothing is to be paid."""
    instalments: Annotated[int, Field(ge=1, le=MOST_INSTALMENTS)] | None = None
    """A plan of so many monthly instalments."""
    until: Day | None = None
    """A plan that is paid by this day."""
    monthly: Amount | None = None
    """The shortest plan of which no month costs more."""


class QuoteAsked(WishAtDesk):
    """A quote for a loan."""

    loan: Identifier


@router.post("/quotes", response_model=Quoted)
async def quote(request: Request, body: QuoteAsked) -> dict[str, Any]:
    """What a deferral or a plan would mean for a loan, to the cent. It changes nothing."""
    return await at_the_desk(request, partial(_quote, context_of_caller(request), body))


@router.post("/arrangements/{arrangement}/offer", response_model=Quoted)
async def offer(
    request: Request,
    arrangement: Annotated[Identifier, Path(description="The id under which it was asked for.")],
    body: WishAtDesk,
) -> dict[str, Any]:
    """Offer an arrangement that was asked for, and keep the quote. Beyond your authority a second
    person has to agree first: then repeat the call."""
    wish = _wish(body)
    offering = partial(
        _offer, context_of_caller(request), arrangement, None if wish == Wish() else wish
    )
    return await at_the_desk(request, offering)


def _wish(body: WishAtDesk) -> Wish:
    monthly = Decimal(body.monthly) if body.monthly else None
    return Wish(body.days, body.instalments, body.until, monthly)


def _quote(ctx: Context, body: QuoteAsked) -> dict[str, Any]:
    with ctx.engine.connect() as connection:
        found = quote_loan(connection, ctx, body.loan, _wish(body))
    if isinstance(found, NotOffered):
        raise RefusedError(speak(found.reason), found.reason)
    return quote_as_json(found)


def _offer(ctx: Context, arrangement: str, wish: Wish | None) -> dict[str, Any]:
    offered = offer_arrangement(ctx, arrangement, wish)
    return dict(offered.quote or {})
