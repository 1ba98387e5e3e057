"""The lender's core system, simulated: it signs what happened and posts it as an event."""

import json
from datetime import UTC
from decimal import Decimal
from typing import Any

import requests
from standardwebhooks import Webhook

from domain.errors import ArrearsError
from workers.simulator.demo.installation import Installation
from workers.simulator.demo.sign_in import MACHINE

TIMEOUT = 30.0
"""Seconds for one call."""


def tell_payment(
    installation: Installation, payment: str, loan: str, amount: Decimal, currency: str
) -> None:
    """Tell that a payment of today came in."""
    tell(
        installation,
        "payment",
        payment=payment,
        loan=loan,
        amount=str(amount),
        currency=currency,
        paid_on=installation.ctx.today().isoformat(),
    )


def tell(installation: Installation, kind: str, **data: Any) -> None:
    """Post an event, as docs/events.md describes it. It is applied soon after.

    Raises:
        ArrearsError: it is not taken.
    """
    now = installation.ctx.now().astimezone(UTC)
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data})
    id = f"{kind}-{data[kind]}"
    secrets = (installation.ctx.settings.events_in_secrets or {})[MACHINE]
    answer = requests.post(
        f"{installation.ctx.settings.public_url}/events",
        data=body.encode(),
        headers={
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secrets[0].get_secret_value()).sign(id, now, body),
        },
        timeout=TIMEOUT,
        proxies={"http": ""},
    )
    if answer.status_code != requests.codes.accepted:
        raise ArrearsError(
            "The event {id} was answered with {status}: {answer}",
            id=id,
            status=answer.status_code,
            answer=answer.text,
        )
