"""A webhook that has no encryption key: it stores all that comes in, and can open nothing."""

from base64 import b64decode
from dataclasses import replace
from functools import partial

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from domain.errors import ArrearsError
from tests.support.encrypted import opened
from tests.support.environment import KEY
from tests.support.events import is_held_back
from tests.support.lender import SECRET, an_event, listen, tell
from tests.support.loans import PHONE, Book
from workers.context import Context
from workers.db.encryption import Cipher, SealingCipher
from workers.db.encryption_keys import assert_keys_open, read_index_key, store_index_key
from workers.db.schema import borrower, inbox_event, payment, reply
from workers.http.app import create_api, create_app
from workers.http.inbound_texts import store_text
from workers.inbox.apply import apply_event, dispatch_events
from workers.privacy.key_rotation import rotate
from workers.sms.providers.port import InboundText

NEW_NUMBER = "+8613900139000"


@pytest.fixture
def book(engine: Engine) -> Book:
    """A book of workers that have the key."""
    book = Book(engine, now="2026-03-02 10:00")
    store_index_key(engine, Cipher([KEY], partial(read_index_key, engine)), book.clock.at)
    book.ctx = replace(book.ctx, cipher=Cipher([KEY], partial(read_index_key, engine)))
    listen(book, SECRET)
    book.loan("L-1", due_on="2026-03-01", amount="1000")
    book.escalate("L-1")
    return book


def webhook(book: Book) -> Book:
    """The same house, as the webhook sees it."""
    outside = object.__new__(Book)
    outside.__dict__.update(book.__dict__)
    sealing = SealingCipher(book.ctx.cipher.webhook_key())
    outside.ctx = replace(book.ctx, cipher=sealing)
    return outside


def work(ctx: Context) -> list[str]:
    return [apply_event(ctx, id).status for id in dispatch_events(ctx)]


@pytest.mark.attack("sealed for others")
def test_texts_contacts_and_payments_come_in_and_a_worker_applies_them(book: Book) -> None:
    outside = webhook(book)
    assert_keys_open(outside.ctx.engine, outside.ctx.cipher)
    change = an_event("contact_change", borrower="B-L-1", phone=NEW_NUMBER, address="2 New Road")
    assert tell(outside, an_event(), id="evt_1").status_code == 202
    assert tell(outside, change, id="evt_2").status_code == 202
    assert tell(outside, change, id="evt_2").status_code == 202, "the same again is known"
    stop = InboundText("twilio", "SM1", PHONE["CN"], "STOP it", "STOP")
    store_text(outside.ctx, stop, help_is_answered=True)
    assert is_held_back(book, "L-1"), "at once, by the keyed hash of the number"
    assert len(book.rows(inbox_event)) == 3

    for row in book.rows(inbox_event):
        for name, value in row.payload.items():
            if name.endswith("_encrypted"):
                assert b64decode(value).startswith(b"s:")
                with pytest.raises(ArrearsError, match="cannot decrypt"):
                    outside.ctx.cipher.unseal(b64decode(value), b"")

    assert work(book.ctx) == ["applied"] * 3
    assert (len(book.rows(payment)), book.numbers("B-L-1")) == (1, [NEW_NUMBER])
    assert opened(book, borrower.c.address_encrypted) == ["2 New Road"]
    assert opened(book, reply.c.body_encrypted) == ["STOP it"]
    assert bytes(book.one(reply).body_encrypted).startswith(b"b:"), "encrypted for its row"


@pytest.mark.attack("sealed for others")
def test_what_is_sealed_opens_for_its_event_and_in_no_column_of_a_borrower(book: Book) -> None:
    outside = webhook(book)
    place = b"borrower.name_encrypted\0B-L-1"
    forged = outside.ctx.cipher.seal("Mallory", place)
    with pytest.raises(ArrearsError, match="does not open where it is stored"):
        book.ctx.cipher.decrypt(forged, place)
    assert book.ctx.cipher.unseal(forged, place) == "Mallory"
    with pytest.raises(ArrearsError, match="does not open where it is stored"):
        book.ctx.cipher.unseal(forged, b"another place")


@pytest.mark.attack("sealed for others")
def test_it_gives_out_no_number(book: Book) -> None:
    outside = webhook(book)
    with TestClient(create_app(outside.ctx)) as client:
        assert client.post("/calls/start", json={}).status_code == 404
    with pytest.raises(ArrearsError, match="ARREARS_WEBHOOK_KEY only and cannot decrypt"):
        create_api(outside.ctx)


def test_a_key_that_was_replaced_seals_no_more(book: Book) -> None:
    """While the older key is needed both are taken; after that health says so."""
    outside = webhook(book)

    def is_healthy() -> bool:
        with TestClient(create_app(outside.ctx)) as client:
            return client.get("/health").json() == {"healthy": True}

    change = an_event("contact_change", borrower="B-L-1", phone=NEW_NUMBER)
    assert tell(outside, change).status_code == 202
    new = Cipher.new_key()
    both = Cipher([new, KEY], partial(read_index_key, book.ctx.engine))
    assert is_healthy()
    assert rotate(replace(book.ctx, cipher=both), lambda name, rows: None)

    assert not is_healthy()
    with pytest.raises(ArrearsError, match="not of a key that is in use"):
        assert_keys_open(outside.ctx.engine, outside.ctx.cipher)
    only = Cipher([new], partial(read_index_key, book.ctx.engine))
    assert work(replace(book.ctx, cipher=only)) == ["applied"]
    outside.ctx = replace(outside.ctx, cipher=SealingCipher(only.webhook_key()))
    assert is_healthy()


@pytest.mark.parametrize("written", ["", "webhook-1", "webhook-1.a.b.c", KEY, "webhook-2.0.0.0"])
def test_what_is_no_webhook_key_is_refused_without_showing_it(written: str) -> None:
    with pytest.raises(ArrearsError, match="is not a webhook key") as error:
        SealingCipher(written)
    assert not written or written not in str(error.value).replace("ARREARS_WEBHOOK_KEY", "")
