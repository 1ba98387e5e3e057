"""The settings: what differs between two installations, each with its form and its default."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator as Check
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from config import setting_validators
from config.input_errors import UnusableValueError
from domain.allocation import AllocateBy, AllocationOrder
from domain.compliance.vocabulary import Collects
from domain.loans import Component

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OURS = ("ARREARS_", "TWILIO_", "TENCENT_")
SHARED = ("DATABASE_URL", "REDIS_URL")
ROUTES, DEFAULT_ROUTES = "ARREARS_SMS_ROUTES", "*: twilio"


def variable_of(field: str) -> str:
    """The variable of a field: `twilio_from` is `TWILIO_FROM`, `zone` is `ARREARS_ZONE`."""
    name = field.upper()
    return name if name in SHARED or name.startswith(OURS) else f"ARREARS_{name}"


def _all_components(components: list[Component]) -> list[Component]:
    if sorted(components) != sorted(Component):
        raise UnusableValueError("it must name fees, interest and principal, each once")
    return components


Parts = BeforeValidator(setting_validators.split)
Secrets = Annotated[list[SecretStr], Parts, Field(min_length=1)]
WebUrl = Annotated[str, Check(setting_validators.web_url)]


class PolicySettings(BaseModel):
    """What a command needs that only shows the policy: it has no database and no provider."""

    model_config = ConfigDict(
        alias_generator=variable_of, extra="forbid", frozen=True, str_strip_whitespace=True
    )

    zone: Annotated[str, Check(setting_validators.time_zone)] = "UTC"
    """IANA zone of the lender: its date is the business date."""
    policy_dir: Path = Path(__file__).parent
    """Contains ladders/, rule_packs/, legal_checklists/, arrangements/, templates/ and
    sms_templates/."""
    clock_file: Annotated[Path, Check(setting_validators.clock_file)] | None = None
    """For the demo and tests only: a file with the seconds by which the clock is shifted."""

    _not_blank = field_validator("*", mode="before")(setting_validators.not_blank)

    @property
    def lender_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Settings(PolicySettings):
    """Everything that differs between two installations. Unknown names are refused."""

    database_url: Annotated[str, Check(setting_validators.postgres_url)]
    redis_url: Annotated[str, Check(setting_validators.redis_url)]
    encryption_keys: Secrets | None = None
    """Comma-separated, newest first: the first one encrypts, all of them decrypt. Needed, except by
    a webhook that has `webhook_key` instead."""
    webhook_key: SecretStr | None = None
    """What a webhook needs that stores what comes in and decrypts nothing."""
    lender: str
    """The lender's name as borrowers know it."""
    lender_phone: Annotated[str, Check(setting_validators.phone)]
    """The number that a borrower may call to ask for a deferral or for instalments."""
    zone: Annotated[str, Check(setting_validators.time_zone)]
    """IANA zone of the lender: its date is the business date."""
    collects_as: Annotated[frozenset[Collects], Parts] = frozenset({Collects.FIRST_PARTY})
    """What you are, for laws that bind only some of those who collect; comma-separated."""
    envelope: Annotated[Literal["auto"] | int, BeforeValidator(setting_validators.envelope)] = (
        "auto"
    )
    """Loans per `escalate_loans` message: `auto`, or a fixed number."""
    allocation_components: Annotated[list[Component], Parts, Check(_all_components)] = [
        *AllocationOrder().components
    ]
    allocation_by: AllocateBy = AllocateBy.INSTALMENT
    public_url: WebUrl = "http://127.0.0.1:8000"
    """The address at which providers call the webhooks. They sign it, so it must be exactly the
    address that they call. It is stored without a slash at its end."""
    hosts: Annotated[list[Annotated[str, Check(setting_validators.host)]], Parts] | None = None
    """Comma-separated: other names by which the webhooks are called, beside the host of
    `public_url` and this machine's own."""
    twilio_account_sid: Annotated[str, Check(setting_validators.twilio_account)] | None = None
    """The settings of a provider are needed where a route names it."""
    twilio_auth_tokens: Secrets | None = None
    """Comma-separated, for rotation: the first one signs in, all of them verify callbacks."""
    twilio_from: Annotated[str, Check(setting_validators.sender)] | None = None
    """The sender: a number in E.164, a short code, a name, or the id of a Messaging Service."""
    twilio_api_base: WebUrl | None = None
    """Another server that speaks Twilio's API; leave unset for Twilio itself."""
    sms_routes: Annotated[
        dict[str, tuple[str, ...]], BeforeValidator(setting_validators.routes)
    ] = Field(DEFAULT_ROUTES, validate_default=True)
    """By region of the number (ISO 3166) or `*`: the providers to ask, the first one first."""
    sms_per_second: Annotated[float, Field(gt=0, le=1000)] | None = None
    """The rate limit of one sender over all workers. Without it the provider limits the rate."""
    tencent_secret_id: str | None = None
    tencent_secret_key: SecretStr | None = None
    tencent_sdk_app_id: str | None = None
    tencent_sign_name: str | None = None
    """The registered signature that stands before each text."""
    tencent_callback_tokens: Secrets | None = None
    """Comma-separated: secrets in the address of the callback, known only to Tencent Cloud."""
    tencent_api_base: WebUrl | None = None
    """Another server that speaks Tencent Cloud's API; leave unset for Tencent Cloud itself."""
    park_after_seconds: Annotated[int, Field(ge=10, le=86400)] = 1800
    """How long to try to find out what became of a text whose answer was lost."""
    events_in_secrets: (
        Annotated[
            dict[str, list[SecretStr]],
            BeforeValidator(setting_validators.senders),
            Check(setting_validators.webhook_secrets),
        ]
        | None
    ) = None
    """Standard Webhooks secrets (`whsec_…`) by the sender that signs with them, newest first."""
    events_out_url: WebUrl | None = None
    """Where events for the lender's systems are delivered; without it none are delivered."""
    events_out_secrets: Secrets | None = None
    """Comma-separated Standard Webhooks secrets: each event is signed with all of them."""
    collector_numbers_a_minute: Annotated[int, Field(ge=1, le=1000)] = 4
    """How many telephone numbers a collector is given within a minute: nobody dials more."""
    machine_numbers_a_minute: Annotated[int, Field(ge=1, le=100_000)] = 60
    """How many a machine is given, for all its collectors together."""
    token_file: Path | None = None
    """The file with the token of whoever runs a command; `~/.config/arrears/token` if left out."""
    prune_after_days: Annotated[int, Field(ge=7, le=3650)] = 90
    """How long delivered events out and applied events in are kept."""
    strangers_after_days: Annotated[int, Field(ge=30, le=3650)] = 365
    """How long the words of a text from a number that nobody on record has are kept unread, and
    contact details of a borrower who is not on record."""
    evidence_file: Path | None = None
    """To this file the heads of the chain of evidence are added, signed. It belongs to a place that
    whoever administers the database cannot write to."""
    scan_seconds: Annotated[int, Field(ge=1, le=900)] = 60
    """How often beat starts a scan. Most scans find nothing: a due loan is announced once."""
    sending_counter_file: Path | None = None
    """Outside the database: how far it had come when somebody was contacted last."""
    journal_file: Path | None = None
    """Outside the database: opt-outs, erasures and revocations, for the day on which the database
    is restored from a backup."""
    sending_multiple: Annotated[float, Field(ge=1, le=1000)] = 3
    """How many times as many contacts as were planned stop a channel."""
    sending_floor: Annotated[int, Field(ge=0, le=10_000_000)] = 100
    """Up to so many contacts a day a channel is not stopped for their number."""
    lease_seconds: Annotated[int, Field(ge=5, le=3600)] = 300
    """How long a worker owns a loan that was announced or an action that it claimed. Less than the
    20 seconds that a provider may take is safe, but only useful for the demo: a text is then marked
    as unknown until its worker comes back with the answer."""

    @property
    def known_hosts(self) -> list[str]:
        """The names by which the webhooks may be called."""
        public = urlsplit(self.public_url).hostname or ""
        return [public, *LOOPBACK, *(name.lower() for name in self.hosts or ())]

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def allocation_order(self) -> AllocationOrder:
        return AllocationOrder(tuple(self.allocation_components), self.allocation_by)

    @property
    def allocation_is_agreed(self) -> bool:
        """Whether the lender has set an order, as its contracts say."""
        return "allocation_components" in self.model_fields_set


class BrokerSettings(PolicySettings):
    """What Flower needs, which shows tasks and reads no database."""

    redis_url: Annotated[str, Check(setting_validators.redis_url)]
