"""An encrypted value opens in its own row and column only; and what an earlier release stored is
bound to nothing, until it is bound once, and refused afterwards."""

from dataclasses import replace
from functools import partial

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, select, text, update

from domain.actors import Actor
from domain.errors import ArrearsError
from tests.support.acting import acting
from tests.support.encrypted import in_payload, opened
from tests.support.environment import KEY
from tests.support.events import store, tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.borrowers.reply_queue import open_reply
from workers.db import encryption
from workers.db.encryption import Cipher, is_bound
from workers.db.encryption_keys import read_index_key, store_index_key
from workers.db.schema import (
    borrower,
    borrower_number,
    encryption_key,
    reply,
)
from workers.inbox.apply import apply_event
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES
from workers.privacy.key_rotation import continue_rotation
from workers.privacy.verify_values import find_broken
from workers.sms.providers.port import InboundText

MOVED = "does not open where it is stored"


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two borrowers with a text each, a reply, and an event that waits."""
    book = Book(engine, now="2026-03-02 10:00")
    for number in (1, 2):
        book.loan(f"L-{number}", due_on="2026-03-01", phone=f"+861380013800{number}")
        book.escalate(f"L-{number}")
        book.send(f"L-{number}", "text_day_1")
    for sid, words in (("SM1", "I lost my job"), ("SM2", "call me")):
        came = InboundText("twilio", sid, "+8613800138001", words, None)
        record_inbound_text(book.ctx, came, help_is_answered=True)
    return book


def run(book: Book, statement: str, **values: object) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(text(statement), values)


def broken(book: Book) -> set[tuple[str, str]]:
    return {(value.table, value.column) for value in find_broken(book.ctx)}


# Moved by somebody who can write to the database and has no key


SWAPS = {
    "a number to another borrower": """
        UPDATE borrower_number n SET number_encrypted = o.number_encrypted
          FROM borrower_number o WHERE o.id <> n.id""",
    "a name to another borrower": """
        UPDATE borrower b SET name_encrypted = o.name_encrypted
          FROM borrower o WHERE o.id <> b.id""",
    "an address to another column": "UPDATE borrower SET name_encrypted = address_encrypted",
    "a text to another text": """
        UPDATE message m SET body_encrypted = o.body_encrypted FROM message o WHERE o.id <> m.id""",
    "a reply to another reply": """
        UPDATE reply r SET body_encrypted = o.body_encrypted FROM reply o WHERE o.id <> r.id""",
}


@pytest.mark.parametrize("moved", SWAPS.values(), ids=SWAPS)
@pytest.mark.attack("moved ciphertext")
def test_a_value_that_is_moved_does_not_open_and_is_found(book: Book, moved: str) -> None:
    assert broken(book) == set()
    run(book, moved)
    found = broken(book)
    assert len(found) == 1
    ((table, column),) = found
    with pytest.raises(ArrearsError, match=MOVED):
        opened(book, next(e for e in ENCRYPTED_TABLES if e.name == table).table.c[column])


@pytest.mark.attack("moved ciphertext")
def test_nobody_is_texted_at_a_number_that_was_moved(book: Book) -> None:
    book.loan("L-3", due_on="2026-03-01", phone="+8613800138003")
    book.escalate("L-3")
    run(
        book,
        "UPDATE borrower_number SET number_encrypted = (SELECT number_encrypted FROM"
        " borrower_number ORDER BY id LIMIT 1) WHERE id = (SELECT max(id) FROM borrower_number)",
    )
    sent = len(book.sms.sent)
    with pytest.raises(ArrearsError, match=MOVED):
        book.send("L-3", "text_day_1")
    assert len(book.sms.sent) == sent


@pytest.mark.attack("moved ciphertext")
def test_a_value_of_an_event_opens_for_its_borrower_only(book: Book) -> None:
    new = in_payload(book, "phone_encrypted", "+8613800138009", "B-L-1")
    event = store(book, "contact_change", borrower="B-L-2", phone_encrypted=new)
    assert apply_event(book.ctx, event).status == "received"
    assert book.numbers("B-L-2") == ["+8613800138002"]
    assert broken(book) == {("inbox_event", "payload")}
    assert tell(book, "contact_change", borrower="B-L-1", phone_encrypted=new).status == "applied"


def test_two_numbers_of_one_borrower_do_not_change_places(book: Book) -> None:
    """What is known of a number, such as an opt-out, stands beside its value."""
    book.set_numbers("B-L-1", "+8613800138001", "+8613800138004")
    run(
        book,
        "UPDATE borrower_number n SET number_encrypted = o.number_encrypted"
        " FROM borrower_number o WHERE o.borrower_id = n.borrower_id AND o.id <> n.id",
    )
    assert broken(book) == {("borrower_number", "number_encrypted")}


# Stored by an earlier release


def unbind(book: Book) -> None:
    """Leave the book as a release did that bound nothing: every value a Fernet token."""
    fernet, cipher = Fernet(KEY), Cipher([KEY])
    head = f"k:{cipher.current_key_id}:".encode()
    store_index_key(book.ctx.engine, cipher, book.clock.at)
    for encrypted in ENCRYPTED_TABLES[1:]:
        rows = book.rows(select(encrypted.table.c.id, *encrypted.columns, *encrypted.keys))
        with book.ctx.engine.begin() as connection:
            for row in rows:
                values = {
                    column: head + fernet.encrypt(encrypted.decrypt(cipher, row, column).encode())
                    for column in encrypted.columns
                    if row._mapping[column.name] is not None
                }
                this = encrypted.table.c.id == row.id
                connection.execute(update(encrypted.table).where(this).values(values))


@pytest.fixture
def old(book: Book) -> Book:
    unbind(book)
    reader = partial(read_index_key, book.ctx.engine)
    book.ctx = replace(book.ctx, cipher=Cipher([KEY], reader))
    return book


def test_what_an_earlier_release_stored_opens_and_is_bound_by_the_task(old: Book) -> None:
    before = [bytes(row.number_encrypted) for row in old.rows(borrower_number)]
    assert old.numbers("B-L-1") == ["+8613800138001"]
    assert not any(map(is_bound, before))
    old.loan("L-3", phone="+8613800138003")

    while continue_rotation(old.ctx):
        pass

    assert all(is_bound(row.number_encrypted) for row in old.rows(borrower_number))
    assert all(is_bound(row.name_encrypted) for row in old.rows(borrower))
    assert is_bound(old.one(encryption_key).index_key_encrypted)
    assert opened(old, borrower.c.name_encrypted) == [NAME] * 3
    assert opened(old, borrower.c.address_encrypted)[:2] == [ADDRESS] * 2
    assert open_reply(acting(old.ctx, Actor("c-1")), old.rows(reply)[0].id).body
    assert broken(old) == set()
    assert old.numbers("B-L-2") == ["+8613800138002"]


@pytest.mark.attack("moved ciphertext")
def test_what_is_not_bound_is_refused_once_everything_was_bound(
    old: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = old.rows(select(borrower_number).order_by(borrower_number.c.id))[0].number_encrypted
    write_back = "UPDATE borrower_number SET number_encrypted = :value"
    running = Cipher([KEY], partial(read_index_key, old.ctx.engine))
    place = b"any place"
    monkeypatch.setattr(encryption, "ASK_AGAIN_AFTER", 0.0)
    assert running.decrypt(kept, place) == "+8613800138001"
    while continue_rotation(old.ctx):
        pass

    run(old, write_back, value=kept)
    with pytest.raises(ArrearsError, match=MOVED):
        old.numbers("B-L-1")
    assert broken(old) == {("borrower_number", "number_encrypted")}
    # A process that has run since before asks the database again.
    with pytest.raises(ArrearsError, match=MOVED):
        running.decrypt(kept, place)
    with pytest.raises(ArrearsError, match=MOVED):
        Cipher([KEY], partial(read_index_key, old.ctx.engine)).decrypt(kept, place)


def test_one_value_that_does_not_open_stops_no_other_and_keeps_the_old_form_allowed(
    old: Book,
) -> None:
    """An older backup may still have it: it is mended first."""
    run(old, "UPDATE borrower SET name_encrypted = 'k:garbage' WHERE external_id = 'B-L-1'")
    assert continue_rotation(old.ctx) > 0
    assert continue_rotation(old.ctx) == 0
    assert is_bound(old.rows(select(borrower).order_by(borrower.c.id))[1].name_encrypted)
    assert not is_bound(old.one(encryption_key).index_key_encrypted)
    assert broken(old) == {("borrower", "name_encrypted")}

    mended = old.ctx.cipher.encrypt(NAME, b"borrower.name_encrypted\0B-L-1")
    run(old, "UPDATE borrower SET name_encrypted = :v WHERE external_id = 'B-L-1'", v=mended)
    assert continue_rotation(old.ctx) == 1
    assert continue_rotation(old.ctx) == 0
    assert is_bound(old.one(encryption_key).index_key_encrypted)


def test_a_new_installation_never_takes_what_is_not_bound(engine: Engine) -> None:
    book = Book(engine)
    cipher = Cipher([KEY], partial(read_index_key, engine))
    store_index_key(engine, cipher, book.clock.at)
    token = Fernet(KEY).encrypt(PHONE["CN"].encode())
    with pytest.raises(ArrearsError, match=MOVED):
        Cipher([KEY], partial(read_index_key, engine)).decrypt(token, b"any place")
