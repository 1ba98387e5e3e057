"""A broker that does not serve is told apart by what is to be done about it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from domain.errors import ArrearsError
from workers.messaging.broker import assert_broker_reachable


def refusal(url: str) -> str:
    with pytest.raises(ArrearsError) as refused:
        assert_broker_reachable(url)
    assert "hunter2" not in str(refused.value)
    return str(refused.value)


@contextmanager
def a_server_that_answers(answer: bytes) -> Iterator[str]:
    """Host and port of a server that answers whatever it is sent in the same way, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(1024)
                    client.sendall(answer)

        Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_a_broker_that_serves_is_not_complained_of(broker_url: str) -> None:
    assert_broker_reachable(broker_url)


def test_a_database_that_the_server_does_not_have_is_said_to_be_that(broker_url: str) -> None:
    assert "has no database of the number" in refusal(f"{broker_url.removesuffix('0')}99")


def test_a_user_who_is_not_known_is_turned_away(broker_url: str) -> None:
    said = refusal(broker_url.replace("redis://", "redis://nobody:hunter2@"))
    assert "the user or the password in REDIS_URL is missing or wrong" in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://:hunter2@127.0.0.1:1/0", "nothing listens at the host and port"),
        ("redis://:hunter2@broker.invalid:6379/0", "cannot be resolved"),
        ("redis://:hunter2@127.0.0.1:1/0?db=abc", "an option after its ? does not exist"),
    ],
)
def test_where_no_broker_is_the_sentence_says_what_is_missing(url: str, says: str) -> None:
    assert says in refusal(url)


@pytest.mark.parametrize(
    ("scheme", "answer", "says"),
    [
        ("redis", b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not a Redis server"),
        ("rediss", b"-ERR unknown command\r\n", "does not speak TLS"),
        ("redis", b"", "if it speaks TLS, write rediss://"),
        ("redis", b"-NOPERM this user has no permissions\r\n", "has too few permissions"),
        ("redis", b"-LOADING Redis is loading\r\n", "still loading its data"),
        ("redis", b"-MISCONF cannot write\r\n", "refuses our commands"),
    ],
)
def test_what_answers_in_its_place_is_told_apart(scheme: str, answer: bytes, says: str) -> None:
    with a_server_that_answers(answer) as place:
        assert says in refusal(f"{scheme}://{place}/0")
