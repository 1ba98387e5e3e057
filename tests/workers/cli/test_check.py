"""What `check` finds wrong before anything is done, and who may say yes or no to an action."""

import pytest
from sqlalchemy import Engine, text

from domain.actors import Role
from tests.support.commands import arrears, granted
from tests.support.environment import an_environment
from tests.support.lender import OTHER_SECRET, SECRET, an_event, listen_to, tell
from tests.support.loans import Book
from tests.support.signed_in import signed_in
from workers.db.encryption import Cipher
from workers.db.schema import approval, borrower


@pytest.fixture
def environment(database_url: str, broker_url: str) -> dict[str, str]:
    return an_environment(database_url, broker_url)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 is a legal file that waits for approval; a supervisor and a caller are on the roster."""
    book = Book(engine, now="2026-04-30 10:00")
    book.loan("L-1", due_on="2026-03-01", steps_tried=("remind", "enquire", "visit"))
    book.escalate("L-1")
    book.staff("sup-1", "supervisor")
    book.staff("c-1", "caller")
    return book


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("worker",),
        ("beat",),
        ("tape", "import", "tape.csv", "--as-of=2026-04-29"),
    ],
    ids=lambda command: command[0],
)
def test_keys_of_another_book_are_refused_before_anything_is_encrypted_with_them(
    environment: dict[str, str], book: Book, command: tuple[str, ...]
) -> None:
    others = environment | {"ARREARS_ENCRYPTION_KEYS": Cipher.new_key()}

    done = arrears(others, *command)

    assert done.returncode == 2
    assert "None of the keys in ARREARS_ENCRYPTION_KEYS decrypts what is stored" in done.stderr
    assert len(book.rows(borrower)) == 1


def test_a_new_key_in_front_of_the_old_one_is_well(environment: dict[str, str], book: Book) -> None:
    keys = f"{Cipher.new_key()},{environment['ARREARS_ENCRYPTION_KEYS']}"

    done = arrears(environment | {"ARREARS_ENCRYPTION_KEYS": keys}, "check")
    assert (done.returncode, "It can run" in done.stdout) == (0, True)


def test_ids_of_a_sender_without_a_secret_are_warned_about(
    environment: dict[str, str], book: Book
) -> None:
    listen_to(book, lender=[SECRET])
    secrets = f"core: {OTHER_SECRET}"
    with_core = environment | {"ARREARS_EVENTS_IN_SECRETS": secrets}
    assert "which has no secret" not in arrears(with_core, "check").stdout
    assert tell(book, an_event()).status_code == 202

    warned = arrears(with_core, "check").stdout
    assert "under ids of the sender lender, which has no secret" in warned
    assert "All well" not in warned
    count = warned.count("Warning: ")
    assert count > 0
    assert f"It can run, and {count} warning(s) above need somebody" in warned
    arrears(with_core, "sending", "stop", "--why", "a test")
    held = arrears(with_core, "check").stdout
    assert f"It can run, and {count + 1} warning(s) above need somebody" in held

    both = environment | {"ARREARS_EVENTS_IN_SECRETS": f"{secrets}, lender: {SECRET}"}
    assert "which has no secret" not in arrears(both, "check").stdout


def test_a_sender_that_is_no_machine_is_warned_about_with_what_allows_it(
    environment: dict[str, str], book: Book
) -> None:
    of_core = environment | {"ARREARS_EVENTS_IN_SECRETS": f"core: {SECRET}"}
    warned = arrears(of_core, "check").stdout.replace("\n", " ")
    assert "`arrears machine allow core SCOPES`" in warned
    assert "Calls of core are accepted" not in warned
    allowed = ("machine", "allow", "core", "events:payment", "events:hold")
    assert granted(environment, *allowed).returncode == 0
    well = arrears(of_core, "check").stdout.replace("\n", " ")
    assert "signed with any of its 1 secret(s): events:hold, events:payment." in well
    assert "machine allow core" not in well
    revoked = arrears(environment, "machine", "revoke", "core")
    assert revoked.returncode == 0
    assert "`arrears machine allow core SCOPES`" in arrears(of_core, "check").stdout


def test_who_asked_for_more_numbers_than_anybody_dials_is_shown_for_a_week(
    environment: dict[str, str], engine: Engine
) -> None:
    with engine.begin() as connection:
        alarm = "INSERT INTO number_alarm (at, actor, actor_kind, numbers) VALUES "
        connection.execute(text(f"{alarm} (now(), 'c-7', 'staff', 4)"))
        connection.execute(text(f"{alarm} (now() - interval '8 days', 'c-8', 'staff', 4)"))
    for command in ("check", "status"):
        said = " ".join(arrears(environment, command).stdout.split())
        assert "c-7 asked for more telephone numbers than anybody dials, after 4" in said
        assert "c-8" not in said


def test_all_that_is_wrong_is_said_and_not_only_what_was_met_first(
    environment: dict[str, str], engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))

    done = arrears(environment | {"REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}, "check")

    assert done.returncode == 2
    assert "Run `arrears migrate`" in done.stderr
    assert "The broker cannot be reached" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("command", [("grant",), ("reject", "--why=not now")], ids=lambda c: c[0])
def test_who_may_not_decide_is_told_who_may(
    environment: dict[str, str], book: Book, command: tuple[str, ...]
) -> None:
    lawyer = signed_in(environment, "l-1", Role.LAWYER)

    done = arrears(lawyer, "approval", *command, "L-1", "legal_file")

    assert done.returncode == 2
    assert "legal_file for loan L-1 is for a supervisor to approve" in done.stderr
    assert book.actions("L-1")["legal_file"] == "awaiting_approval"
    assert book.rows(approval) == []


def test_a_supervisor_says_no_and_the_story_tells_it(
    environment: dict[str, str], book: Book
) -> None:
    why = "[bold] an offer is being talked about"
    refused = ("approval", "reject", "L-1", "legal_file", f"--why={why}")

    done = arrears(environment, *refused)

    assert (done.returncode, "is rejected, and discarded" in done.stdout) == (0, True)
    assert book.actions("L-1")["legal_file"] == "discarded"
    assert why in arrears(environment, "explain", "L-1").stdout
    again = arrears(environment, *refused)
    assert (again.returncode, "Nothing awaits approval" in again.stderr) == (2, True)


def test_weak_settings_are_refused_in_production_and_said_on_ones_own_machine(
    environment: dict[str, str], book: Book
) -> None:
    own = arrears(environment, "check")
    assert (own.returncode, own.stderr) == (0, "")
    assert "Warning: TWILIO_AUTH_TOKENS has a secret that is easy to guess" in own.stdout
    assert "ARREARS_PUBLIC_URL is on this machine" in own.stdout

    public = environment | {"ARREARS_PUBLIC_URL": "http://collections.example"}
    refused = arrears(public, "check")
    assert refused.returncode == 2
    assert "ARREARS_PUBLIC_URL begins with http://" in refused.stderr
    assert "TWILIO_AUTH_TOKENS has a secret that is easy to guess" in refused.stderr


def test_a_value_that_was_moved_is_found(environment: dict[str, str], book: Book) -> None:
    assert "opens in its place" in arrears(environment, "keys", "verify").stdout
    with book.ctx.engine.begin() as connection:
        connection.execute(text("UPDATE borrower SET address_encrypted = name_encrypted"))
    verified = arrears(environment, "keys", "verify")
    assert (verified.returncode, "address_encrypted" in verified.stdout) == (1, True)
    refused = arrears(environment, "check")
    assert "1 encrypted value(s) do not open where they are stored" in refused.stderr
    printed = arrears(environment, "keys", "webhook").stdout
    as_webhook = {n: v for n, v in environment.items() if n != "ARREARS_ENCRYPTION_KEYS"}
    as_webhook["ARREARS_WEBHOOK_KEY"] = printed.strip()
    assert "ARREARS_WEBHOOK_KEY" in arrears(as_webhook, "keys", "webhook").stderr
