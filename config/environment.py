"""Settings from the environment, checked at start-up; each error names its variable.

Any variable may instead be given as `NAME_FILE`, the path of a file that holds the value: that is
how secrets reach the containers.
"""

import difflib
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from config import setting_validators
from config.input_errors import what_to_write
from config.settings import (
    DEFAULT_ROUTES,
    LOOPBACK,
    OURS,
    ROUTES,
    SHARED,
    BrokerSettings,
    PolicySettings,
    Settings,
    variable_of,
)
from domain.errors import ArrearsError, Text, text_of


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
                name=variable_of(name),
            )


def load_settings_of_dry_run(environment: Mapping[str, str]) -> Settings:
    """Settings to check a tape with: those that only contact and the broker need may be missing.

    Raises:
        SettingsError: another one is missing, or one is unknown or unusable.
    """
    given, unreadable = _ours(environment)
    return _validated(Settings, {**NOT_USED_BY_DRY_RUN, **given}, unreadable)


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
    others = set(_names()) - {variable_of(field) for field in model.model_fields}
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
    return [variable_of(field) for field in Settings.model_fields]


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
