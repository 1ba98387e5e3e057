"""The two applications (ASGI) that `workers.http.server` serves: the webhook stores what comes in,
and the API starts calls."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from domain.actors import NOBODY
from domain.errors import ArrearsError
from domain.sending import StoppedBecause
from workers.access.admission import Admission
from workers.bootstrap import process_context
from workers.context import Context
from workers.db.encryption_keys import assert_seals_for_known_key
from workers.db.sending_holds import read_sending_holds
from workers.db.signs_of_life import assert_writes_and_reads
from workers.failures import log_summary
from workers.http import lender, tencent, twilio
from workers.http.doors import POOL_SIZE, Door, Doors
from workers.http.known_hosts import KnownHosts
from workers.http.notify_workers import worker_notifier
from workers.http.requests import (
    RETRY_AFTER_SECONDS,
    RefusedError,
    context_of,
    in_the_store,
    refuse,
)
from workers.log_lines import write_visible_lines
from workers.operations.standstill import StandsStill, find_standstills

log = logging.getLogger(__name__)


class StandingStill(BaseModel, from_attributes=True):
    """What does not move."""

    kind: StandsStill
    what: str
    """The queue, or the task."""
    since: datetime | None
    """When it last worked; left out: never, as far as is known."""


class Health(BaseModel):
    """Whether the application can do its work."""

    healthy: bool
    sending_stopped_by: list[StoppedBecause] | None = None
    """What stops contacts now; `arrears status` says more. The webhook works all the same."""
    standstills: list[StandingStill] | None = None
    """What stands still elsewhere; left out if nothing does. This application works on."""


def create_app(
    ctx: Context | None = None, notify: Callable[[int], Awaitable[None]] | None = None
) -> FastAPI:
    """The webhook on a context; without one, on this process's own.

    `notify` gets the id of each event that was stored. By default it notifies the workers of this
    process's broker; with a context that is given it does nothing.
    """
    app = _application(
        ctx, "What the lender's systems and the providers of texts may report to Arrears."
    )
    app.state.notify = notify or (worker_notifier() if ctx is None else _notify_nobody)
    for endpoints in (lender, twilio, tencent):
        app.include_router(endpoints.router)
    return app


def create_api(ctx: Context | None = None) -> FastAPI:
    """The API on a context; without one, on this process's own. It gives out numbers to call.

    Raises:
        ArrearsError: the process cannot decrypt them.
    """
    app = _application(ctx, "What a dialer asks before it dials.")
    app.state.ctx.cipher.assert_can_decrypt()
    app.include_router(lender.calls)
    return app


def create_desk(ctx: Context | None = None) -> FastAPI:
    """The desk on a context; without one, on this process's own. It shows personal data to those
    who may see it.

    Raises:
        ArrearsError: the process cannot decrypt it.
    """
    # Here, because the webhook and the API start without: it would take them a quarter longer.
    from workers.http.desk import (
        approvals,
        arrangements,
        calls,
        duties,
        facts,
        matters,
        next_work,
        quality,
        second_person,
        words,
        work,
    )
    from workers.http.desk.answers import refuse_at_desk, refuse_path

    app = _application(
        ctx, "What people who work on loans do, by console, CRM or dialer.", refuse_at_desk
    )
    app.state.ctx.cipher.assert_can_decrypt()
    app.add_exception_handler(HTTPException, refuse_path)
    parts = (work, next_work, calls, facts, approvals, arrangements, matters, duties, quality)
    for part in (*parts, second_person, words):
        app.include_router(part.router)
    return app


def _application(
    ctx: Context | None,
    description: str,
    refusing: Callable[[Request, Exception], Response] = refuse,
) -> FastAPI:
    app = FastAPI(
        title="Arrears",
        version=version("arrears"),
        description=description,
        docs_url=None,  # a page that would load its scripts from elsewhere
        redoc_url=None,
        lifespan=_note_at_the_end,
    )
    write_visible_lines()
    app.state.ctx = (ctx or process_context(POOL_SIZE)).acting(NOBODY)
    app.state.doors = Doors()
    app.state.admission = Admission()
    for refusal in (RefusedError, ArrearsError, RequestValidationError):
        app.add_exception_handler(refusal, refusing)
    app.add_middleware(KnownHosts, names=app.state.ctx.settings.known_hosts)
    app.add_api_route(
        "/health",
        health,
        response_model_exclude_none=True,
        response_description="The database is written and read.",
        responses={503: {"description": "It does not; `arrears check` says why.", "model": Health}},
    )
    return app


@asynccontextmanager
async def _note_at_the_end(app: FastAPI) -> AsyncIterator[None]:
    """What is not written yet of the calls of machines is written when the process ends."""
    yield
    try:
        await run_in_threadpool(app.state.admission.close, app.state.ctx)
    except SQLAlchemyError as error:
        log.warning("the last calls of machines are not noted: %s", log_summary(error))


async def _notify_nobody(event_id: int) -> None:
    """The sweep finds every stored event."""


async def health(request: Request, response: Response) -> Health:
    """Whether the database is written and read, and what stands still elsewhere."""
    try:
        return await in_the_store(request, Door.HEALTH, partial(_ask, context_of(request)))
    except RefusedError:
        # Anybody may ask, so the reason is left to `arrears check`.
        response.status_code = 503
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return Health(healthy=False)


def _ask(ctx: Context) -> Health:
    """What stands still, and what stops sending. The broker is not asked: an application works
    without it.

    Raises:
        ArrearsError: the database cannot be written or read, or nobody can open what is sealed.
    """
    assert_writes_and_reads(ctx.engine)
    if not ctx.cipher.can_decrypt:
        assert_seals_for_known_key(ctx.engine, ctx.cipher)
    with ctx.engine.connect() as connection:
        standing = find_standstills(connection, None, ctx.settings.scan_seconds)
        holds = read_sending_holds(connection, UTC)
    return Health(
        healthy=True,
        sending_stopped_by=list(dict.fromkeys(hold.cause for hold in holds)) or None,
        standstills=[StandingStill.model_validate(each) for each in standing] or None,
    )
