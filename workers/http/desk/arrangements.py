"""Deferrals and instalment plans at the desk: what one would mean, and the offer of it."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Self

from fastapi import Path, Query
from pydantic import Field, model_validator
from starlette.requests import Request

from config.input_errors import UnusableValueError
from domain.arranged import Wish
from domain.arrangements import ArrangementStatus, Refusal
from domain.language.speak import speak
from domain.quote_json import quote_as_json
from domain.quotes import NotOffered
from domain.reasons import Reasons, changed_nothing
from workers.calls.amounts import assert_amounts_are_shown
from workers.calls.who_may_end import assert_may_decline
from workers.context import Context
from workers.db.pages import Asked
from workers.hardship.arrangement_endings import Ending, end_arrangement
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangement_reads import OpenArrangement, open_arrangements
from workers.hardship.quotes import quote_loan
from workers.http.desk.answers import language_for
from workers.http.desk.described import Said, answer_of
from workers.http.desk.next_work import Speaks
from workers.http.desk.quoted import Offered, Quoted
from workers.http.desk.signed_in import (
    AmountsShownError,
    at_the_desk,
    context_of_caller,
    desk_router,
    showing_amounts,
)
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf, page_of, read
from workers.inbox.event_data.arrangements import LONGEST_IN_DAYS, MOST_INSTALMENTS
from workers.inbox.event_data.fields import Amount, Day, Identifier, StrictModel, Why

router = desk_router("arrangements")


Purpose = Annotated[str, Field(min_length=1, max_length=500)]
"""In words; they are encrypted."""


class WishAtDesk(StrictModel):
    """What the borrower wishes for: one of these. Without any, what was asked for counts."""

    days: Annotated[int, Field(ge=1, le=LONGEST_IN_DAYS)] | None = None
    """A deferral: for so many days nothing is to be paid."""
    instalments: Annotated[int, Field(ge=1, le=MOST_INSTALMENTS)] | None = None
    """A plan of so many monthly instalments."""
    until: Day | None = None
    """A plan that is paid by this day."""
    monthly: Amount | None = None
    """The shortest plan of which no month costs more."""

    def wishes(self) -> int:
        """How many things it wishes for."""
        said = (self.days, self.instalments, self.until, self.monthly)
        return sum(each is not None for each in said)

    @model_validator(mode="after")
    def _wishes_for_one_thing(self) -> Self:
        if self.wishes() > 1:
            raise UnusableValueError("only one of days, instalments, until and monthly is said")
        return self


class OfferAsked(WishAtDesk):
    """An offer of what was asked for, or of what is wished for now."""

    purpose: Purpose | None = None
    """Of a supervisor, to whom nobody was confirmed: why they look at what the loan owes."""
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class QuoteAsked(WishAtDesk):
    """A quote for a loan."""

    loan: Identifier
    purpose: Purpose | None = None
    """Of a supervisor, to whom nobody was confirmed: why they look at what the loan owes."""

    @model_validator(mode="after")
    def _wishes_for_something(self) -> Self:
        if not self.wishes():
            raise UnusableValueError("say one of days, instalments, until and monthly")
        return self


@router.post("/quotes", response_model=Quoted)
async def quote(request: Request, body: QuoteAsked) -> dict[str, Any]:
    """What a deferral or a plan would mean for a loan, to the cent. It changes nothing. You see it
    once the right person is confirmed, or for a purpose as a supervisor."""
    return await at_the_desk(request, partial(_quote, context_of_caller(request), body))


@router.post("/arrangements/{arrangement}/offer", response_model=Offered)
async def offer(
    request: Request,
    arrangement: Annotated[Identifier, Path(description="The id under which it was asked for.")],
    body: OfferAsked,
) -> dict[str, Any]:
    """Offer an arrangement that was asked for, and keep the quote. Beyond your authority a second
    person has to agree first: then repeat the call. It shows amounts: as for a quote."""
    offering = partial(_offer, context_of_caller(request), arrangement, body)
    return await at_the_desk(request, offering)


@router.get("/arrangements", response_model=PageOf[OpenArrangement])
async def arrangements(
    request: Request,
    status: Annotated[ArrangementStatus | None, Query(description="Only these.")] = None,
    loan: Annotated[Identifier | None, Query(description="Only what is about this loan.")] = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
) -> dict[str, Any]:
    """The open arrangements: requests that wait for an answer first, what is late before others.

    It has no amounts: an offer shows them.
    """
    asked = Asked(limit, after, kind=status, loan=loan)
    return page_of(await read(request, lambda at, ctx: open_arrangements(at, ctx, asked)))


class Declined(StrictModel):
    """Why nothing is offered."""

    refusal: Refusal = Field(strict=False)
    why: Why | None = None
    """In your own words; they are encrypted. Of `other` they are needed."""
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class Ended(Said):
    """What came of it."""

    known: bool
    """Whether it was declined before for the same reason, and nothing changed."""


@router.post("/arrangements/{arrangement}/decline", response_model=Ended)
async def decline(
    request: Request,
    arrangement: Annotated[Identifier, Path(description="The id under which it was asked for.")],
    body: Declined,
    accept_language: Speaks = None,
) -> Any:
    """Decline what was asked for, or take an offer back. The borrower has to be told why. What the
    borrower said needs the person, whom you confirmed today, or a supervisor."""
    declining = partial(_decline, context_of_caller(request), arrangement, body)
    came = await at_the_desk(request, declining)
    said = answer_of(came, language_for(accept_language))
    return {**said, "known": changed_nothing(came)}


def _decline(ctx: Context, arrangement: str, body: Declined) -> Reasons:
    assert_may_decline(ctx, arrangement, body.refusal, sender=body.sender)
    return end_arrangement(
        ctx,
        Ending(
            arrangement=arrangement,
            status=ArrangementStatus.DECLINED,
            refusal=body.refusal,
            why=body.why,
            sender=body.sender,
        ),
    ).came


def _wish(body: WishAtDesk) -> Wish:
    monthly = Decimal(body.monthly) if body.monthly else None
    return Wish(body.days, body.instalments, body.until, monthly)


def _quote(ctx: Context, body: QuoteAsked) -> dict[str, Any]:
    assert_amounts_are_shown(ctx, loan=body.loan, purpose=body.purpose)
    with ctx.engine.connect() as connection:
        found = quote_loan(connection, ctx, body.loan, _wish(body))
    if isinstance(found, NotOffered):
        raise AmountsShownError(speak(found.reason), found.reason)
    return quote_as_json(found)


def _offer(ctx: Context, arrangement: str, body: OfferAsked) -> dict[str, Any]:
    assert_amounts_are_shown(ctx, arrangement=arrangement, sender=body.sender, purpose=body.purpose)
    wish = _wish(body)
    wished = None if wish == Wish() else wish
    with showing_amounts(lambda: True):
        offered = offer_arrangement(ctx, arrangement, wished, sender=body.sender)
    stored = offered.arrangement
    return {**(stored.quote or {}), "offer": stored.offers, "known": offered.known}
