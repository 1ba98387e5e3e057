"""A grant of a second person is used up by what it allows, and by nothing else."""

from datetime import date

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor, Role
from domain.errors import NotOnRosterError
from domain.second_person import RequestStatus
from tests.support.loans import Book
from tests.support.signed_in import sign_in
from workers.access.requests import decide
from workers.access.second_person import SecondPersonNeededError
from workers.access.tokens import enrol_token
from workers.context import Context
from workers.db.schema import loan, second_person_request, staff, token
from workers.inbox.submit import submit

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


def test_a_write_off_asks_for_the_second_person_by_whatever_door_it_comes(book: Book) -> None:
    book.loan("L-1")
    first, second = (by(book, name, Role.SUPERVISOR) for name in ("sup-1", "sup-2"))
    payload = {"loan": "L-1", "written_off_on": "2026-03-02", "why": "sold", "actor": "sup-1"}
    written_off_on = select(loan.c.written_off_on)

    with pytest.raises(SecondPersonNeededError):
        submit(first, "write_off:L-1", "write_off", payload)
    assert book.one(written_off_on).written_off_on is None
    decide(second, 1, RequestStatus.GRANTED)
    assert submit(first, "write_off:L-1", "write_off", payload, dry_run=True).status == "applied"
    assert (statuses(book), book.one(written_off_on).written_off_on) == (["granted"], None)

    assert submit(first, "write_off:L-1", "write_off", payload).status == "applied"
    assert statuses(book) == ["done"]
    assert book.one(written_off_on).written_off_on == date(2026, 3, 2)
