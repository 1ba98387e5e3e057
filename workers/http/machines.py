"""Lets a machine of the lender's in, or refuses its call."""

from functools import partial

from starlette.requests import Request

from domain.actors import Actor
from domain.errors import NotPermittedError, TooOftenError
from domain.permissions import Permission
from workers.access.admission import Admission
from workers.http.doors import Door
from workers.http.requests import RefusedError, context_of, in_the_store


async def admit(request: Request, sender: str, permission: Permission) -> Actor:
    """The machine that signed a call, if it may do this now.

    Raises:
        RefusedError: 403, it may not; 429, it calls too often; 503, it is not known whether it may.
    """
    ctx = context_of(request)
    admission: Admission = request.app.state.admission
    admission.note_call(sender, ctx.now())
    if admission.is_stale():
        await in_the_store(request, Door.MACHINES, partial(admission.refresh, ctx))
    try:
        return admission.admit(sender, permission, ctx.now())
    except TooOftenError as refused:
        raise RefusedError(429, refused.texts[0], retry_after=refused.retry_after) from None
    except NotPermittedError as refused:
        if admission.has_refusals_to_note(ctx.now()):
            await in_the_store(request, Door.MACHINES, partial(admission.note_refusals, ctx))
        raise RefusedError(403, refused.texts[0]) from None
