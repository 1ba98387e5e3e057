"""The one place that seals and opens personal data."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from domain.errors import ArrearsError


class Vault:
    """Seals with the first key, opens with any of them, so that keys can rotate.

    Keys are Fernet keys: 32 bytes, URL-safe base64. `Vault.new_key()` makes one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            fernets = [Fernet(key.strip()) for key in keys]
        except ValueError:
            raise ArrearsError(
                "ARREARS_ENCRYPTION_KEYS holds something that is not a key. Make one with "
                "`arrears new-key` and put it first in the list."
            ) from None
        if not fernets:
            raise ArrearsError(
                "ARREARS_ENCRYPTION_KEYS is empty. Make a key with `arrears new-key`."
            )
        self._fernet = MultiFernet(fernets)
        # The last key stays longest while keys rotate from the front.
        self._digest_key = sha256(b"arrears phone digest" + keys[-1].strip().encode()).digest()

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """The text that was sealed.

        Raises:
            ArrearsError: none of the keys fits.
        """
        try:
            return self._fernet.decrypt(bytes(sealed)).decode()
        except InvalidToken:
            raise ArrearsError(
                "None of the keys in ARREARS_ENCRYPTION_KEYS opens what is stored. Put the key "
                "that sealed it back at the end of the list, from the copy that is kept apart from "
                "the database. A new key goes in front, and those before it stay: what they sealed "
                "is not sealed anew."
            ) from None

    def digest(self, phone: str) -> bytes:
        """A keyed hash of an E.164 number: equal for equal numbers, useless without the key."""
        return hmac.new(self._digest_key, phone.encode(), sha256).digest()
