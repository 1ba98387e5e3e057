"""Simulates Twilio's Messages API over real HTTP on this machine.

It answers as Twilio does: Basic authentication, Twilio's error codes and JSON, signed status
callbacks. Every accepted text becomes one line of JSON in a log file, so that a test can check
outside the product that each text was sent exactly once. After a restart it still knows the texts
in the log. `magic_numbers.py` has numbers with a certain outcome, `faults.py` random faults.

    ARREARS_SIMULATOR_TOKEN=… python -m workers.simulator.providers.twilio \
        --port 8010 --log texts.jsonl

In the same process: `with SimulatedTwilio(log=path, auth_token=token) as twilio: … twilio.url …`.
"""

from pathlib import Path

from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.server import (
    SimulatedProvider,
    command_line,
    read_options,
    serve,
)
from workers.simulator.providers.twilio_api import MessagesApi

ACCOUNT_SID = "AC" + "0" * 32


class SimulatedTwilio(SimulatedProvider):
    """Simulated Twilio with one account."""

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
        """See `SimulatedProvider`."""
        settings = {"account": (account_sid, auth_token)}
        super().__init__(MessagesApi, settings, log=log, host=host, port=port, faults=faults)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = command_line("Simulates Twilio's Messages API.")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    options, token = read_options(parser)
    serve(SimulatedTwilio(auth_token=token, **options), "Twilio")


if __name__ == "__main__":
    main()
