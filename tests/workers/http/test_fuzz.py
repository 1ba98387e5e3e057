"""Calls made up from the application's own description: none breaks it, none is stored by mistake.

The examples are the same in every run, and few enough for each run.
"""

import json
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from sqlalchemy import Engine, func, select
from twilio.request_validator import RequestValidator

from tests.support.desk import token_of
from tests.support.lender import SECRET, application_of, listen, signed
from tests.support.loans import Book
from workers.db.schema import inbox_event, reply
from workers.http.app import create_app, create_desk
from workers.http.permission_of import AT_THE_DESK
from workers.inbox.kinds import EVENT_KINDS

BOUNDED = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

every_mode = pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    return book


def stored(book: Book) -> int:
    """How many rows there are of all that a call may store."""
    tables = (inbox_event, reply)
    return sum(book.one(select(func.count()).select_from(table)).count for table in tables)


def make_up(book: Book, path: str, mode: GenerationMode, post: Callable[[Case], None]) -> None:
    """Let `post` have calls that fit the description of `path`, or that just do not."""
    described = schemathesis.openapi.from_asgi("/openapi.json", application_of(book, path))
    cases = described[path]["POST"].as_strategy(generation_mode=mode)

    @BOUNDED
    @given(case=cases)
    def run(case: Case) -> None:
        post(case)

    run()


@every_mode
@pytest.mark.parametrize(
    "path",
    [
        "/events",
        "/calls/start",
        "/webhooks/twilio/status",
        "/webhooks/twilio/inbound",
        "/webhooks/tencent/{token}/status",
        "/webhooks/tencent/{token}/inbound",
    ],
)
def test_no_call_that_nobody_signed_breaks_anything_or_is_stored(
    book: Book, path: str, mode: GenerationMode
) -> None:
    answers: Counter[int] = Counter()

    def post(case: Case) -> None:
        answers[case.call().status_code] += 1

    make_up(book, path, mode, post)
    assert max(answers) < 500, answers
    assert min(answers) >= 400, answers
    assert stored(book) == 0


@every_mode
def test_every_signed_event_is_stored_once_or_refused_and_not_stored(
    book: Book, mode: GenerationMode
) -> None:
    answers: Counter[int] = Counter()
    ids = (f"made-up-{number}" for number in count())
    with TestClient(create_app(book.ctx)) as client:

        def post(case: Case) -> None:
            body = written(case.body)
            headers = signed(body, book.clock.at, id=next(ids))
            before = stored(book)
            first, second = (
                client.post("/events", content=body, headers=headers).status_code for _ in range(2)
            )
            assert first == second
            assert stored(book) == before + (first == 202)
            answers[first] += 1

        make_up(book, "/events", mode, post)
    assert set(answers) <= {202, 400, 413, 422}, answers
    assert mode is GenerationMode.NEGATIVE or answers[202] > 0, answers


@every_mode
def test_no_signed_question_about_a_call_breaks_anything_or_shows_a_number(
    book: Book, mode: GenerationMode
) -> None:
    answers: Counter[int] = Counter()
    with TestClient(application_of(book, "/calls/start")) as client:

        def post(case: Case) -> None:
            body = written(case.body)
            answer = client.post("/calls/start", content=body, headers=signed(body, book.clock.at))
            answers[answer.status_code] += 1

        make_up(book, "/calls/start", mode, post)
    assert set(answers) <= {400, 409, 413, 422}, answers
    assert mode is GenerationMode.NEGATIVE or answers[409] > 0, "there is no such loan"


def in_our_time(body: Any) -> Any:
    """The same with days of this year, of a loan that there is: a description cannot say either."""
    if not isinstance(body, dict):
        return body
    days = {name: "2026-03-05" for name in body if name.endswith("_on") and body[name]}
    nobody_else = {name: None for name in ("borrower", "ends_on") if name in body}
    return {**body, **days, **({"loan": "L-1", **nobody_else} if "loan" in body else {})}


def written(body: Any) -> bytes:
    """A made-up body as it travels; one that JSON cannot write, as its own name."""
    if isinstance(body, bytes):
        return body
    try:
        return json.dumps(body).encode()
    except (TypeError, ValueError):
        return repr(body).encode(errors="replace")


@every_mode
@pytest.mark.parametrize("path", ["/webhooks/twilio/status", "/webhooks/twilio/inbound"])
def test_every_signed_form_is_stored_once_or_refused_and_not_stored(
    book: Book, path: str, mode: GenerationMode
) -> None:
    answers: Counter[int] = Counter()
    numbers = count()
    with TestClient(create_app(book.ctx)) as client:

        def post(case: Case) -> None:
            fields = texts_of(case.body) | {"MessageStatus": "sent"}
            if len(fields.get("MessageSid", "")) == 1:  # plain enough to be told from the others
                fields["MessageSid"] = f"SM{next(numbers)}"
            target = path
            if path.endswith("status"):
                target += "?" + urlencode(texts_of(case.query))
            url = book.ctx.settings.public_url + target.removesuffix("?")
            signature = RequestValidator("secret").compute_signature(url, fields)
            before = stored(book)
            first, second = (
                client.post(
                    target, data=fields, headers={"X-Twilio-Signature": signature}
                ).status_code
                for _ in range(2)
            )
            assert first == second
            assert stored(book) - before in ({0, 1} if first in {200, 204} else {0})
            answers[first] += 1

        make_up(book, path, mode, post)
    assert set(answers) <= {200, 204, 400, 413}, answers
    assert mode is GenerationMode.NEGATIVE or answers[200] + answers[204] > 0, answers


def texts_of(made_up: Any) -> dict[str, str]:
    """Made-up fields as a form can carry them."""
    if not isinstance(made_up, dict):
        return {}
    return {
        str(name).encode(errors="replace").decode(): str(value).encode(errors="replace").decode()
        for name, value in made_up.items()
    }


def test_the_description_tells_how_each_call_is_signed_and_answered(book: Book) -> None:
    described = create_app(book.ctx).openapi()
    schemes = described["components"]["securitySchemes"]
    assert schemes["lender"]["name"] == "webhook-signature"
    events = described["paths"]["/events"]["post"]
    statuses = {202, 400, 401, 403, 404, 409, 413, 415, 422, 429, 503}
    assert set(events["responses"]) == {str(status) for status in statuses}
    assert events["security"] == [{"lender": []}]
    body_schema = events["requestBody"]["content"]["application/json"]["schema"]
    of_providers = {"receipt", "inbound_text"}
    assert set(body_schema["discriminator"]["mapping"]) == set(EVENT_KINDS) - of_providers
    form = described["paths"]["/webhooks/twilio/inbound"]["post"]["requestBody"]["content"]
    assert list(form) == ["application/x-www-form-urlencoded"]
    with TestClient(create_app(book.ctx)) as client:
        assert client.get("/openapi.json").status_code == 200
        assert client.get("/docs").status_code == 404


@pytest.fixture
def collector(book: Book) -> dict[str, str]:
    """The token of somebody with every role, so that no call ends at a missing permission."""
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    return token_of(book.ctx.engine, "c-1")


AT_EACH_PATH = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 2}
"""Few, for there are many paths at the desk; and what does not fit ends at the same door on all."""


def answers_at_desk(
    client: TestClient,
    token: dict[str, str],
    method: str,
    cases: SearchStrategy[Case],
    examples: int,
) -> Counter[int]:
    """How a path at the desk answers made-up calls of somebody who is signed in."""
    answers: Counter[int] = Counter()

    @settings(BOUNDED, max_examples=examples)
    @given(case=cases)
    def run(case: Case) -> None:
        answer = client.request(
            method,
            case.formatted_path,
            params=texts_of(case.query),
            content=written(in_our_time(case.body)) if method == "POST" else None,
            headers=token | {"content-type": "application/json"},
        )
        answers[answer.status_code] += 1

    run()
    return answers


@every_mode
def test_no_call_at_the_desk_breaks_anything(
    book: Book, collector: dict[str, str], mode: GenerationMode
) -> None:
    """Neither one that fits the description nor one that just does not; and none without a token
    gets further than that. All paths are served by one application, which takes long to make."""
    application = create_desk(book.ctx)
    described = schemathesis.openapi.from_asgi("/openapi.json", application)
    reached = 0
    with TestClient(application) as client:
        for asked in AT_THE_DESK:
            method, path = asked.split()
            cases = described[path][method].as_strategy(generation_mode=mode)
            answers = answers_at_desk(client, collector, method, cases, AT_EACH_PATH[mode])
            assert set(answers) <= {200, 400, 403, 404, 409, 413, 422}, (asked, answers)
            assert client.request(method, path).status_code == 401, asked
            reached += bool(set(answers) - {400, 422})
    # A few ask for more than a description can say, such as that one of two is given.
    assert mode is GenerationMode.NEGATIVE or reached > 0.8 * len(AT_THE_DESK)
