"""Calls and visits at the desk: whoever may make one now gets the number or the address here."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.actors import ActorKind
from domain.contact_outcomes import ContactOutcome
from domain.right_party import Question
from workers.attempts.attempts import StartedAttempt
from workers.calls import right_party
from workers.calls import start as calls
from workers.calls.right_party import RightParty
from workers.context import Context
from workers.http.desk.answers import language_for
from workers.http.desk.described import answer_of, described, say_purpose
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.requests import RefusedError
from workers.inbox.event_data.fields import Identifier, Staff, StrictModel
from workers.visits import start as visits

router = desk_router("contacts")


class CallAsked(StrictModel):
    """A call that is to be made now."""

    loan: Identifier
    item: Identifier | None = None
    """The ladder item of the call; the newest that is open if left out."""
    attempt: Identifier | None = None
    """Your own id of this attempt: the same id is the same attempt. Left out, one is made."""
    actor: Staff | None = None
    """Of a machine: the collector for whom it asks."""


class LoanOfCall(BaseModel, from_attributes=True):
    """A loan that a call is about."""

    loan: str
    item: str
    """The ladder item that asks for the call. A loan with several of them stands here several
    times."""
    purpose: str


class CallBegun(BaseModel, from_attributes=True):
    """What a collector needs to call somebody now. What is owed is shown once it is confirmed that
    it is the right person who speaks."""

    attempt: str
    """The id under which its outcome is reported."""
    number: str = Field(validation_alias="reach")
    """E.164: personal data."""
    loans: list[LoanOfCall]
    """All that the person is called about, the loan that was asked for first."""
    purpose: str
    language: str
    """BCP 47."""
    must_learn: list[str]
    may_offer: list[str]
    outcomes: list[ContactOutcome]
    """At most fifteen to choose from. Every other one may be reported too."""
    warnings: list[str]
    """Advisory rules that speak against it and do not stop it."""


class VisitAsked(StrictModel):
    """A visit that begins now."""

    loan: Identifier


class VisitLeave(BaseModel, from_attributes=True):
    """What a visit needs that may start now. What is owed is shown once it is confirmed that it is
    the right person who opens."""

    attempt: str
    """The id under which its outcome is reported."""
    name: str | None
    """Personal data; null: none is known."""
    address: str = Field(validation_alias="reach")
    """Personal data."""
    hand_over: list[str]
    """The kinds of the letters that are printed for the visit, to be handed over closed."""
    outcomes: list[ContactOutcome]
    """At most fifteen to choose from. Every other one may be reported too."""
    questions: list[Question]
    """What to ask at the door; `POST /visits/{attempt}/right-party` takes the answers."""
    item: str
    purpose: str
    language: str
    """BCP 47."""
    warnings: list[str]
    """Advisory rules that speak against it and do not stop it."""


@router.post(
    "/calls",
    response_model=CallBegun,
    response_description="It may start, and counts from now on. The number is personal data.",
)
async def start_call(request: Request, body: CallAsked) -> Response:
    """Start a call: the contact gate is asked once more, and only then the number is shown."""
    start = partial(_start_call, context_of_caller(request), body)
    return _begun(request, CallBegun.model_validate(await at_the_desk(request, start)))


class Answers(StrictModel):
    """What who is on the line says of themselves. It is compared, and never kept."""

    answers: dict[Question, Annotated[str, Field(min_length=1, max_length=200)]]
    actor: Staff | None = None
    """Of a machine: the collector for whom it asks."""


@router.post("/calls/{attempt}/right-party", response_model=described(RightParty))
async def confirm_right_party(
    request: Request,
    attempt: Annotated[Identifier, Path(description="The id under which the call was started.")],
    body: Answers,
) -> Any:
    """Whether the right person is on the line: say for each question what they answered. The answer
    says whether it is right, and never what would be."""
    answers = {str(question): said for question, said in body.answers.items()}
    ask = partial(
        right_party.confirm_right_party, context_of_caller(request), attempt, answers, body.actor
    )
    return answer_of(await at_the_desk(request, ask), "en")


@router.post("/visits/{attempt}/right-party", response_model=described(RightParty))
async def confirm_right_party_of_visit(
    request: Request,
    attempt: Annotated[Identifier, Path(description="The id that the start of the visit gave.")],
    body: Answers,
) -> Any:
    """Whether the right person is at the door, as in a call. Nobody is asked for the address where
    they stand."""
    return await confirm_right_party(request, attempt, body)


@router.post(
    "/visits",
    response_model=VisitLeave,
    response_description="It may start. Name and address are personal data.",
)
async def start_visit(request: Request, body: VisitAsked) -> Response:
    """Start a visit within its hours: the contact gate is asked once more."""
    start = partial(visits.start_visit, context_of_caller(request), body.loan)
    return _begun(request, VisitLeave.model_validate(await at_the_desk(request, start)))


def _begun(request: Request, begun: BaseModel) -> Response:
    language = language_for(request.headers.get("accept-language"))
    answer = begun.model_dump(mode="json")
    for each in (answer, *answer.get("loans", ())):
        say_purpose(each, language)
    return JSONResponse(answer)


def _start_call(ctx: Context, asked: CallAsked) -> StartedAttempt:
    machine = ctx.actor.kind is ActorKind.MACHINE
    if machine and asked.actor is None:
        raise RefusedError(422, "a machine says for whom: `actor` is missing", ("actor",))
    if not machine and asked.actor is not None:
        raise RefusedError(422, "leave out `actor`: the token says who calls", ("actor",))
    return calls.start_call(
        ctx, asked.loan, item=asked.item, attempt=asked.attempt, caller=asked.actor
    )
