"""New contact details of a borrower: a number, an address, time zones, a language.

Personal data is encrypted before the event is stored. It is decrypted here only to compute the
blind index of a number.
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import phonenumbers
from sqlalchemy import Connection, select, update

from config.readers.formats import LOCALE, is_zone
from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.events import RejectedError
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
from workers.db.problems import note_problem, resolve_problems
from workers.db.same_person import join_same_identity, lock_namesakes
from workers.db.schema import borrower, loan
from workers.escalation.reassess import reassess
from workers.tapes.borrowers import zones_of_number

RESOLVES = {
    "phone_missing": "phone_encrypted",
    "phone_invalid": "phone_encrypted",  # as a tape wrote it
    "address_missing": "address_encrypted",
    "zone_missing": "zones",
}
"""By kind of problem, the column whose new value resolves it."""

MISSING = {
    "phone_missing": ("phone_encrypted", ReasonCode.PHONE_REMOVED),
    "address_missing": ("address_encrypted", ReasonCode.ADDRESS_REMOVED),
}
"""By kind of problem, the column that is empty now, and why."""

CONTACT_CHANGE = Actor("contact_change", ActorKind.SYSTEM)
"""The actor of what the lender's systems say about a number."""


def change_contacts(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Update a borrower's contact details, in the caller's transaction.

    `payload` has the `borrower` and any of `phone_encrypted` and `address_encrypted` (encrypted,
    then base64; the number in E.164; null removes it), `zones` (IANA), `locale` (BCP 47) and
    `phone_at_work`. What it leaves out stays. What is known of the old number stays with that
    number. The zone of a new number is added to those of the address, because a contact must be
    lawful in all of them. Whoever has the same name and the new number is the same person from now
    on. Actions that waited for a number or a zone are checked by the gate again.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: something in it cannot be used.
    """
    now = ctx.now()
    external_id = payload["borrower"]
    number = _new_number(ctx, payload)
    if number is not None:
        lock_namesakes(connection, external_id, ctx.cipher.blind_index(number))
    record = lock_known_borrower(connection, external_id, "contact_change")
    if record.erased_at is not None:
        raise RejectedError(
            ReasonCode.NO_NEW_CONTACTS_AFTER_ERASURE,
            borrower=external_id,
            on=record.erased_at.astimezone(ctx.settings.lender_zone).date(),
        )
    changed = _changed(ctx, record, payload, number)
    connection.execute(
        update(borrower).where(borrower.c.id == record.id).values(**changed, updated_at=now)
    )
    if number is not None:
        join_same_identity(connection, [record.id], now)
    loans = lock_loans_of_person(connection, record.id)
    blind_index = changed.get("phone_blind_index", record.phone_blind_index)
    if blind_index is not None:
        _note_at_work(connection, blind_index, payload, now)
    own_loans = select(loan.c.id).where(loan.c.borrower_id == record.id)
    own = list(connection.execute(own_loans).scalars())
    resolved = tuple(kind for kind, column in RESOLVES.items() if changed.get(column) is not None)
    resolve_problems(connection, own, resolved, now)
    for kind, (column, missing) in MISSING.items():
        if column in changed and changed[column] is None:
            for id in own:
                note_problem(connection, id, kind, because(missing), now)
    resolve_reopened(connection, loans, now)
    reassess(connection, ctx, loans, now)
    return because(ReasonCode.CONTACTS_UP_TO_DATE, borrower=external_id)


def _new_number(ctx: Context, payload: Mapping[str, Any]) -> str | None:
    encrypted = payload.get("phone_encrypted")
    return ctx.cipher.decrypt(b64decode(encrypted)) if encrypted is not None else None


def _changed(
    ctx: Context, record: LockedBorrower, payload: Mapping[str, Any], number: str | None
) -> dict[str, Any]:
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
    for name in ("address_encrypted", "phone_encrypted"):
        if name in payload:
            changed[name] = b64decode(payload[name]) if payload[name] is not None else None
    if "phone_encrypted" in payload:
        changed["phone_blind_index"] = ctx.cipher.blind_index(number) if number else None
    if number is not None:
        zones = with_zone_of(number, zones or tuple(record.zones))
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


def with_zone_of(number: str, zones: tuple[str, ...]) -> tuple[str, ...]:
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
