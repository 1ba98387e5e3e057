"""Settings from the environment, checked at start-up; each error names its variable.

Any variable may instead be given as `NAME_FILE`, the path of a file that holds the value: that is
how secrets reach the containers.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator as Check
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from domain.allocation import AllocateBy, AllocationOrder
from domain.errors import ArrearsError
from domain.loans import Component

OURS = ("ARREARS_", "TWILIO_")
SHARED = ("DATABASE_URL", "REDIS_URL")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is not an IANA time zone, such as Asia/Shanghai") from None
    return name


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _postgres(url: str) -> str:
    """SQLAlchemy's name for the driver is an implementation detail that nobody need write."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return url.replace(scheme, "postgresql+psycopg2://", 1)
    if not url.startswith("postgresql+psycopg2://"):
        raise ValueError("must begin with postgresql://")
    return url


def _redis(url: str) -> str:
    if not url.startswith(("redis://", "rediss://")):
        raise ValueError("must begin with redis:// or rediss://")
    return url


def _all_components(components: list[Component]) -> list[Component]:
    if sorted(components) != sorted(Component):
        raise ValueError("must name fees, interest and principal, each once")
    return components


Secrets = Annotated[list[SecretStr], BeforeValidator(_split), Field(min_length=1)]


class Settings(BaseModel):
    """Everything that differs between two installations. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: Annotated[str, Check(_postgres)] = Field(alias="DATABASE_URL")
    redis_url: Annotated[str, Check(_redis)] = Field(alias="REDIS_URL")
    encryption_keys: Secrets = Field(alias="ARREARS_ENCRYPTION_KEYS")
    """Comma-separated, newest first: the first seals, all of them open."""
    lender: str = Field(alias="ARREARS_LENDER")
    """The lender's name as borrowers know it."""
    lender_phone: str = Field(alias="ARREARS_LENDER_PHONE")
    """The number a borrower may call to talk about a deferral or instalments."""
    zone: Annotated[str, Check(_known_zone)] = Field(alias="ARREARS_ZONE")
    """IANA zone of the lender: its date is the business date."""
    policy_dir: Path = Field(Path(__file__).parent, alias="ARREARS_POLICY_DIR")
    """Holds ladders/, rule_packs/, legal_checklists/ and templates/."""
    envelope: Literal["auto"] | Annotated[int, Field(ge=1, le=5000)] = Field(
        "auto", alias="ARREARS_ENVELOPE"
    )
    """Loans per `escalate_loans` message: `auto`, or a fixed number."""
    allocation_components: Annotated[
        list[Component], BeforeValidator(_split), Check(_all_components)
    ] = Field([*AllocationOrder().components], alias="ARREARS_ALLOCATION_COMPONENTS")
    allocation_by: AllocateBy = Field(AllocateBy.INSTALMENT, alias="ARREARS_ALLOCATION_BY")
    public_url: str = Field("http://127.0.0.1:8000", alias="ARREARS_PUBLIC_URL")
    """Where providers reach the webhooks: what they sign, so it must be exactly what they call."""
    twilio_account_sid: str = Field(alias="TWILIO_ACCOUNT_SID")
    twilio_auth_tokens: Secrets = Field(alias="TWILIO_AUTH_TOKENS")
    """Comma-separated: the first signs in, all of them verify callbacks, for rotation."""
    twilio_from: str = Field(alias="TWILIO_FROM")
    """The sender: an E.164 number or a Messaging Service's sender id."""
    twilio_api_base: str | None = Field(None, alias="TWILIO_API_BASE")
    """Another server that speaks Twilio's API; leave unset for Twilio itself."""
    clock_file: Path | None = Field(None, alias="ARREARS_CLOCK_FILE")
    """For rehearsals only: a file that holds the seconds by which the clock is off."""
    scan_seconds: Annotated[int, Field(ge=1, le=900)] = Field(60, alias="ARREARS_SCAN_SECONDS")
    """How often beat starts a scan. Most find nothing: each due loan is announced once."""
    lease_seconds: Annotated[int, Field(ge=5, le=3600)] = Field(300, alias="ARREARS_LEASE_SECONDS")
    """How long an announced loan or a claimed action belongs to whoever took it."""

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def allocation_order(self) -> AllocationOrder:
        return AllocationOrder(tuple(self.allocation_components), self.allocation_by)

    @property
    def lender_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class SettingsError(ArrearsError):
    """The environment does not hold what the house needs."""


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from `environment`.

    Raises:
        SettingsError: a variable is missing, unknown or unusable; all of them are listed.
    """
    given = _ours(environment)
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        # Pydantic's own text would repeat the value, which may be a secret.
        raise SettingsError("\n".join(_sentence(e) for e in error.errors())) from None


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in environment.items():
        if not (name.startswith(OURS) or name.removesuffix("_FILE") in SHARED):
            continue
        plain = name.removesuffix("_FILE")
        if plain == name or name in _names():
            given[name] = value
        elif plain in environment:
            raise SettingsError(f"Both {plain} and {name} are set. Keep one of them.")
        else:
            try:
                given[plain] = Path(value).read_text().strip()
            except OSError as error:
                raise SettingsError(
                    f"{name} names a file that cannot be read ({error.strerror})."
                    " Check the path and its permissions."
                ) from None
    return given


def _names() -> list[str]:
    return [field.alias for field in Settings.model_fields.values() if field.alias]


def _sentence(error: Any) -> str:
    name = str(error["loc"][0])
    match error["type"]:
        case "missing":
            return f"{name} is not set. Set it, or {name}_FILE to a file that holds it."
        case "extra_forbidden":
            close = difflib.get_close_matches(name, _names(), n=1)
            hint = f" Did you mean {close[0]}?" if close else " Remove it."
            return f"{name} is not a setting of Arrears.{hint}"
    return f"{name} is not usable: {error['msg'].removeprefix('Value error, ')}."
