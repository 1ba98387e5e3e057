"""Posts events to the lender's systems, signed by the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import requests
from standardwebhooks.webhooks import Webhook

from config.settings import Settings
from domain.errors import ArrearsError
from domain.reasons import ReasonCode, Reasons, because


class DeliveryOutcome(StrEnum):
    """What the receiver did with an event."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """The receiver may have it or not: it is posted again under the same id."""
    GONE = "gone"
    """The receiver wants no such events any more."""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The receiver's answer to one post."""

    outcome: DeliveryOutcome
    reason: Reasons
    """It quotes nothing of the answer, which may hold personal data."""


@dataclass(frozen=True, slots=True)
class OutgoingEvent:
    """One event as it is posted."""

    event_id: UUID
    """The same at every try, so that a receiver can pass over what it has already."""
    kind: str
    happened_at: datetime
    data: Mapping[str, Any]

    def body(self) -> str:
        """The body, the same at every try."""
        happened_at = self.happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        event = {"type": self.kind, "timestamp": happened_at, "data": self.data}
        return json.dumps(event, separators=(",", ":"))


class LenderWebhook:
    """The one address that gets every event."""

    def __init__(
        self,
        url: str,
        secrets: Sequence[str],
        *,
        timeouts: tuple[float, float] = (5, 10),
    ) -> None:
        """`timeouts`: seconds to connect, and to wait for the answer.

        Raises:
            ArrearsError: a secret is none by the specification of Standard Webhooks.
        """
        self._url = url
        self._timeouts = timeouts
        try:
            self._signers = [Webhook(secret) for secret in secrets]
        except Exception:  # its text may quote the secret
            raise ArrearsError(
                "ARREARS_EVENTS_OUT_SECRETS is not usable: a secret is whsec_ and then 24 to 64 "
                "bytes in base64. Make one with `echo whsec_$(openssl rand -base64 32)`."
            ) from None

    def post(self, event: OutgoingEvent, now: datetime) -> DeliveryResult:
        """Post an event once, signed with every secret at `now`. Network errors are a result.

        A redirect is not followed, because the signature is for this address. The body of the
        answer is not read.
        """
        body = event.body()
        try:
            with requests.post(
                self._url,
                data=body.encode(),
                headers=self._headers(str(event.event_id), body, now.astimezone(UTC)),
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            ) as response:
                return _result_of(response.status_code)
        except requests.Timeout:
            return DeliveryResult(DeliveryOutcome.FAILED, because(ReasonCode.RECEIVER_SILENT))
        except requests.RequestException as error:
            reason = because(ReasonCode.RECEIVER_UNREACHABLE, error=type(error).__name__)
            return DeliveryResult(DeliveryOutcome.FAILED, reason)

    def _headers(self, event_id: str, body: str, at: datetime) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(
                signer.sign(event_id, at, body) for signer in self._signers
            ),
        }


def lender_webhook_in(settings: Settings) -> LenderWebhook | None:
    """The webhook that the settings name; None: events are not recorded or delivered.

    Raises:
        ArrearsError: it has no secret to sign with, or one that is not usable.
    """
    if settings.events_out_url is None:
        return None
    if settings.events_out_secrets is None:
        raise ArrearsError(
            "ARREARS_EVENTS_OUT_URL is set and ARREARS_EVENTS_OUT_SECRETS is not: the receiver "
            "could not verify who sent the events. Set it, or set ARREARS_EVENTS_OUT_SECRETS_FILE "
            "to a file with it."
        )
    secrets = [secret.get_secret_value() for secret in settings.events_out_secrets]
    return LenderWebhook(settings.events_out_url, secrets)


def _result_of(status: int) -> DeliveryResult:
    if 200 <= status < 300:
        return DeliveryResult(DeliveryOutcome.DELIVERED, because(ReasonCode.RECEIVER_TOOK_IT))
    if status == requests.codes.gone:
        return DeliveryResult(DeliveryOutcome.GONE, because(ReasonCode.RECEIVER_GONE))
    return DeliveryResult(
        DeliveryOutcome.FAILED, because(ReasonCode.RECEIVER_ANSWERED, status=status)
    )
