"""Addresses of servers that no client can use: refused in a sentence that shows no secret."""

import pytest

from domain.errors import ArrearsError
from workers.db.engine import assert_reachable, connect
from workers.messaging.broker import assert_broker_reachable, queue_depths


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@127.0.0.1:1/0?nonsense=1",
        "redis://:hunter2@127.0.0.1:1/?db=abc",
        "redis://:hunter2@127.0.0.1:1/?db=3",  # ours would know it, and Celery would not
        "redis://:hunter2@127.0.0.1:1/0?socket_timeout=abc",
        "redis://:hun?ter2=x@127.0.0.1:1/0",
        "rediss://:hunter2@127.0.0.1:1/0?ssl_nonsense=1",
        "rediss://:hunter2@127.0.0.1:1/0?ssl_cert_reqs=perhaps",
    ],
)
def test_an_option_that_the_broker_cannot_have_is_named_with_its_setting(url: str) -> None:
    for reach in (assert_broker_reachable, queue_depths):
        with pytest.raises(ArrearsError, match="REDIS_URL is not usable") as error:
            reach(url)
        assert_no_secret(error.value)


@pytest.mark.parametrize("option", ["ssl_cert_reqs=required", "ssl_ca_certs=/etc/ca.pem"])
def test_an_option_of_tls_is_left_as_it_is(option: str) -> None:
    with pytest.raises(ArrearsError, match="cannot be reached"):
        assert_broker_reachable(f"rediss://:hunter2@127.0.0.1:1/0?{option}")


@pytest.mark.parametrize(
    "option",
    ["nonsense=1", "plugin=nonsense", "port=abc", "host=a,b&port=1,2,3", "async=1"],
)
def test_an_option_that_the_database_cannot_have_is_named_with_its_setting(option: str) -> None:
    with pytest.raises(ArrearsError, match="DATABASE_URL is not usable") as error:
        connect(f"postgresql+psycopg2://u:hunter2@127.0.0.1:1/x?{option}")
    assert_no_secret(error.value)


def test_an_option_of_postgresqls_is_left_as_it_is_and_a_wrong_value_is_said() -> None:
    url = "postgresql+psycopg2://u:hunter2@127.0.0.1:1/x?sslmode="
    for value, says in [("require", "Connection refused"), ("perhaps", "sslmode value")]:
        engine = connect(f"{url}{value}")
        with pytest.raises(ArrearsError, match=says) as error:
            assert_reachable(engine)
        engine.dispose()
        assert "DATABASE_URL" in str(error.value)
        assert_no_secret(error.value)


def assert_no_secret(error: ArrearsError) -> None:
    said = str(error)
    assert said.endswith(".")
    assert not any(part in said for part in ("hunter2", "ter2"))
    assert error.__suppress_context__, "a traceback would not show more"
