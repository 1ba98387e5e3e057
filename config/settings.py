"""Settings from the environment, checked at start-up; each error names its variable.

Any variable may instead be given as `NAME_FILE`, the path of a file that holds the value: that is
how secrets reach the containers.
"""

import difflib
from collections.abc import Container, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator as Check
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from config import setting_validators
from config.input_errors import UnusableValueError, what_to_write
from domain.allocation import AllocateBy, AllocationOrder
from domain.compliance.vocabulary import Collects
from domain.errors import ArrearsError, Text, text_of
from domain.loans import Component

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OURS = ("ARREARS_", "TWILIO_", "TENCENT_")
SHARED = ("DATABASE_URL", "REDIS_URL")
ROUTES, DEFAULT_ROUTES = "ARREARS_SMS_ROUTES", "*: twilio"


def _variable(field: str) -> str:
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
        alias_generator=_variable, extra="forbid", frozen=True, str_strip_whitespace=True
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


class SettingsError(ArrearsError):
    """A setting is missing, unknown or not usable."""


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from `environment`.

    Raises:
        SettingsError: a variable is missing, unknown or unusable; all of them are listed.
    """
    given, unreadable = _ours(environment)
    missing = [*_missing_keys(given, unreadable), *_missing_for_routes(given, unreadable)]
    settings = _validated(Settings, given, unreadable, missing)
    _refuse_clock_file_in_production(settings)
    return settings


def _refuse_clock_file_in_production(settings: Settings) -> None:
    """A clock that is moved would text real people at night, and skip what is due for good."""
    if settings.clock_file is None:
        return
    for name in ("database_url", "redis_url", "public_url"):
        host = urlsplit(getattr(settings, name)).hostname
        if host and host not in LOOPBACK:
            raise SettingsError(
                "ARREARS_CLOCK_FILE moves the clock of a demo on one machine, and {name} names "
                "another machine. Production has the true time: remove it.",
                name=_variable(name),
            )


def load_settings_of_dry_run(environment: Mapping[str, str]) -> Settings:
    """Settings to check a tape with: those that only contact and the broker need may be missing.

    Raises:
        SettingsError: another one is missing, or one is unknown or unusable.
    """
    given, unreadable = _ours(environment)
    return _validated(Settings, {**NOT_USED_BY_DRY_RUN, **given}, unreadable)


class BrokerSettings(PolicySettings):
    """What Flower needs, which shows tasks and reads no database."""

    redis_url: Annotated[str, Check(setting_validators.redis_url)]


def load_broker_settings(environment: Mapping[str, str]) -> BrokerSettings:
    """The broker in `environment`; the other settings need not be there.

    Raises:
        SettingsError: a variable is unknown, or one of these is unusable.
    """
    return _load_some(BrokerSettings, environment)


def load_policy_settings(environment: Mapping[str, str]) -> PolicySettings:
    """The settings in `environment` that the policy needs; the others need not be there.

    Raises:
        SettingsError: a variable is unknown, or one of these is unusable.
    """
    return _load_some(PolicySettings, environment)


NOT_USED_BY_DRY_RUN = {
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "ARREARS_LENDER": "-",
    "ARREARS_LENDER_PHONE": "000",
}
"""Needed settings that the dry run of an import does not use, and what stands for them there."""

S = TypeVar("S", bound=PolicySettings)


def _load_some(model: type[S], environment: Mapping[str, str]) -> S:
    """The settings of a model that has some of them only."""
    given, unreadable = _ours(environment)
    others = set(_names()) - {_variable(field) for field in model.model_fields}
    return _validated(
        model,
        {name: value for name, value in given.items() if name not in others},
        {name: problem for name, problem in unreadable.items() if name not in others},
    )


def _validated(
    model: type[S],
    given: Mapping[str, str],
    unreadable: Mapping[str, Text],
    missing: Iterable[Text] = (),
) -> S:
    problems = [*unreadable.values(), *missing]
    try:
        settings = model.model_validate(given)
    except ValidationError as error:
        # Pydantic's own text would repeat the value, which may be a secret.
        problems += [_sentence(e) for e in error.errors() if e["loc"][0] not in unreadable]
    if any(" is not set" in problem.text for problem in problems):
        problems.append(HOW_TO_SET)
    if problems:
        raise SettingsError(*problems)
    return settings


HOW_TO_SET = text_of(
    "docs/settings.md says what each setting means. To try Arrears without settings of your own, "
    "type `make run`, and in another shell the line `. PATH/environment` that it prints."
)

NEEDED_BY = {
    "twilio": ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKENS", "TWILIO_FROM"),
    "tencent": (
        "TENCENT_SECRET_ID",
        "TENCENT_SECRET_KEY",
        "TENCENT_SDK_APP_ID",
        "TENCENT_SIGN_NAME",
    ),
}
"""The settings without which a provider cannot send."""


KEYS, WEBHOOK_KEY = "ARREARS_ENCRYPTION_KEYS", "ARREARS_WEBHOOK_KEY"


def _missing_keys(given: Mapping[str, str], unreadable: Container[str]) -> list[Text]:
    """What is wrong where not one of the two is given: the keys, or the key of a webhook."""
    if KEYS in unreadable or WEBHOOK_KEY in unreadable:
        return []
    if KEYS not in given and WEBHOOK_KEY not in given:
        return [
            text_of("{name} is not set. Set it, or {name}_FILE to a file that holds it.", name=KEYS)
        ]
    if KEYS in given and WEBHOOK_KEY in given:
        return [
            text_of(
                "Both {keys} and {webhook_key} are set. Keep {webhook_key} where the webhook runs, "
                "so that it cannot decrypt, and {keys} everywhere else.",
                keys=KEYS,
                webhook_key=WEBHOOK_KEY,
            )
        ]
    return []


def _missing_for_routes(given: Mapping[str, str], unreadable: Container[str]) -> list[Text]:
    """The settings that are missing for a provider that a route names."""
    try:
        routes = setting_validators.routes(given.get(ROUTES, DEFAULT_ROUTES))
    except ValueError:
        return []  # said of the routes themselves
    named = {provider for providers in routes.values() for provider in providers}
    return [
        text_of(
            "{need} is not set, and {routes} names {provider}. Set it, or {need}_FILE to a file "
            "that holds it; or take {provider} out of the routes.",
            need=need,
            routes=ROUTES,
            provider=provider,
        )
        for provider, needs in NEEDED_BY.items()
        for need in needs
        if provider in named and need not in given and need not in unreadable
    ]


def read_setting_file(name: str, path: str) -> str:
    """The content of the file that the variable `name` names, without spaces at either end.

    Raises:
        SettingsError: it cannot be read, or is not text.
    """
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            "{name} names a file that cannot be read ({error}). Check the path and its "
            "permissions.",
            name=name,
            error=error.strerror,
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(
            "{name} names a file that is not UTF-8. Write the value into it again, as text.",
            name=name,
        ) from None


def _ours(environment: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Text]]:
    """The values of our variables, and the errors of the files that contain some of them."""
    given: dict[str, str] = {}
    unreadable: dict[str, Text] = {}
    for name, value in environment.items():
        if not (name.startswith(OURS) or name.removesuffix("_FILE") in SHARED):
            continue
        plain = name.removesuffix("_FILE")
        if plain == name or name in _names():
            given[name] = value
        elif plain in environment:
            unreadable[plain] = text_of(
                "Both {plain} and {name} are set. Keep one of them.", plain=plain, name=name
            )
        else:
            try:
                given[plain] = read_setting_file(name, value)
            except SettingsError as error:
                unreadable[plain], *_ = error.texts
    return given, unreadable


def _names() -> list[str]:
    return [_variable(field) for field in Settings.model_fields]


def _sentence(error: Any) -> Text:
    name = str(error["loc"][0])
    match error["type"]:
        case "missing":
            return text_of(
                "{name} is not set. Set it, or {name}_FILE to a file that holds it.", name=name
            )
        case "extra_forbidden":
            if close := difflib.get_close_matches(name, _names(), n=1):
                return text_of(
                    "{name} is not a setting of Arrears. Did you mean {close}?",
                    name=name,
                    close=close[0],
                )
            return text_of("{name} is not a setting of Arrears. Remove it.", name=name)
    return text_of("{name} is not usable: {found}.", name=name, found=what_to_write(error))
