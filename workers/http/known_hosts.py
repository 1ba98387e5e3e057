"""Refuses calls that name another host than this installation: they were not meant for it."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = frozenset({"/health"})
"""Whoever checks whether it runs may not know its name."""

NO_SUCH_HOST = "no such host here"
CALL_IT = "call this installation by a name that it has"


class KnownHosts:
    """Middleware. Starlette's own cannot leave a path out, and reads no host in square brackets."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            hosts = Headers(scope=scope).getlist("host")
            if len(hosts) != 1 or _name_of(hosts[0]) not in self._names:
                refusal = {"detail": NO_SUCH_HOST, "fields": ["host"], "wrong": {"host": CALL_IT}}
                await JSONResponse(refusal, status_code=400)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name_of(host: str) -> str:
    """The name without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()
