"""Nobody acts under another's name, and what was taken away does not come back by itself."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, update

from domain.actors import Actor, ActorKind, Role
from domain.errors import ArrearsError, NotOnRosterError, NotPermittedError
from domain.permissions import PERMISSIONS, Permission
from domain.second_person import SEEN_BY, RequestStatus
from tests.support.commands import arrears, granted
from tests.support.environment import an_environment
from tests.support.lender import allow
from tests.support.loans import Book
from tests.support.signed_in import signed_in
from workers.access.admission import Admission
from workers.access.machines import allow_machine, allowed_machines
from workers.access.names import assert_free_for_staff
from workers.access.requests import decide
from workers.calls.locate import start_location_call
from workers.context import Context
from workers.db.schema import inbox_event, machine, payment, permission_use, staff, token
from workers.db.schema import second_person_request as request
from workers.db.staff import roles_of

LOAN = ("payment", "record", "L-1", "1.00", "CNY")


@pytest.fixture
def environment(database_url: str, broker_url: str) -> dict[str, str]:
    return {**an_environment(database_url, broker_url), "ARREARS_ZONE": "UTC"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, zone="UTC")
    book.loan("L-1", borrower_id="B-1")
    return book


def a_job(environment: dict[str, str], name: str, file: Path, *scopes: str) -> dict[str, str]:
    """The environment of a machine that has a token."""
    made = arrears(environment, "token", "new", "--file", str(file)).stdout
    fingerprint = re.search(r"SHA256:\S+", made)
    assert fingerprint
    assert granted(environment, "machine", "allow", name, *scopes).returncode == 0
    enrolled = granted(environment, "token", "enrol", name, fingerprint[0], "--machine")
    assert enrolled.returncode == 0, enrolled.stderr
    return {**environment, "ARREARS_TOKEN_FILE": str(file)}


def roster(tmp_path: Path, *members: str) -> str:
    file = tmp_path / "roster.yaml"
    file.write_text("staff:\n" + "".join(f"  - {{{member}}}\n" for member in members))
    return str(file)


@pytest.mark.attack("forged actor")
def test_no_machine_is_called_as_somebody_on_the_roster_nor_the_other_way_round(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    book.staff("c-7", "caller")
    allow(book, "dialer")
    for name in ("c-7", "C-7", "staff", "tape", "arrears", "nobody", "tencent", "a b", "a:b", ""):
        with pytest.raises(ArrearsError, match=r"called|roster"):
            allow_machine(book.ctx, name, [Permission.START_CALLS])
    with book.ctx.engine.connect() as connection:
        for reference in ("dialer", "Dialer", "arrears", "Nobody", "break-glass:root"):
            with pytest.raises(ArrearsError, match="references of their own"):
                assert_free_for_staff(connection, ["s-1", reference])
        assert_free_for_staff(connection, ["s-1", "S-2"])
    assert [row.name for row in book.rows(machine)] == ["dialer"]

    members = ("id: c-1, roles: [administrator], daily_capacity: 0",)
    file = roster(tmp_path, *members, "id: dialer, roles: [caller], daily_capacity: 9")
    refused = arrears(environment, "roster", "load", file)
    assert "dialer: so a machine is called" in refused.stderr
    assert not book.rows(request), "the second person is not asked"


@pytest.mark.attack("forged actor")
def test_a_machine_that_is_called_as_a_person_already_may_do_nothing(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    job = a_job(environment, "job", tmp_path / "token", "contact:ask", "calls:start")
    assert arrears(job, "may-contact", "L-1", "call").returncode in (0, 1)
    book.staff("Job", "caller")

    assert "not known here" in arrears(job, "may-contact", "L-1", "call").stderr
    admission = Admission()
    admission.refresh(book.ctx)
    with pytest.raises(NotPermittedError, match="was not allowed"):
        admission.admit("job", Permission.START_CALLS, book.ctx.now())
    with book.ctx.engine.connect() as connection:
        assert "job" not in allowed_machines(connection, book.ctx.now())


@pytest.mark.attack("forged actor")
def test_a_machine_has_no_role_of_a_person_and_gives_no_ids_of_the_staff(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    book.staff("c-7", "caller")
    with book.ctx.engine.connect() as connection:
        with pytest.raises(NotOnRosterError, match="is a machine"):
            roles_of(connection, Actor("c-7", ActorKind.MACHINE), book.ctx.today())
        assert roles_of(connection, Actor("c-7"), book.ctx.today()) == {Role.CALLER}

    job = a_job(environment, "books", tmp_path / "token", "events:payment")
    for who in (environment, job):
        assert arrears(who, *LOAN, "--id", "P-1").returncode == 0, "each has ids of its own"
    assert {row.sender for row in book.rows(payment)} == {"books", "staff"}
    assert {(row.sender, row.external_id) for row in book.rows(inbox_event)} == {
        ("books", "payment:P-1"),
        ("staff", "payment:P-1"),
    }
    unknown = arrears(job, "payment", "record", "L-9", "1.00", "CNY", "--id", "P-2")
    assert "events discard books:payment:P-2" in unknown.stderr


@pytest.mark.attack("beyond the scope")
def test_a_machine_that_is_allowed_again_needs_a_new_token(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    job = a_job(environment, "core", tmp_path / "token", "events:payment")
    assert arrears(environment, "machine", "revoke", "core").returncode == 0
    assert granted(environment, "machine", "allow", "core", "events:payment").returncode == 0
    assert "was revoked" in arrears(job, *LOAN, "--id", "P-1").stderr
    assert not book.rows(payment)

    # Whose tokens an earlier release left, and whose time was over.
    for ended in ({"revoked_at": "2020-01-01Z"}, {"expires_at": "2020-01-01Z"}):
        with book.ctx.engine.begin() as connection:
            connection.execute(update(token).values(revoked_at=None))
            connection.execute(update(machine).values(ended))
        allow_machine(book.ctx, "core", [Permission.RECORD_PAYMENTS])
        assert "was revoked" in arrears(job, *LOAN, "--id", "P-1").stderr
    # What is only changed goes on.
    with book.ctx.engine.begin() as connection:
        connection.execute(update(token).values(revoked_at=None))
    allow_machine(book.ctx, "core", [Permission.RECORD_PAYMENTS, Permission.RECORD_HOLDS])
    assert arrears(job, *LOAN, "--id", "P-1").returncode == 0


@pytest.mark.attack("beyond the role")
def test_who_left_and_comes_back_needs_a_new_token(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    administrator = signed_in(environment, "adm-1", Role.ADMINISTRATOR)
    theirs = signed_in(environment, "s-1", Role.SUPERVISOR)
    assert arrears(theirs, "explain", "L-1").returncode == 0

    def load(more: str = "") -> None:
        supervisor = f"id: s-1, roles: [supervisor], daily_capacity: 0{more}"
        file = roster(tmp_path, "id: adm-1, roles: [administrator], daily_capacity: 0", supervisor)
        done = granted(administrator, "roster", "load", file)
        assert done.returncode == 0, done.stderr

    load(", left_on: 2020-01-01")
    assert "was revoked" in arrears(theirs, "explain", "L-1").stderr
    load()
    assert "was revoked" in arrears(theirs, "explain", "L-1").stderr

    # The day on which they left came by itself.
    with book.ctx.engine.begin() as connection:
        connection.execute(update(token).values(revoked_at=None))
        connection.execute(
            update(staff).where(staff.c.external_id == "s-1").values(left_on="2020-01-01")
        )
    load()
    assert "was revoked" in arrears(theirs, "explain", "L-1").stderr
    assert arrears(administrator, "roster", "list").returncode == 0

    # Who was reported to have left by mistake today goes on with the same token.
    with book.ctx.engine.begin() as connection:
        connection.execute(update(token).values(revoked_at=None))
        today = {"left_on": datetime.now(book.zone).date()}
        connection.execute(update(staff).where(staff.c.external_id == "s-1").values(today))
    load()
    assert arrears(theirs, "explain", "L-1").returncode == 0


def test_who_was_the_administrator_and_left_locks_nobody_out(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    with book.ctx.engine.begin() as connection:
        for reference, left_on, stands_in_until in (
            ("adm-1", "2020-01-01", None),
            ("adm-2", None, "2020-01-01"),
        ):
            connection.execute(
                insert(staff).values(
                    external_id=reference,
                    roles=["administrator"] if left_on else ["supervisor"],
                    left_on=left_on,
                    stands_in_for=[] if left_on else ["administrator"],
                    stands_in_until=stands_in_until,
                    daily_capacity=0,
                )
            )
    allow(book, "dialer")
    own = {**environment, "ARREARS_TOKEN_FILE": str(tmp_path / "token")}
    why = ("--why", "nobody else is there")
    for gone in ("adm-1", "adm-2"):
        glass = arrears(own, "administrator", "break-glass", gone, *why)
        assert f"{gone} is no administrator now." in glass.stderr
    for name, says in (("adm-1", "has left on 2020-01-01"), ("dialer", "so a machine is called")):
        assert says in arrears(own, "administrator", "first", name).stderr
    assert not Path(own["ARREARS_TOKEN_FILE"]).exists()

    assert arrears(own, "administrator", "first", "adm-3").returncode == 0
    assert arrears(own, "roster", "list").returncode == 0
    again = arrears(own, "administrator", "first", "adm-4")
    assert "There is an administrator, adm-3" in again.stderr


@pytest.mark.attack("own request")
def test_a_grant_ends_with_the_rights_of_whoever_gave_it(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    asks = signed_in(environment, "p-1", Role.PRIVACY_OFFICER)
    export = ("data-subject", "export", "B-1", "--purpose", "asked for it", "--out")

    def run() -> CompletedProcess[str]:
        return arrears(asks, *export, str(tmp_path / f"{uuid4()}.json"))

    def grant(second: dict[str, str]) -> None:
        asked = re.search(r"request grant (\d+)", run().stderr)
        assert asked
        assert arrears(second, "request", "grant", asked[1]).returncode == 0

    def set_of_second(**values: Any) -> None:
        with book.ctx.engine.begin() as connection:
            theirs = staff.c.external_id == "p-2"
            connection.execute(update(staff).where(theirs).values(**values))

    second = signed_in(environment, "p-2", Role.PRIVACY_OFFICER)
    today = book.ctx.today()
    for ended, back in (
        ({"left_on": today}, {"left_on": None}),
        ({"stands_in_until": today - timedelta(days=1)}, {"stands_in_until": "9999-12-31"}),
        ({"stands_in_for": ["auditor"]}, {"stands_in_for": ["privacy_officer"]}),
    ):
        grant(second)
        set_of_second(**ended)
        assert "needs a second person" in run().stderr
        set_of_second(**back)
        assert run().returncode == 0, "who grants it is there again"
        assert arrears(asks, "request", "refuse", str(book.rows(request)[-1].id)).returncode == 0

    grant(second)
    administrator = signed_in(environment, "adm-1", Role.ADMINISTRATOR)
    assert arrears(administrator, "token", "revoke", "p-2").returncode == 0
    assert "needs a second person" in run().stderr
    assert [row.status for row in book.rows(request.select().order_by(request.c.id))][-2:] == [
        "refused",
        "asked",
    ]


@pytest.mark.attack("beyond the role")
def test_nobody_learns_of_a_request_about_what_they_may_not_know(
    environment: dict[str, str], book: Book
) -> None:
    needing = {each for each in Permission if PERMISSIONS[each].second_person}
    assert set(SEEN_BY) == needing
    asks = signed_in(environment, "p-1", Role.PRIVACY_OFFICER)
    write_off = signed_in(environment, "b-1", Role.BOOKKEEPER)
    export = ("data-subject", "export", "B-1", "--purpose", "asked for it", "--out", "new.json")
    assert "as request 1" in arrears(asks, *export).stderr
    assert "as request 2" in arrears(write_off, "write-off", "L-1", "--why", "sold").stderr

    def listed(reference: str, *roles: Role) -> set[str]:
        command = ("request", "list", "--all", "--json")
        shown = arrears(signed_in(environment, reference, *roles), *command)
        assert shown.returncode == 0, shown.stderr
        return set(re.findall(r"data:export|events:write_off", shown.stdout))

    assert listed("p-1", Role.PRIVACY_OFFICER) == {"data:export", "events:write_off"}
    assert listed("b-1", Role.BOOKKEEPER) == {"events:write_off"}
    assert listed("s-1", Role.SUPERVISOR) == {"events:write_off"}
    assert listed("aud-1", Role.AUDITOR) == {"events:write_off"}
    assert listed("adm-1", Role.ADMINISTRATOR) == set()

    administrator = signed_in(environment, "adm-1", Role.ADMINISTRATOR)
    for verb in ("grant", "refuse"):
        answers = {
            re.sub(r"\d+", "N", arrears(administrator, "request", verb, id).stderr)
            for id in ("1", "2", "999")
        }
        assert answers == {
            "arrears: There is no request N. The list of requests shows those that wait.\n"
        }, answers
    refused = {
        use.permission
        for use in book.rows(permission_use)
        if (use.actor, use.granted) == ("adm-1", False)
    }
    assert refused == {"data:export", "events:write_off"}, "what they tried is on record"
    assert arrears(asks, "request", "refuse", "1").returncode == 0, "one's own is taken back"


@pytest.mark.attack("beyond the role")
def test_a_refusal_is_on_record_wherever_it_is_said(book: Book) -> None:
    """The transaction that refuses is rolled back; the record of it is not."""
    book.staff("c-1", "caller")
    book.staff("sup-1", "supervisor")
    caller = Actor("c-1", roles=frozenset({Role.CALLER}))
    # By authentication a supervisor, and on the roster one of another role or nobody.
    supervisor, nobody = (
        Actor(each, roles=frozenset({Role.SUPERVISOR, Role.CALLER})) for each in ("c-1", "s-9")
    )

    def refusals(actor: Actor, refused: Callable[[Context], object]) -> list[tuple[str, str]]:
        last = len(book.rows(permission_use))
        with pytest.raises(NotPermittedError):
            refused(book.ctx.acting(actor))
        return [
            (use.actor, use.permission)
            for use in book.rows(permission_use.select().order_by(permission_use.c.id))[last:]
            if not use.granted
        ]

    with book.ctx.engine.begin() as connection:
        for number, asker in ((1, "c-1"), (2, "sup-1")):
            connection.execute(
                insert(request).values(
                    permission="approvals:decide",
                    digest=bytes([number]),
                    shown="a legal file",
                    status="asked",
                    asked_by=asker,
                    asked_at=book.ctx.now(),
                )
            )

    def grant(id: int) -> Callable[[Context], object]:
        return lambda ctx: decide(ctx, id, RequestStatus.GRANTED)

    assert refusals(caller, grant(2)) == [("c-1", "approvals:decide")]
    assert refusals(supervisor, grant(1)) == [("c-1", "approvals:decide")], "one's own"

    def locate(ctx: Context) -> object:
        return start_location_call(ctx, "L-1", "+8613900139000")

    assert refusals(nobody, locate) == [("s-9", "calls:start")]
    assert refusals(Actor("sup-1", roles=frozenset({Role.CALLER})), locate) == [
        ("sup-1", "calls:start")
    ]
