"""Simulates Tencent Cloud SMS over real HTTP on this machine.

It answers as Tencent Cloud does: TC3 signatures, its error codes and JSON, unsigned status
callbacks. It does not simulate regions, nor the carriers' review of the text. The log of accepted
texts, the magic numbers and the random faults are the same as for Twilio, see `twilio.py`; `body`
in the log is the id of the template and the values.

    ARREARS_SIMULATOR_TOKEN=… python -m workers.simulator.providers.tencent --port 8011 \
        --log texts.jsonl --template 1234567:4 \
        --status-url http://127.0.0.1:8000/webhooks/tencent/…/status

In the same process: `with SimulatedTencent(log=path, secret_key=key, templates={"1": 2}) as …`
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from workers.simulator.providers.faults import FaultPlan
from workers.simulator.providers.server import (
    SimulatedProvider,
    command_line,
    read_options,
    serve,
)
from workers.simulator.providers.tencent_api import SmsApi

SECRET_ID = "AKID" + "0" * 32
SDK_APP_ID = "1400000000"


class SimulatedTencent(SimulatedProvider):
    """Simulated Tencent Cloud with one account and one SMS application."""

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
        """See `SimulatedProvider`. `templates`: registered template id → number of its values."""
        settings = {
            "account": (secret_id, secret_key),
            "app": sdk_app_id,
            "templates": templates,
            "status_url": status_url,
        }
        super().__init__(SmsApi, settings, log=log, host=host, port=port, faults=faults)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = command_line("Simulates Tencent Cloud SMS.")
    parser.add_argument("--secret-id", default=SECRET_ID)
    parser.add_argument("--sdk-app-id", default=SDK_APP_ID)
    parser.add_argument("--status-url", help="where status callbacks are posted")
    parser.add_argument(
        "--template",
        dest="templates",
        type=_parse_template,
        action="append",
        default=[],
        help="the id of a registered template and the number of its values, as 1234567:4",
    )
    options, secret_key = read_options(parser)
    options["templates"] = dict(options["templates"])
    serve(SimulatedTencent(secret_key=secret_key, **options), "Tencent Cloud")


def _parse_template(written: str) -> tuple[str, int]:
    template_id, _, values = written.partition(":")
    if not values.isdecimal():
        raise argparse.ArgumentTypeError("write its id and a number, as 1234567:4")
    return template_id, int(values)


if __name__ == "__main__":
    main()
