"""The server of an application: `python -m workers.http.server create_app HOST PORT`."""

import sys

import uvicorn

from workers.http.limits import LimitedProtocol


def serve(factory: str, host: str, port: int) -> None:
    """Serve what a function of `workers.http.app` makes until a signal ends the process."""
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
