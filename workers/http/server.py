"""The server of an application: `python -m workers.http.server create_app HOST PORT`."""

import sys

import uvicorn

from workers.bootstrap import process_context
from workers.http.doors import POOL_SIZE
from workers.http.limits import LimitedProtocol
from workers.newer_database import watch_database


def serve(factory: str, host: str, port: int) -> None:
    """Serve what a function of `workers.http.app` makes until a signal ends the process, or the
    database is too new for it."""
    watch_database(process_context(POOL_SIZE).settings.database_url)
    uvicorn.run(
        f"workers.http.app:{factory}",
        factory=True,
        host=host,
        port=port,
        http=LimitedProtocol,
        ws="none",
        access_log=False,  # its lines would hold the callers' addresses
        server_header=False,
    )


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
