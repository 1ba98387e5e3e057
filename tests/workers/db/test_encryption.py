"""Only the keys in the list decrypt what is stored, also while the list changes."""

import pytest

from domain.errors import ArrearsError
from workers.db.encryption import Cipher

NAME = "Lin Example 林"
PHONE = "+8613800138000"
HERE = b"borrower.name_encrypted\0B-1"
OLD, NEW = Cipher.new_key(), Cipher.new_key()


def test_what_was_encrypted_is_decrypted_again_and_does_not_show_meanwhile() -> None:
    cipher = Cipher([OLD])

    sealed = cipher.encrypt(NAME, HERE)

    assert NAME.encode() not in sealed
    assert cipher.decrypt(sealed, HERE) == NAME


def test_the_same_text_never_looks_the_same_twice() -> None:
    cipher = Cipher([OLD])

    assert cipher.encrypt(NAME, HERE) != cipher.encrypt(NAME, HERE)


def test_an_encrypted_value_is_decrypted_as_the_database_driver_hands_it_over() -> None:
    cipher = Cipher([OLD])

    assert cipher.decrypt(memoryview(cipher.encrypt(NAME, HERE)), HERE) == NAME  # type: ignore[arg-type]


def test_with_a_new_key_in_front_values_of_the_old_one_are_still_decrypted() -> None:
    sealed = Cipher([OLD]).encrypt(NAME, HERE)

    assert Cipher([NEW, OLD]).decrypt(sealed, HERE) == NAME


def test_the_key_in_front_encrypts_and_the_old_one_alone_does_not_decrypt_it() -> None:
    sealed = Cipher([NEW, OLD]).encrypt(NAME, HERE)

    assert Cipher([NEW]).decrypt(sealed, HERE) == NAME
    with pytest.raises(ArrearsError):
        Cipher([OLD]).decrypt(sealed, HERE)


def test_a_value_that_no_key_opens_is_refused_in_a_sentence_without_the_value() -> None:
    sealed = Cipher([OLD]).encrypt(NAME, HERE)

    with pytest.raises(ArrearsError, match="None of the keys in ARREARS_ENCRYPTION_KEYS") as error:
        Cipher([NEW]).decrypt(sealed, HERE)

    said = str(error.value)
    assert said.endswith(".")
    assert "Put the key that encrypted it back at the end of the list" in said
    for secret in (NAME, sealed.hex(), OLD, NEW):
        assert secret not in said
    assert error.value.__suppress_context__, "a traceback would not show more"


@pytest.mark.parametrize("cut", [0, 40, -1])
def test_a_value_that_was_damaged_is_refused_and_not_guessed(cut: int) -> None:
    cipher = Cipher([OLD])

    with pytest.raises(ArrearsError):
        cipher.decrypt(cipher.encrypt(NAME, HERE)[:cut], HERE)


def test_numbers_are_found_again_while_keys_rotate_from_the_front() -> None:
    digest = Cipher([OLD]).blind_index(PHONE)

    assert Cipher([NEW, OLD]).blind_index(PHONE) == digest
    assert Cipher([Cipher.new_key(), NEW, OLD]).blind_index(PHONE) == digest
    assert Cipher([OLD]).blind_index("+8613800138001") != digest


def test_without_the_last_key_nobody_can_make_a_blind_index() -> None:
    assert Cipher([NEW]).blind_index(PHONE) != Cipher([OLD]).blind_index(PHONE)


@pytest.mark.parametrize(
    ("keys", "says"),
    [([], "is empty"), (["hunter2"], "is not a key"), ([OLD, "hunter2"], "is not a key")],
)
def test_a_list_that_holds_no_usable_keys_is_refused_without_showing_it(
    keys: list[str], says: str
) -> None:
    with pytest.raises(ArrearsError, match=says) as error:
        Cipher(keys)

    assert "`arrears keys new`" in str(error.value)
    assert "hunter2" not in str(error.value)
