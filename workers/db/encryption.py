"""Encrypts and decrypts personal data: the only place that does.

A value is encrypted with AES-256-GCM. Its place (`workers/db/places.py`: table, column and row) is
the associated data, so that a value which is moved to another place does not open. The first bytes
of a value say how it was encrypted, and with which key:

    b:KEY_ID:  bound to its place
    s:KEY_ID:  sealed with a public key, by a process that cannot decrypt; also bound
    k:KEY_ID:  Fernet, by an earlier release: not bound. Values without a prefix are older still.

What is not bound opens until `arrears keys rotate`, or the task that does it in the background, has
encrypted everything again. Then the key of the blind indexes is stored bound, too: by that every
process knows that it must refuse what is not bound.
"""

import hmac
import os
import time
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import ArrearsError, ReasonedError
from domain.reasons import ReasonCode, because
from workers.db.places import place_of_index_key

KEY_ID_LENGTH = 9
"""Hexadecimal digits of a key id. The prefix of an encrypted value then has twelve characters,
which are sixteen whole characters in the base64 of event payloads."""

PREFIX_LENGTH = KEY_ID_LENGTH + 3
NONCE_LENGTH = 12
"""Random for each value: a key may encrypt 2^32 values, then it must be replaced."""

PUBLIC_KEY_LENGTH = 32
_BOUND, _SEALED, _UNBOUND = b"b:", b"s:", b"k:"
WEBHOOK_KEY = "webhook-1"
"""The first part of a webhook key."""

ASK_AGAIN_AFTER = 30.0
"""Seconds after which the database is asked again whether values that are not bound are refused.
"""


@dataclass(frozen=True, slots=True)
class _Key:
    """What is derived from one key of the list."""

    fernet: Fernet
    aes: AESGCM
    private: X25519PrivateKey
    public: bytes


class Cipher:
    """Encrypts with the first key and decrypts with any of them, so that keys can rotate.

    Keys are 32 bytes, URL-safe base64. `Cipher.new_key()` makes one. An encrypted value starts with
    the id of its key, so that a query finds the values under an older key.
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
            derived = [_derive(key) for key in keys]
        except ValueError:
            raise ArrearsError(
                "ARREARS_ENCRYPTION_KEYS holds something that is not a key. Make one with "
                "`arrears keys new` and put it first in the list."
            ) from None
        if not derived:
            raise ArrearsError(
                "ARREARS_ENCRYPTION_KEYS is empty. Make a key with `arrears keys new`."
            )
        self.key_ids = tuple(
            sha256(b"arrears key id" + key.encode()).hexdigest()[:KEY_ID_LENGTH] for key in keys
        )
        """The id of each key, newest first. It reveals nothing about the key."""
        self._by_key_id = dict(zip(self.key_ids, derived, strict=True))
        self._any = MultiFernet([key.fernet for key in derived])
        self._last_key = keys[-1]
        self._read_index_key = read_index_key
        self._index_key: bytes | None = None
        self._refuses_unbound = False
        self._ask_again_at = 0.0

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    @property
    def current_key_id(self) -> str:
        """The id of the key that encrypts."""
        return self.key_ids[0]

    @property
    def can_decrypt(self) -> bool:
        return True

    def assert_can_decrypt(self) -> None:
        """Check it where the work begins.

        Raises:
            ArrearsError: this process has a webhook key only.
        """
        if not self.can_decrypt:
            _refuse_to_decrypt()

    def encrypt(self, text: str, place: bytes) -> bytes:
        """The text, encrypted so that it opens in this place only."""
        return self._encrypt(self.current_key_id, text, place)

    def seal(self, text: str, place: bytes) -> bytes:
        """The text encrypted for the payload of an event, so that it opens in this place only.

        Whoever may not decrypt seals it with the public key.
        """
        return self.encrypt(text, place)

    def decrypt(self, encrypted: bytes, place: bytes) -> str:
        """The text that was encrypted.

        Raises:
            ArrearsError: none of the keys decrypts it, or it does not belong in this place.
        """
        encrypted = bytes(encrypted)
        if encrypted.startswith(_BOUND):
            key, secret = self._key_of(encrypted)
            try:
                return key.aes.decrypt(secret[:NONCE_LENGTH], secret[NONCE_LENGTH:], place).decode()
            except (InvalidTag, ValueError):
                _refuse_moved()
        if encrypted.startswith(_SEALED) or not self._accepts_unbound():
            _refuse_moved()
        try:
            if not encrypted.startswith(_UNBOUND):
                return self._any.decrypt(encrypted).decode()
            key, secret = self._key_of(encrypted)
            return key.fernet.decrypt(secret).decode()
        except InvalidToken:
            _refuse_without_key()

    def unseal(self, encrypted: bytes, place: bytes) -> str:
        """The text that was encrypted or sealed, for the payload of an event.

        Everybody who has the public key can seal. So what is sealed counts in the payload of an
        event only, where the process that has the key puts it.

        Raises:
            ArrearsError: as `decrypt`.
        """
        encrypted = bytes(encrypted)
        if not encrypted.startswith(_SEALED):
            return self.decrypt(encrypted, place)
        key, secret = self._key_of(encrypted)
        from_public, boxed = secret[:PUBLIC_KEY_LENGTH], secret[PUBLIC_KEY_LENGTH:]
        try:
            shared = key.private.exchange(X25519PublicKey.from_public_bytes(from_public))
            box = _box(shared, from_public, key.public)
            return box.decrypt(bytes(NONCE_LENGTH), boxed, place).decode()
        except (InvalidTag, ValueError):
            _refuse_moved()

    def blind_index(self, phone: str) -> bytes:
        """A keyed hash of an E.164 number: equal for equal numbers, useless without the key."""
        if self._index_key is None:
            self._index_key = self._find_index_key()
        return hmac.digest(self._index_key, phone.encode(), "sha256")

    def derived_key(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose. It never changes, as that of the blind indexes."""
        if self._index_key is None:
            self._index_key = self._find_index_key()
        return hmac.digest(self._index_key, f"arrears key: {purpose}".encode(), "sha256")

    def encrypted_index_keys(self, *, bound: bool, renew: bool = False) -> dict[str, bytes]:
        """The key of the blind indexes, encrypted with each of the keys, by key id.

        `bound` says that no value is left that is not bound: from then on they are refused. With
        `renew` it is a new one, for a database without blind indexes.
        """
        if renew:
            self._index_key = os.urandom(32)
        elif self._index_key is None:
            self._index_key = self._find_index_key()
        index_key = b64encode(self._index_key).decode()
        if bound:
            return {
                key_id: self._encrypt(key_id, index_key, place_of_index_key(key_id))
                for key_id in self.key_ids
            }
        return {
            key_id: _prefix(_UNBOUND, key_id) + key.fernet.encrypt(index_key.encode())
            for key_id, key in self._by_key_id.items()
        }

    def webhook_key(self) -> str:
        """What a process needs that stores events and cannot decrypt: the public key of the first
        key, to seal, and the key of the blind indexes, to find who has a number."""
        self.blind_index("")
        public = self._by_key_id[self.current_key_id].public
        parts = (urlsafe_b64encode(part).decode() for part in (public, self._index_key or b""))
        return ".".join((WEBHOOK_KEY, self.current_key_id, *parts))

    def _encrypt(self, key_id: str, text: str, place: bytes) -> bytes:
        nonce = os.urandom(NONCE_LENGTH)
        secret = self._by_key_id[key_id].aes.encrypt(nonce, text.encode(), place)
        return _prefix(_BOUND, key_id) + nonce + secret

    def _key_of(self, encrypted: bytes) -> tuple[_Key, bytes]:
        """The key of a value with a prefix, and what follows the prefix."""
        key_id = encrypted[2 : PREFIX_LENGTH - 1].decode(errors="replace")
        key = self._by_key_id.get(key_id)
        if key is None:
            _refuse_without_key()
        return key, encrypted[PREFIX_LENGTH:]

    def _accepts_unbound(self) -> bool:
        if not self._refuses_unbound and self._read_index_key is not None:
            now = time.monotonic()
            if now >= self._ask_again_at:
                self._ask_again_at = now + ASK_AGAIN_AFTER
                self._refuses_unbound = is_bound(self._read_index_key(self.key_ids))
        return not self._refuses_unbound

    def _find_index_key(self) -> bytes:
        stored = self._read_index_key(self.key_ids) if self._read_index_key else None
        if stored is not None:
            self._refuses_unbound = is_bound(stored)
            key_id = bytes(stored)[2 : PREFIX_LENGTH - 1].decode(errors="replace")
            return b64decode(self.decrypt(stored, place_of_index_key(key_id)))
        # Before it was stored in the database, it was derived from the last key in the list.
        return sha256(b"arrears phone digest" + self._last_key.encode()).digest()


class SealingCipher(Cipher):
    """Seals what comes in and finds who has a number, and can decrypt nothing: for a webhook."""

    def __init__(self, webhook_key: str) -> None:
        """`webhook_key` is what `Cipher.webhook_key` gives."""
        try:
            kind, key_id, public, index_key = webhook_key.split(".")
            self._public = urlsafe_b64decode(public)
            self._index_key = urlsafe_b64decode(index_key)
            self._recipient = X25519PublicKey.from_public_bytes(self._public)
        except ValueError:
            kind, key_id = "", ""
        if kind != WEBHOOK_KEY or len(key_id) != KEY_ID_LENGTH or len(self._index_key or b"") != 32:
            raise ArrearsError(
                "ARREARS_WEBHOOK_KEY is not a webhook key. Print it with `arrears keys webhook`, "
                "where the encryption keys are."
            )
        self.key_ids = (key_id,)

    @property
    def can_decrypt(self) -> bool:
        return False

    def seal(self, text: str, place: bytes) -> bytes:
        own = X25519PrivateKey.generate()
        from_public = own.public_key().public_bytes_raw()
        box = _box(own.exchange(self._recipient), from_public, self._public)
        # The key is used for this value only, so the nonce need not differ.
        boxed = box.encrypt(bytes(NONCE_LENGTH), text.encode(), place)
        return _prefix(_SEALED, self.current_key_id) + from_public + boxed

    def encrypt(self, text: str, place: bytes) -> bytes:
        _refuse_to_decrypt()

    def decrypt(self, encrypted: bytes, place: bytes) -> str:
        _refuse_to_decrypt()

    def unseal(self, encrypted: bytes, place: bytes) -> str:
        _refuse_to_decrypt()

    def encrypted_index_keys(self, *, bound: bool, renew: bool = False) -> dict[str, bytes]:
        _refuse_to_decrypt()

    def webhook_key(self) -> str:
        _refuse_to_decrypt()


def bound_prefix(key_id: str) -> bytes:
    """The start of every value that the key with this id encrypted and that is bound."""
    return _prefix(_BOUND, key_id)


def sealed_prefix(key_id: str) -> bytes:
    """The start of every value that was sealed for the key with this id."""
    return _prefix(_SEALED, key_id)


def is_bound(encrypted: bytes | None) -> bool:
    return encrypted is not None and bytes(encrypted).startswith(_BOUND)


def _prefix(form: bytes, key_id: str) -> bytes:
    return form + key_id.encode() + b":"


def _derive(key: str) -> _Key:
    """What the key is used for, each with a secret of its own.

    Raises:
        ValueError: it is not a key.
    """
    secret = urlsafe_b64decode(key)
    private = X25519PrivateKey.from_private_bytes(_hkdf(secret, b"arrears x25519"))
    return _Key(
        fernet=Fernet(key),
        aes=AESGCM(_hkdf(secret, b"arrears aes-256-gcm")),
        private=private,
        public=private.public_key().public_bytes_raw(),
    )


def _hkdf(secret: bytes, info: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(secret)


def _box(shared: bytes, from_public: bytes, to_public: bytes) -> AESGCM:
    return AESGCM(_hkdf(shared, b"arrears sealed value", from_public + to_public))


def _refuse_without_key() -> NoReturn:
    raise ReasonedError(
        "None of the keys in ARREARS_ENCRYPTION_KEYS decrypts what is stored. Put the key "
        "that encrypted it back at the end of the list, from the copy that is kept apart "
        "from the database. Remove a key only when `arrears keys rotate` says that nothing "
        "is encrypted with it any more.",
        because(ReasonCode.NO_KEY_DECRYPTS, setting="ARREARS_ENCRYPTION_KEYS"),
    ) from None


def _refuse_moved() -> NoReturn:
    raise ReasonedError(
        "An encrypted value does not open where it is stored: it was changed, or moved there from "
        "another row. `arrears keys verify` says where. Restore the row from a backup, and find "
        "out who can write to the database.",
        because(ReasonCode.VALUE_OUT_OF_PLACE),
    ) from None


def _refuse_to_decrypt() -> NoReturn:
    raise ArrearsError(
        "This process has ARREARS_WEBHOOK_KEY only and cannot decrypt. What has to needs "
        "ARREARS_ENCRYPTION_KEYS."
    )
