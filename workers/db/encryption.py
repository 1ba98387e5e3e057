"""The one place that seals and opens personal data."""

from __future__ import annotations

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import ArrearsError

KEY_ID_LENGTH = 9
"""Hexadecimal digits of a mark, so that what stands before a sealed value has twelve characters:
those become sixteen in base64, in which events keep sealed values."""


class Cipher:
    """Seals with the first key, opens with any of them, so that keys can rotate.

    Keys are Fernet keys: 32 bytes, URL-safe base64. `Vault.new_key()` makes one. A sealed value
    begins with the mark of its key, so that the database can tell what an older key sealed.
    """

    def __init__(
        self,
        keys: Sequence[str],
        read_index_key: Callable[[Sequence[str]], bytes | None] | None = None,
    ) -> None:
        """`kept_digest_key` finds the key of the digests, sealed with a key of one of the marks
        that it is given; None where none is kept."""
        keys = [key.strip() for key in keys]
        try:
            fernets = [Fernet(key) for key in keys]
        except ValueError:
            raise ArrearsError(
                "ARREARS_ENCRYPTION_KEYS holds something that is not a key. Make one with "
                "`arrears keys new` and put it first in the list."
            ) from None
        if not fernets:
            raise ArrearsError(
                "ARREARS_ENCRYPTION_KEYS is empty. Make a key with `arrears keys new`."
            )
        self.key_ids = tuple(
            sha256(b"arrears mark" + key.encode()).hexdigest()[:KEY_ID_LENGTH] for key in keys
        )
        """A word for each key, newest first, that tells it from others and opens nothing."""
        self._by_key_id = dict(zip(self.key_ids, fernets, strict=True))
        self._any = MultiFernet(fernets)
        self._last_key = keys[-1]
        self._read_index_key = read_index_key
        self._index_key: bytes | None = None

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    @property
    def current_key_id(self) -> str:
        """The mark of the key that seals."""
        return self.key_ids[0]

    def encrypt(self, text: str) -> bytes:
        return token_prefix(self.current_key_id) + self._by_key_id[self.current_key_id].encrypt(
            text.encode()
        )

    def decrypt(self, sealed: bytes) -> str:
        """The text that was sealed.

        Raises:
            ArrearsError: none of the keys fits.
        """
        key_id, token = _parts(bytes(sealed))
        key = self._any if key_id is None else self._by_key_id.get(key_id)
        try:
            if key is None:
                raise InvalidToken
            return key.decrypt(token).decode()
        except InvalidToken:
            raise ArrearsError(
                "None of the keys in ARREARS_ENCRYPTION_KEYS opens what is stored. Put the key "
                "that sealed it back at the end of the list, from the copy that is kept apart from "
                "the database. A key may go only when `arrears keys rotate` says that nothing is "
                "sealed with it any more."
            ) from None

    def reencrypt(self, sealed: bytes) -> bytes:
        """The same text, sealed with the first key.

        Raises:
            ArrearsError: none of the keys fits.
        """
        return self.encrypt(self.decrypt(sealed))

    def blind_index(self, phone: str) -> bytes:
        """A keyed hash of an E.164 number: equal for equal numbers, useless without the key."""
        if self._index_key is None:
            self._index_key = self._find_index_key()
        return hmac.new(self._index_key, phone.encode(), sha256).digest()

    def encrypted_index_keys(self, *, renew: bool = False) -> dict[str, bytes]:
        """The key of the digests, sealed with each of the keys, by its mark.

        With `renew` it is a new one, for a book that holds no digest yet.
        """
        if renew:
            self._index_key = os.urandom(32)
        elif self._index_key is None:
            self._index_key = self._find_index_key()
        told = b64encode(self._index_key)
        return {
            key_id: token_prefix(key_id) + key.encrypt(told)
            for key_id, key in self._by_key_id.items()
        }

    def _find_index_key(self) -> bytes:
        kept = self._read_index_key(self.key_ids) if self._read_index_key else None
        if kept is not None:
            return b64decode(self.decrypt(kept))
        # Before it was kept in the database, the last key in the list told it.
        return sha256(b"arrears phone digest" + self._last_key.encode()).digest()


def token_prefix(key_id: str) -> bytes:
    """How every value begins that the key with this mark sealed."""
    return f"k:{key_id}:".encode()


def _parts(sealed: bytes) -> tuple[str | None, bytes]:
    """The mark of the key that sealed it, and what it sealed; older values have no mark."""
    if not sealed.startswith(b"k:"):
        return None, sealed
    return sealed[2 : 2 + KEY_ID_LENGTH].decode(errors="replace"), sealed[3 + KEY_ID_LENGTH :]
