"""What a refusal says is said in the language that was asked for, whatever door refuses."""

import json

import pytest
from starlette.requests import Request

from domain.errors import TooOftenError
from workers.http.requests import RefusedError, refuse

ASKED = Request({"type": "http", "headers": []})


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The machine core may call 60 times a minute."),
        ("zh", "系统core每分钟最多可调用60次。"),
    ],
)
def test_who_calls_too_often_is_answered_in_their_language(language: str, said: str) -> None:
    often = TooOftenError(
        "The machine {name} may call {count} times a minute.", 7, name="core", count=60
    )

    answer = refuse(ASKED, RefusedError(429, often.texts[0], retry_after=7), language)

    assert json.loads(bytes(answer.body))["detail"] == said
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
