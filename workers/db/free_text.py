"""What people typed in words of their own: kept encrypted, opened for who may read it, deleted.

A row that needs such words has the id of the text (`workers/db/schema/free_text.py`). So the words
may be deleted, and the row, which is evidence, stays as it is.
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, insert, select

from domain.errors import ReasonedError
from domain.masking import has_number_of_a_person
from domain.reasons import (
    WORDS_ERASED,
    WORDS_ID,
    WORDS_PARAM,
    Reason,
    ReasonCode,
    Reasons,
    because,
)
from workers.db.encryption import Cipher
from workers.db.inbox import PAYLOAD_DIGEST_KEY
from workers.db.places import place_in_payload, place_of_words
from workers.db.problems import WORDS_HAVE_NUMBER, add_to_problem, contacted_as
from workers.db.schema import free_text

log = logging.getLogger(__name__)

WHY = "why"
"""Events say under this name why something was done, in words of a person …"""

WHY_ENCRYPTED = "why_encrypted"
"""… and are stored with the words encrypted, under this one."""

CAN_PAY = "can_pay_monthly"
"""So does a promise what the person can pay a month …"""

MONTHLY = "monthly"
"""… and a request for a plan what they wish to pay a month."""

KEPT_ELSEWHERE = (WHY, CAN_PAY, MONTHLY)
"""What is kept, once the event is applied, with what it is about, and nowhere in its payload."""

KEPT_ELSEWHERE_KEYS = tuple(key for name in KEPT_ELSEWHERE for key in (name, f"{name}_encrypted"))
"""The names under which a payload may have it: as it was sent, or encrypted."""

TYPED = "typed"
"""Stands in a column that has a code for what the system did, where a person typed words."""


def keep_words(
    connection: Connection,
    cipher: Cipher,
    words: str,
    now: datetime,
    *,
    loan_id: int | None = None,
    borrower_id: int | None = None,
    expires_at: datetime | None = None,
    id: UUID | None = None,
    flagged_on: int | None = None,
) -> UUID:
    """Keep what a person typed; returns its id. One statement.

    It goes with the erasure of its borrower, or of that of its loan, or when it expires. Without
    any of these it is the lender's own, and stays. Words that seem to hold a number of a person are
    a problem of their loan, or of the loan `flagged_on`, for a supervisor: up to two statements
    more.
    """
    id = id or uuid4()
    connection.execute(
        insert(free_text).values(
            id=id,
            loan_id=loan_id,
            borrower_id=borrower_id,
            words_encrypted=cipher.encrypt(words, place_of_words(id)),
            written_at=now,
            expires_at=expires_at,
        )
    )
    if has_number_of_a_person(words):
        _flag(connection, flagged_on or loan_id, borrower_id, now)
    return id


def _flag(
    connection: Connection, loan_id: int | None, borrower_id: int | None, now: datetime
) -> None:
    """Note the problem of the loan, or of the first one of the borrower; nothing of the words."""
    if loan_id is None and borrower_id is not None:
        loan_id = next((each.loan_id for each in contacted_as(connection, borrower_id)), None)
    if loan_id is not None:
        why = because(ReasonCode.WORDS_HAVE_NUMBER, at=now)
        add_to_problem(connection, loan_id, WORDS_HAVE_NUMBER, why, now)


def open_words(
    connection: Connection, cipher: Cipher, ids: Collection[UUID]
) -> dict[UUID, str | None]:
    """What people typed, by the id of the text; None if it does not open. Those that were erased
    are missing.

    Whoever calls it has made sure that the reader may see it.
    """
    if not ids:
        return {}
    found = select(free_text.c.id, free_text.c.words_encrypted).where(free_text.c.id.in_(ids))
    opened: dict[UUID, str | None] = {}
    for row in connection.execute(found):
        try:
            opened[row.id] = cipher.decrypt(row.words_encrypted, place_of_words(row.id))
        except ReasonedError as error:
            # The history of which it is a part must be shown. `arrears keys verify` lists it.
            log.error("free_text %s: %s", row.id, error)
            opened[row.id] = None
    return opened


def words_in(reasons: Reasons) -> set[UUID]:
    """The ids of the texts that reasons refer to."""
    return {UUID(str(each.params[WORDS_ID])) for each in reasons if WORDS_ID in each.params}


def with_words(reasons: Reasons, opened: Mapping[UUID, str | None]) -> Reasons:
    """Reasons with the words of people in them, to be shown and not to be stored."""
    return tuple(
        replace(each, params={**each.params, **_opened(each.params[WORDS_ID], opened)})
        if WORDS_ID in each.params
        else each
        for each in reasons
    )


def without_words(reason: Reason) -> Reason:
    """A reason for who may not read what people typed; an earlier release stored it in there."""
    if WORDS_PARAM not in reason.params:
        return reason
    params = {name: value for name, value in reason.params.items() if name != WORDS_PARAM}
    return replace(reason, params={WORDS_ID: str(UUID(int=0)), **params})


def open_reasons(connection: Connection, cipher: Cipher, reasons: Reasons) -> Reasons:
    """The same, with the words read here."""
    return with_words(reasons, open_words(connection, cipher, words_in(reasons)))


def _opened(stored: object, opened: Mapping[UUID, str | None]) -> dict[str, str]:
    id = UUID(str(stored))
    if id not in opened:
        return {WORDS_ERASED: "true"}
    words = opened[id]
    return {} if words is None else {WORDS_PARAM: words}


def erase_words(connection: Connection, *, loans: Any, borrower_ids: Collection[int]) -> None:
    """Delete what people typed about these loans, which may be a subquery, and these borrowers."""
    for whose in (free_text.c.loan_id.in_(loans), free_text.c.borrower_id.in_(borrower_ids)):
        connection.execute(delete(free_text).where(whose))


def sealed(cipher: Cipher, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload of an event with what a person typed sealed, and with the keyed hash of it, which
    identifies a repeated event. Whoever may not decrypt can do that, too."""
    words = payload.get(WHY)
    return sealed_values(cipher, payload, {WHY: words}) if words else payload


def sealed_values(
    cipher: Cipher, payload: Mapping[str, Any], values: Mapping[str, str]
) -> dict[str, Any]:
    """The payload with these personal values sealed, each as `NAME_encrypted`, and with the keyed
    hash of all of them. An event has one such hash: so they are sealed at once."""
    stored = {name: value for name, value in payload.items() if name not in values}
    stored[PAYLOAD_DIGEST_KEY] = digest_of(cipher, values)
    encrypted = {
        key: b64encode(cipher.seal(value, place_in_payload(key, stored))).decode()
        for key, value in ((f"{name}_encrypted", value) for name, value in values.items())
    }
    return {**stored, **encrypted}


def digest_of(cipher: Cipher, values: Mapping[str, str]) -> str:
    """The keyed hash of values that an event seals."""
    return b64encode(cipher.blind_index(json.dumps(dict(values)))).decode()


def unsealed_value(cipher: Cipher, payload: Mapping[str, Any], name: str) -> str | None:
    """A value that `sealed_values` sealed; None if the payload has none.

    Raises:
        ArrearsError: it does not open.
    """
    key = f"{name}_encrypted"
    encrypted = payload.get(key)
    if encrypted is None:
        return None
    return cipher.unseal(b64decode(encrypted), place_in_payload(key, payload))


def unsealed(cipher: Cipher, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload with what a person typed, to apply it.

    Raises:
        ArrearsError: it does not open.
    """
    words = unsealed_value(cipher, payload, WHY)
    return payload if words is None else {**payload, WHY: words}
