"""New contact details of a borrower: a number, an address, time zones, a language.

Personal data is encrypted before the event is stored. It is decrypted here only to compute the
blind index of a number or an address.
"""

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers
from sqlalchemy import Connection, update

from config.readers.formats import LOCALE, is_zone
from domain.actors import Actor, ActorKind
from domain.contact_points import NumberFact
from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.contact_points import end_number_facts, lock_number, note_number_fact
from workers.db.encryption import Cipher
from workers.db.numbers import (
    address_point,
    blind_indexes_of,
    forget_points,
    numbers_of,
    points_of,
    set_numbers,
)
from workers.db.persons import LockedBorrower, lock_known_borrower, lock_loans_of_person
from workers.db.places import place_in_payload, place_of_address
from workers.db.presumed_links import join_same_identity, lock_namesakes
from workers.db.problems import (
    FoundProblem,
    contacted_as,
    note_problems,
    resolve_problems_with,
)
from workers.db.schema import borrower
from workers.escalation.reassess import reassess
from workers.tapes.numbers import zones_of_number

RESOLVES = {
    "phone_missing": "numbers",
    "phone_invalid": "numbers",  # as a tape wrote it
    "address_missing": "address_encrypted",
    "zone_missing": "zones",
}
"""By kind of problem, what resolves it if it is there now."""

MISSING = {
    "phone_missing": ("numbers", ReasonCode.PHONE_REMOVED),
    "address_missing": ("address_encrypted", ReasonCode.ADDRESS_REMOVED),
}
"""By kind of problem, what is missing now, and why."""

Numbers = list[tuple[str, int | None]]
"""As `workers.db.numbers.set_numbers` takes them."""

CONTACT_CHANGE = Actor("contact_change", ActorKind.SYSTEM)
"""The actor of what the lender's systems say about a number."""


def change_contacts(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
    """Update a borrower's contact details, in the caller's transaction.

    `payload` has the `borrower` and any of these: `phone_encrypted`, `phones_encrypted` or
    `another_phone_encrypted`, `address_encrypted` (encrypted, then base64), `zones` (IANA),
    `locale` (BCP 47), `phone_at_work` and `actor`. What it leaves out stays. `phone` is a number
    in E.164 that stands instead of the first one; null removes the first one. `phones` is a JSON
    list of all numbers in order, and `another_phone` one more. What is known of an old number stays
    with that number. The zone of a new number is added to those of the address, because a contact
    must be lawful in all of them. Whoever has the same name and a new number is the same person
    from now on. Actions that waited for a number or a zone are checked by the gate again.

    Raises:
        NotYetError: the borrower is not known, or it brings a number while a tape is imported.
        RejectedError: something in it cannot be used.
    """
    now = ctx.now()
    external_id = payload["borrower"]
    given = _given_numbers(ctx.cipher, payload)
    address = _given_address(ctx.cipher, payload)
    if given:
        hashes = [ctx.cipher.blind_index(number) for number in given]
        lock_namesakes(connection, external_id, hashes)
    record = lock_known_borrower(connection, external_id, "contact_change")
    if record.erased_at is not None:
        raise RejectedError(
            ReasonCode.NO_NEW_CONTACTS_AFTER_ERASURE,
            borrower=external_id,
            on=record.erased_at.astimezone(ctx.settings.lender_zone).date(),
        )
    had = points_of(connection, [record.id])
    known = [] if given is None else numbers_of(connection, ctx.cipher, record.id)
    numbers = None if given is None else _numbers(known, payload, given)
    changed = _changed(connection, ctx, record, payload, given or (), address)
    is_new = _is_new(ctx, record, changed, address)
    connection.execute(
        update(borrower).where(borrower.c.id == record.id).values(**changed, updated_at=now)
    )
    if numbers is not None:
        set_numbers(connection, ctx.cipher, record.id, record.external_id, numbers)
        changed["numbers"] = numbers
        is_new |= list(dict(numbers)) != list(dict(known))
    if given:
        join_same_identity(connection, [record.id], now)
    loans = lock_loans_of_person(connection, record.id)
    if first := blind_indexes_of(connection, record.id)[:1]:
        is_new |= _note_at_work(connection, first[0], payload, now)
    forget_points(connection, had)
    resolved = tuple(kind for kind, what in RESOLVES.items() if changed.get(what))
    resolve_problems_with(connection, [record.id], resolved, now)
    missing = {
        kind: why for kind, (what, why) in MISSING.items() if what in changed and not changed[what]
    }
    _note_missing(connection, record, missing, now)
    reassess(connection, ctx, loans, now)
    code = ReasonCode.CONTACTS_UP_TO_DATE if is_new else ReasonCode.CONTACTS_KNOWN
    return because(code, borrower=external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOrder:
    """The numbers of a borrower in another order."""

    borrower: str
    order: tuple[int, ...]
    """Their places now, from 1, in the new order. A number that is left out is removed."""
    actor: str
    """The staff reference of who said so."""


def order_numbers(connection: Connection, ctx: Context, new: NumberOrder) -> Reasons:
    """Put the numbers of a borrower into another order, in the caller's transaction.

    What is known of a number that is removed stays with the number. What waited for another number
    is checked by the gate again.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: there is no number at one of the places.
    """
    now = ctx.now()
    record = lock_known_borrower(connection, new.borrower, "number_order")
    had = points_of(connection, [record.id])
    known = numbers_of(connection, ctx.cipher, record.id)
    removed = sorted(set(range(1, len(known) + 1)) - set(new.order))
    if new.order == tuple(range(1, len(known) + 1)):
        return because(ReasonCode.NUMBERS_ORDER_KNOWN, borrower=new.borrower, numbers=len(known))
    for place in new.order:
        if place > len(known):
            raise RejectedError(
                ReasonCode.NO_SUCH_NUMBER, borrower=new.borrower, numbers=len(known), place=place
            )
    in_order = [known[place - 1] for place in new.order]
    set_numbers(connection, ctx.cipher, record.id, record.external_id, in_order)
    forget_points(connection, had)
    connection.execute(update(borrower).where(borrower.c.id == record.id).values(updated_at=now))
    loans = lock_loans_of_person(connection, record.id)
    if not new.order:
        _note_missing(connection, record, {"phone_missing": ReasonCode.PHONE_REMOVED}, now)
    reassess(connection, ctx, loans, now)
    done = because(ReasonCode.NUMBERS_IN_ORDER, borrower=new.borrower, numbers=len(new.order))
    if removed:
        done += because(ReasonCode.NUMBERS_REMOVED, places=removed)
    return done


def _note_missing(
    connection: Connection,
    record: LockedBorrower,
    missing: Mapping[str, ReasonCode],
    now: datetime,
) -> None:
    """Record what is missing, by kind of problem, on every loan about which they are contacted."""
    if missing:
        found = [
            FoundProblem(whose, kind, because(why))
            for whose in contacted_as(connection, record.id)
            for kind, why in missing.items()
        ]
        note_problems(connection, found, now)


def _given_numbers(cipher: Cipher, payload: Mapping[str, Any]) -> list[str] | None:
    """The numbers of an event; None if it has nothing about numbers."""
    if all_of_them := read_encrypted(cipher, "phones_encrypted", payload):
        numbers: list[str] = json.loads(all_of_them)
        return numbers
    if another := read_encrypted(cipher, "another_phone_encrypted", payload):
        return [another]
    if "phone_encrypted" not in payload:
        return None
    number = read_encrypted(cipher, "phone_encrypted", payload)
    return [] if number is None else [number]


def _given_address(cipher: Cipher, payload: Mapping[str, Any]) -> str | None:
    return read_encrypted(cipher, "address_encrypted", payload)


def read_encrypted(cipher: Cipher, name: str, payload: Mapping[str, Any]) -> str | None:
    """The value of an event under this name, decrypted; None if it has none."""
    if (encrypted := payload.get(name)) is None:
        return None
    return cipher.unseal(b64decode(encrypted), place_in_payload(name, payload))


def _numbers(known: Numbers, payload: Mapping[str, Any], given: Sequence[str]) -> Numbers:
    """The numbers that a record has from now on. Each stays the tape's number that it was."""
    if "phones_encrypted" in payload:
        return [(number, dict(known).get(number)) for number in given]
    if "another_phone_encrypted" in payload:
        return [*known, *((number, None) for number in given)]
    # The first number is replaced, and stands where a tape would change it.
    tape_field = known[0][1] if known else 1
    return [*((number, tape_field) for number in given), *known[1:]]


def _changed(
    connection: Connection,
    ctx: Context,
    record: LockedBorrower,
    payload: Mapping[str, Any],
    numbers: Sequence[str],
    address: str | None,
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
    if "address_encrypted" in payload:
        place = place_of_address(record.external_id)
        changed["address_encrypted"] = address and ctx.cipher.encrypt(address, place)
        changed["address_point_id"] = address and address_point(connection, ctx.cipher, address)
    for number in numbers:
        zones = with_zone_of(number, zones or tuple(record.zones))
    if zones:
        changed["zones"] = list(zones)
    return changed


def _is_new(
    ctx: Context, record: LockedBorrower, changed: Mapping[str, Any], address: str | None
) -> bool:
    """Whether any of these columns says something else than the record does."""
    for name, value in changed.items():
        if name == "address_encrypted":
            had, place = record.address_encrypted, place_of_address(record.external_id)
            if (had and ctx.cipher.decrypt(had, place)) != address:
                return True
        elif name != "address_point_id" and value != getattr(record, name):
            return True
    return False


def _note_at_work(
    connection: Connection, blind_index: bytes, payload: Mapping[str, Any], now: datetime
) -> bool:
    """Note whether the number belongs to a place of work; False if nothing changes, as without a
    word about it."""
    number = lock_number(connection, blind_index)
    actor = Actor(payload["actor"]) if "actor" in payload else CONTACT_CHANGE
    match payload.get("phone_at_work"):
        case True:
            return note_number_fact(connection, number, NumberFact.AT_WORK, actor, now)
        case False:
            return end_number_facts(connection, number, {NumberFact.AT_WORK}, actor, now)
        case _:
            return False


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
