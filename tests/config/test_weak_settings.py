"""Settings that work, and that `check` does not let into production."""

from base64 import b64encode

import pytest

from config.environment import load_settings
from config.settings import Settings
from config.weak_settings import is_on_own_machine, is_weak, weak_settings
from tests.support.environment import an_environment

STRONG = "9f2c61d07be84a35b1c6e0d94f73a852"
PRODUCTION = {
    "DATABASE_URL": f"postgresql://arrears_worker:{STRONG}@postgres:5432/arrears",
    "REDIS_URL": f"redis://:{STRONG}@redis:6379/0",
    "ARREARS_PUBLIC_URL": "https://collections.example",
    "TWILIO_AUTH_TOKENS": STRONG,
}


def settings(**changes: str) -> Settings:
    return load_settings(an_environment() | PRODUCTION | changes)


def wrong(**changes: str) -> list[str]:
    return [
        str(text.values.get("name", "REDIS_URL")) for text in weak_settings(settings(**changes))
    ]


def test_an_installation_as_it_should_be_has_nothing_to_mend() -> None:
    assert wrong() == []
    assert not is_on_own_machine(settings())


def test_servers_that_speak_tls_have_nothing_to_mend() -> None:
    broker = f"rediss://:{STRONG}@redis:6379/0?ssl_ca_certs=/run/secrets/ca.pem"
    database = PRODUCTION["DATABASE_URL"] + "?sslmode=verify-full&sslrootcert=/run/secrets/ca.pem"
    assert wrong(REDIS_URL=broker, DATABASE_URL=database) == []
    assert settings(REDIS_URL=broker).redis_url == f"{broker}&ssl_cert_reqs=required"


ALSO = {"ARREARS_EVENTS_OUT_SECRETS": f"whsec_{b64encode(STRONG.encode()).decode()}"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARREARS_PUBLIC_URL", "http://collections.example"),
        ("ARREARS_EVENTS_OUT_URL", "http://core.example/events"),
        ("TWILIO_API_BASE", "http://192.0.2.1:8080"),
        ("REDIS_URL", "redis://redis:6379/0"),
        ("REDIS_URL", "redis://:redis@redis:6379/0"),
        ("REDIS_URL", f"rediss://:{STRONG}@redis:6379/0?ssl_cert_reqs=none"),
        ("REDIS_URL", f"rediss://:{STRONG}@redis:6379/0?ssl_check_hostname=false"),
        ("DATABASE_URL", "postgresql://arrears:postgres@postgres:5432/arrears"),
        ("DATABASE_URL", "postgresql://arrears:pass/word/1234@postgres/arrears"),
        ("DATABASE_URL", PRODUCTION["DATABASE_URL"] + "?sslmode=require"),
        ("DATABASE_URL", PRODUCTION["DATABASE_URL"] + "?sslmode=verify-ca&sslrootcert=/ca.pem"),
        ("TWILIO_AUTH_TOKENS", f"{STRONG},secret"),
        ("TENCENT_CALLBACK_TOKENS", "a" * 40),
        ("ARREARS_EVENTS_OUT_SECRETS", f"whsec_{b64encode(bytes(32)).decode()}"),
        ("ARREARS_EVENTS_IN_SECRETS", f"core: whsec_{b64encode(bytes(32)).decode()}"),
    ],
)
def test_what_an_attacker_would_like_is_named_without_the_secret(name: str, value: str) -> None:
    assert wrong(**ALSO | {name: value}) == [name]
    for text in weak_settings(settings(**ALSO | {name: value})):
        assert value not in str(text.values)


def test_servers_on_the_same_machine_need_no_password_and_no_certificate() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        own = {
            "REDIS_URL": f"redis://{host}:6379/0",
            "ARREARS_EVENTS_OUT_URL": f"http://{host}:9000/events",
            "TWILIO_API_BASE": f"http://{host}:9001",
        }
        assert wrong(**own) == []
        assert is_on_own_machine(settings(ARREARS_PUBLIC_URL=f"http://{host}:8000"))


@pytest.mark.parametrize(
    "secret",
    ["", "short", "1234567890123456", "changeme-changeme", "AAAAAAAAAAAAAAAAAAAA", "abababab" * 4],
)
def test_a_secret_that_many_have_is_weak(secret: str) -> None:
    assert is_weak(secret)


@pytest.mark.parametrize("secret", [STRONG, "correct horse battery staple", "83650271946301857462"])
def test_a_secret_that_nobody_guesses_is_not(secret: str) -> None:
    assert not is_weak(secret)
