"""Disputes and complaints at the desk: those that are open, by their clock, and who handles one."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request

from domain.disputes import ComplaintKind, DisputeKind, Matter
from domain.reasons import Reasons
from workers.context import Context
from workers.db.pages import Asked
from workers.hardship import handling
from workers.hardship.corrections import Correction, correct
from workers.hardship.matter_lists import ListedMatter, ShownMatter, read_matter, read_matters
from workers.http.desk.answers import language_for
from workers.http.desk.described import Said, answer_of, described
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf, WhoseId, page_of, read
from workers.inbox.event_data.fields import Identifier, Staff, StrictModel, Why

router = desk_router("disputes and complaints")


class Taking(StrictModel):
    """Nothing more has to be said."""

    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class MoreTime(StrictModel):
    """Why an answer takes longer."""

    why: Why
    """In your own words; they are encrypted."""
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class RightDispute(StrictModel):
    """What is right of a dispute, and why it is changed."""

    kind: DisputeKind
    why: Why
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class RightComplaint(StrictModel):
    """What is right of a complaint, and why it is changed. What is left out stays."""

    kind: ComplaintKind | None = None
    about_staff: Staff | None = None
    """The staff reference of whom it is about."""
    about_nobody: bool = False
    """It is about nobody in particular."""
    why: Why
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


def _add_paths(matter: Matter, right_of: type[RightDispute] | type[RightComplaint]) -> None:
    """The paths of disputes, or of complaints."""
    all_, one = f"/{matter}s", f"/{matter}s/{{{matter}}}"
    named = Path(alias=str(matter), description="The id under which it was recorded.")

    @router.get(all_, response_model=PageOf[ListedMatter])
    async def open_ones(
        request: Request, limit: Limit = ROWS_OF_A_PAGE, after: After = None
    ) -> dict[str, Any]:
        """Those that are open; what is late, or late soonest, comes first."""
        asked = Asked(limit, after)
        return page_of(await read(request, lambda at, ctx: read_matters(at, ctx, matter, asked)))

    @router.get(one, response_model=described(ShownMatter))
    async def show(
        request: Request,
        id: Annotated[Identifier, named],
        sender: WhoseId = None,
        accept_language: Speaks = None,
    ) -> Any:
        """One, with what people wrote about it: personal data."""
        said = language_for(accept_language)
        shown = await read(
            request,
            lambda at, ctx: read_matter(at, ctx, matter, id, sender=sender, language=said),
        )
        return answer_of(shown, said)

    async def handle(
        request: Request,
        do: Callable[[Context, Matter, str], Reasons],
        id: str,
        accept_language: str | None,
    ) -> Any:
        doing = partial(do, context_of_caller(request), matter, id)
        return answer_of(await at_the_desk(request, doing), language_for(accept_language))

    @router.post(f"{one}/acknowledge", response_model=Said)
    async def acknowledge(
        request: Request,
        body: Taking,
        id: Annotated[Identifier, named],
        accept_language: Speaks = None,
    ) -> Any:
        """Note that the person was told that it is being dealt with."""
        noting = partial(handling.acknowledge, sender=body.sender)
        return await handle(request, noting, id, accept_language)

    @router.post(f"{one}/extend", response_model=Said)
    async def extend(
        request: Request,
        body: MoreTime,
        id: Annotated[Identifier, named],
        accept_language: Speaks = None,
    ) -> Any:
        """Make the time to answer longer, as far as the law allows. Another person grants it first:
        then repeat the call."""
        longer = partial(handling.extend, why=body.why, sender=body.sender)
        return await handle(request, longer, id, accept_language)

    @router.post(f"{one}/take", response_model=Said)
    async def take(
        request: Request,
        body: Taking,
        id: Annotated[Identifier, named],
        accept_language: Speaks = None,
    ) -> Any:
        """Handle it from now on. Whom it is about, and whoever had the contact in question, may
        not."""
        taking = partial(handling.take, sender=body.sender)
        return await handle(request, taking, id, accept_language)

    async def put_right(
        request: Request,
        body: Any,
        id: Annotated[Identifier, named],
        accept_language: Speaks = None,
    ) -> Any:
        """Correct an open one: its kind, or whom a complaint is about. Its clock is set anew, and
        never longer."""
        right = Correction(**body.model_dump(exclude={"sender"}))
        righting = partial(correct, right=right, sender=body.sender)
        return await handle(request, righting, id, accept_language)

    put_right.__annotations__["body"] = right_of
    router.post(f"{one}/correction", response_model=Said)(put_right)


_add_paths(Matter.DISPUTE, RightDispute)
_add_paths(Matter.COMPLAINT, RightComplaint)
