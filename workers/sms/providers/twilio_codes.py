"""Twilio's error codes, and what each one says about a text and its number.

The codes: https://www.twilio.com/docs/api/errors. Twilio gives them in the response to a request,
and with `failed` and `undelivered` in a status callback.
"""

from domain.contact_points import NumberFact
from domain.reasons import ReasonCode, because
from workers.sms.providers.http_errors import unknown
from workers.sms.providers.port import SendOutcome, SendResult

PROVIDER = "twilio"
"""Its name in the settings."""

TOO_MANY_REQUESTS = 20429
_BAD_CREDENTIALS = 20003
_QUEUE_FULL = 21611

# Each page is https://www.twilio.com/docs/api/errors/<code>. Codes that are about the words of a
# text (30004, 30007), the carrier (30008) or an unknown reason say nothing about the number.
_NUMBER_FACTS = {
    21610: NumberFact.OPTED_OUT,  # its owner has texted STOP to the sender
    21211: NumberFact.REACHES_NOBODY,  # no valid telephone number
    21214: NumberFact.REACHES_NOBODY,  # the number cannot be reached
    21217: NumberFact.REACHES_NOBODY,  # the number does not appear to be valid
    # The telephone is switched off, out of service, or cannot be reached. It may come back, but
    # nobody can see that from here: a person finds out, and ends the fact.
    30003: NumberFact.REACHES_NOBODY,
    30005: NumberFact.REACHES_NOBODY,  # unknown to its carrier: inactive, or out of service
    21614: NumberFact.NO_TEXTS,  # no mobile number, most likely a fixed line
    21635: NumberFact.NO_TEXTS,  # a fixed line, in a country where Twilio texts none
    30006: NumberFact.NO_TEXTS,  # a fixed line, or a carrier that takes no texts from the sender
}

# The reason is the account or the sender, not the number or the text.
_OTHER_PROVIDER_MAY_ACCEPT = frozenset(
    {
        20005,  # the account is not active
        21212,  # the sender is not a valid number
        21408,  # the account may not send to this region
        21606,  # the sender cannot send texts, or not to this number
        21608,  # a trial account sends to verified numbers only
        21612,  # no route between this sender and this number
        21659,  # the sender is not one of the account's
        21660,  # the sender belongs to another account
        21661,  # the sender cannot send texts
        21703,  # the Messaging Service has no senders
        21704,  # the Messaging Service has no senders
        21705,  # the Messaging Service is not usable
        30002,  # the account is suspended
        30034,  # the sender is not registered with the carriers
        63038,  # the account has used up its texts of the day
    }
)

# Twilio's codes have five digits. The SDK uses the HTTP status as the code if a code is missing.
_FIRST_CODE = 10000

_REASONS = {
    21211: ReasonCode.NUMBER_INVALID,
    21212: ReasonCode.SENDER_INVALID,
    21408: ReasonCode.REGION_NOT_PERMITTED,
    21606: ReasonCode.NUMBER_UNREACHABLE_FROM_SENDER,
    21610: ReasonCode.OPTED_OUT_OF_SENDER,
    21614: ReasonCode.NUMBER_CANNOT_RECEIVE,
    21635: ReasonCode.NUMBER_CANNOT_RECEIVE,
    21659: ReasonCode.SENDER_NOT_OURS,
    30034: ReasonCode.SENDER_NOT_REGISTERED,
    63038: ReasonCode.DAILY_LIMIT_USED,
}


def number_fact(code: str | None) -> NumberFact | None:
    """What a code of a status callback says about the number; None: nothing that lasts."""
    return _NUMBER_FACTS.get(int(code)) if code and code.isdecimal() else None


def classify_response(status: int, code: object) -> SendResult:
    """Classify an error response by its HTTP status and Twilio's code."""
    known = code if isinstance(code, int) and code >= _FIRST_CODE else None
    if status == 401:
        # The text is not the reason: with correct credentials it can be sent.
        reason = because(ReasonCode.BAD_CREDENTIALS, provider=PROVIDER)
        return SendResult(SendOutcome.NOT_SENT, reason, code=str(known or _BAD_CREDENTIALS))
    if known == _QUEUE_FULL:
        reason = because(ReasonCode.QUEUE_FULL, provider=PROVIDER)
        return SendResult(SendOutcome.NOT_SENT, reason, code=str(known))
    if not 400 <= status < 500 or known is None:
        return unknown(
            ReasonCode.ANSWERED_STATUS, PROVIDER, code=str(known) if known else None, status=status
        )
    return SendResult(
        SendOutcome.REFUSED,
        because(_REASONS[known])
        if known in _REASONS
        else because(
            ReasonCode.PROVIDER_REFUSED_WITH_CODE,
            provider=PROVIDER,
            provider_code=str(known),
            see=f"https://www.twilio.com/docs/api/errors/{known}",
        ),
        code=str(known),
        number_fact=_NUMBER_FACTS.get(known),
        other_provider_may_accept=known in _OTHER_PROVIDER_MAY_ACCEPT,
    )
