"""A grant of a second person is used up by what it allows, and by nothing else."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.actors import Actor, Role
from domain.errors import NotOnRosterError, text_of
from domain.permissions import PERMISSIONS, Permission
from domain.reasons import Reason, ReasonCode, because
from domain.second_person import RequestStatus
from domain.second_person_text import lines_of
from tests.support.events import place, promise, tell
from tests.support.loans import Book
from tests.support.signed_in import sign_in
from workers.access.requests import decide, waiting_requests
from workers.access.second_person import SecondPersonNeededError
from workers.access.secrets import digest_in
from workers.access.still_possible import CHECKS, AskedFor, why_no_longer
from workers.access.tokens import enrol_token, store_token
from workers.context import Context
from workers.db.pages import Asked
from workers.db.schema import (
    borrower,
    loan,
    roster_version,
    second_person_request,
    staff,
    token,
)
from workers.inbox.submit import submit
from workers.privacy.erasure import erase

FINGERPRINT = "SHA256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine)


def by(book: Book, reference: str, role: Role) -> Context:
    with book.ctx.engine.begin() as connection:
        sign_in(connection, reference, role)
    return book.ctx.acting(Actor(reference, roles=frozenset({role})))


def rename(book: Book, was: str, becomes: str) -> None:
    with book.ctx.engine.begin() as connection:
        renamed = update(staff).where(staff.c.external_id == was)
        connection.execute(renamed.values(external_id=becomes))


def statuses(book: Book) -> list[str]:
    return [row.status for row in book.rows(second_person_request)]


def test_a_grant_is_still_there_if_what_it_allows_fails(book: Book) -> None:
    first, second = (by(book, name, Role.ADMINISTRATOR) for name in ("adm-1", "adm-2"))

    def enrol() -> None:
        enrol_token(first, "s-7", FINGERPRINT, of_machine=False, days=90)

    book.staff("s-7", "supervisor")
    with pytest.raises(SecondPersonNeededError):
        enrol()
    decide(second, 1, RequestStatus.GRANTED)
    rename(book, "s-7", "s-8")
    with pytest.raises(NotOnRosterError):
        enrol()
    assert statuses(book) == ["granted"]

    rename(book, "s-8", "s-7")
    enrol()
    assert statuses(book) == ["done"]
    assert "adm-1" in {row.created_by for row in book.rows(token)}


def test_of_each_kind_of_request_it_is_asked_whether_it_is_still_possible(book: Book) -> None:
    assert set(CHECKS) == {each for each in Permission if PERMISSIONS[each].second_person}
    book.loan("L-1")
    book.staff("s-7", "supervisor")
    asked_at = book.ctx.now().astimezone(book.zone)

    leaves = because(ReasonCode.DEPARTURE_NEEDS_ADMINISTRATOR, staff="s-7")

    def why(permission: Permission, *what: Reason, **facts: object) -> str | None:
        lines = lines_of(what or text_of("Do it."), facts)
        asked = AskedFor(permission, lines, "s-1", asked_at)
        with book.ctx.engine.connect() as connection:
            now = book.ctx.now().astimezone(book.zone)
            found = why_no_longer(connection, asked, now)
        return str(found) if found else None

    of_loan, parts = {"loan": "L-1"}, ["500.00 CNY 2026-03-04", "500.00 CNY 2026-03-06"]

    def all_of_them() -> list[str | None]:
        return [
            why(Permission.AGREE_TO_PROMISES, **of_loan, promise="P-1", parts=parts),
            why(Permission.AGREE_TO_PROMISES, **of_loan, promise="P-2", parts=parts),
            why(Permission.AGREE_TO_HOLDS, **of_loan, hold="H-1", until="2026-06-01"),
            why(Permission.AGREE_TO_HOLDS, **of_loan, hold="H-2", until="2026-03-03"),
            why(Permission.ERASE_DATA, borrower="B-L-1"),
            why(Permission.CHANGE_ACCESS, fingerprint=FINGERPRINT),
            why(Permission.CHANGE_ROSTER, *leaves, staff="s-7", left_on=date(2026, 3, 6)),
            why(Permission.CHANGE_ROSTER, people=1),
        ]

    assert all_of_them() == [None] * 8
    assert promise(book, "1000", "2026-03-06", id="P-1").status == "applied"
    assert place(book, "manual", "2026-03-02", "2026-03-08").status == "applied"
    book.at("2026-03-05 10:00")
    members = {"loaded_at": book.ctx.now(), "loaded_by": "adm-1", "members": []}
    with book.ctx.engine.begin() as connection:
        erase(connection, [connection.execute(select(borrower.c.id)).scalar_one()], book.ctx.now())
        connection.execute(insert(roster_version).values(members))
        connection.execute(update(staff).values(left_on=date(2026, 3, 6)))
        digest = digest_in(FINGERPRINT)
        store_token(connection, book.ctx, "s-7", digest, of_machine=False, days=9)
    done = "It is done already."
    assert all_of_them() == [
        *(done, "2026-03-04 has passed.", done, "2026-03-03 has passed."),
        "The data of the person are erased by now.",
        *(done, done, "Another roster was loaded since, so it would change something else."),
    ]
    assert why(Permission.DECIDE_APPROVALS, action=7) == "The item waits for no approval any more."
    assert why(Permission.ROTATE_KEYS, other="keys") is None


def test_a_write_off_asks_for_the_second_person_by_whatever_door_it_comes(book: Book) -> None:
    book.loan("L-1")
    first, second, third = (by(book, f"sup-{n}", Role.SUPERVISOR) for n in (1, 2, 3))
    payload = {"loan": "L-1", "written_off_on": "2026-03-02", "why": "sold"}
    written_off_on = select(loan.c.written_off_on)

    for who in (first, third):
        with pytest.raises(SecondPersonNeededError):
            submit(who, "write_off:L-1", "write_off", payload | {"actor": who.actor.reference})
    page = waiting_requests(second, Asked(limit=1))
    assert ([each.asked_by for each in page], page.counts) == (["sup-1"], {"asked": 2})
    rest = waiting_requests(second, Asked(limit=1, after=page.after))
    assert ([each.asked_by for each in rest], rest.after) == (["sup-3"], None)
    payload["actor"] = "sup-1"
    assert book.one(written_off_on).written_off_on is None
    decide(second, 1, RequestStatus.GRANTED)
    assert submit(first, "write_off:L-1", "write_off", payload, dry_run=True).status == "applied"
    assert (statuses(book)[0], book.one(written_off_on).written_off_on) == ("granted", None)

    assert submit(first, "write_off:L-1", "write_off", payload).status == "applied"
    assert statuses(book) == ["done", "asked"]
    # Nobody can grant it to the third any more.
    assert waiting_requests(second).counts == {}
    (refused,) = waiting_requests(third)
    assert (refused.status, refused.decided_by) == ("refused", "arrears")
    assert book.one(written_off_on).written_off_on == date(2026, 3, 2)


def test_a_grant_of_whom_the_person_complained_of_since_counts_no_longer(book: Book) -> None:
    book.loan("L-1")
    me, supervisor = by(book, "c-2", Role.CALLER), by(book, "s-1", Role.SUPERVISOR)
    hold = {"hold": "H-1", "loan": "L-1", "kind": "manual", "why": "ill", "actor": "c-2"}
    today = book.ctx.today()
    hold |= {"starts_on": f"{today}", "ends_on": f"{today + timedelta(days=90)}"}
    for granted in (True, False):
        with pytest.raises(SecondPersonNeededError):
            submit(me, "hold:H-1", "hold", hold)
        if granted:
            (asked,) = book.rows(second_person_request)
            decide(supervisor, asked.id, RequestStatus.GRANTED)
            told = {"complaint": "C-1", "loan": "L-1", "kind": "conduct", "why": "rude"}
            done = tell(book, "complaint", **told, actor="c-2", about_staff="s-1")
            assert done.status == "applied"
    assert statuses(book) == ["granted", "asked"]
