"""What is opened at the desk because somebody works on it: a borrower's text, a letter to print."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel
from starlette.requests import Request

from domain.disputes import Matter
from domain.language.sentences import say_in
from workers.borrowers.reply_queue import open_reply
from workers.hardship.answer_letters import open_answer
from workers.http.desk.answers import language_for
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.inbox.event_data.fields import Identifier, StrictModel
from workers.visits.letters import open_letter

router = desk_router("words")


NOT_TO_POST = (
    "Do not post this letter: it is not due any more, or what is known by now stops it. To read "
    "it, ask for a preview."
)


class Opening(StrictModel):
    """Nothing more has to be said."""


class AnswerAsked(StrictModel):
    """Which letter, where its id alone does not say it."""

    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class ReplyOpened(BaseModel):
    """A borrower's text."""

    loan: str | None
    """The loan that the borrower was last texted about."""
    text: str
    """Personal data. It may hold anything: show it as plain text."""


class LetterAsked(StrictModel):
    """Which letter."""

    loan: Identifier
    item: Identifier | None = None
    """The ladder item for which it was written; the newest letter if left out."""
    preview: bool = False
    """To read it only. One that must not be posted is opened in no other way."""


class LetterOpened(BaseModel):
    """A letter."""

    item: str
    still_due: bool
    """False: it must not be posted."""
    text: str | None
    """Personal data. Null: it must not be posted, and no preview was asked for."""
    detail: str
    """Why there is no text, and what to do; else empty."""


class AnswerOpened(BaseModel):
    """The letter that answers a dispute or a complaint."""

    loan: str
    text: str
    """Personal data."""


Id = Annotated[Identifier, Path(description="The id under which it was recorded.")]


@router.post("/replies/{reply}/open", response_model=ReplyOpened)
async def reply_text(
    request: Request,
    reply: Annotated[int, Path(ge=1, le=2**62, description="Its number, as the worklist has it.")],
    body: Opening,
) -> Any:
    """What a borrower wrote. The access is on record."""
    opened = await at_the_desk(request, partial(open_reply, context_of_caller(request), reply))
    return {"loan": opened.loan, "text": opened.body}


@router.post("/letters/open", response_model=LetterOpened)
async def letter(request: Request, body: LetterAsked, accept_language: Speaks = None) -> Any:
    """The letter that was written for a loan, to print and post it: the notice of a visit, too. The
    access is on record, and the first time that it was opened to be printed."""
    opening = partial(
        open_letter, context_of_caller(request), body.loan, body.item, preview=body.preview
    )
    opened = await at_the_desk(request, opening)
    detail = say_in(language_for(accept_language), NOT_TO_POST) if opened.body is None else ""
    return {
        "item": opened.item,
        "still_due": opened.still_due,
        "text": opened.body,
        "detail": detail,
    }


@router.post("/disputes/{dispute}/letter", response_model=AnswerOpened)
async def letter_of_dispute(request: Request, dispute: Id, body: AnswerAsked) -> Any:
    """The letter that answers a dispute, to print and post it. The access is on record."""
    return await _answer(request, Matter.DISPUTE, dispute, body.sender)


@router.post("/complaints/{complaint}/letter", response_model=AnswerOpened)
async def letter_of_complaint(request: Request, complaint: Id, body: AnswerAsked) -> Any:
    """The letter that answers a complaint, to print and post it. The access is on record."""
    return await _answer(request, Matter.COMPLAINT, complaint, body.sender)


async def _answer(request: Request, matter: Matter, id: str, sender: str | None) -> dict[str, str]:
    opening = partial(open_answer, context_of_caller(request), matter, id, sender=sender)
    opened = await at_the_desk(request, opening)
    return {"loan": opened.loan, "text": opened.body}
