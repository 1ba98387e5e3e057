"""The server of the webhook application: `python -m workers.http.server HOST PORT`."""

import sys

import uvicorn

from workers.http.limits import LimitedProtocol


def serve(host: str, port: int) -> None:
    """Serve until a signal ends the process."""
    uvicorn.run(
        "workers.http.app:create_app",
        factory=True,
        host=host,
        port=port,
        http=LimitedProtocol,
        ws="none",
        access_log=False,  # its lines would hold the callers' addresses
        server_header=False,
    )


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
