"""Settings with which an installation runs, and which an attacker would like: weak secrets, plain
`http`, a broker without a password. `arrears check` refuses them, except on one's own machine."""

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from config.settings import LOOPBACK, Settings
from domain.errors import Text, text_of

SHORTEST_SECRET = 16
"""Characters."""

WELL_KNOWN = (
    *("admin", "arrears", "changeme", "default", "example", "letmein", "master", "password"),
    *("postgres", "qwerty", "redis", "secret", "token", "test", "abcdef", "foobared", "your-"),
    *("0123456789", "1234567890", "123456789", "12345678", "123456", "1234"),
)
"""What many have written where a secret belongs. A secret that is made of these alone is none."""

UNVERIFIED = frozenset({"require", "verify-ca"})
"""Values of `sslmode` that ask for TLS and do not make sure which server answers."""

NO_CERTIFICATE = frozenset({"none", "cert_none"})
"""Values of `ssl_cert_reqs` with which a client verifies nothing."""


def is_on_own_machine(settings: Settings) -> bool:
    """Whether nobody outside this machine reaches the webhooks, as in the demo and in tests."""
    return _is_loopback(urlsplit(settings.public_url))


def weak_settings(settings: Settings) -> list[Text]:
    """What is wrong with them in production. No text repeats a secret."""
    return [*_plain_addresses(settings), *_weak_secrets(settings), *_open_servers(settings)]


def _plain_addresses(settings: Settings) -> Iterator[Text]:
    for name, url in (
        ("ARREARS_PUBLIC_URL", settings.public_url),
        ("ARREARS_EVENTS_OUT_URL", settings.events_out_url),
        ("TWILIO_API_BASE", settings.twilio_api_base),
        ("TENCENT_API_BASE", settings.tencent_api_base),
    ):
        parts = urlsplit(url or "")
        if parts.scheme == "http" and not _is_loopback(parts):
            yield text_of(
                "{name} begins with http://: everybody on the way reads and changes what goes "
                "there. Write an address that begins with https://.",
                name=name,
            )


def _open_servers(settings: Settings) -> Iterator[Text]:
    broker = urlsplit(settings.redis_url)
    if not broker.password and not _is_loopback(broker):
        yield text_of(
            "REDIS_URL has no password: whoever reaches the broker can have anything done. Set "
            "requirepass there, and write redis://:password@host:6379/0."
        )
    if broker.password and not _is_loopback(broker) and is_weak(unquote(broker.password)):
        yield _weak("REDIS_URL")
    asked = dict(parse_qsl(broker.query.lower()))
    unverified = asked.get("ssl_cert_reqs") in NO_CERTIFICATE
    if unverified or asked.get("ssl_check_hostname") == "false":
        yield text_of(
            "REDIS_URL takes any certificate: whoever stands between reads and changes what goes "
            "there. Take out ssl_cert_reqs and ssl_check_hostname, and name the file of the "
            "broker's authority, as ?ssl_ca_certs=/path/ca.pem."
        )
    # The password may contain a slash, so only what follows it is parsed.
    login, _, server = settings.database_url.partition("://")[2].rpartition("@")
    password, parts = login.partition(":")[2], urlsplit(f"//{server}")
    if password and not _is_loopback(parts) and is_weak(unquote(password)):
        yield _weak("DATABASE_URL")
    options = dict(parse_qsl(parts.query))
    elsewhere = options.get("host") if not parts.hostname else not _is_loopback(parts)
    if elsewhere and options.get("sslmode") in UNVERIFIED:
        yield text_of(
            "{name} asks for TLS and does not make sure that it is your database: whoever stands "
            "between reads and changes what goes there. Write sslmode=verify-full, and name the "
            "file of the database's authority, as &sslrootcert=/path/ca.pem.",
            name="DATABASE_URL",
        )


def _weak_secrets(settings: Settings) -> Iterator[Text]:
    secrets: dict[str, list[SecretStr]] = {
        "TWILIO_AUTH_TOKENS": settings.twilio_auth_tokens or [],
        "TENCENT_SECRET_KEY": [settings.tencent_secret_key] if settings.tencent_secret_key else [],
        "TENCENT_CALLBACK_TOKENS": settings.tencent_callback_tokens or [],
        "ARREARS_EVENTS_OUT_SECRETS": settings.events_out_secrets or [],
        "ARREARS_EVENTS_IN_SECRETS": [
            secret for given in (settings.events_in_secrets or {}).values() for secret in given
        ],
    }
    for name, several in secrets.items():
        if any(is_weak(secret.get_secret_value()) for secret in several):
            yield _weak(name)


def is_weak(secret: str) -> bool:
    """Whether a secret is short, one character again and again, or made of well-known words."""
    secret = secret.removeprefix("whsec_").lower()
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < SHORTEST_SECRET // 4:
        return True
    for known in WELL_KNOWN:
        secret = secret.replace(known, "")
    return len(secret.strip("-_=.")) < SHORTEST_SECRET // 4


def _weak(name: str) -> Text:
    return text_of(
        "{name} has a secret that is easy to guess: it is shorter than {shortest} characters, has "
        "few different ones, or is made of well-known words. Make one with `openssl rand -hex 32`.",
        name=name,
        shortest=SHORTEST_SECRET,
    )


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return host in LOOPBACK or host.startswith("127.")
