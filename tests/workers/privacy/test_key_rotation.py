"""A house whose keys are not those of its book is stopped before it seals anything; and the life of
a key: a new one in front, everything sealed anew, the old one gone."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, func, select, text, update

from domain.actors import Actor
from domain.errors import ArrearsError
from tests.support.acting import acting
from tests.support.commands import Process, arrears, eventually, granted
from tests.support.concurrently import concurrently
from tests.support.encrypted import opened
from tests.support.environment import KEY, an_environment
from tests.support.inbound import record_inbound_text
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from tests.support.signed_in import signed_in
from workers.borrowers.reply_queue import open_reply
from workers.context import Context
from workers.db.encryption import Cipher, bound_prefix
from workers.db.encryption_keys import (
    assert_keys_open,
    begin_rotation,
    is_rotating,
    read_index_key,
    store_index_key,
)
from workers.db.schema import (
    borrower,
    contact_point,
    encryption_key,
    inbox_event,
    message,
    reply,
)
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.submit import submit
from workers.privacy import key_rotation
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES
from workers.privacy.key_rotation import continue_rotation, count_left, rotate
from workers.sms.providers.port import InboundText
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit

OTHER = Cipher.new_key()
NEW = Cipher.new_key()


def cipher_of(engine: Engine, *keys: str) -> Cipher:
    """The cipher as an installation has it."""
    return Cipher(keys, partial(read_index_key, engine))


def ignore_progress(name: str, rows: int) -> None:
    """Nobody watches."""


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two borrowers: one sealed with the key of old, one since there is a new one in front."""
    book = Book(engine)
    book.loan("L-1")
    book.ctx = replace(book.ctx, cipher=Cipher([NEW, KEY]))
    book.loan("L-2")
    return book


def test_any_key_will_do_for_a_book_that_is_empty(engine: Engine) -> None:
    assert_keys_open(engine, Cipher([OTHER]))


def test_the_keys_of_all_times_open_the_book(engine: Engine, book: Book) -> None:
    assert_keys_open(engine, Cipher([NEW, KEY]))
    assert_keys_open(engine, Cipher([OTHER, NEW, KEY]))


@pytest.mark.parametrize("keys", [[OTHER], [KEY], [NEW], [OTHER, NEW]])
def test_keys_that_do_not_decrypt_the_first_and_the_last_value_are_refused(
    engine: Engine, book: Book, keys: list[str]
) -> None:
    with pytest.raises(ArrearsError, match="None of the keys in ARREARS_ENCRYPTION_KEYS decrypts"):
        assert_keys_open(engine, Cipher(keys))


def test_a_new_key_put_behind_the_old_one_would_lose_the_borrowers_numbers(
    engine: Engine, book: Book
) -> None:
    with pytest.raises(ArrearsError, match="Put new keys in front, and the oldest one last"):
        assert_keys_open(engine, Cipher([KEY, NEW]))


def test_a_book_without_a_single_number_asks_for_no_blind_index(engine: Engine) -> None:
    Book(engine).loan("L-1", phone=None)

    assert_keys_open(engine, Cipher([KEY]))


def test_a_new_installation_finds_numbers_by_an_index_key_that_no_other_key_tells(
    engine: Engine, database_url: str
) -> None:
    for _ in range(2):
        migrated = arrears(an_environment(database_url), "migrate")
        assert migrated.returncode == 0, migrated.stderr

    digest = cipher_of(engine, KEY).blind_index(PHONE["CN"])

    assert digest != Cipher([KEY]).blind_index(PHONE["CN"])
    assert digest == cipher_of(engine, NEW, KEY).blind_index(PHONE["CN"])


def test_an_installation_from_before_goes_on_finding_its_numbers(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1")

    concurrently(
        *(lambda: store_index_key(engine, cipher_of(engine, KEY), book.clock.at) for _ in "ab")
    )

    assert len(book.rows(encryption_key)) == 1
    hashes = {point.blind_index for point in book.rows(contact_point)}
    assert cipher_of(engine, KEY).blind_index(PHONE["CN"]) in hashes


# The life of a key


@pytest.fixture
def full(engine: Engine) -> Book:
    """A book of long standing with all that is sealed: contacts, texts, a reply, a letter, an event
    that told of an address; all of it with the old key."""
    book = Book(engine, now="2026-03-31 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-03-30", phone=None)
    book.escalate("L-1")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    book.loan("L-3", due_on="2026-03-30", phone="+8613800138003")
    book.escalate("L-3")
    book.send("L-3", "text_day_1")
    inbound = InboundText("twilio", "SM1", PHONE["CN"], "我失业了", None)
    record_inbound_text(book.ctx, inbound, help_is_answered=True)
    facts = ContactChangeFacts(borrower="B-L-2", address="2 Example Road")
    submit(book.ctx, "E-1", "contact_change", facts.payload(book.ctx.cipher))
    return book


def with_keys(book: Book, *keys: str) -> Context:
    return replace(book.ctx, cipher=cipher_of(book.ctx.engine, *keys))


def assert_all_is_found_and_opens(book: Book, *keys: str) -> None:
    """Every value opens, and a text from each number is known to be its borrower's."""
    ctx = with_keys(book, *keys)
    assert_keys_open(ctx.engine, ctx.cipher)
    columns = [column for each in ENCRYPTED_TABLES[1:] for column in each.columns]
    values = {value for column in columns for value in opened(book, column, ctx.cipher)}
    assert {NAME, ADDRESS, "2 Example Road", PHONE["CN"]} <= values
    assert "我失业了" in values
    assert NAME in open_letter(acting(ctx, Actor("sup-1")), "L-1").body
    first = book.rows(select(func.min(reply.c.id).label("id")))[0].id
    assert open_reply(acting(ctx, Actor("c-1")), first).body == "我失业了"
    for sid, number, whose in (("SM2", PHONE["CN"], "B-L-1"), ("SM3", "+8613800138003", "B-L-3")):
        inbound = InboundText("twilio", f"{sid}-{len(book.rows(reply))}", number, "hello", None)
        record_inbound_text(ctx, inbound, help_is_answered=True)
        newest = book.rows(
            select(borrower.c.external_id).join(reply).order_by(reply.c.id.desc()).limit(1)
        )
        assert [row.external_id for row in newest] == [whose]


def test_a_key_is_replaced_in_a_rotation_that_is_killed_half_way_and_goes_on(
    full: Book, engine: Engine, database_url: str, tmp_path: Path
) -> None:
    both = an_environment(database_url) | {"ARREARS_ENCRYPTION_KEYS": f"{NEW},{KEY}"}
    only_new = both | {"ARREARS_ENCRYPTION_KEYS": NEW}
    assert arrears(an_environment(database_url), "migrate").returncode == 0
    assert_all_is_found_and_opens(full, NEW, KEY)

    dry = arrears(both, "keys", "rotate", "--dry-run")
    assert "Nothing was changed" in dry.stdout
    assert all(name in dry.stdout for name in ("borrower", "message", "reply", "document"))

    asked = arrears(both, "keys", "rotate")
    (request,) = re.findall(r"request grant (\d+)", asked.stderr)
    assert arrears(both, "request", "grant", request, by="second-1").returncode == 0

    # Killed while the borrowers wait for it: the texts are done by then.
    def texts_are_done() -> bool:
        head = bound_prefix(Cipher([NEW]).current_key_id)
        return all(bytes(row.body_encrypted).startswith(head) for row in full.rows(message))

    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE borrower IN SHARE MODE"))
        environment = signed_in(both)
        process = Process("keys", "rotate", environment=environment, log=tmp_path / "log")
        eventually("the texts are sealed with the new key", texts_are_done)
        process.kill()
    left = count_left_now(full, NEW, KEY)
    assert left["message"] == 0
    assert left["borrower"] == 3
    assert_all_is_found_and_opens(full, NEW, KEY)

    # Half-way, neither key can be missed.
    for keys in (NEW, KEY, f"{OTHER},{NEW}"):
        refused = arrears(both | {"ARREARS_ENCRYPTION_KEYS": keys}, "status")
        assert refused.returncode == 2
        assert "Put them back at the end of the list" in refused.stderr

    done = granted(both, "keys", "rotate")
    assert (done.returncode, "The others may be removed" in done.stdout) == (0, True)
    assert arrears(only_new, "check").returncode == 2, "no broker, and nothing else is wrong"
    assert "broker" in arrears(only_new, "check").stderr
    assert "ENCRYPTION_KEYS" not in arrears(only_new, "check").stderr
    assert_all_is_found_and_opens(full, NEW)
    # What was told before is known again: the same event, sealed with another key.
    ctx = with_keys(full, NEW)
    facts = ContactChangeFacts(borrower="B-L-2", address="2 Example Road")
    assert submit(ctx, "E-1", "contact_change", facts.payload(ctx.cipher)).status == "applied"
    again = granted(only_new, "keys", "rotate")
    assert "Nothing is encrypted with an older key" in again.stdout


def count_left_now(book: Book, *keys: str) -> dict[str, int]:
    with book.ctx.engine.connect() as connection:
        return count_left(connection, with_keys(book, *keys))


def test_the_background_task_goes_on_with_a_rotation_that_was_begun_and_begins_none(
    full: Book, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH_SIZE", 1)
    monkeypatch.setattr(key_rotation, "BATCHES_PER_RUN", 1)
    ctx = with_keys(full, NEW, KEY)
    assert continue_rotation(ctx) == 0, "nobody has begun one"
    with engine.begin() as connection:
        begin_rotation(connection, ctx.cipher, ctx.now())

    runs = 0
    while continue_rotation(ctx):
        runs += 1

    assert runs == 3, "one borrower at a time"
    assert set(count_left_now(full, NEW, KEY).values()) == {0}
    assert [row.key_id for row in full.rows(encryption_key)] == [ctx.cipher.current_key_id]
    assert_all_is_found_and_opens(full, NEW)


def test_a_worker_that_was_not_started_anew_encrypts_nothing_with_the_old_key(
    full: Book, engine: Engine
) -> None:
    new, stale = with_keys(full, NEW, KEY), with_keys(full, KEY, NEW)
    with engine.begin() as connection:
        begin_rotation(connection, new.cipher, new.now())
    rotate_some(new)

    assert continue_rotation(stale) == 0
    assert set(count_left_now(full, NEW, KEY).values()) == {0}


def rotate_some(ctx: Context) -> None:
    while continue_rotation(ctx):
        pass


def test_two_rotations_at_once_are_one(full: Book, engine: Engine) -> None:
    contexts = [with_keys(full, NEW, KEY) for _ in range(2)]

    concurrently(*(lambda ctx=ctx: rotate(ctx, ignore_progress) for ctx in contexts))
    assert rotate(contexts[0], ignore_progress)

    assert set(count_left_now(full, NEW, KEY).values()) == {0}
    assert_all_is_found_and_opens(full, NEW)


def test_a_row_that_somebody_holds_is_left_and_the_old_key_stays_needed(
    full: Book, engine: Engine
) -> None:
    ctx = with_keys(full, NEW, KEY)
    with engine.begin() as connection:
        connection.execute(
            select(borrower.c.id).where(borrower.c.external_id == "B-L-2").with_for_update()
        )
        assert not rotate(ctx, ignore_progress)
    with engine.connect() as connection:
        assert is_rotating(connection, ctx.cipher)
    with pytest.raises(ArrearsError, match="Put them back"):
        assert_keys_open(engine, cipher_of(engine, NEW))

    assert rotate(ctx, ignore_progress)
    assert_keys_open(engine, cipher_of(engine, NEW))


def test_of_three_keys_the_newest_is_left(full: Book, engine: Engine) -> None:
    middle = Cipher.new_key()
    in_between = with_keys(full, middle, KEY)
    full.ctx = in_between
    full.loan("L-4", phone="+8613800138004")

    assert rotate(with_keys(full, NEW, middle, KEY), ignore_progress)

    assert_all_is_found_and_opens(full, NEW)


def test_a_key_may_come_back_in_front(full: Book, engine: Engine) -> None:
    assert rotate(with_keys(full, NEW, KEY), ignore_progress)
    assert rotate(with_keys(full, KEY, NEW), ignore_progress)

    assert_all_is_found_and_opens(full, KEY)


def test_an_address_that_waits_in_an_event_is_encrypted_anew_as_well(full: Book) -> None:
    assert rotate(with_keys(full, NEW, KEY), ignore_progress)

    payload = opened(full, inbox_event.c.payload, Cipher([NEW]))[-1]
    assert payload["address_encrypted"] == "2 Example Road"
    assert payload["digest"]


def test_values_encrypted_before_there_were_key_ids_are_decrypted_and_encrypted_anew(
    engine: Engine,
) -> None:
    book = Book(engine)
    book.loan("L-1")
    with engine.begin() as connection:
        token = Fernet(KEY).encrypt(NAME.encode())
        connection.execute(update(borrower).values(name_encrypted=token))
    assert opened(book, borrower.c.name_encrypted, Cipher([NEW, KEY])) == [NAME]

    assert rotate(with_keys(book, KEY), ignore_progress)

    assert bytes(book.one(borrower).name_encrypted).startswith(
        bound_prefix(Cipher([KEY]).current_key_id)
    )
