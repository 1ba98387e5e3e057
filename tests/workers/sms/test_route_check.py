"""What `check` says of routes through which no text goes out, or that nobody can answer."""

import re
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

import config
from config.environment import load_settings
from config.readers.template_files import LETTERS
from tests.support.environment import an_environment
from tests.support.events import tell
from tests.support.loans import Book
from workers.bootstrap import build_context
from workers.context import Context
from workers.sms.route_check import check_routes, read_spoken

TENCENT = {
    "TENCENT_SECRET_ID": "id",
    "TENCENT_SECRET_KEY": "key",
    "TENCENT_SDK_APP_ID": "1400000000",
    "TENCENT_SIGN_NAME": "Example",
}
SHIPPED = Path(config.__file__).parent


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The shipped policy, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policy"))


def wrong(policy: Path = SHIPPED, **changes: str) -> list[str]:
    return [str(error) for error in check_routes(context(policy, **changes)).errors]


def context(policy: Path = SHIPPED, **changes: str) -> Context:
    environment = an_environment() | {"ARREARS_POLICY_DIR": str(policy)} | changes
    return build_context(load_settings(environment))


def register(policy: Path, *names: str) -> None:
    lines = [f"  {name}:\n    zh-Hans: {{id: 1, values: [lender]}}\n" for name in names]
    (policy / "sms_templates" / "tencent.yaml").write_text("templates:\n" + "".join(lines))


def texts_of(policy: Path) -> list[str]:
    return sorted(
        p.stem for p in (policy / "templates" / "en").glob("*.txt") if p.stem not in LETTERS
    )


def test_what_ships_is_well() -> None:
    assert wrong() == []
    assert wrong(ARREARS_SMS_ROUTES="CN: tencent twilio, *: twilio", **TENCENT) == []


def test_a_provider_that_no_template_is_registered_with_lets_nothing_out() -> None:
    (said,) = wrong(ARREARS_SMS_ROUTES="CN: tencent, *: twilio", **TENCENT)
    assert "sends texts to CN through tencent" in said
    assert "reminder_first" in said
    assert "sms_templates/tencent.yaml" in said


def test_one_template_that_is_not_registered_is_named_alone(policy: Path) -> None:
    register(policy, *(name for name in texts_of(policy) if name != "reminder_second"))
    routed = {"ARREARS_SMS_ROUTES": "CN: tencent, *: twilio", **TENCENT}
    (said,) = wrong(policy, **routed)
    assert "where reminder_second is not registered" in said

    register(policy, *(name for name in texts_of(policy) if not name.endswith("_two_loans")))
    (said,) = wrong(policy, **routed)
    assert "where guarantor_notice_two_loans, legal_notice_two_loans" in said

    register(policy, *texts_of(policy))
    assert wrong(policy, **routed) == []


def test_the_entries_in_the_comment_are_those_of_every_text_that_the_chinese_ladder_sends(
    policy: Path,
) -> None:
    """Their values are those of the words, in their order; with one less, that one is named."""
    file = policy / "sms_templates" / "tencent.yaml"
    lines = file.read_text().split("# templates:\n", 1)[1].splitlines()
    entries = [line.removeprefix("# ") for line in lines if line.startswith("#   ")]
    file.write_text("templates:\n" + "\n".join(entries))
    routed = {"ARREARS_SMS_ROUTES": "CN: tencent, *: twilio", **TENCENT}
    assert wrong(policy, **routed) == []
    for name, locale in zip(entries[::2], entries[1::2], strict=True):
        words = policy / "templates" / "zh-Hans" / f"{name.strip().rstrip(':')}.txt"
        values = dict.fromkeys(re.findall(r"{{ *(\w+) *}}", words.read_text()))
        assert f"[{', '.join(values)}]" in locale

    file.write_text("templates:\n" + "\n".join(entries[:-2]))
    (said,) = wrong(policy, **routed)
    assert f"where {entries[-2].strip().rstrip(':')} is not registered" in said


def test_a_borrower_may_have_a_number_of_a_region_that_no_ladder_is_for(policy: Path) -> None:
    (said,) = wrong(ARREARS_SMS_ROUTES="FR: tencent, *: twilio", **TENCENT)
    assert "sends texts to FR through tencent" in said

    (policy / "ladders" / "consumer_loan_us.yaml").unlink()
    (said,) = wrong(policy, ARREARS_SMS_ROUTES="CN: twilio, *: tencent", **TENCENT)
    assert "sends texts to * through tencent" in said


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", "Text us STOP to opt out."),
        ("en", "send stop to this number."),
        ("en", "Answer STOP if you want no more texts."),
        ("en", "Respond with NO."),
        ("zh-Hans", "回T退订"),
        ("zh-Hans", "退订请发送TD"),
        ("zh-Hans", "不便时请短信回1"),
    ],
)
def test_an_answer_is_asked_for_in_many_words(policy: Path, locale: str, words: str) -> None:
    for path in policy.glob("templates/*/*.txt"):
        path.write_text(
            path.read_text().replace("Reply STOP to opt out.", "").replace("回复TD退订", "")
        )
    assert wrong(policy, TWILIO_FROM="EXAMPLE") == []
    for path in policy.glob(f"templates/{locale}/reminder_second*.txt"):
        path.write_text(path.read_text() + words)
    (said,) = wrong(policy, TWILIO_FROM="EXAMPLE")
    assert f"ask for an answer: {locale}/reminder_second.txt, " in said


@pytest.mark.parametrize("name", ["EXAMPLE", "Example Co"])
def test_a_name_that_nobody_can_answer_may_not_ask_for_an_answer(name: str) -> None:
    (said,) = wrong(TWILIO_FROM=name)
    assert f"The sender {name} of twilio is a name" in said
    assert "en/reminder_first.txt" in said
    assert "zh-Hans/reminder_first.txt" in said
    assert "visit_notice" not in said, "a letter is no text"


@pytest.mark.parametrize("sender", ["+12125550100", "12345", "MG" + "0a" * 16])
def test_a_number_and_a_messaging_service_can_be_answered(sender: str) -> None:
    assert wrong(TWILIO_FROM=sender) == []


def test_words_that_name_another_way_may_come_from_a_name(policy: Path) -> None:
    for path in policy.glob("templates/*/*.txt"):
        words = path.read_text().replace("Reply STOP to opt out", "To opt out call {{ phone }}")
        path.write_text(words.replace("回复TD退订", "退订请致电"))
    statements = policy / "templates" / "statements.yaml"
    statements.write_text(
        statements.read_text().replace("[Reply STOP,", "[To opt out call, Reply STOP,")
    )
    assert wrong(policy, TWILIO_FROM="EXAMPLE") == []


def test_a_name_without_a_route_matters_to_nobody(policy: Path) -> None:
    register(policy, *texts_of(policy))
    assert wrong(policy, TWILIO_FROM="EXAMPLE", ARREARS_SMS_ROUTES="*: tencent", **TENCENT) == []


ONLY_TENCENT = {"ARREARS_SMS_ROUTES": "CN: tencent, *: twilio", **TENCENT}


@pytest.mark.parametrize(
    ("spoken", "fails", "warns"),
    [
        ({}, [], ["en"]),
        ({"CN": {"zh-Hans"}}, [], ["en"]),
        ({"CN": {"zh-Hans", "en"}, "US": {"en"}}, ["en"], []),
        ({"CN": {"zh-CN"}}, ["zh-CN"], ["en"]),  # nothing is registered in it, and none falls back
        ({"US": {"en", "zh-Hans"}}, [], ["en"]),
        ({"CN": {"fr"}}, [], ["en"]),  # without templates: a problem of each loan
    ],
)
def test_each_language_that_is_spoken_is_looked_at_on_each_route(
    policy: Path, spoken: dict[str, set[str]], fails: list[str], warns: list[str]
) -> None:
    register(policy, *texts_of(policy))
    known = {jurisdiction: frozenset(locales) for jurisdiction, locales in spoken.items()}
    found = check_routes(context(policy, **ONLY_TENCENT), known)
    assert [error.values["locale"] for error in found.errors] == fails
    assert [error.values["locale"] for error in found.warnings] == warns
    assert all("reminder_first" in str(error) for error in found.errors)
    with_twilio = ONLY_TENCENT | {"ARREARS_SMS_ROUTES": "CN: tencent twilio, *: twilio"}
    found = check_routes(context(policy, **with_twilio), known)
    assert (found.errors, found.warnings) == ([], []), "the next provider takes any words"


def test_what_is_spoken_is_read_of_records_parties_and_what_people_said(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-03-01", jurisdiction="US-MA")
    book.loan("L-3", due_on="2026-03-01", locale="ug", borrower_id="G")
    tell(book, "loan_party", loan="L-2", borrower="G", role="guarantor", actor="c-1")
    tell(book, "person_fact", borrower="B-L-1", fact="language", locale="en", actor="c-1")
    with engine.connect() as connection:
        spoken = read_spoken(connection)
    assert spoken == {"CN": {"zh-Hans", "en", "ug"}, "US-MA": {"en", "ug"}}
