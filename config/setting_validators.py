"""Checks the form of each setting. An error says what to write instead.

No message repeats the value, because it may be a secret.
"""

import re
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from config.input_errors import UnusableValueError
from config.readers.formats import is_zone
from domain.events import LENDER, STAFF, TAPE

SENDER = re.compile(
    r"\+[1-9]\d{6,14}"  # a number, E.164
    r"|\d{3,8}"  # a short code
    r"|MG[0-9a-fA-F]{32}"  # a Messaging Service
    r"|(?=.*[A-Za-z])[A-Za-z0-9 &_-]{1,11}"  # a name, as long as the networks carry
)
LONGEST_NAME = 11
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
LONGEST_TWILIO_SENDER = 34
PHONE = re.compile(r"(?=(.*\d){3})[\d +()-]{3,30}", re.ASCII)
LONGEST_PHONE = 30  # the pattern looks ahead, which takes long for a long text
TWILIO_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
LOANS_IN_AN_ENVELOPE = range(1, 5001)

DEMO_DIRECTORY = "arrears-demo-"
"""How the name of the directory of a demo begins, which is removed when the demo is stopped."""
DEMO_STOPPED = (
    "the demo that this shell was set up for was stopped, and its files are gone. Open a new shell"
)

PROVIDERS = frozenset({"twilio", "tencent"})
SENDER_NAME = re.compile(r"[a-z][a-z0-9-]*")
LONGEST_SENDER = 32
OWN_SENDERS = frozenset({STAFF, TAPE, *PROVIDERS})
"""Senders that are no system of the lender's."""


def not_blank(value: object) -> object:
    """Refuse an empty value: most likely somebody forgot to fill it in."""
    if isinstance(value, str) and not value.strip():
        raise UnusableValueError("it is empty. Fill it in, or leave it out where it has a default")
    return value


def split(value: object) -> object:
    """The parts between commas. An empty part is refused: as a secret, it is no secret."""
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",")]
    if not all(parts):
        raise UnusableValueError("one of its parts is empty. Take out the comma that is too many")
    return parts


def routes(value: str) -> dict[str, tuple[str, ...]]:
    """`CN: tencent twilio, *: twilio` as providers by region."""
    by_region: dict[str, tuple[str, ...]] = {}
    for part in value.split(","):
        region, colon, providers = (word.strip() for word in part.partition(":"))
        named = tuple(providers.split())
        if not colon or not named or not re.fullmatch(r"[A-Z]{2}|\*", region):
            raise UnusableValueError(
                "write a region or *, a colon and providers, as CN: tencent twilio"
            )
        if region in by_region:
            raise UnusableValueError(
                "it says twice which providers {region} has. Write them once, in order",
                region=region,
            )
        if unknown := set(named) - PROVIDERS:
            raise UnusableValueError(
                "there is no provider {provider}; they are twilio and tencent",
                provider=unknown.pop(),
            )
        by_region[region] = named
    if "*" not in by_region:
        raise UnusableValueError("say which providers all other regions have, as *: twilio")
    return by_region


def takes_replies(sender: str) -> bool:
    """Whether people can answer a sender of Twilio's: a name is no number that they could text."""
    return sender.startswith("+") or sender.isdecimal() or len(sender) > LONGEST_NAME


def envelope(value: object) -> object:
    """`auto`, or a number of loans."""
    if value == "auto":
        return value
    written = str(value)
    if written.isascii() and written.isdecimal() and int(written) in LOANS_IN_AN_ENVELOPE:
        return int(written)
    raise UnusableValueError("write auto, or a number of loans from 1 to 5000")


def phone(written: str) -> str:
    """A number as people see it. A service number need not be in E.164."""
    if len(written) > LONGEST_PHONE or not PHONE.fullmatch(written):
        raise UnusableValueError(
            "write a phone number in digits, spaces, +, - and brackets, such as 400-000-0000"
        )
    return written


def twilio_account(written: str) -> str:
    if not TWILIO_ACCOUNT.fullmatch(written):
        raise UnusableValueError(
            "write the id of an account, AC and 32 hex digits, as Twilio shows it"
        )
    return written


def time_zone(name: str) -> str:
    if not is_zone(name):
        raise UnusableValueError("it is not an IANA time zone, such as Asia/Shanghai")
    return name


def postgres_url(url: str) -> str:
    """Add the name of the driver that SQLAlchemy needs. Nobody has to write it."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            url = url.replace(scheme, "postgresql+psycopg2://", 1)
    if not url.startswith("postgresql+psycopg2://"):
        raise UnusableValueError("it must begin with postgresql://")
    if url.split("?")[0].count("@") > 1:
        raise UnusableValueError("write an @ in the user's name or the password as %40")
    if "\0" in unquote(url):
        raise UnusableValueError("it holds %00, which PostgreSQL takes nowhere. Take it out")
    # A password may contain a slash, so only the part after it is parsed.
    _parsed(f"//{url.removeprefix('postgresql+psycopg2://').rsplit('@', 1)[-1]}")
    return url


def redis_url(url: str) -> str:
    """Ask for the broker's certificate, if it speaks TLS: Celery's client would take any."""
    if not url.startswith(("redis://", "rediss://")):
        raise UnusableValueError("it must begin with redis:// or rediss://")
    parts = _parsed(url)
    database = parts.path.strip("/")
    if database and not (database.isascii() and database.isdecimal()):
        raise UnusableValueError("the database after the last / must be a number, such as 0")
    if parts.scheme == "rediss" and "ssl_cert_reqs=" not in parts.query:
        return f"{url}{'&' if parts.query else '?'}ssl_cert_reqs=required"
    return url


def web_url(url: str) -> str:
    """Remove the slash at the end. It would be doubled when a path is added."""
    parts = _parsed(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnusableValueError("it must begin with https:// or http:// and name a host")
    if parts.query or parts.fragment or re.search(r"\s", url):
        raise UnusableValueError(
            "it must end with the host, its port or a path, without ?, # or spaces"
        )
    return url.rstrip("/")


def host(name: str) -> str:
    if not HOST.fullmatch(name):
        raise UnusableValueError("write names of hosts without a port, such as arrears.example")
    return name


def sender(written: str) -> str:
    if len(written) > LONGEST_TWILIO_SENDER or not SENDER.fullmatch(written):
        raise UnusableValueError(
            "write a number as +12125550100, a short code, a name of up to 11 letters and digits, "
            "or the id of a Messaging Service, MG and 32 hex digits"
        )
    return written


def is_sender_name(name: str) -> bool:
    """Whether a system of the lender's may be called so."""
    known = len(name) <= LONGEST_SENDER and SENDER_NAME.fullmatch(name) is not None
    return known and name not in OWN_SENDERS


def senders(value: object) -> object:
    """`core: whsec_… whsec_…, dialer: whsec_…` as secrets by sender, newest first.

    A secret without a name is one of the sender `lender`.
    """
    if not isinstance(value, str):
        return value
    of_sender: dict[str, list[str]] = {}
    for part in value.split(","):
        name, colon, secrets = part.rpartition(":")
        name = name.strip() if colon else LENDER
        if not is_sender_name(name):
            raise UnusableValueError(
                "write a sender's name in small letters, digits and -, a colon and its secrets, as "
                "core: whsec_…; staff, tape, twilio and tencent are names of other senders"
            )
        if not secrets.split():
            raise UnusableValueError(
                "one of its parts is empty. Take out the comma that is too many"
            )
        of_sender.setdefault(name, []).extend(secrets.split())
    known = [secret for secrets in of_sender.values() for secret in secrets]
    if len(set(known)) < len(known):
        raise UnusableValueError("it says a secret twice. Give each sender secrets of its own")
    return of_sender


def webhook_secrets(of_sender: dict[str, list[SecretStr]]) -> dict[str, list[SecretStr]]:
    """Secrets of the Standard Webhooks specification have 24 to 64 bytes."""
    for secret in (secret for secrets in of_sender.values() for secret in secrets):
        prefix, coded = secret.get_secret_value()[:6], secret.get_secret_value()[6:]
        try:
            size = len(b64decode(coded, validate=True))
        except ValueError:
            size = 0
        if prefix != "whsec_" or not 24 <= size <= 64:
            raise UnusableValueError(
                "a secret is whsec_ and then 24 to 64 bytes in base64. "
                "Make one with `echo whsec_$(openssl rand -base64 32)`"
            )
    return of_sender


def clock_file(path: Path) -> Path:
    """The file is read each time the clock is read, so it is checked at the start."""
    try:
        timedelta(seconds=float(path.read_text(encoding="utf-8")))
    except OSError as error:
        if path.parent.name.startswith(DEMO_DIRECTORY):
            raise UnusableValueError(DEMO_STOPPED) from None
        raise UnusableValueError(
            "its file cannot be read ({error})", error=error.strerror
        ) from None
    except (ValueError, OverflowError):
        raise UnusableValueError("its file must hold a number of seconds, such as -3600") from None
    return path


def _parsed(url: str) -> SplitResult:
    """The parts of an address whose host and port can be valid."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnusableValueError(
            "its host or port is wrong. Write host:port, a port up to 65535"
        ) from None
    if port == 0:
        raise UnusableValueError("its port is 0. Write the one that the server listens on")
    try:
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        raise UnusableValueError("its host cannot be a name. Check the dots in it") from None
    return parts
