"""Requests without a response: a text is certainly not sent only if nothing was written."""

from __future__ import annotations

import ssl

from requests import exceptions as http
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from workers.sms.providers.port import SendOutcome, SendResult


def classify_request_error(error: http.RequestException, provider: str) -> SendResult:
    """What is known of a text after its request failed; `provider` is its name for people."""
    if _was_not_written(error):
        return SendResult(SendOutcome.NOT_SENT, f"No connection to {provider} could be made.")
    if isinstance(error, http.ReadTimeout):
        return unknown(f"{provider} did not answer in time.")
    return unknown(f"The connection to {provider} broke before the answer came.")


def unknown(reason: str, code: str | None = None) -> SendResult:
    """The outcome is unknown, for this reason."""
    sentence = f"{reason} The text may or may not have been sent."
    return SendResult(SendOutcome.UNKNOWN, sentence, code=code)


def _was_not_written(error: http.RequestException) -> bool:
    if isinstance(error, (http.ConnectTimeout, http.ProxyError)):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    # Refused, unreachable, or the name did not resolve.
    return isinstance(reason, NewConnectionError) or _is_bad_certificate(reason)


def _is_bad_certificate(reason: object) -> bool:
    """A certificate is verified before anything is written; other TLS errors may come later."""
    return (
        isinstance(reason, SSLError)
        and bool(reason.args)
        and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    )
