"""A stand-in for Tencent Cloud SMS, over real HTTP on this machine.

It answers as Tencent Cloud does: TC3 signatures, its error codes, its JSON, unsigned status
callbacks; it knows neither regions nor the carriers' review of words. Every text it accepts becomes
one line of JSON in a log file, as with the stand-in for Twilio: the body there is the template's id
and the values. Numbers that misbehave: `magic_numbers.py`. Faults by chance:
`faults.py`.

    ARREARS_SIMULATOR_TOKEN=… python -m workers.simulator.providers.tencent --port 8011 \
        --log texts.jsonl --template 1234567:4 \
        --status-url http://127.0.0.1:8000/webhooks/tencent/…/status

In the same process: `with TencentStandIn(log=path, secret_key=key, templates={"1": 2}) as tencent:`
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.server import SimulatedProvider, command_line, serve
from workers.simulator.providers.tencent_api import SmsApi
from workers.simulator.providers.twilio import TOKEN_VARIABLE

SECRET_ID = "AKID" + "0" * 32
SDK_APP_ID = "1400000000"


class SimulatedTencent(SimulatedProvider):
    """One stand-in with one account and one SMS application."""

    def __init__(
        self,
        *,
        log: Path,
        secret_key: str,
        templates: Mapping[str, int],
        status_url: str | None = None,
        secret_id: str = SECRET_ID,
        sdk_app_id: str = SDK_APP_ID,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
    ) -> None:
        """See `StandIn`. `templates`: id of each registered one, and how many values it takes."""
        registered, where = templates, status_url

        class ServerUser(SmsApi):
            account = (secret_id, secret_key)
            app = sdk_app_id
            templates = registered
            status_url = where

        super().__init__(ServerUser, log=log, host=host, port=port, faults=faults)


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    parser = command_line("A stand-in for Tencent Cloud SMS.")
    parser.add_argument("--secret-id", default=SECRET_ID)
    parser.add_argument("--sdk-app-id", default=SDK_APP_ID)
    parser.add_argument("--status-url", help="where status callbacks go")
    parser.add_argument(
        "--template",
        type=_template,
        action="append",
        default=[],
        help="a registered template's id and how many values it takes, as 1234567:4",
    )
    options = parser.parse_args()
    key = os.environ.get(TOKEN_VARIABLE)
    if not key:
        parser.error(f"{TOKEN_VARIABLE} is not set. Set it to the secret key of the clients.")
    provider = SimulatedTencent(
        log=options.log,
        secret_key=key,
        templates=dict(options.template),
        status_url=options.status_url,
        secret_id=options.secret_id,
        sdk_app_id=options.sdk_app_id,
        host=options.host,
        port=options.port,
        faults=options.faults,
    )
    serve(provider, "Tencent Cloud")


def _template(written: str) -> tuple[str, int]:
    template_id, _, values = written.partition(":")
    if not values.isdecimal():
        raise argparse.ArgumentTypeError("write its id and a number, as 1234567:4")
    return template_id, int(values)


if __name__ == "__main__":
    main()
