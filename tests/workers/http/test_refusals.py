"""What a refusal says: in the language that was asked for, and in one shape, whatever refuses."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from starlette.requests import Request

from domain.errors import TooOftenError
from tests.support.desk import token_of
from tests.support.lender import SECRET, listen, signed
from tests.support.loans import Book
from workers.http.app import create_api, create_app, create_desk
from workers.http.desk.answers import language_for
from workers.http.permission_of import OF_PROVIDERS, OPEN_TO_ALL
from workers.http.requests import OF_WHAT_WAS_SENT, RefusedError, refuse

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


@pytest.mark.parametrize(
    ("header", "language"),
    [
        *((None, "en"), ("fr", "en"), ("zh-Hans-CN", "zh"), ("fr, zh;q=0.5", "zh")),
        *(("zh;q=0.1, en", "en"), ("en;q=0.2, ZH-cn ; Q=0.9", "zh")),
        *(("zh, en", "zh"), ("en, zh", "en"), ("zh;q=0", "en"), ("zh;q=high", "en")),
    ],
)
def test_the_language_with_the_highest_weight_counts(header: str | None, language: str) -> None:
    assert language_for(header) == language


SENT = "Zhang-13800138000"
"""What no refusal may repeat."""
TOO_LONG = SENT * 40
"""No number, no day, no word of a list, and no id: for any parameter it is wrong."""
JSON = {"content-type": "application/json"}
Call = tuple[str, bytes, Mapping[str, str]]
"""A target, a body, and headers."""


def test_what_cannot_be_read_is_refused_in_one_shape_at_every_path(engine: Engine) -> None:
    """Where it is wrong, and what to send instead; nothing of what was sent. As it is described."""
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    token = token_of(engine, "c-1")
    wrong = []
    for application in (create_app(book.ctx), create_api(book.ctx), create_desk(book.ctx)):
        description = application.openapi()
        with TestClient(application) as client:
            for path, method, described in _paths(description):
                if undescribed := _not_as_described(described):
                    wrong.append((path, "described otherwise", undescribed))
                if path in OF_PROVIDERS:
                    continue
                for target, body, headers in _wrong_calls(path, described):
                    sent = {**token, **signed(body, book.clock.at), **headers}
                    answer = client.request(method, target, content=body, headers=sent)
                    said = answer.json()
                    places = set(said["fields"]) or {"body"}
                    if (
                        answer.status_code not in OF_WHAT_WAS_SENT
                        or set(said.get("wrong", ())) != places
                        or not all(said["wrong"].values())
                        or SENT in answer.text
                    ):
                        wrong.append((method, target[:80], body[:40], answer.status_code, said))
    assert not wrong, "\n".join(map(str, wrong))


def _paths(description: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in description["paths"].items():
        if path not in OPEN_TO_ALL:
            yield from ((path, method.upper(), each) for method, each in methods.items())


def _not_as_described(described: Mapping[str, Any]) -> list[str]:
    """The statuses of what was sent whose answer is described in another shape."""
    return [
        status
        for status, answer in described["responses"].items()
        if int(status) in OF_WHAT_WAS_SENT
        and not answer["content"]["application/json"]["schema"]["$ref"].endswith("/NotAsDescribed")
    ]


def _wrong_calls(path: str, described: Mapping[str, Any]) -> Iterator[Call]:
    """Calls that are wrong in one thing each: a parameter, the body, or what the body is said to
    be."""
    given = {each["name"]: each for each in described.get("parameters", ())}
    in_path = {name: each for name, each in given.items() if each["in"] == "path"}
    right = path.format_map(dict.fromkeys(in_path, "1"))
    body = b"{}" if "requestBody" in described else b""
    for name, each in given.items():
        if each["in"] == "path":
            yield path.format_map(dict.fromkeys(in_path, "1") | {name: TOO_LONG}), body, JSON
        elif each["in"] == "query":
            yield f"{right}?{name}={TOO_LONG}", body, JSON
    if path.startswith("/api/v1/"):
        yield f"{right}?no_such=1", body, JSON
    if body:
        yield right, b'{"' + SENT.encode(), JSON
        yield right, f'"{SENT}"'.encode(), JSON
    if path in ("/events", "/api/v1/calls"):  # before anything of a body is read
        yield right, b"\xff", JSON
        yield right, body, {"content-type": f"text/{SENT}"}
        yield right, b" " * 70_000, JSON
