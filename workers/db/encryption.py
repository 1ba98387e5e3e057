"""Encrypts and decrypts personal data: the only place that does."""

import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import ArrearsError, ReasonedError
from domain.reasons import ReasonCode, because

KEY_ID_LENGTH = 9
"""Hexadecimal digits of a key id. The prefix of an encrypted value then has twelve characters,
which are sixteen whole characters in the base64 of event payloads."""


class Cipher:
    """Encrypts with the first key and decrypts with any of them, so that keys can rotate.

    Keys are Fernet keys: 32 bytes, URL-safe base64. `Cipher.new_key()` makes one. An encrypted
    value starts with the id of its key, so that a query finds the values under an older key.
    """

    def __init__(
        self,
        keys: Sequence[str],
        read_index_key: Callable[[Sequence[str]], bytes | None] | None = None,
    ) -> None:
        """`read_index_key` reads the key of the blind indexes, encrypted with one of the keys whose
        ids it is given; None if none is stored."""
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
            sha256(b"arrears key id" + key.encode()).hexdigest()[:KEY_ID_LENGTH] for key in keys
        )
        """The id of each key, newest first. It reveals nothing about the key."""
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
        """The id of the key that encrypts."""
        return self.key_ids[0]

    def encrypt(self, text: str) -> bytes:
        return token_prefix(self.current_key_id) + self._by_key_id[self.current_key_id].encrypt(
            text.encode()
        )

    def decrypt(self, encrypted: bytes) -> str:
        """The text that was encrypted.

        Raises:
            ArrearsError: none of the keys decrypts it.
        """
        key_id, token = _split(bytes(encrypted))
        key = self._any if key_id is None else self._by_key_id.get(key_id)
        try:
            if key is None:
                raise InvalidToken
            return key.decrypt(token).decode()
        except InvalidToken:
            raise ReasonedError(
                "None of the keys in ARREARS_ENCRYPTION_KEYS decrypts what is stored. Put the key "
                "that encrypted it back at the end of the list, from the copy that is kept apart "
                "from the database. Remove a key only when `arrears keys rotate` says that nothing "
                "is encrypted with it any more.",
                because(ReasonCode.NO_KEY_DECRYPTS, setting="ARREARS_ENCRYPTION_KEYS"),
            ) from None

    def reencrypt(self, encrypted: bytes) -> bytes:
        """The same text, encrypted with the first key.

        Raises:
            ArrearsError: none of the keys decrypts it.
        """
        return self.encrypt(self.decrypt(encrypted))

    def blind_index(self, phone: str) -> bytes:
        """A keyed hash of an E.164 number: equal for equal numbers, useless without the key."""
        if self._index_key is None:
            self._index_key = self._find_index_key()
        return hmac.digest(self._index_key, phone.encode(), "sha256")

    def encrypted_index_keys(self, *, renew: bool = False) -> dict[str, bytes]:
        """The key of the blind indexes, encrypted with each of the keys, by key id.

        With `renew` it is a new one, for a database without blind indexes.
        """
        if renew:
            self._index_key = os.urandom(32)
        elif self._index_key is None:
            self._index_key = self._find_index_key()
        index_key = b64encode(self._index_key)
        return {
            key_id: token_prefix(key_id) + key.encrypt(index_key)
            for key_id, key in self._by_key_id.items()
        }

    def _find_index_key(self) -> bytes:
        stored = self._read_index_key(self.key_ids) if self._read_index_key else None
        if stored is not None:
            return b64decode(self.decrypt(stored))
        # Before it was stored in the database, it was derived from the last key in the list.
        return sha256(b"arrears phone digest" + self._last_key.encode()).digest()


def token_prefix(key_id: str) -> bytes:
    """The start of every value that the key with this id encrypted."""
    return f"k:{key_id}:".encode()


def _split(encrypted: bytes) -> tuple[str | None, bytes]:
    """The key id and the token of an encrypted value; older values have no key id."""
    if not encrypted.startswith(b"k:"):
        return None, encrypted
    return encrypted[2 : 2 + KEY_ID_LENGTH].decode(errors="replace"), encrypted[3 + KEY_ID_LENGTH :]
