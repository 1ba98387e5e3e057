"""What the ladder asks approval for, at the desk: a visit, a legal file. The worklist has what
waits."""

from functools import partial

from starlette.requests import Request

from workers.actions import approvals
from workers.http.desk.next_work import Done
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.inbox.event_data.fields import Identifier, StrictModel, Why

router = desk_router("approvals")


class Approving(StrictModel):
    """What is approved."""

    loan: Identifier
    item: Identifier
    """Of the ladder, as the worklist has it."""


class Rejecting(StrictModel):
    """What is never to be done, and why."""

    loan: Identifier
    item: Identifier
    """Of the ladder, as the worklist has it."""
    why: Why
    """In your own words; they are encrypted."""


@router.post("/approvals/grant")
async def grant(request: Request, body: Approving) -> Done:
    """Approve something that waits for it: it is due now. Another person grants it first: then
    repeat the call."""
    approve = partial(approvals.approve, context_of_caller(request), body.loan, body.item)
    await at_the_desk(request, approve)
    return Done()


@router.post("/approvals/reject")
async def reject(request: Request, body: Rejecting) -> Done:
    """Reject it: it is never done."""
    refuse = partial(approvals.refuse, context_of_caller(request), body.loan, body.item, body.why)
    await at_the_desk(request, refuse)
    return Done()
