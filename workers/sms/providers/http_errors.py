"""Errors of requests. After one, a text is certainly not sent only if nothing was written."""

import ssl

from requests import exceptions as http
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from domain.reasons import ReasonCode, because
from workers.sms.providers.port import LookupFailedError, SendOutcome, SendResult

TIMEOUTS = (5.0, 15.0)
"""Seconds to connect, and to wait for the answer."""

MAX_LISTED = 100
"""How many texts to a number to list: the limit of Tencent Cloud. One borrower gets fewer while the
outcome of a text is unknown."""


def classify_request_error(error: http.RequestException, provider: str) -> SendResult:
    """What is known of a text after its request failed; `provider`: its name in the settings."""
    if _was_not_written(error):
        reason = because(ReasonCode.NO_CONNECTION, provider=provider)
        return SendResult(SendOutcome.NOT_SENT, reason)
    if isinstance(error, http.ReadTimeout):
        return unknown(ReasonCode.NO_ANSWER_IN_TIME, provider)
    return unknown(ReasonCode.CONNECTION_BROKE, provider)


def unknown(
    why: ReasonCode, provider: str, *, code: str | None = None, **params: object
) -> SendResult:
    """The outcome is unknown, for this reason. `code` is the provider's."""
    reason = because(why, provider=provider, **params) + because(ReasonCode.MAY_BE_SENT)
    return SendResult(SendOutcome.UNKNOWN, reason, code=code)


def lookup_failed(provider_name: str, error: Exception) -> LookupFailedError:
    """The error for a failed request to list texts.

    It leaves out the text of `error`, which may contain the number.
    """
    return LookupFailedError(
        "The list of sent texts could not be read from {provider_name} ({error}). "
        "Nothing was changed; try again later.",
        provider_name=provider_name,
        error=type(error).__name__,
    )


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
