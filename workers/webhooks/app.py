"""The webhook application (ASGI): `uvicorn --factory workers.webhooks.app:create_app`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import ArrearsError
from workers.house import House, the_house
from workers.store.engine import assert_reachable
from workers.webhooks.twilio import text_status


def create_app(house: House | None = None) -> Starlette:
    """The application for one house; without one, for this process's."""
    app = Starlette(
        routes=[
            Route("/webhooks/twilio/status", text_status, methods=["POST"]),
            Route("/health", _health, methods=["GET"]),
        ]
    )
    app.state.house = house or the_house()
    return app


def _health(request: Request) -> Response:
    try:
        assert_reachable(request.app.state.house.engine)
    except ArrearsError:
        # Anybody may ask, so why it is not well is for `arrears check` to say.
        return JSONResponse({"healthy": False}, status_code=503)
    return JSONResponse({"healthy": True})
