"""What an installation may be told, and what it is told back when that is wrong."""

from pathlib import Path

import pytest

from config.environment import HOW_TO_SET, SettingsError, load_policy_settings, load_settings
from config.settings import Settings
from domain.allocation import AllocateBy
from domain.loans import Component
from tests.support.environment import KEY, an_environment


def settings(**changes: str) -> Settings:
    return load_settings({**an_environment(), **changes})


def refusal(**changes: str | None) -> str:
    changed = {**an_environment(), **changes}
    with pytest.raises(SettingsError) as refused:
        load_settings({name: value for name, value in changed.items() if value is not None})
    return str(refused.value)


def test_what_is_not_set_names_the_page_and_a_way_to_try_without() -> None:
    said = refusal(ARREARS_ZONE=None).splitlines()
    assert said[0].startswith("ARREARS_ZONE is not set.")
    assert "docs/settings.md" in said[-1]
    assert "`make run`" in said[-1]
    assert "docs/settings.md" not in refusal(ARREARS_ZONE="Mars/Olympus")


@pytest.mark.parametrize("name", ["ARREARS_ZONE", "ARREARS_CLOCK_FILE", "ARREARS_PUBLIC"])
def test_the_policy_needs_no_setting_and_refuses_a_wrong_one_of_its_own(name: str) -> None:
    assert load_policy_settings({"TWILIO_FROM": "?", "DATABASE_URL": ""}).zone == "UTC"
    with pytest.raises(SettingsError, match=name):
        load_policy_settings({name: "/nowhere/x"})


# --- what is understood


def test_what_differs_between_installations_is_taken_as_it_is_said() -> None:
    said = settings()
    assert (said.lender, said.zone, said.twilio_from) == (
        "Example Lender",
        "Asia/Shanghai",
        "+15005550006",
    )


def test_fees_come_first_and_the_oldest_instalment_unless_the_lender_says_otherwise() -> None:
    order = settings().allocation_order
    assert order.components == (Component.FEES, Component.INTEREST, Component.PRINCIPAL)
    assert order.by is AllocateBy.INSTALMENT


def test_a_lender_may_let_payments_pay_the_principal_first_and_all_instalments_alike() -> None:
    order = settings(
        ARREARS_ALLOCATION_COMPONENTS="principal, interest,fees",
        ARREARS_ALLOCATION_BY="component",
    ).allocation_order
    assert order.components == (Component.PRINCIPAL, Component.INTEREST, Component.FEES)
    assert order.by is AllocateBy.COMPONENT


@pytest.mark.parametrize(("given", "got"), [("auto", "auto"), ("1", 1), ("5000", 5000)])
def test_an_envelope_holds_a_fixed_number_of_loans_or_as_many_as_suit(
    given: str, got: str | int
) -> None:
    assert settings(ARREARS_ENVELOPE=given).envelope == got


def test_secrets_are_a_list_newest_first_and_are_not_shown() -> None:
    said = settings(TWILIO_AUTH_TOKENS="newer, older")
    tokens = said.twilio_auth_tokens or []
    assert [token.get_secret_value() for token in tokens] == ["newer", "older"]
    assert "newer" not in repr(said)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_a_database_is_named_as_people_name_it(scheme: str) -> None:
    said = settings(DATABASE_URL=f"{scheme}://user:pass/word@db.example:5432/arrears")
    assert said.database_url == "postgresql+psycopg2://user:pass/word@db.example:5432/arrears"


@pytest.mark.parametrize("url", ["https://collections.example/", "https://collections.example"])
def test_a_slash_at_the_end_of_the_public_url_makes_no_difference(url: str) -> None:
    assert settings(ARREARS_PUBLIC_URL=url).public_url == "https://collections.example"


@pytest.mark.parametrize(
    "sender", ["+8613800138000", "12345", "MG" + "0a" * 16, "Example Co", "EXAMPLE1"]
)
def test_a_sender_is_a_number_a_short_code_a_service_or_a_name(sender: str) -> None:
    assert settings(TWILIO_FROM=sender).twilio_from == sender


@pytest.mark.parametrize("phone", ["400-000-0000", "+86 (21) 5555 0100", "955"])
def test_the_number_to_call_is_written_as_people_write_it(phone: str) -> None:
    assert settings(ARREARS_LENDER_PHONE=phone).lender_phone == phone


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://:secret@broker.example:6379/3\n")
    environment = an_environment()
    del environment["REDIS_URL"]
    said = load_settings({**environment, "REDIS_URL_FILE": str(tmp_path / "url")})
    assert said.redis_url == "redis://:secret@broker.example:6379/3"


def test_a_clock_file_is_a_setting_of_its_own_and_holds_seconds(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("-3600.5\n")
    assert settings(ARREARS_CLOCK_FILE=str(clock)).clock_file == clock


# --- what is refused


@pytest.mark.parametrize("name", [*an_environment()][1:])
def test_a_needed_setting_that_is_missing_is_named(name: str) -> None:
    said = refusal(**{name: None})
    assert said.startswith(f"{name} is not set")
    assert f"Set it, or {name}_FILE to a file that holds it" in said
    assert said.splitlines()[1:] == [str(HOW_TO_SET)]


def test_the_settings_of_a_provider_are_needed_where_a_route_names_it() -> None:
    without = {name: value for name, value in an_environment().items() if "TWILIO" not in name}
    for name in ("TENCENT_SECRET_ID", "TENCENT_SECRET_KEY", "TENCENT_SDK_APP_ID"):
        without[name] = "1400000000"
    without["TENCENT_SIGN_NAME"] = "Example"
    assert load_settings(without | {"ARREARS_SMS_ROUTES": "*: tencent"}).twilio_from is None

    with pytest.raises(SettingsError) as refused:
        load_settings(
            without | {"ARREARS_SMS_ROUTES": "CN: tencent, *: twilio", "ARREARS_ZONE": "X"}
        )
    lines = str(refused.value).splitlines()
    assert [line.split()[0] for line in lines] == [
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKENS",
        "TWILIO_FROM",
        "ARREARS_ZONE",
        "docs/settings.md",
    ], "all of them at once"
    assert "ARREARS_SMS_ROUTES names twilio" in lines[0]


def test_a_region_that_is_routed_twice_is_refused() -> None:
    """The last one would count, and nobody would see that the first does not."""
    with pytest.raises(SettingsError, match="it says twice which providers CN has"):
        load_settings(
            an_environment() | {"ARREARS_SMS_ROUTES": "CN: twilio, CN: twilio, *: twilio"}
        )


@pytest.mark.parametrize("value", ["", "  "])
@pytest.mark.parametrize("name", [*[*an_environment()][1:], "ARREARS_PUBLIC_URL"])
def test_a_setting_that_was_left_empty_is_named(name: str, value: str) -> None:
    assert f"{name} is not usable: it is empty" in refusal(**{name: value})


@pytest.mark.parametrize("tokens", ["secret,", ",secret", "secret,,other", "secret, ", ","])
@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKENS", "ARREARS_ENCRYPTION_KEYS"])
def test_an_empty_secret_with_which_anybody_could_sign_is_refused(name: str, tokens: str) -> None:
    said = refusal(**{name: tokens})
    assert f"{name} is not usable: one of its parts is empty" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@db/x", "must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://u:hunter2@db:port/x", "its host or port is wrong"),
        ("DATABASE_URL", "postgresql://u:hunter2@db:99999/x", "its host or port is wrong"),
        ("DATABASE_URL", "postgresql://u:hunter2@db:0/x", "its port is 0"),
        ("DATABASE_URL", "postgresql://u:hunter2@[::1/x", "its host or port is wrong"),
        ("DATABASE_URL", "postgresql://u:hunter2@db..example/x", "its host cannot be a name"),
        ("DATABASE_URL", "postgresql://u:hun@ter2@db/x", "as %40"),
        ("DATABASE_URL", "postgresql://u:hunter%002@db/x", "it holds %00"),
        ("REDIS_URL", "http://:hunter2@broker/0", "must begin with redis://"),
        ("REDIS_URL", "redis://:hunter2@broker:port/0", "its host or port is wrong"),
        ("REDIS_URL", "redis://:hunter2@broker:99999/0", "its host or port is wrong"),
        ("REDIS_URL", "redis://:hunter2@broker..example/0", "its host cannot be a name"),
        ("REDIS_URL", "redis://:hunter2@broker/first", "must be a number"),
        ("ARREARS_ZONE", "Asia", "not an IANA time zone"),
        ("ARREARS_ZONE", "Mars/Olympus", "not an IANA time zone"),
        ("ARREARS_ZONE", "../etc/passwd", "not an IANA time zone"),
        ("ARREARS_PUBLIC_URL", "collections.example", "must begin with https://"),
        ("ARREARS_PUBLIC_URL", "ftp://collections.example", "must begin with https://"),
        ("ARREARS_PUBLIC_URL", "https://", "name a host"),
        ("ARREARS_PUBLIC_URL", "https://collections.example/?a=b", "without ?"),
        ("ARREARS_PUBLIC_URL", "https://collections.example:port", "its host or port is wrong"),
        ("TWILIO_API_BASE", "localhost:1", "must begin with https://"),
        ("TWILIO_FROM", "12125550100", "write a number as +12125550100"),
        ("TWILIO_FROM", "+0123456789", "write a number as +12125550100"),
        ("TWILIO_FROM", "A name that is too long", "write a number as +12125550100"),
        ("ARREARS_ALLOCATION_COMPONENTS", "fees,interest", "each once"),
        ("ARREARS_ALLOCATION_COMPONENTS", "fees,fees,interest", "each once"),
        ("ARREARS_ALLOCATION_BY", "whim", "write one of instalment, component"),
        ("ARREARS_ENVELOPE", "0", "write auto, or a number of loans from 1 to 5000"),
        ("ARREARS_ENVELOPE", "5001", "write auto, or a number of loans from 1 to 5000"),
        ("ARREARS_ENVELOPE", "many", "write auto, or a number of loans from 1 to 5000"),
        ("ARREARS_LENDER_PHONE", "our hotline", "write a phone number in digits"),
        ("ARREARS_LENDER_PHONE", "+ - ( )", "write a phone number in digits"),
        ("ARREARS_LENDER_PHONE", "12", "write a phone number in digits"),
        ("TWILIO_ACCOUNT_SID", "AC123", "AC and 32 hex digits"),
        ("TWILIO_ACCOUNT_SID", "MG" + "0" * 32, "AC and 32 hex digits"),
        ("ARREARS_SCAN_SECONDS", "901", "write 900 or less"),
        ("ARREARS_LEASE_SECONDS", "soon", "write a whole number"),
        ("ARREARS_CLOCK_FILE", "/nowhere/clock", "its file cannot be read"),
        ("ARREARS_CLOCK_FILE", "/x/arrears-demo-1/clock", "was stopped, and its files are"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence_without_the_value(
    name: str, value: str, says: str
) -> None:
    said = refusal(**{name: value})
    assert said.startswith(f"{name} is not usable: ")
    assert says in said
    assert len(said.splitlines()) == 1
    assert "hun" not in said, "no secret is shown"


@pytest.mark.parametrize("content", [b"", b"tomorrow", b"nan", b"inf", b"\xff\xfe"])
def test_a_clock_file_without_a_number_is_refused_before_anybody_asks_the_time(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "clock").write_bytes(content)
    said = refusal(ARREARS_CLOCK_FILE=str(tmp_path / "clock"))
    assert "ARREARS_CLOCK_FILE is not usable: its file must hold a number of seconds" in said


def test_a_file_that_cannot_be_read_is_said_once_and_not_as_a_missing_setting() -> None:
    said = refusal(REDIS_URL=None, REDIS_URL_FILE="/nowhere")
    assert said.startswith("REDIS_URL_FILE names a file that cannot be read (No such file")
    assert "is not set" not in said


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    said = refusal(ARREARS_ENCRYPTION_KEYS=None, ARREARS_ENCRYPTION_KEYS_FILE=str(tmp_path / "key"))
    assert "ARREARS_ENCRYPTION_KEYS_FILE names a file that is not UTF-8" in said


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("\n")
    said = refusal(TWILIO_AUTH_TOKENS=None, TWILIO_AUTH_TOKENS_FILE=str(tmp_path / "tokens"))
    assert "TWILIO_AUTH_TOKENS is not usable: it is empty" in said


def test_a_value_and_a_file_for_it_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    said = refusal(ARREARS_ENCRYPTION_KEYS_FILE=str(tmp_path / "key"))
    assert said == (
        "Both ARREARS_ENCRYPTION_KEYS and ARREARS_ENCRYPTION_KEYS_FILE are set. Keep one of them."
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ARREARS_ZONES", "Did you mean ARREARS_ZONE?"),
        ("TWILIO_TOKEN", "TWILIO_TOKEN is not a setting of Arrears."),
        ("ARREARS_QQQQQQQQQQQQQQQQ", "Remove it."),
    ],
)
def test_a_setting_nobody_knows_is_refused(name: str, says: str) -> None:
    assert says in refusal(**{name: "x"})


def test_the_variables_of_other_programs_are_none_of_our_business() -> None:
    assert settings(FLOWER_PORT="5555", HOME="/", POSTGRES_USER="x").lender == "Example Lender"


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = refusal(
        ARREARS_LENDER=None,
        ARREARS_ZONE="Asia",
        ARREARS_XYZZY="x",
        REDIS_URL=None,
        REDIS_URL_FILE="/nowhere",
        TWILIO_AUTH_TOKENS_FILE="/nowhere",
    )
    assert len(said.splitlines()) == 6
    for beginning in (
        "ARREARS_LENDER is not set",
        "ARREARS_ZONE is not usable",
        "ARREARS_XYZZY is not a setting",
        "REDIS_URL_FILE names a file",
        "Both TWILIO_AUTH_TOKENS and",
    ):
        assert any(line.startswith(beginning) for line in said.splitlines()), beginning


@pytest.mark.parametrize(
    "secret",
    ["letmein", "whsec_AAAA", "whsec_not base64!", "A" * 44, "whsec_" + "A" * 90],
)
def test_a_secret_of_the_lenders_systems_that_is_none_is_refused_and_not_repeated(
    secret: str,
) -> None:
    said = refusal(ARREARS_EVENTS_IN_SECRETS=f"whsec_{'A' * 32},{secret}")
    assert said.startswith("ARREARS_EVENTS_IN_SECRETS is not usable: a secret is whsec_")
    assert secret not in said


def test_secrets_of_the_lenders_systems_are_told_by_their_sender() -> None:
    first, second, third = (f"whsec_{letter * 32}" for letter in "ABC")
    said = settings(ARREARS_EVENTS_IN_SECRETS=f"core: {first} {second}, {third}")
    known = said.events_in_secrets or {}
    assert list(known) == ["core", "lender"]
    assert [secret.get_secret_value() for secret in known["core"]] == [first, second]
    assert [secret.get_secret_value() for secret in known["lender"]] == [third]


@pytest.mark.parametrize("name", ["staff", "tape", "twilio", "tencent", "Core", "b c", "x" * 33])
def test_a_sender_has_a_name_of_its_own(name: str) -> None:
    said = refusal(ARREARS_EVENTS_IN_SECRETS=f"{name}: whsec_{'A' * 32}")
    assert "write a sender's name in small letters" in said


def test_a_secret_belongs_to_one_sender() -> None:
    secret = f"whsec_{'A' * 32}"
    said = refusal(ARREARS_EVENTS_IN_SECRETS=f"core: {secret}, dialer: {secret}")
    assert "it says a secret twice" in said
    assert secret not in said
