"""New contact details of a borrower: a number, an address, time zones, a language.

Personal data is encrypted before the event is stored. It is decrypted here only to compute the
blind index of a number.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import phonenumbers
from sqlalchemy import Connection, select, update

from config.readers.formats import LOCALE, is_zone
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.problems import resolve_problems
from workers.db.schema import borrower, loan
from workers.escalation.reassess import reassess
from workers.tapes.borrowers import zones_of_number

RESOLVES = {
    "phone_missing": "phone_encrypted",
    "phone_invalid": "phone_encrypted",
    "zone_missing": "zones",
}
"""By kind of problem, the column whose new value resolves it."""


def change_contacts(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Update a borrower's contact details, in the caller's transaction.

    `payload` has the `borrower` and any of `phone_encrypted` and `address_encrypted` (encrypted,
    then base64; the number in E.164), `zones` (IANA), `locale` (BCP 47) and `phone_at_work`. What
    it leaves out stays. A new number counts as the borrower's own and as valid. The zone of a new
    number is added to those of the address, because a contact must be lawful in all of them.
    Actions that waited for a number or a zone are checked by the gate again.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: something in it cannot be used.
    """
    now = ctx.now()
    external_id = payload["borrower"]
    person = connection.execute(
        select(borrower.c.id, borrower.c.zones, borrower.c.erased_at)
        .where(borrower.c.external_id == external_id)
        .with_for_update()
    ).one_or_none()
    if person is None:
        raise NotYetError(
            ReasonCode.BORROWER_NOT_KNOWN, borrower=external_id, event="contact_change"
        )
    if person.erased_at is not None:
        raise RejectedError(
            ReasonCode.NO_NEW_CONTACTS_AFTER_ERASURE,
            borrower=external_id,
            on=person.erased_at.astimezone(ctx.settings.lender_zone).date(),
        )
    changed = _changed(ctx, tuple(person.zones), payload)
    loans = list(
        connection.execute(
            select(loan.c.id)
            .where(loan.c.borrower_id == person.id)
            .order_by(loan.c.id)
            .with_for_update()
        ).scalars()
    )
    connection.execute(
        update(borrower).where(borrower.c.id == person.id).values(**changed, updated_at=now)
    )
    resolved = tuple(kind for kind, column in RESOLVES.items() if column in changed)
    resolve_problems(connection, loans, resolved, now)
    reassess(connection, ctx, loans, now)
    return because(ReasonCode.CONTACTS_UP_TO_DATE, borrower=external_id)


def _changed(
    ctx: Context, known_zones: tuple[str, ...], payload: Mapping[str, Any]
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
    if (address := payload.get("address_encrypted")) is not None:
        changed["address_encrypted"] = b64decode(address)
    if (phone := payload.get("phone_encrypted")) is not None:
        encrypted = b64decode(phone)
        number = ctx.cipher.decrypt(encrypted)
        changed |= {
            "phone_encrypted": encrypted,
            "phone_blind_index": ctx.cipher.blind_index(number),
            "phone_at_work": False,
            "phone_invalid_at": None,
        }
        zones = _with_zone_of(number, zones or known_zones)
    if (at_work := payload.get("phone_at_work")) is not None:
        changed["phone_at_work"] = at_work
    if zones:
        changed["zones"] = list(zones)
    return changed


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
