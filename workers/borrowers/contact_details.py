"""New contact details of a borrower: a number, an address, time zones, a language.

Personal data is encrypted before the event is stored. It is decrypted here only to compute the
blind index of a number.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import phonenumbers
from sqlalchemy import Connection, update

from config.readers.formats import LOCALE, is_zone
from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.events import RejectedError
from domain.persons import same_person_key
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.closed_numbers import resolve_reopened
from workers.db.persons import (
    LockedBorrower,
    end_number_facts,
    lock_known_borrower,
    lock_loans_of_person,
    lock_number,
    note_number_fact,
)
from workers.db.problems import resolve_problems
from workers.db.schema import borrower
from workers.escalation.reassess import reassess
from workers.tapes.borrowers import zones_of_number

RESOLVES = {
    "phone_missing": "phone_encrypted",
    "phone_invalid": "phone_encrypted",  # as a tape wrote it
    "zone_missing": "zones",
}
"""By kind of problem, the column whose new value resolves it."""

CONTACT_CHANGE = Actor("contact_change", ActorKind.SYSTEM)
"""The actor of what the lender's systems say about a number."""


def change_contacts(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Update a borrower's contact details, in the caller's transaction.

    `payload` has the `borrower` and any of `phone_encrypted` and `address_encrypted` (encrypted,
    then base64; the number in E.164), `zones` (IANA), `locale` (BCP 47) and `phone_at_work`. What
    it leaves out stays. What is known of the old number stays with that number. The zone of a new
    number is added to those of the address, because a contact must be lawful in all of them.
    Actions that waited for a number or a zone are checked by the gate again.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: something in it cannot be used.
    """
    now = ctx.now()
    external_id = payload["borrower"]
    record = lock_known_borrower(connection, external_id, "contact_change")
    if record.erased_at is not None:
        raise RejectedError(
            ReasonCode.NO_NEW_CONTACTS_AFTER_ERASURE,
            borrower=external_id,
            on=record.erased_at.astimezone(ctx.settings.lender_zone).date(),
        )
    changed = _changed(ctx, record, payload)
    loans = lock_loans_of_person(connection, record.id)
    connection.execute(
        update(borrower).where(borrower.c.id == record.id).values(**changed, updated_at=now)
    )
    number = changed.get("phone_blind_index", record.phone_blind_index)
    if number is not None:
        _note_at_work(connection, number, payload, now)
    resolved = tuple(kind for kind, column in RESOLVES.items() if column in changed)
    resolve_problems(connection, loans, resolved, now)
    resolve_reopened(connection, loans, now)
    reassess(connection, ctx, loans, now)
    return because(ReasonCode.CONTACTS_UP_TO_DATE, borrower=external_id)


def _changed(ctx: Context, record: LockedBorrower, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that change, with their new values."""
    changed: dict[str, Any] = {}
    zones = tuple(payload.get("zones") or ())
    if unknown := [zone for zone in zones if not is_zone(zone)]:
        raise RejectedError(ReasonCode.ZONES_NOT_KNOWN, zones=unknown)
    if (locale := payload.get("locale")) is not None:
        if not LOCALE.fullmatch(locale):
            raise RejectedError(ReasonCode.LOCALE_UNREADABLE, locale=locale)
        if not ctx.templates.has_locale(locale):
            written = sorted(ctx.templates.locales())
            raise RejectedError(ReasonCode.LOCALE_WITHOUT_TEMPLATES, locale=locale, known=written)
        changed["locale"] = locale
    if (address := payload.get("address_encrypted")) is not None:
        changed["address_encrypted"] = b64decode(address)
    if (phone := payload.get("phone_encrypted")) is not None:
        encrypted = b64decode(phone)
        number = ctx.cipher.decrypt(encrypted)
        name = ctx.cipher.decrypt(cast(bytes, record.name_encrypted))  # it is not erased
        changed |= {
            "phone_encrypted": encrypted,
            "phone_blind_index": ctx.cipher.blind_index(number),
            "identity_digest": ctx.cipher.blind_index(same_person_key(name, number)),
        }
        zones = _with_zone_of(number, zones or tuple(record.zones))
    if zones:
        changed["zones"] = list(zones)
    return changed


def _note_at_work(
    connection: Connection, blind_index: bytes, payload: Mapping[str, Any], now: datetime
) -> None:
    """Whether the number belongs to a place of work; without a word about it, nothing changes."""
    number = lock_number(connection, blind_index)
    match payload.get("phone_at_work"):
        case True:
            note_number_fact(connection, number, NumberFact.AT_WORK, CONTACT_CHANGE, now)
        case False:
            end_number_facts(connection, number, {NumberFact.AT_WORK}, CONTACT_CHANGE, now)


def _with_zone_of(number: str, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones of the address, with that of the number; without an address, no zones."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        raise RejectedError(ReasonCode.NUMBER_NOT_IN_USE)
    if not zones:
        return ()
    return tuple(dict.fromkeys((*zones, *zones_of_number(parsed))))
