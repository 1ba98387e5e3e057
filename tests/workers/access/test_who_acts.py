"""Nobody acts under an invented or a borrowed name, and nobody beyond their role."""

import os
import pwd
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from domain.actors import Role
from domain.errors import text_of
from domain.permissions import PERMISSIONS, Permission
from domain.second_person_text import lines_of
from tests.support.command_lines import every_command, line_of
from tests.support.commands import arrears, granted
from tests.support.counting import statements
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.signed_in import sign_in
from workers.access.os_account import os_account
from workers.cli.permission_of import ON_THE_SERVER, PERMISSION_OF
from workers.clock import Clock
from workers.db.schema import (
    borrower,
    loan,
    permission_use,
    second_person_request,
    sending_hold,
    staff,
    token,
)


@pytest.fixture
def environment(database_url: str, broker_url: str) -> dict[str, str]:
    return {**an_environment(database_url, broker_url), "ARREARS_ZONE": "UTC"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, zone="UTC")
    book.loan("L-1", borrower_id="B-1")
    return book


def by(environment: dict[str, str], book: Book, reference: str, *roles: Role) -> dict[str, str]:
    with book.ctx.engine.begin() as connection:
        file = sign_in(connection, reference, *roles)
    return {**environment, "ARREARS_TOKEN_FILE": str(file)}


WITHOUT_A_TOKEN = {
    **dict.fromkeys(("migrate", "check", "status", "demo"), "the installation"),
    **dict.fromkeys(("worker", "beat", "webhook", "api", "desk", "flower"), "a service"),
    **dict.fromkeys(("ladder", "rules", "permissions", "tape propose-mapping"), "files alone"),
    **dict.fromkeys(("keys new", "keys webhook", "token new"), "a secret of whoever runs it"),
    "keys verify": "whether values open, and none of them",
    **dict.fromkeys(("sending stop", "sending list"), "what is stopped for everybody"),
    "administrator first": "on record as what was done without a token",
    "administrator break-glass": "the same",
    "administrator stand-in": "the same",
}
"""The commands that ask nobody who they are, with what they show or change: no loan, no person."""


def test_every_command_asks_for_a_permission_or_is_for_the_server() -> None:
    assert set(PERMISSION_OF) | ON_THE_SERVER == every_command()
    assert not set(PERMISSION_OF) & ON_THE_SERVER
    assert set(WITHOUT_A_TOKEN) == ON_THE_SERVER, "whoever adds one says here why nobody is asked"
    assert set(PERMISSIONS) == set(Permission)


@pytest.mark.attack("beyond the role")
def test_no_command_does_anything_for_whoever_has_every_other_role(
    environment: dict[str, str],
    book: Book,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    no_role = by(environment, book, "no-role", Role.CALLER)  # without training it is none
    others = {
        permission: by(environment, book, f"not-{permission.replace(':', '-')}", *roles)
        if (roles := [role for role in Role if role not in PERMISSIONS[permission].roles])
        else no_role
        for permission in set(PERMISSION_OF.values())
    }
    tried = every_command() - set(WITHOUT_A_TOKEN)
    record_property("tried", len(tried))
    for command in sorted(tried):
        permission, words = PERMISSION_OF[command], line_of(command)
        refused = arrears(others[permission], *words, folder=tmp_path)
        assert (refused.returncode, refused.stdout) == (2, ""), (words, refused)
        assert f"lacks the permission {permission}" in refused.stderr, (words, refused.stderr)
    uses = book.rows(permission_use)
    assert len(uses) == len(tried), "each is on record, once"
    assert not any(use.granted for use in uses)


@pytest.mark.attack("forged actor")
def test_nobody_acts_without_a_token_or_with_an_invented_one(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    invented = tmp_path / "token"
    invented.write_text("arrears_invented")
    invented.chmod(0o600)
    for file in (tmp_path / "none", invented):
        refused = arrears({**environment, "ARREARS_TOKEN_FILE": str(file)}, "explain", "L-1")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "`arrears administrator first REFERENCE`" in refused.stderr, "nobody could enrol one"

    by(environment, book, "a-1", Role.ADMINISTRATOR)
    for file, says in ((tmp_path / "none", "Nobody is signed in"), (invented, "not known here")):
        for command in (("explain", "L-1"), ("letter", "print", "L-1"), ("person", "show", "B-1")):
            refused = arrears({**environment, "ARREARS_TOKEN_FILE": str(file)}, *command)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert says in refused.stderr

    uses = [(use.actor, use.granted) for use in book.rows(permission_use)]
    assert uses == [(None, False)] * 4, "who holds no token cannot even be recorded as somebody"


@pytest.mark.attack("forged actor")
def test_a_token_that_others_may_read_or_that_is_anothers_is_not_used(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    own = by(environment, book, "s-1")
    secret = Path(own["ARREARS_TOKEN_FILE"]).read_text()
    shared, linked, pipe = (tmp_path / name for name in ("shared", "linked", "pipe"))
    shared.write_text(secret)
    shared.chmod(0o640)
    linked.symlink_to(own["ARREARS_TOKEN_FILE"])
    os.mkfifo(pipe, 0o600)

    for file, says in (
        (shared, "Others may read the token file"),
        (linked, "cannot be read"),
        (pipe, "is not a file of yours"),
    ):
        refused = arrears({**environment, "ARREARS_TOKEN_FILE": str(file)}, "explain", "L-1")
        assert (refused.returncode, says in refused.stderr) == (2, True), refused.stderr


@pytest.mark.attack("forged actor")
def test_a_token_ends_when_it_is_revoked_or_over_and_when_its_owner_has_left(
    environment: dict[str, str], book: Book
) -> None:
    own = by(environment, book, "s-1")
    assert arrears(own, "explain", "L-1").returncode == 0

    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(left_on=book.ctx.today()))
    assert "lacks the permission loans:read" in arrears(own, "explain", "L-1").stderr
    refused = arrears(own, "explain", "L-1").stderr
    assert "Ask one of them to do it, or an administrator for the role." in refused
    in_chinese = arrears({**own, "LC_ALL": "zh_CN.UTF-8"}, "explain", "L-1").stderr
    assert "、主管（supervisor）、" in in_chinese
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(left_on=None))
        connection.execute(update(token).values(expires_at="2001-01-01Z"))
    assert "is over" in arrears(own, "explain", "L-1").stderr
    with book.ctx.engine.begin() as connection:
        connection.execute(update(token).values(expires_at="2999-01-01Z"))
    assert arrears(own, "explain", "L-1").returncode == 0

    administrator = by(environment, book, "adm-1", Role.ADMINISTRATOR)
    assert arrears(administrator, "token", "revoke", "s-1").returncode == 0
    assert "was revoked" in arrears(own, "explain", "L-1").stderr


@pytest.mark.attack("clock")
def test_a_command_with_a_wrong_clock_is_refused_and_stops_nobody_else(
    environment: dict[str, str], book: Book, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = by(environment, book, "s-1")
    invented = tmp_path / "token"
    invented.write_text("arrears_invented")
    invented.chmod(0o600)
    for off in (timedelta(hours=2), timedelta(days=-365)):
        monkeypatch.setattr(Clock, "machine_now", lambda _, off=off: datetime.now(UTC) + off)
        refused = arrears(own, "explain", "L-1")
        assert refused.returncode == 2
        assert "The clock of this machine is wrong" in refused.stderr
        unknown = arrears({**environment, "ARREARS_TOKEN_FILE": str(invented)}, "explain", "L-1")
        assert "The token is not known here" in unknown.stderr, "who it is comes first"
    assert book.rows(sending_hold) == []
    assert [row.last_used_at for row in book.rows(token)] == [None]
    assert [row.granted for row in book.rows(permission_use)] == [False, False]
    monkeypatch.undo()
    assert arrears(own, "explain", "L-1").returncode == 0


@pytest.mark.attack("own request")
def test_nobody_grants_their_own_request_nor_one_beyond_their_role(
    environment: dict[str, str], book: Book
) -> None:
    officer = by(environment, book, "p-1", Role.PRIVACY_OFFICER)
    erase = ("data-subject", "erase", "B-1", "--why", "asked", "--law", "order 1/2026")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(written_off_on="2020-01-01"))
    asked = arrears(officer, *erase)
    assert "asked for as request 1" in asked.stderr
    assert arrears(officer, *erase).stderr == asked.stderr, "the same request, not another one"

    own = arrears(officer, "request", "grant", "1")
    assert (own.returncode, "is your own" in own.stderr) == (2, True)
    supervisor = by(environment, book, "sup-1", Role.SUPERVISOR)
    beyond = arrears(supervisor, "request", "grant", "1")
    assert (beyond.returncode, "There is no request 1." in beyond.stderr) == (2, True)
    assert book.one(borrower).name_encrypted is not None

    other = by(environment, book, "p-2", Role.PRIVACY_OFFICER)
    seen = arrears(other, "request", "grant", "1")
    assert seen.stdout.startswith("Erase all data about a person.\nborrower: B-1\n")
    assert 'why: "asked"\nlaw: "order 1/2026"\n' in seen.stdout
    elsewhere = (*erase[:4], "another reason", *erase[5:])
    assert "request 2" in arrears(officer, *elsewhere).stderr, "not what was granted"
    assert arrears(officer, *erase).returncode == 0
    assert book.one(borrower).name_encrypted is None


def test_whoever_asked_takes_it_back_and_needs_nobody_for_that(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    asks = by(environment, book, "c-8", Role.PRIVACY_OFFICER)
    export = ("data-subject", "export", "B-1", "--out", str(tmp_path / "b.zip"))
    command = (*export, "--purpose", "they asked for it")
    for is_granted in (False, True):
        assert "needs a second person" in arrears(asks, *command).stderr
        id = str(book.rows(second_person_request)[-1].id)
        if is_granted:
            other = by(environment, book, "c-9", Role.PRIVACY_OFFICER)
            assert arrears(other, "request", "grant", id).returncode == 0
        taken_back = arrears(asks, "request", "refuse", id)
        assert (taken_back.returncode, "is taken back" in taken_back.stdout) == (0, True)
    assert "needs a second person" in arrears(asks, *command).stderr, "what was granted is gone"


def test_what_two_persons_see_has_one_digest_in_every_process() -> None:
    """The order of a set is another one in each."""
    with pytest.raises(TypeError):
        lines_of(text_of("Load a roster."), {"kinds": {"a", "b"}})


@pytest.mark.attack("self-promotion")
def test_who_acts_without_a_token_is_known_by_the_system_and_not_by_a_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a container the machine has no name for the user that a command runs as."""
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert os_account() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert os_account() == "uid 4000000"


def test_the_first_administrator_is_made_once_and_nobody_else_makes_one_alone(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    first = {**environment, "ARREARS_TOKEN_FILE": str(tmp_path / "first" / "token")}
    second = {**environment, "ARREARS_TOKEN_FILE": str(tmp_path / "second" / "token")}
    made = arrears(first, "administrator", "first", "adm-1")
    assert (made.returncode, "adm-1 is the administrator" in made.stdout) == (0, True)
    refused = arrears(second, "administrator", "first", "adm-2")
    assert (refused.returncode, "There is an administrator, adm-1" in refused.stderr) == (2, True)
    assert not Path(second["ARREARS_TOKEN_FILE"]).exists()

    roster = tmp_path / "roster.yaml"
    roster.write_text(
        "staff:\n"
        "  - {id: adm-1, roles: [administrator], daily_capacity: 0}\n"
        "  - {id: c-1, roles: [caller], daily_capacity: 9, zone: Asia/Shanghai,"
        ' shifts: {mon-fri: "08:30-20:30"}}\n'
    )
    assert arrears(first, "roster", "load", str(roster)).returncode == 0, "the first roster"
    again = arrears(first, "roster", "load", str(roster), "--dry-run")
    assert "Nothing that is on record of these people changes." in again.stdout
    roster.write_text(roster.read_text().replace("[caller]", "[caller, supervisor]"))
    promoted = arrears(first, "roster", "load", str(roster))
    assert "needs a second person" in promoted.stderr
    assert {row.external_id: row.roles for row in book.rows(staff)}["c-1"] == ["caller"]

    alone = arrears(first, "administrator", "stand-in", "1", "--why", "nobody else is there")
    assert "c-1, roles: caller becomes caller, supervisor" in alone.stdout
    assert arrears(first, "roster", "load", str(roster)).returncode == 0
    assert "without a token" in arrears(first, "check").stdout


def test_a_token_is_made_by_its_owner_and_enrolled_by_two_others(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    book.staff("s-7", "supervisor")
    mine = {**environment, "ARREARS_TOKEN_FILE": str(tmp_path / "mine")}
    made = arrears(mine, "token", "new")
    fingerprint = made.stdout.split()[-1]
    assert fingerprint.startswith("SHA256:")
    assert Path(mine["ARREARS_TOKEN_FILE"]).stat().st_mode & 0o777 == 0o600

    administrator = by(environment, book, "adm-1", Role.ADMINISTRATOR)
    assert "not known here" in arrears(mine, "explain", "L-1").stderr
    done = granted(administrator, "token", "enrol", "s-7", fingerprint)
    assert done.returncode == 0, done.stderr
    assert arrears(mine, "explain", "L-1").returncode == 0
    assert [use.actor for use in book.rows(permission_use) if use.permission == "loans:read"][
        -1
    ] == "s-7"


@pytest.mark.attack("forged actor")
def test_who_may_not_ask_learns_of_no_loan_person_or_account_whether_it_is_there(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    invented = tmp_path / "token"
    invented.write_text("arrears_invented")
    invented.chmod(0o600)
    stranger = {**environment, "ARREARS_TOKEN_FILE": str(invented)}
    named = {
        words[0]: words
        for command in sorted(PERMISSION_OF)
        if (words := line_of(command)) and re.search(r"\b[A-Z]-?\d", " ".join(words))
    }
    assert len(named) > 15
    answers = {}
    for words in [*named.values(), ["token", "revoke", "nobody"], ["token", "revoke", "s-1"]]:
        with statements(Engine) as sent:
            refused = arrears(stranger, *words)
        answers[refused.stderr] = words
        assert (refused.returncode, refused.stdout) == (2, ""), words
        assert any("FROM token" in statement for statement in sent), words
        assert not any("external_id =" in statement for statement in sent), words
    assert len(answers) == 1, answers
