"""A house whose keys are not those of its book is stopped before it seals anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from domain.errors import ArrearsError
from tests.support.environment import KEY
from tests.support.loans import Book
from workers.store.keys import assert_keys_open
from workers.store.vault import Vault

OTHER = Vault.new_key()
NEW = Vault.new_key()


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two borrowers: one sealed with the key of old, one since there is a new one in front."""
    book = Book(engine)
    book.loan("L-1")
    book.house = replace(book.house, vault=Vault([NEW, KEY]))
    book.loan("L-2")
    return book


def test_any_key_will_do_for_a_book_that_is_empty(engine: Engine) -> None:
    assert_keys_open(engine, Vault([OTHER]))


def test_the_keys_of_all_times_open_the_book(engine: Engine, book: Book) -> None:
    assert_keys_open(engine, Vault([NEW, KEY]))
    assert_keys_open(engine, Vault([OTHER, NEW, KEY]))


@pytest.mark.parametrize("keys", [[OTHER], [KEY], [NEW], [OTHER, NEW]])
def test_keys_that_do_not_open_what_was_sealed_first_and_last_are_refused(
    engine: Engine, book: Book, keys: list[str]
) -> None:
    with pytest.raises(ArrearsError, match="None of the keys in ARREARS_ENCRYPTION_KEYS opens"):
        assert_keys_open(engine, Vault(keys))


def test_a_new_key_put_behind_the_old_one_would_lose_the_borrowers_numbers(
    engine: Engine, book: Book
) -> None:
    with pytest.raises(ArrearsError, match="Put new keys in front, and the oldest one last"):
        assert_keys_open(engine, Vault([KEY, NEW]))


def test_a_book_without_a_single_number_asks_for_no_digest(engine: Engine) -> None:
    Book(engine).loan("L-1", phone=None)

    assert_keys_open(engine, Vault([KEY]))
