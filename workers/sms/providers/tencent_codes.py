"""Tencent Cloud's error codes, sorted into what they say of a text.

The codes: https://cloud.tencent.com/document/api/382/52075 and, for all of its services,
https://cloud.tencent.com/document/api/382/52063. What is not listed here leaves the outcome open.
"""

from __future__ import annotations

from datetime import timedelta

from workers.sms.providers.http_errors import unknown
from workers.sms.providers.port import SendOutcome, SendResult

_NUMBER_INVALID = frozenset(
    {"InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail"}
)
# The number is on the list of those who said stop, to this lender or to their carrier.
_OPTED_OUT = "FailedOperation.PhoneNumberInBlacklist"

# Nothing was processed, and it will pass. Where the code names a span of time, this is it.
_LATER = {
    "RequestLimitExceeded": timedelta(seconds=1),
    "LimitExceeded.GlobalSmsSendingRateLimit": timedelta(seconds=1),
    "LimitExceeded.DeliveryFrequencyLimit": timedelta(minutes=1),
    "LimitExceeded.PhoneNumberThirtySecondLimit": timedelta(seconds=30),
    "LimitExceeded.PhoneNumberOneHourLimit": timedelta(hours=1),
    "LimitExceeded.PhoneNumberDailyLimit": timedelta(days=1),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": timedelta(days=1),
}

# The account, the signature, the template or the request is at fault, neither the number nor the
# network. A family stands for all of its codes.
_ELSEWHERE_FAMILIES = frozenset(
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
# `FailedOperation` has others besides, such as OtherError, that say nothing.
_ELSEWHERE = frozenset(
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


def sort_code(code: str) -> SendResult:
    """What a code other than `Ok` says of the text that was asked for."""
    family = code.split(".", 1)[0]
    if code == _OPTED_OUT:
        return SendResult(
            SendOutcome.REFUSED,
            "The borrower, or the borrower's carrier, has refused texts.",
            code=code,
            opted_out=True,
        )
    if code in _NUMBER_INVALID:
        return SendResult(
            SendOutcome.REFUSED,
            "The number is not a valid telephone number.",
            code=code,
            number_invalid=True,
        )
    if code in _LATER or family in _LATER:
        return SendResult(
            SendOutcome.NOT_SENT,
            "Tencent Cloud asks for fewer texts at a time, or fewer to this number.",
            code=code,
            retry_after=_LATER.get(code) or _LATER[family],
        )
    if family == "AuthFailure":
        # Nothing is wrong with the text: once the credentials are right, it can go.
        return SendResult(
            SendOutcome.NOT_SENT,
            "Tencent Cloud does not accept the account's credentials, or this machine's clock is "
            "wrong; correct them.",
            code=code,
        )
    if family in _ELSEWHERE_FAMILIES or code in _ELSEWHERE:
        return SendResult(
            SendOutcome.REFUSED,
            f"Tencent Cloud refused the text with code {code}: see "
            "https://cloud.tencent.com/document/api/382/52075.",
            code=code,
            elsewhere=True,
        )
    return unknown("Tencent Cloud answered with an error of its own.", code)
