"""Speaking: a reason is a sentence for people, and its code and values for programs."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from domain.language.speak import speak, spoken, with_sentence
from domain.reason_json import reasons_as_json
from domain.reasons import ReasonCode, Reasons, because

REFUSED = because(ReasonCode.APPROVAL_REFUSED, actor="sup-1", role="supervisor", why="too soon")
TWO = because(ReasonCode.NO_ZONE) + because(ReasonCode.NO_ADDRESS, channel="sms")


@dataclass(frozen=True)
class Row:
    loan: str
    reason: Reasons


@dataclass(frozen=True)
class Listing:
    rows: tuple[Row, ...]
    newest: tuple[Reasons, ...]


@pytest.mark.parametrize(
    ("reasons", "english", "chinese"),
    [
        ((), "", ""),
        (
            REFUSED,
            'It was refused by sup-1, a supervisor: "too soon".',
            "sup-1（主管）驳回：“too soon”。",
        ),
        (
            TWO,
            "The borrower's time zone is not known. There is no usable number or address for "
            "contact by text.",
            "借款人所在时区未知。没有可用于短信联系的号码或地址。",
        ),
        (
            because(ReasonCode.NO_CONNECTION, provider="tencent"),
            "No connection to Tencent Cloud could be made.",
            "无法连接腾讯云。",
        ),
    ],
)
def test_reasons_are_spoken_in_the_readers_language(
    reasons: Reasons, english: str, chinese: str
) -> None:
    assert speak(reasons) == english
    assert speak(reasons, "zh") == chinese


@dataclass(frozen=True)
class Owed:
    currency: str
    principal: Decimal


@pytest.mark.parametrize(
    ("currency", "written"), [("CNY", "1000.00"), ("JPY", "1000"), ("KWD", "1000.000")]
)
def test_programs_read_an_amount_with_the_places_of_its_currency(
    currency: str, written: str
) -> None:
    stored = Owed(currency, Decimal("1000.0000"))
    assert with_sentence([stored]) == [{"currency": currency, "principal": written}]


def test_programs_read_the_code_with_its_values_and_beside_it_the_sentence() -> None:
    listing = Listing((Row("L-1", REFUSED), Row("L-2", ())), (TWO,))

    assert with_sentence(listing) == {
        "rows": [
            {
                "loan": "L-1",
                "reason": [
                    {
                        "code": "approval_refused",
                        "params": {"actor": "sup-1", "role": "supervisor", "why": "too soon"},
                    }
                ],
                "sentence": 'It was refused by sup-1, a supervisor: "too soon".',
            },
            {"loan": "L-2", "reason": [], "sentence": ""},
        ],
        "newest": [{"reason": reasons_as_json(TWO), "sentence": speak(TWO)}],
    }


def test_a_stored_payload_is_spoken_where_it_has_a_reason() -> None:
    stored = reasons_as_json(REFUSED)

    assert spoken({"action": 7}) == {"action": 7}
    assert spoken({"action": 7, "reason": stored}) == {
        "action": 7,
        "reason": stored,
        "sentence": speak(REFUSED),
    }
