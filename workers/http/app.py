"""The webhook application (ASGI): `uvicorn --factory workers.http.app:create_app`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.errors import ArrearsError
from workers.bootstrap import process_context
from workers.context import Context
from workers.db.engine import assert_reachable
from workers.http import lender, tencent, twilio
from workers.http.notify_workers import worker_notifier
from workers.http.openapi import HEALTH, Described
from workers.http.requests import RefusedError, refuse


def create_app(
    ctx: Context | None = None, wake: Callable[[int], Awaitable[None]] | None = None
) -> Described:
    """The application for one house; without one, for this process's and its workers.

    `wake` is told the id of each event that was stored; of a house that is given, by default nobody
    is told.
    """
    app = Described(
        title="Arrears",
        version=version("arrears"),
        description="What the lender's systems and the providers of texts may tell Arrears.",
        docs_url=None,  # a page that would load its scripts from elsewhere
        redoc_url=None,
    )
    app.state.wake = wake or (worker_notifier() if ctx is None else _nobody)
    app.state.ctx = ctx or process_context()
    app.add_exception_handler(RefusedError, refuse)
    for one in (lender, twilio, tencent):
        app.include_router(one.router)
    app.add_api_route("/health", health, methods=["GET"], **HEALTH)
    return app


async def _nobody(event_id: int) -> None:
    """Whoever looks for stored events finds them all the same."""


def health(request: Request) -> Response:
    """Whether the database answers, and a connection to it is free within half a minute."""
    try:
        assert_reachable(request.app.state.ctx.engine)
    except (ArrearsError, PoolTimeoutError):
        # Anybody may ask, so why it is not well is for `arrears check` to say.
        return JSONResponse({"healthy": False}, status_code=503)
    return JSONResponse({"healthy": True})
