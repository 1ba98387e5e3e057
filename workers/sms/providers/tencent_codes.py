"""Tencent Cloud's error codes, and what each one says about a text.

The codes: https://cloud.tencent.com/document/api/382/52075 and, for all of its services,
https://cloud.tencent.com/document/api/382/52063. For any other code the outcome is unknown.
"""

from datetime import timedelta

from domain.contact_points import NumberFact
from domain.reasons import ReasonCode, because
from workers.sms.providers.http_errors import unknown
from workers.sms.providers.port import SendOutcome, SendResult

PROVIDER = "tencent"
"""Its name in the settings."""

_NUMBER_FACTS = {
    # Its owner has opted out, at this lender or at the carrier.
    "FailedOperation.PhoneNumberInBlacklist": NumberFact.OPTED_OUT,
    "InvalidParameterValue.IncorrectPhoneNumber": NumberFact.REACHES_NOBODY,
    "FailedOperation.PhoneNumberParseFail": NumberFact.REACHES_NOBODY,
}
_REASONS = {
    NumberFact.OPTED_OUT: ReasonCode.TEXTS_REFUSED_BY_BORROWER,
    NumberFact.REACHES_NOBODY: ReasonCode.NUMBER_INVALID,
    NumberFact.NO_TEXTS: ReasonCode.NUMBER_CANNOT_RECEIVE,
}

# The codes of carriers in status callbacks, of which Tencent Cloud lists the common ones:
# https://www.tencentcloud.com/document/product/382/35462. EXPIRED and REJECTD are about the moment
# and the words of a text, and say nothing about the number.
_NUMBER_FACTS_OF_CARRIERS = {
    "UNDELIV": NumberFact.REACHES_NOBODY,  # switched off, out of service, or an abnormal number
    # China Mobile's codes of numbers that nobody has: 空号.
    "MK:0001": NumberFact.REACHES_NOBODY,
    "MI:0210": NumberFact.REACHES_NOBODY,
    "CB:0001": NumberFact.REACHES_NOBODY,
    "CB:0053": NumberFact.REACHES_NOBODY,
    "DB:0101": NumberFact.REACHES_NOBODY,
}

# Nothing was processed, and an attempt after this time may succeed.
_LATER = {
    "RequestLimitExceeded": timedelta(seconds=1),
    "LimitExceeded.GlobalSmsSendingRateLimit": timedelta(seconds=1),
    "LimitExceeded.DeliveryFrequencyLimit": timedelta(minutes=1),
    "LimitExceeded.PhoneNumberThirtySecondLimit": timedelta(seconds=30),
    "LimitExceeded.PhoneNumberOneHourLimit": timedelta(hours=1),
    "LimitExceeded.PhoneNumberDailyLimit": timedelta(days=1),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": timedelta(days=1),
}

# The reason is the account, the signature, the template or the request, neither the number nor the
# network. A family stands for all of its codes.
_FAMILIES_OTHERS_MAY_ACCEPT = frozenset(
    {
        "InvalidParameter",
        "InvalidParameterValue",
        "MissingParameter",
        "UnauthorizedOperation",
        "UnsupportedOperation",
        "UnsupportedRegion",
        "LimitExceeded",
        "InvalidAction",
        "NoSuchVersion",
        "UnknownParameter",
    }
)
# `FailedOperation` has other codes too, such as OtherError, that do not tell the reason.
_OTHER_PROVIDER_MAY_ACCEPT = frozenset(
    {
        "FailedOperation.ContainSensitiveWord",
        "FailedOperation.FailResolvePacket",
        "FailedOperation.InsufficientBalanceInSmsPackage",
        "FailedOperation.JsonParseFail",
        "FailedOperation.MarketingSendTimeConstraint",
        "FailedOperation.MissingSignature",
        "FailedOperation.NotEnterpriseCertification",
        "FailedOperation.ProhibitSubAccountUse",
        "FailedOperation.SignatureIncorrectOrUnapproved",
        "FailedOperation.TemplateIdNotExist",
        "FailedOperation.TemplateIncorrectOrUnapproved",
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
        "FailedOperation.TemplateUnapprovedOrNotExist",
    }
)


def number_fact_of_carrier(code: str | None) -> NumberFact | None:
    """What a carrier's code in a status callback says about the number for good, if anything."""
    return _NUMBER_FACTS_OF_CARRIERS.get(code or "")


def classify_code(code: str, *, fixed_line: bool = False) -> SendResult:
    """What a code other than `Ok` says about the text of the request.

    Tencent Cloud knows mobile numbers only: for it, a `fixed_line` is no valid number.
    """
    family = code.split(".", 1)[0]
    if fact := _NUMBER_FACTS.get(code):
        if fact is NumberFact.REACHES_NOBODY and fixed_line:
            fact = NumberFact.NO_TEXTS
        reason = because(_REASONS[fact])
        return SendResult(SendOutcome.REFUSED, reason, code=code, number_fact=fact)
    if later := _LATER.get(code) or _LATER.get(family):
        reason = because(ReasonCode.TEXTS_LIMITED, provider=PROVIDER)
        return SendResult(SendOutcome.NOT_SENT, reason, code=code, retry_after=later)
    if family == "AuthFailure":
        # The text is not the reason: with correct credentials it can be sent.
        reason = because(ReasonCode.BAD_CREDENTIALS_OR_CLOCK, provider=PROVIDER)
        return SendResult(SendOutcome.NOT_SENT, reason, code=code)
    if family in _FAMILIES_OTHERS_MAY_ACCEPT or code in _OTHER_PROVIDER_MAY_ACCEPT:
        reason = because(
            ReasonCode.PROVIDER_REFUSED_WITH_CODE,
            provider=PROVIDER,
            provider_code=code,
            see="https://cloud.tencent.com/document/api/382/52075",
        )
        return SendResult(SendOutcome.REFUSED, reason, code=code, other_provider_may_accept=True)
    return unknown(ReasonCode.ANSWERED_ERROR, PROVIDER, code=code)
