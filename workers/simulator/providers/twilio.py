"""A stand-in for Twilio's Messages API, over real HTTP on this machine.

It answers as Twilio does: Basic authentication, Twilio's error codes, Twilio's JSON, signed status
callbacks. Every text it accepts becomes one line of JSON in a log file, so that "sent exactly once"
can be counted outside the engine; a stand-in that is started again on its log still knows them.
Numbers that misbehave: `magic_numbers.py`. Faults by chance: `faults.py`.

    ARREARS_SIMULATOR_TOKEN=… python -m workers.simulator.providers.twilio \
        --port 8010 --log texts.jsonl

In the same process: `with TwilioStandIn(log=path, auth_token=token) as twilio: … twilio.url …`.
"""

from __future__ import annotations

import os
from pathlib import Path

from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.server import SimulatedProvider, command_line, serve
from workers.simulator.providers.twilio_api import MessagesApi

ACCOUNT_SID = "AC" + "0" * 32
TOKEN_VARIABLE = "ARREARS_SIMULATOR_TOKEN"  # noqa: S105 - the variable's name, not a token


class SimulatedTwilio(SimulatedProvider):
    """One stand-in with one account; a context manager that serves while it is entered."""

    def __init__(
        self,
        *,
        log: Path,
        auth_token: str,
        account_sid: str = ACCOUNT_SID,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
    ) -> None:
        """See `StandIn`."""

        class ServerUser(MessagesApi):
            account = (account_sid, auth_token)

        super().__init__(ServerUser, log=log, host=host, port=port, faults=faults)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    parser = command_line("A stand-in for Twilio's Messages API.")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    options = parser.parse_args()
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        parser.error(f"{TOKEN_VARIABLE} is not set. Set it to the auth token of the clients.")
    provider = SimulatedTwilio(
        log=options.log,
        auth_token=token,
        account_sid=options.account_sid,
        host=options.host,
        port=options.port,
        faults=options.faults,
    )
    serve(provider, "Twilio")


if __name__ == "__main__":
    main()
